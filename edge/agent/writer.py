"""The one thread that writes the log: what arrives together shares a commit."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TypeAlias

from edge.agent.feeds import Draft
from edge.agent.records import Records
from edge.errors import EdgeError
from edge.evidence import Sealed

GROUP_MAX = 256
"""Records in one commit; a sync costs as much as sealing some ten of them."""

Told: TypeAlias = Future[list[Sealed]]


@dataclass(frozen=True, slots=True)
class _Job:
    drafts: Sequence[Draft]
    told: Told = field(default_factory=Future)


class LogWriter:
    """Writes records in the order in which they are handed over, on a thread of its own."""

    def __init__(self, open_log: Callable[[], Records]) -> None:
        """`open_log` is called on the thread, which owns the connection from then on."""
        self._open_log = open_log
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._opened: Future[str] = Future()
        self._thread = threading.Thread(target=self._run, name="log")

    def start(self) -> str:
        """Open the log and say its epoch.

        Raises:
            StoreError: it can't be opened.
        """
        self._thread.start()
        return self._opened.result()

    def append(self, drafts: Sequence[Draft]) -> Told:
        """Hand records over; they are on disk once the future has its result.

        The future raises StoreError or EvidenceError where none of them was written.
        """
        job = _Job(tuple(drafts))
        self._jobs.put(job)
        return job.told

    def close(self) -> None:
        """Write what waits, then end."""
        self._jobs.put(None)
        self._thread.join()

    def _run(self) -> None:
        try:
            records = self._open_log()
        except EdgeError as exc:
            self._opened.set_exception(exc)
            return
        with records:
            self._opened.set_result(records.epoch)
            while group := self._take():
                _write(records, group)

    def _take(self) -> list[_Job]:
        """Wait for a job and take what has come with it; none when the end was asked for."""
        first = self._jobs.get()
        if first is None:
            return []
        group = [first]
        while sum(len(job.drafts) for job in group) < GROUP_MAX:
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                break
            if job is None:
                self._jobs.put(None)  # after this group
                break
            group.append(job)
        return group


def _write(records: Records, group: Sequence[_Job]) -> None:
    """Write a group in one commit; if it can't be, each job by itself, so that one spoils none."""
    try:
        sealed = iter(records.append([draft for job in group for draft in job.drafts]))
    except EdgeError as exc:
        if len(group) == 1:
            group[0].told.set_exception(exc)
            return
        for job in group:
            _write(records, [job])
        return
    for job in group:
        job.told.set_result([next(sealed) for _ in job.drafts])
