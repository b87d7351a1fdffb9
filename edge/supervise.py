"""Keeps something running: restarts it with back-off, whatever it ends with.

The only place outside the API's middleware that catches everything: what fails here has an owner
that starts it again, and says so.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from edge.clock import NS_PER_S, Clock, SystemClock
from edge.errors import EdgeError

FIRST_WAIT_S = 1.0
WAIT_S_MAX = 60.0
JITTER_SHARE = 0.25
"""Waits are up to this much longer, so that what died together does not come back together."""
LONGEST_WAIT_S = WAIT_S_MAX * (1 + JITTER_SHARE)
HEALTH_S = 300.0
"""What ran for so long begins again with the shortest wait."""

_log = logging.getLogger(__name__)

RunOnce: TypeAlias = Callable[[], Awaitable[float | None]]
"""One run; gives the seconds to the next one where it knows better than back-off, else None."""


class Backoff:
    """How long to wait before another try."""

    def __init__(self) -> None:
        """Nothing has failed yet."""
        self._next_s = FIRST_WAIT_S

    def wait_s(self, ran_s: float) -> float:
        """Seconds to wait after a run of `ran_s`, without jitter; each next one is double."""
        if ran_s >= HEALTH_S:
            self._next_s = FIRST_WAIT_S
        waited_s = self._next_s
        self._next_s = min(2 * waited_s, WAIT_S_MAX)
        return waited_s


@dataclass(frozen=True, slots=True)
class Passing:
    """How time passes: a clock to read, a way to wait, and a number in 0..1 for the jitter."""

    clock: Clock = field(default_factory=SystemClock)
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    dice: Callable[[], float] = random.random


async def run_forever(name: str, run_once: RunOnce, passing: Passing) -> None:
    """Run something again and again until cancelled.

    Args:
        name: what it is, for the log.
        run_once: raises what went wrong; an error that is not ours is logged with its trace.
        passing: how time passes.
    """
    backoff = Backoff()
    while True:
        begun_ns = passing.clock.monotonic_ns()
        error: Exception | None = None
        wait_s: float | None = None
        try:
            wait_s = await _run_apart(run_once)
        except Exception as exc:  # noqa: BLE001 - whatever it was, it is run again
            error = exc
        if wait_s is None:
            wait_s = backoff.wait_s((passing.clock.monotonic_ns() - begun_ns) / NS_PER_S)
            wait_s *= 1 + JITTER_SHARE * passing.dice()
        if error is not None:
            _log.error(
                "%s failed: reason=%s retry_s=%.0f", name, error or type(error).__name__, wait_s,
                exc_info=None if isinstance(error, EdgeError) else error,
            )  # fmt: skip
        await passing.sleep(wait_s)


async def _run_apart(run_once: RunOnce) -> float | None:
    """Run it once as a task of its own, so that to be cancelled and to fail can't be mixed up.

    In Python 3.11 a TaskGroup that is cancelled as one of its tasks fails raises the failure and
    loses the cancellation; one that only fails leaves its task marked as cancelled. Both would be
    this task, which could then never be stopped, or would never run it again.
    """
    running = asyncio.ensure_future(run_once())
    try:
        await asyncio.wait([running])
    except asyncio.CancelledError:
        running.cancel()
        await asyncio.wait([running])
        _ = running.cancelled() or running.exception()  # seen: who is cancelled has no use for it
        raise
    return running.result()
