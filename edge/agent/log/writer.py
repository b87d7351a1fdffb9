"""The one thread that writes the log: what arrives together shares a commit.

A disk that takes nothing (full, read-only, failing) loses nothing: what could not be written waits
in order and is tried again. See `backlog.py` for the bound.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Any, TypeVar

from edge.agent.log.backlog import BACKLOG_MAX, Backlog
from edge.agent.log.records import Records
from edge.agent.promise import Promise
from edge.clock import NS_PER_S, Clock, make_ids
from edge.errors import EdgeError, EvidenceError, StoreError
from edge.feeds import Draft, Placed
from edge.losses import Losses
from edge.thread_state import is_held_by_kernel

GROUP_MAX = 256
"""Records in one commit; a sync costs as much as sealing some ten of them."""
TURN_S_MAX = 20.0
"""The thread has written something, or knows that it can't, within this time."""

_Outcome = TypeVar("_Outcome")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Pace:
    """How patient the writer is.

    Attributes:
        retry_first_s: before a disk that refused is tried again; doubles up to `retry_most_s`.
        probe_s: when nothing was written for so long, a little is, to notice a bad disk early.
        sign_s: the heads of the feeds are signed at least this often.
        backlog_max: records that wait for a bad disk.
    """

    retry_first_s: float = 1.0
    retry_most_s: float = 10.0
    probe_s: float = 30.0
    sign_s: float = 3600.0
    backlog_max: int = BACKLOG_MAX


@dataclass(eq=False, slots=True)
class _Job:
    """Something to do with the log; `told` gets its outcome once that is on disk."""

    work: Callable[[Records], Any]
    drafts: Sequence[Draft] = ()
    told: Future[Any] = field(default_factory=Future)
    outcome: Any = None
    error: EvidenceError | None = None

    def attempt(self, records: Records) -> None:
        """Do it; what is wrong with it alone is kept to be told."""
        try:
            self.outcome, self.error = self.work(records), None
        except EvidenceError as exc:
            self.outcome, self.error = None, exc

    def tell(self) -> None:
        """Tell whoever waits."""
        if self.error is not None:
            self.told.set_exception(self.error)
        else:
            self.told.set_result(self.outcome)


