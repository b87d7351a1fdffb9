"""Time that passes only when every task of a test waits: hours of pulling in a second.

time = SimulatedTime()
passing = Passing(time.clock, time.sleep, dice=lambda: 0.5)
await time.run(collector.run(), hours=3)
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any

from tests.support.clocks import ManualClock

_TURNS = 200
"""Turns of the event loop within which tasks that wait for nothing else come to wait for time."""


class SimulatedTime:
    """Whoever sleeps is woken in order, and the clock stands then where he wanted it."""

    def __init__(self, *, utc_ms: int = 1_700_000_000_000) -> None:
        """Nobody sleeps."""
        self.clock = ManualClock(utc_ms=utc_ms)
        self._sleepers: list[tuple[int, int, asyncio.Future[None]]] = []
        self._count = 0

    async def sleep(self, seconds: float) -> None:
        """Wait until so much has passed."""
        until_ns = self.clock.monotonic_ns() + round(seconds * 1e9)
        woken = asyncio.get_running_loop().create_future()
        self._count += 1
        heapq.heappush(self._sleepers, (until_ns, self._count, woken))
        await woken

    async def run(self, work: Coroutine[Any, Any, None], *, hours: float) -> None:
        """Let something run for so long, and end it; what it raises is raised."""
        task = asyncio.ensure_future(work)
        end_ns = self.clock.monotonic_ns() + round(hours * 3600e9)
        try:
            while not task.done():
                for _ in range(_TURNS):
                    await asyncio.sleep(0)
                if not self._sleepers or self._sleepers[0][0] > end_ns:
                    break
                self._wake_next()
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    def _wake_next(self) -> None:
        until_ns, _, woken = heapq.heappop(self._sleepers)
        self.clock.move((until_ns - self.clock.monotonic_ns()) / 1e9)
        if not woken.done():
            woken.set_result(None)
