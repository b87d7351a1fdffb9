"""Writing for a caller: how long it may take, and what he is told where the disk takes nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol

from edge.serving.problems import Problem

WRITE_S_MAX = 10.0
"""How long a caller waits for the disk, and for those before him."""
RETRY_AFTER_S = 10
QUEUED = "the disk is slow; it is queued, look again later"
"""Of a log that keeps what a bad disk refuses and writes it later."""
UNKNOWN = "the disk is slow; whether it was written is not known, look again later"
"""Of a store that lets go of what a bad disk refuses."""
_NOT_WRITTEN = "the disk is slow; nothing was written, say it again later"


class HasFault(Protocol):
    """What writes to a disk and knows whether it can."""

    @property
    def fault(self) -> str | None:
        """Why the disk takes no records just now; None while it does."""
        ...


class HandOver:
    """Whether what a caller says has been given to the disk."""

    def __init__(self) -> None:
        """Not yet."""
        self.is_begun = False

    def begin(self, log: HasFault) -> None:
        """Begin to hand over; what the disk would not take is refused at once.

        Raises:
            Problem: 503, nothing has been handed over.
        """
        if log.fault is not None:
            raise _make_problem(f"the disk takes no records: {log.fault}; try later")
        self.is_begun = True


@asynccontextmanager
async def written_in_time(late: str) -> AsyncIterator[HandOver]:
    """Bound how long the block waits for the disk; what is yielded is told when it hands over.

    Raises:
        Problem: 503, with `late` of what had been handed over; else nothing was, nor will be.
    """
    handing = HandOver()
    try:
        async with asyncio.timeout(WRITE_S_MAX):
            yield handing
    except TimeoutError as exc:
        raise _make_problem(late if handing.is_begun else _NOT_WRITTEN) from exc


def _make_problem(why: str) -> Problem:
    return Problem(503, why, headers={"Retry-After": str(RETRY_AFTER_S)})
