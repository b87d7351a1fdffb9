"""Long polls under way: when the server stops they all end at once, with what there is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web


class Polls:
    """The waits of one server."""

    def __init__(self) -> None:
        """None yet."""
        self._waits: set[asyncio.Timeout] = set()
        self._is_over = False

    @asynccontextmanager
    async def wait(self, wait_s: float) -> AsyncIterator[None]:
        """Bound what is awaited in the block.

        Raises:
            TimeoutError: the time is over, or the server stops.
        """
        async with asyncio.timeout(0 if self._is_over else wait_s) as wait:
            self._waits.add(wait)
            try:
                yield
            finally:
                self._waits.discard(wait)

    def end(self) -> None:
        """End all of them, and any that is still to come."""
        self._is_over = True
        now = asyncio.get_running_loop().time()
        for wait in self._waits:
            wait.reschedule(now)


POLLS = web.AppKey("polls", Polls)


def set_up(app: web.Application) -> None:
    """Give an app its polls."""
    polls = app[POLLS] = Polls()

    async def end_polls(_app: web.Application) -> None:
        polls.end()

    app.on_shutdown.append(end_polls)
