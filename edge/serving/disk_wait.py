"""Writing for a caller: how long it may take, and what he is told where the disk takes nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol

from edge.serving.problems import Problem

WRITE_S_MAX = 10.0
"""How long a caller waits for the disk; what he said stays queued and is written later."""
RETRY_AFTER_S = 10


class HasFault(Protocol):
    """What writes to a disk and knows whether it can."""

    @property
    def fault(self) -> str | None:
        """Why the disk takes no records just now; None while it does."""
        ...


def require_disk(log: HasFault) -> None:
    """Refuse at once what the disk would not take.

    Raises:
        Problem: 503, nothing has been queued.
    """
    if log.fault is not None:
        raise _not_written(f"the disk takes no records: {log.fault}; try later")


@asynccontextmanager
async def written_in_time() -> AsyncIterator[None]:
    """Bound how long the block waits for the disk.

    Raises:
        Problem: 503, what was handed over will be written all the same.
    """
    try:
        async with asyncio.timeout(WRITE_S_MAX):
            yield
    except TimeoutError as exc:
        raise _not_written("the disk is slow; it is queued, look again later") from exc


def _not_written(why: str) -> Problem:
    return Problem(503, why, headers={"Retry-After": str(RETRY_AFTER_S)})
