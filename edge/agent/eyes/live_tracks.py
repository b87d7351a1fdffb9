"""The tracks of one eye as it last told them, and waiting for news of them."""

from __future__ import annotations

import asyncio

from edge.agent.eyes.eye_lines import TrackSeen

TRACKS_MAX = 256
"""An eye follows some fifty; beyond this the oldest goes."""


class LiveTracks:
    """Every live track of one camera."""

    def __init__(self) -> None:
        """There is none."""
        self._tracks: dict[int, TrackSeen] = {}
        self._told = asyncio.Event()

    def take(self, line: TrackSeen) -> None:
        """Take note of where a track is, or that it is over."""
        if line.phase == "close":
            self._tracks.pop(line.track, None)
        else:
            self._tracks[line.track] = line
        while len(self._tracks) > TRACKS_MAX:
            del self._tracks[next(iter(self._tracks))]
        self._tell()

    def clear(self) -> None:
        """The eye has ended: nothing is followed."""
        if self._tracks:
            self._tracks.clear()
            self._tell()

    def all(self) -> tuple[TrackSeen, ...]:
        """The tracks, the longest known first."""
        return tuple(self._tracks.values())

    async def wait(self, timeout_s: float) -> bool:
        """Wait until something is told; false: not in this time."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._told.wait()
        except TimeoutError:
            return False
        return True

    def _tell(self) -> None:
        self._told.set()  # wakes all who wait now
        self._told = asyncio.Event()
