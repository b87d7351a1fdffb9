"""What waits for a disk that takes nothing: in order, bounded, and what was given up is counted.

Alerts, media and the audit are never given up. Of the rest the least missed go first, and of those
the oldest. Pure.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from typing import Generic, Protocol, TypeVar

from edge.feeds import Draft, Feed

BACKLOG_MAX = 20_000
"""Records that wait: some 30 MiB, or two days of a pole with four cameras and a busy station."""
GIVEN_UP: tuple[frozenset[Feed], ...] = (frozenset({"health", "measures"}), frozenset({"captures"}))
"""What goes when there are more, in this order."""


class Waiting(Protocol):
    """Something to be written; `drafts` are its records, none where it is something else."""

    @property
    def drafts(self) -> Sequence[Draft]:
        """The records it brings."""
        ...


_Job = TypeVar("_Job", bound=Waiting)


class Backlog(Generic[_Job]):
    """A line of jobs, first come first written."""

    def __init__(self, *, count_max: int = BACKLOG_MAX) -> None:
        """`count_max` bounds the records that wait, as far as some may be given up."""
        self._count_max = count_max
        self._jobs: deque[_Job] = deque()
        self._count = 0

    def __len__(self) -> int:
        """How many jobs wait."""
        return len(self._jobs)

    def __iter__(self) -> Iterator[_Job]:
        """The jobs, in order."""
        return iter(self._jobs)

    def add(self, job: _Job) -> None:
        """Put a job at the end."""
        self._jobs.append(job)
        self._count += len(job.drafts)

    def first(self, records_max: int) -> list[_Job]:
        """The jobs whose turn it is: about so many records, at least one job where any waits."""
        group: list[_Job] = []
        count = 0
        for job in self._jobs:
            if count >= records_max:
                break
            group.append(job)
            count += max(1, len(job.drafts))
        return group

    def drop_first(self, count: int) -> None:
        """Take out as many jobs from the front: they have been written."""
        for _ in range(count):
            self._count -= len(self._jobs.popleft().drafts)

    def trim(self) -> list[_Job]:
        """Give up what must go for the rest to have room; returned in order."""
        gone: list[_Job] = []
        for feeds in GIVEN_UP:
            if self._count <= self._count_max:
                break
            kept: deque[_Job] = deque()
            for job in self._jobs:
                if self._count > self._count_max and _is_of(job, feeds):
                    self._count -= len(job.drafts)
                    gone.append(job)
                else:
                    kept.append(job)
            self._jobs = kept
        return gone


def _is_of(job: Waiting, feeds: frozenset[Feed]) -> bool:
    """Whether it brings records of these feeds and nothing else."""
    return bool(job.drafts) and all(draft.feed in feeds for draft in job.drafts)
