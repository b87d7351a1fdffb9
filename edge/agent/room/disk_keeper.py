"""Looks at the disk now and then, and has people told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from edge.agent.eyes.chronicle import Pen
from edge.agent.eyes.scribe import tell
from edge.agent.log.pole_log import PoleLog
from edge.agent.room.disk_watch import Disk, DiskWatch, step
from edge.agent.room.media_room import MediaRoom
from edge.supervise import Passing

LOOK_EVERY_S = 5.0


class DiskKeeper:
    """The disk of one pole; `disk` is how it stood when it was looked at last."""

    def __init__(self, log: PoleLog, room: MediaRoom, make_pen: Callable[[], Pen]) -> None:
        """Nothing is looked at yet; `make_pen` is for records."""
        self._log, self._room, self._make_pen = log, room, make_pen
        self.disk = Disk(None, has_reserve=True, media_bytes=None, quota_bytes=None)

    async def run(self, passing: Passing) -> None:
        """Look until cancelled."""
        watch, clock = DiskWatch(), passing.clock
        while True:
            await passing.sleep(LOOK_EVERY_S)
            self.disk = await asyncio.to_thread(self._look)  # a bad one may keep us waiting
            watch, drafts = step(
                watch, self.disk, self._make_pen(),
                now_ns=clock.monotonic_ns(), now_ms=clock.utc_ms(),
            )  # fmt: skip
            for draft in drafts:
                await tell(self._log, draft)

    def _look(self) -> Disk:
        log, room = self._log, self._room
        return Disk(log.fault, log.reserve.is_whole, room.used_bytes, room.quota_bytes)
