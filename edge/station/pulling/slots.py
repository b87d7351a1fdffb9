"""How many files may be on their way to the station at once, and whose turn it is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

SLOTS = 64
CLIP_SLOTS = 48
"""The rest is for snapshots alone: a clip takes minutes over a slow link, and no slot of theirs."""


class Slots:
    """All transfers of the station; who has waited longest is next, whichever pole's it is."""

    def __init__(self, *, slots: int = SLOTS, clip_slots: int = CLIP_SLOTS) -> None:
        """All are free."""
        self._all = asyncio.Semaphore(slots)
        self._clips = asyncio.Semaphore(clip_slots)

    @property
    def is_crowded(self) -> bool:
        """Whether somebody waits for his turn."""
        return self._all.locked() or self._clips.locked()

    @asynccontextmanager
    async def turn(self, *, is_snapshot: bool) -> AsyncIterator[None]:
        """Wait for a slot and hold it for the block."""
        if is_snapshot:
            async with self._all:
                yield
        else:
            async with self._clips, self._all:
                yield
