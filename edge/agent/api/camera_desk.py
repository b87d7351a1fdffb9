"""Where files are asked of eyes: stills, and clips of what a ring still holds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from typing import BinaryIO

from edge.agent.ports import AskedFile, Eyes
from edge.errors import EyeUnavailable, MediaError
from edge.model import Json
from edge.serving.problems import Problem
from edge.serving.shared_making import SharedMaking
from edge.wire import format_utc

CLIPS_MAX = 16
"""Clips on their way out at once; each is a file as large as a ring until it has left."""
TURN_S_MAX = 20.0
STILL_BYTES_MAX = 32 * 2**20


@dataclass(frozen=True, slots=True)
class Still:
    """A picture, and when it was (milliseconds since 1970)."""

    jpeg: bytes
    at_ms: int


class CameraDesk:
    """Asks one thing at a time of each eye, which has other things to do."""

    def __init__(self, eyes: Eyes) -> None:
        """Nothing has been asked yet."""
        self._eyes = eyes
        self._turns = {name: asyncio.Lock() for name in eyes.names}
        self._stills = {name: SharedMaking(self._now_maker(name)) for name in eyes.names}
        self._clips = 0

    async def take_still(self, name: str, at_ms: int | None) -> Still:
        """Have a still made; of now (None) one is made for all who ask meanwhile.

        Raises:
            EyeUnavailable, EyeRefused, MediaError: see `Eyes.ask_file`.
        """
        if at_ms is None:
            return await self._stills[name].get()
        return await self._make_still(name, {"at": format_utc(at_ms)})

    @asynccontextmanager
    async def open_clip(self, name: str, *, from_ms: int, to_ms: int) -> AsyncIterator[AskedFile]:
        """Have a clip made and keep it for the block; times are milliseconds since 1970.

        Raises:
            Problem: 503, too many are on their way.
            EyeUnavailable, EyeRefused, MediaError: see `Eyes.ask_file`.
        """
        if self._clips >= CLIPS_MAX:
            detail = f"{CLIPS_MAX} clips are being fetched, and no more can be; try again later"
            raise Problem(503, detail, headers={"Retry-After": "10"})
        self._clips += 1
        try:
            asked = {"from": format_utc(from_ms), "to": format_utc(to_ms)}
            async with self._turn(name):
                clip = await self._eyes.ask_file(name, "clip", asked)
            with closing(clip.file):
                yield clip
        finally:
            self._clips -= 1

    def _now_maker(self, name: str) -> Callable[[], Awaitable[Still]]:
        return lambda: self._make_still(name, {})

    async def _make_still(self, name: str, asked: Mapping[str, Json]) -> Still:
        async with self._turn(name):
            made = await self._eyes.ask_file(name, "snapshot", asked)
        with closing(made.file):
            if made.size_bytes > STILL_BYTES_MAX:
                raise MediaError(f"{name}: a snapshot of {made.size_bytes} bytes; look at its eye")
            return Still(await read_on(made.file, made.size_bytes), made.from_ms)

    @asynccontextmanager
    async def _turn(self, name: str) -> AsyncIterator[None]:
        turn = self._turns[name]
        try:
            async with asyncio.timeout(TURN_S_MAX):
                await turn.acquire()
        except TimeoutError as exc:
            raise EyeUnavailable(f"{name}: others are waiting for it too; try again later") from exc
        try:
            yield
        finally:
            turn.release()


async def read_on(file: BinaryIO, bytes_max: int) -> bytes:
    """Read the next bytes of a file, on a thread.

    Raises:
        MediaError: the disk does not give them.
    """
    try:
        return await asyncio.to_thread(file.read, bytes_max)
    except OSError as exc:
        raise MediaError(f"what an eye made can't be read ({exc.strerror}); check disk") from exc
