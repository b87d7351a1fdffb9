"""Eyes of cameras that film the yard drawn by code, with live pictures and the walker's box.

They give `ports.Eyes` without processes: what the page shows is known to the pixel, and a camera
is lost by a word of the test.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from functools import cache
from typing import Literal

import cv2
import numpy as np

from edge.agent.eyes.eye_lines import SightProof, Source, TrackSeen
from edge.agent.ports import AskedFile, EyeState, EyeStatus
from edge.clock import SystemClock
from edge.errors import EyeUnavailable
from edge.model import Box, Json
from edge.thirdparty.scene import HEIGHT, WALK_S, WIDTH, Picture, draw_moment, make_yard
from edge.wire import format_utc

FPS = 5
WALK_FRAMES = round((WALK_S[1] - WALK_S[0]) * FPS)
CAR_BOX: Box = (0.79, 0.42, 0.966, 0.515)
"""The car that is parked in the yard."""


@cache
def yard() -> Picture:
    """The yard with nobody in it."""
    return make_yard()


@cache
def draw_jpeg(frame: int) -> bytes:
    """Draw the walk's picture of a number."""
    picture = draw_moment(yard(), WALK_S[0] + frame % WALK_FRAMES / FPS)
    is_made, jpeg = cv2.imencode(".jpg", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
    assert is_made
    return jpeg.tobytes()


def walker_box(frame: int) -> Box:
    """Where the walker is in that picture, as scene.py draws him."""
    share = frame % WALK_FRAMES / WALK_FRAMES
    x = -40 + share * (WIDTH + 80)
    y = 420 + 60 * float(np.sin(share * np.pi))
    return ((x - 28) / WIDTH, (y - 154) / HEIGHT, (x + 28) / WIDTH, (y + 4) / HEIGHT)


class DrawnEyes:
    """Eyes of some cameras, of which the first is awake and the others see nothing move."""

    def __init__(self, names: Sequence[str]) -> None:
        self._clock = SystemClock()
        self._begun_ns = self._clock.monotonic_ns()
        self._eyes = {name: self._see(name, is_awake=name == names[0]) for name in names}
        self.view_count = 0

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._eyes)

    def set(self, name: str, state: EyeState, reason: str = "") -> None:
        """What is known of a camera from now on; one that is lost hangs its viewers up."""
        status = self._eyes[name]
        now_ms = self._clock.utc_ms()
        self._eyes[name] = replace(status, state=state, reason=reason, since_ms=now_ms)

    def status(self, name: str) -> EyeStatus:
        return self._eyes[name]

    def tracks(self, name: str) -> tuple[TrackSeen, ...]:
        if name != self.names[0] or not self._sees(name):
            return ()
        frame, at = self._frame(), format_utc(self._clock.utc_ms())
        walker = TrackSeen(name, frame / FPS, at, "update", 7, "person", walker_box(frame), False)
        return (walker, TrackSeen(name, frame / FPS, at, "update", 3, "car", CAR_BOX, True))

    async def wait_for_tracks(self, name: str, *, timeout_s: float) -> bool:
        await asyncio.sleep(min(timeout_s, 1 / FPS))
        return self._sees(name)

    async def ask_file(self, name: str, command: str, arguments: Mapping[str, Json]) -> AskedFile:
        if not self._sees(name) or command != "snapshot":
            raise EyeUnavailable(f"{name} gives no pictures now; see health")
        jpeg = draw_jpeg(self._frame())
        file = tempfile.TemporaryFile()  # noqa: SIM115 - the caller closes it
        file.write(jpeg)
        file.seek(0)
        now_ms = self._clock.utc_ms()
        return AskedFile(file, len(jpeg), "image/jpeg", now_ms, now_ms)

    def view(
        self, name: str, form: Literal["jpeg", "fragments"], stream: Literal["main", "sub"]
    ) -> AbstractAsyncContextManager[asyncio.StreamReader]:
        assert form == "jpeg", f"{form} of {stream}: the page asks for pictures only"
        return self._view(name)

    @asynccontextmanager
    async def _view(self, name: str) -> AsyncIterator[asyncio.StreamReader]:
        if not self._sees(name):
            raise EyeUnavailable(f"{name} gives no pictures now; see health")
        reader = asyncio.StreamReader()
        self.view_count += 1
        filming = asyncio.ensure_future(self._film(name, reader))
        try:
            yield reader
        finally:
            filming.cancel()
            self.view_count -= 1

    async def _film(self, name: str, reader: asyncio.StreamReader) -> None:
        while self._sees(name):
            jpeg = draw_jpeg(self._frame())
            reader.feed_data(len(jpeg).to_bytes(4, "big") + jpeg)
            await asyncio.sleep(1 / FPS)
        reader.feed_eof()

    def _frame(self) -> int:
        return (self._clock.monotonic_ns() - self._begun_ns) * FPS // 1_000_000_000

    def _sees(self, name: str) -> bool:
        return self._eyes[name].state == "seeing"

    def _see(self, name: str, *, is_awake: bool) -> EyeStatus:
        now_ms = self._clock.utc_ms()
        at = format_utc(now_ms)
        source = Source(name, 0.0, at, WIDTH, HEIGHT, 15.0, "h264", 1.0, False)
        sight = SightProof(name, 0.0, at, 9, 9, 9, 9, is_awake, "seeing", 1.0, 52.0)
        return EyeStatus(
            name, True, "seeing", now_ms,
            source=source, sight=sight, frames_age_s=0.5, inference_age_s=2.0,
        )  # fmt: skip
