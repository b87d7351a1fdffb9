"""Who watches what of one server: what viewers share, and how many there may be."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

from aiohttp import web

from edge.agent.api.picture_hub import PictureHubs, too_many


class LiveDesk:
    """Who watches what of this server."""

    def __init__(self, group: asyncio.TaskGroup) -> None:
        """`group` owns what reads for several viewers."""
        self.hubs = PictureHubs(group)
        self._seats: Counter[tuple[str, str]] = Counter()

    @contextmanager
    def seat(self, what: str, camera: str, *, most: int) -> Iterator[None]:
        """Count one who watches for the block.

        Raises:
            Problem: 503, there are as many already.
        """
        key = (what, camera)
        if self._seats[key] >= most:
            raise too_many(most, camera)
        self._seats[key] += 1
        try:
            yield
        finally:
            self._seats[key] -= 1


LIVE = web.AppKey("live", LiveDesk)


def set_up(app: web.Application) -> None:
    """Give an app its live desk while it runs."""

    async def run(running: web.Application) -> AsyncIterator[None]:
        async with asyncio.TaskGroup() as group:
            running[LIVE] = LiveDesk(group)
            yield

    app.cleanup_ctx.append(run)