class LogWriter:
    """Writes in the order in which things are handed over, on a thread of its own.

    `make_id` is there once it has started: ids above all that the log has.
    """

    make_id: Callable[[], str]

    def __init__(
        self,
        open_log: Callable[[str | None], Records],
        publish: Callable[[Sequence[Placed]], None],
        *,
        clock: Clock,
        pace: Pace | None = None,
        heed: Callable[[StoreError], bool] = lambda _: False,
    ) -> None:
        """Nothing is opened yet; see `start`.

        Args:
            open_log: called on the thread, which owns the connection; first with None, after a
                failure with the epoch that the log must have.
            publish: called on the thread with what is on disk now, before anybody is told.
            clock: says when heads are due to be signed.
            pace: for tests.
            heed: called on the thread with each error of the disk; whether to try again at once.
        """
        self._open_log, self._publish, self._heed = open_log, publish, heed
        self._clock, self._pace = clock, pace or Pace()
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._backlog: Backlog[_Job] = Backlog(count_max=self._pace.backlog_max)
        self._losses = Losses()
        self._opened: Future[str] = Future()
        self._is_over = False
        self._ending = threading.Event()
        self._records: Records | None = None
        self._epoch: str | None = None
        self._fault: str | None = None
        self._retry_s = self._pace.retry_first_s
        self._signed_ns = clock.monotonic_ns()
        self._promise = Promise(clock)
        self._thread_id = 0
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="log-writer")
        self.running: Future[None] = Future()
        """Done when the thread has ended: with what ended it, where that was an error of ours."""

    @property
    def fault(self) -> str | None:
        """Why the disk takes nothing just now; None while it does."""
        if self._fault is None and self._promise.late_s:
            return f"a write has not come back for {TURN_S_MAX + self._promise.late_s:.0f} s"
        return self._fault

    def hung_s(self) -> float:
        """For how long the thread has hung; 0 while it turns, or waits in the kernel for its disk.

        Nobody can end a process whose thread the kernel holds, and no restart mends its disk.
        """
        late_s = self._promise.late_s
        return 0.0 if late_s and is_held_by_kernel(self._thread_id) else late_s

    def start(self) -> str:
        """Open the log and say its epoch.

        Raises:
            StoreError: it can't be opened.
        """
        self.running = self._thread.submit(self._run)
        told: list[Future[Any]] = [self._opened, self.running]
        wait(told, return_when=FIRST_COMPLETED)
        if not self._opened.done():
            self.running.result()  # raises what has ended the thread
        return self._opened.result()

    def append(self, drafts: Sequence[Draft]) -> Future[list[Placed]]:
        """Hand records over; they are on disk once the future has its result.

        The future can't be cancelled. It raises EvidenceError where none of them can be written,
        StoreError where they were given up on a bad disk (see `backlog.py`) or at the end.
        """
        drafts = tuple(drafts)
        return self._put(_Job(lambda records: records.append(drafts), drafts))

    def ask(self, work: Callable[[Records], _Outcome]) -> Future[_Outcome]:
        """Have something else written; as `append`."""
        return self._put(_Job(work))

    def close(self) -> int:
        """Write what waits, trying a bad disk once more, then end.

        Returns:
            How many records could not be written.
        """
        self._ending.set()
        self._jobs.put(None)
        self._thread.shutdown()
        return sum(len(job.drafts) for job in self._backlog)

    def _put(self, job: _Job) -> Future[Any]:
        job.told.set_running_or_notify_cancel()
        self._jobs.put(job)
        if self._is_over:
            self._refuse_rest()
        return job.told

    def _run(self) -> None:
        self._thread_id = threading.get_native_id()
        try:
            self._records = self._begin()
        except EdgeError as exc:
            self._opened.set_exception(exc)
            return
        self._epoch = self._records.epoch
        make_id = make_ids(self._clock, after=self._records.newest_id)
        self.make_id = lambda: make_id(0)
        self._opened.set_result(self._epoch)
        try:
            while not self._ending.is_set():
                self._gather()
                self._promise.renew(TURN_S_MAX)
                self._write()
            self._promise.rest()
            self._write_rest()
        finally:  # also on an error of ours, so that nobody waits for ever
            self._promise.rest()
            self._is_over = True
            self._fault = self._fault or "the log has been closed"
            self._refuse_rest()
            if self._records is not None:
                self._records.close()

    def _begin(self) -> Records:
        try:
            return self._open_log(None)
        except StoreError as exc:
            if not self._heed(exc):
                raise
            return self._open_log(None)

    def _gather(self) -> None:
        """Wait until there is something to do, and take all that has come."""
        wait_s = self._pace.probe_s if self._fault is None else self._retry_s
        self._promise.renew(wait_s + TURN_S_MAX)
        if self._fault is not None:
            self._ending.wait(self._retry_s)
        elif not self._backlog:
            self._take(timeout_s=self._pace.probe_s)
        while self._take():
            pass
        if self._fault is not None:
            self._give_up()

    def _take(self, *, timeout_s: float = 0) -> bool:
        """Take one job into the backlog; false when none came. None is there to wake the thread."""
        try:
            job = self._jobs.get(timeout_s > 0, timeout_s)
        except queue.Empty:
            return False
        if job is not None:
            self._backlog.add(job)
        return True

    def _give_up(self) -> None:
        for job in self._backlog.trim():
            self._losses.add(job.drafts)
            job.told.set_exception(StoreError(f"given up: too many records wait; {self._fault}"))

    def _write(self) -> bool:
        """Write the first group; with none, prove that it could be. False: the disk refuses."""
        jobs = self._backlog.first(GROUP_MAX)
        now_ns = self._clock.monotonic_ns()
        is_signing = now_ns - self._signed_ns >= self._pace.sign_s * NS_PER_S
        try:
            records = self._open_again()
            with records.group():
                for job in jobs:
                    job.attempt(records)
                if is_signing:
                    records.sign_heads()
            if not jobs:
                records.probe()
        except StoreError as exc:
            if self._heed(exc):
                return self._write()
            self._fail(exc)
            return False
        if is_signing:
            self._signed_ns = now_ns
        self._succeed(jobs)
        return True

    def _succeed(self, jobs: Sequence[_Job]) -> None:
        """Publish what is on disk, then tell those who wait."""
        self._backlog.drop_first(len(jobs))
        good = [job for job in jobs if job.drafts and job.error is None]
        if good:
            self._publish([placed for job in good for placed in job.outcome])
        reason, self._fault = self._fault, None
        if reason is not None:
            _log.warning("log is written again: records=%d", sum(len(job.drafts) for job in jobs))
        self._retry_s = self._pace.retry_first_s
        for job in jobs:
            job.tell()
        loss = self._losses.make_draft(id_=self.make_id(), reason=reason or "")
        if loss is not None:
            self._losses = Losses()
            self.append([loss])

    def _open_again(self) -> Records:
        if self._records is None:
            self._records = self._open_log(self._epoch)
        return self._records

    def _fail(self, exc: StoreError) -> None:
        """Keep the reason, let go of the file, and wait longer each time."""
        if self._fault is not None:
            self._retry_s = min(self._pace.retry_most_s, self._retry_s * 2)
        else:  # a lasting fault is said once; the record of it can't be written now
            _log.error("log is not written, records wait: reason=%s", exc)
        self._fault = str(exc)
        if self._records is not None:
            self._records.close()
            self._records = None

    def _write_rest(self) -> None:
        """Write what is left, as long as the disk takes it, and sign what is not signed yet."""
        while self._take():
            pass
        while self._backlog and self._write():
            while self._take():
                pass
        if self._records is not None:
            try:
                self._records.sign_heads()
            except StoreError as exc:
                self._fail(exc)

    def _refuse_rest(self) -> None:
        while self._take():
            pass
        reason = StoreError(f"not written before the end: {self._fault}")
        for job in self._backlog:
            if not job.told.done():
                job.told.set_exception(reason)
