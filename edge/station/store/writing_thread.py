"""The one thread that writes the store: what arrives together shares a commit.

A disk that takes nothing (full, read-only, failing, taken away) makes every job that waits fail
with StoreError: poles keep what they were not told is here, desks are told that it did not count.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

from edge.errors import EdgeError, StoreError

GROUP_MAX = 256
"""Jobs in one commit; a sync costs as much as some twenty of them."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Pace:
    """How patient the writer is.

    Attributes:
        retry_first_s: before a disk that refused is tried again; doubles up to `retry_most_s`.
        probe_s: when nothing was written for so long, a little is, to notice a bad disk early.
    """

    retry_first_s: float = 1.0
    retry_most_s: float = 10.0
    probe_s: float = 30.0


class Written(Protocol):
    """What is written: a file that can be opened anew."""

    def group(self) -> AbstractContextManager[None]:
        """Put everything that is done in the block into one commit; raises StoreError."""
        ...

    def single(self) -> AbstractContextManager[None]:
        """Undo what is done in the block where it fails.

        Raises:
            EvidenceError: what was to be written is at fault.
            StoreError: the disk is.
        """
        ...

    def probe(self) -> None:
        """Learn whether the disk takes anything; raises StoreError."""
        ...

    def close(self) -> None:
        """Give the file back."""
        ...


_File = TypeVar("_File", bound=Written)
_Outcome = TypeVar("_Outcome")


@dataclass(eq=False, slots=True)
class _Job(Generic[_File]):
    """Something to be written; `told` gets its outcome once that is on disk."""

    work: Callable[[_File], Any]
    told: Future[Any] = field(default_factory=Future)
    outcome: Any = None
    error: EdgeError | None = None

    def attempt(self, file: _File) -> None:
        """Do it; what is wrong with it alone is kept to be told."""
        try:
            with file.single():
                self.outcome, self.error = self.work(file), None
        except StoreError:
            raise
        except EdgeError as exc:
            self.outcome, self.error = None, exc

    def tell(self) -> None:
        """Tell whoever waits."""
        if self.error is not None:
            self.told.set_exception(self.error)
        else:
            self.told.set_result(self.outcome)


class WritingThread(Generic[_File]):
    """Writes in the order in which things are handed over, on a thread of its own."""

    def __init__(
        self,
        open_file: Callable[[], _File],
        publish: Callable[[_File], None],
        *,
        pace: Pace | None = None,
    ) -> None:
        """Nothing is opened yet; see `start`.

        Args:
            open_file: called on the thread, first and after each failure.
            publish: called on the thread after each commit, before anybody is told.
            pace: for tests.
        """
        self._open_file, self._publish = open_file, publish
        self._pace = pace or Pace()
        self._jobs: queue.SimpleQueue[_Job[_File] | None] = queue.SimpleQueue()
        self._group: Sequence[_Job[_File]] = ()
        self._opened: Future[None] = Future()
        self._ending = threading.Event()
        self._is_over = False
        self._file: _File | None = None
        self._fault: str | None = None
        self.fault_count, self.last_fault = 0, ""
        self._retry_s = self._pace.retry_first_s
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="store-writer")
        self.running: Future[None] = Future()
        """Done when the thread has ended: with what ended it, where that was an error of ours."""

    @property
    def fault(self) -> str | None:
        """Why the disk takes nothing just now; None while it does."""
        return self._fault

    def start(self) -> None:
        """Open the file.

        Raises:
            StoreError: it can't be opened.
        """
        self.running = self._thread.submit(self._run)
        told: list[Future[Any]] = [self._opened, self.running]
        wait(told, return_when=FIRST_COMPLETED)
        if not self._opened.done():
            self.running.result()  # raises what has ended the thread
        self._opened.result()

    def ask(self, work: Callable[[_File], _Outcome]) -> Future[_Outcome]:
        """Have something written; it is on disk once the future has its result.

        The future can't be cancelled. It raises StoreError where the disk did not take it, another
        EdgeError where what was to be written is at fault; nothing of it is there then.
        """
        job: _Job[_File] = _Job(work)
        job.told.set_running_or_notify_cancel()
        self._jobs.put(job)
        if self._is_over:
            self._refuse(self._waiting())
        return job.told

    def close(self) -> None:
        """Write what waits, then end."""
        self._ending.set()
        self._jobs.put(None)
        self._thread.shutdown()

    def _run(self) -> None:
        try:
            self._file = self._open_file()
        except EdgeError as exc:
            self._opened.set_exception(exc)
            return
        self._opened.set_result(None)
        try:
            while not self._ending.is_set():
                self._write(self._gather())
            while jobs := list(self._waiting()):
                self._write(jobs)
        finally:  # also on an error of ours, so that nobody waits for ever
            self._is_over = True
            self._fault = self._fault or "the store has been closed"
            self._refuse([*self._group, *self._waiting()])
            if self._file is not None:
                self._file.close()

    def _gather(self) -> list[_Job[_File]]:
        """Wait until there is something to do, and take what has come."""
        if self._fault is not None:
            self._ending.wait(self._retry_s)
            return list(self._waiting())
        try:
            first = self._jobs.get(timeout=self._pace.probe_s)
        except queue.Empty:
            return []
        return [*([first] if first is not None else []), *self._waiting(GROUP_MAX - 1)]

    def _waiting(self, count_max: int = GROUP_MAX) -> Iterator[_Job[_File]]:
        """Take jobs that are there; None is there to wake the thread."""
        for _ in range(count_max):
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                return
            if job is not None:
                yield job

    def _write(self, jobs: Sequence[_Job[_File]]) -> None:
        """Write a group; with none, prove that it could be."""
        self._group = jobs
        try:
            if self._file is None:
                self._file = self._open_file()
            with self._file.group():
                for job in jobs:
                    job.attempt(self._file)
            if not jobs:
                self._file.probe()
        except StoreError as exc:
            self._fail(exc, jobs)
            return
        self._publish(self._file)
        if self._fault is not None:
            _log.warning("store is written again")
        self._fault, self._retry_s = None, self._pace.retry_first_s
        for job in jobs:
            job.tell()

    def _fail(self, exc: StoreError, jobs: Sequence[_Job[_File]]) -> None:
        """Keep the reason, let go of the file, and wait longer each time."""
        if self._fault is not None:
            self._retry_s = min(self._pace.retry_most_s, self._retry_s * 2)
        else:  # a lasting fault is said once
            _log.error("store is not written: reason=%s", exc)
            self.fault_count += 1
        self._fault = self.last_fault = str(exc)
        if self._file is not None:
            self._file.close()
            self._file = None
        self._refuse([*jobs, *self._waiting()])

    def _refuse(self, jobs: Sequence[_Job[_File]] | Iterator[_Job[_File]]) -> None:
        for job in jobs:
            if not job.told.done():
                job.told.set_exception(StoreError(f"not kept: {self._fault or 'stopped'}"))
