"""Those who wait for a number to grow: woken by what they wait for, none of them asks again."""

from __future__ import annotations

import asyncio


class Waiters:
    """Who waits on one number, as a feed's newest seq; for one event loop."""

    def __init__(self) -> None:
        """Nobody waits yet."""
        self._waiting: dict[asyncio.Future[bool], int] = {}

    async def wait(self, *, after: int, timeout_s: float) -> bool:
        """Wait until the number is more than `after`; false: not in this time, or it ends."""
        waiter: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting[waiter] = after
        try:
            async with asyncio.timeout(timeout_s):
                return await waiter
        except TimeoutError:
            return False
        finally:
            del self._waiting[waiter]

    def wake(self, seq: int) -> None:
        """The number has grown to `seq`."""
        for waiter, after in self._waiting.items():
            if after < seq and not waiter.done():
                waiter.set_result(True)

    def let_go(self) -> None:
        """Nothing more will come."""
        for waiter in self._waiting:
            if not waiter.done():
                waiter.set_result(False)
