"""Eyes without processes that behave as badly as real ones: slow, silent, gone in mid-picture.

The test shows the pictures (`show`), and says what goes wrong and when.
"""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Literal

from edge.agent.eyes.eye_lines import SightProof, Source, TrackSeen
from edge.agent.ports import AskedFile, EyeStatus
from edge.errors import EdgeError, EyeRefused
from edge.model import Box, Json
from edge.wire import format_utc
from tests.support.api_pole import StillEyes

AT_MS = 1_795_368_785_120
"""2026-11-22T17:33:05.120Z"""
VIEWS_MAX = 8
FILE_BYTES_SHORT = 10


@dataclass(frozen=True, slots=True)
class Asked:
    """One thing that was asked of an eye."""

    name: str
    command: str
    arguments: Mapping[str, Json]


@dataclass(slots=True)
class _View:
    name: str
    form: str
    stream: str
    reader: asyncio.StreamReader


def make_status(name: str, *, is_watched: bool = True) -> EyeStatus:
    """A camera that sees."""
    at = format_utc(AT_MS)
    return EyeStatus(
        name, is_watched, "seeing", AT_MS,
        source=Source(name, 0.0, at, 1920, 1080, 15.0, "h264", 1.0, False),
        sight=SightProof(name, 100.0, at, 9, 9, 9, 9, True, "seeing", 1.0, 52.0),
    )  # fmt: skip


class FakeEyes(StillEyes):
    """`ports.Eyes` in the hands of a test.

    Attributes:
        asked: what was asked for, in order.
        files: every file that was handed out.
        fault: raised by whatever is asked from now on.
        is_short: files end before the size that is said of them.
        views_opened: in all; `views` are those open now.
    """

    def __init__(self, *names: str) -> None:
        super().__init__(*(make_status(name) for name in names))
        self.asked: list[Asked] = []
        self.files: list[io.BytesIO] = []
        self.views: list[_View] = []
        self.views_opened = 0
        self.fault: EdgeError | None = None
        self.is_short = False
        self.file = b"\xff\xd8 a picture"
        self._tracks: dict[str, tuple[TrackSeen, ...]] = {}
        self._told = asyncio.Event()
        self._free = asyncio.Event()
        self._free.set()

    def stall(self) -> None:
        """Nothing that is asked is answered until `go_on`."""
        self._free.clear()

    def go_on(self) -> None:
        self._free.set()

    def send(self, name: str, content: bytes, *, form: str = "") -> None:
        """Send bytes to every open view of a camera; where a form is given, to those alone."""
        for view in self._views_of(name):
            if form in ("", view.form):
                view.reader.feed_data(content)

    def show(self, name: str, jpeg: bytes) -> None:
        """Send a picture as docs/ref/lines.md has it."""
        self.send(name, len(jpeg).to_bytes(4, "big") + jpeg)

    def hang_up(self, name: str) -> None:
        """End every open view of a camera."""
        for view in self._views_of(name):
            view.reader.feed_eof()

    def follow(self, name: str, *boxes: Box) -> None:
        """Tell of tracks 1, 2 … at these places; of none, that there is none."""
        at = format_utc(AT_MS)
        self._tracks[name] = tuple(
            TrackSeen(name, 100.0, at, "update", number, "person", box, False)
            for number, box in enumerate(boxes, 1)
        )
        told, self._told = self._told, asyncio.Event()
        told.set()

    def tracks(self, name: str) -> tuple[TrackSeen, ...]:
        return self._tracks.get(name, ())

    async def wait_for_tracks(self, name: str, *, timeout_s: float) -> bool:
        try:
            async with asyncio.timeout(timeout_s):
                await self._told.wait()
        except TimeoutError:
            return False
        return True

    async def ask_file(self, name: str, command: str, arguments: Mapping[str, Json]) -> AskedFile:
        self.asked.append(Asked(name, command, arguments))
        await self._free.wait()
        if self.fault is not None:
            raise self.fault
        content = self.file[:FILE_BYTES_SHORT] if self.is_short else self.file
        self.files.append(io.BytesIO(content))
        media_type = "image/jpeg" if command == "snapshot" else "video/mp4"
        return AskedFile(self.files[-1], len(self.file), media_type, AT_MS - 8000, AT_MS - 2000)

    def view(
        self, name: str, form: Literal["jpeg", "fragments"], stream: Literal["main", "sub"]
    ) -> AbstractAsyncContextManager[asyncio.StreamReader]:
        return self._open(_View(name, form, stream, asyncio.StreamReader()))

    @asynccontextmanager
    async def _open(self, view: _View) -> AsyncIterator[asyncio.StreamReader]:
        await self._free.wait()
        if self.fault is not None:
            raise self.fault
        if len(self._views_of(view.name)) >= VIEWS_MAX:
            raise EyeRefused(f"live: {VIEWS_MAX} views are open; close one first")
        self.views_opened += 1
        self.views.append(view)
        try:
            yield view.reader
        finally:
            self.views.remove(view)

    def _views_of(self, name: str) -> list[_View]:
        return [view for view in self.views if view.name == name]
