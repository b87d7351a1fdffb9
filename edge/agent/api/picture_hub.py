"""One live view of an eye for all who watch the same stream: the latest picture wins.

The view is read as fast as it comes, however slow its viewers are, so that nobody's picture is
older than his own link makes it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import TypeAlias

from edge.errors import EdgeError, MediaError
from edge.serving.problems import Problem

SILENCE_S_MAX = 10.0
"""A view that brings nothing for so long shows a lost camera; whoever wants it may ask again."""
PICTURE_BYTES_MAX = 16 * 2**20
VIEWERS_MAX = 64

View: TypeAlias = AbstractAsyncContextManager[asyncio.StreamReader]


@dataclass(frozen=True, slots=True)
class Picture:
    """A JPEG and its place in the order of its view, from 1."""

    number: int
    jpeg: bytes


class PictureHub:
    """The pictures of one view as they come."""

    def __init__(self, view: View) -> None:
        """Nothing is opened before `run`."""
        self._view = view
        self._changed = asyncio.Event()
        self._latest = Picture(0, b"")
        self._fault: EdgeError | None = None
        self.is_over = False

    async def run(self) -> None:
        """Read pictures until the eye hangs up, falls silent or can't be asked."""
        try:
            async with self._view as reader:
                while True:
                    async with asyncio.timeout(SILENCE_S_MAX):
                        self._show(await _read_picture(reader))
        except EdgeError as exc:
            self._fault = exc
        except (asyncio.IncompleteReadError, TimeoutError, OSError):
            pass  # the eye hung up or shows nothing: the viewers' answers end
        finally:
            self.is_over = True
            self._tell()

    async def wait_for_next(self, after: int) -> Picture | None:
        """Wait for a picture newer than the one of that number; None: there will be none.

        Raises:
            EdgeError: the view could not be had, or brought no pictures.
        """
        while self._latest.number <= after:
            if self._fault is not None:
                raise self._fault
            if self.is_over:
                return None
            await self._changed.wait()
        return self._latest

    def _show(self, jpeg: bytes) -> None:
        self._latest = Picture(self._latest.number + 1, jpeg)
        self._tell()

    def _tell(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()


@dataclass(slots=True)
class _Place:
    hub: PictureHub
    task: asyncio.Task[None]
    viewers: int = 0


class PictureHubs:
    """The hubs that somebody watches, by camera and stream; each ends with its last viewer."""

    def __init__(self, group: asyncio.TaskGroup) -> None:
        """`group` owns the tasks that read."""
        self._group = group
        self._places: dict[tuple[str, str], _Place] = {}

    @asynccontextmanager
    async def join(
        self, camera: str, stream: str, open_view: Callable[[], View]
    ) -> AsyncIterator[PictureHub]:
        """Watch a stream for the block; the first one opens the view.

        Raises:
            Problem: 503, `VIEWERS_MAX` watch it.
        """
        key = (camera, stream)
        place = self._places.get(key)
        if place is None or place.hub.is_over:
            hub = PictureHub(open_view())
            place = self._places[key] = _Place(hub, self._group.create_task(hub.run()))
        if place.viewers >= VIEWERS_MAX:
            raise too_many(VIEWERS_MAX, camera)
        place.viewers += 1
        try:
            yield place.hub
        finally:
            place.viewers -= 1
            if not place.viewers:
                place.task.cancel()
                if self._places.get(key) is place:
                    del self._places[key]


async def _read_picture(reader: asyncio.StreamReader) -> bytes:
    """Read a JPEG behind its length, 4 bytes, big-endian (docs/ref/lines.md)."""
    size_bytes = int.from_bytes(await reader.readexactly(4), "big")
    if size_bytes > PICTURE_BYTES_MAX:
        raise MediaError(f"the eye announces a picture of {size_bytes} bytes; restart its camera")
    return await reader.readexactly(size_bytes)


def too_many(count: int, camera: str) -> Problem:
    """Say that nobody more may watch just now."""
    detail = f"{count} watch {camera} in this way, and no more can; close one of them"
    return Problem(503, detail, headers={"Retry-After": "10"})
