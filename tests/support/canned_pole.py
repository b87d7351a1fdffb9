"""A pole that tells alerts on demand: real log, real API, real files; only its eyes are drawn.

Many of them stand in one process; see `many_poles.py`.
"""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import os
import time
from collections import Counter
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from aiohttp import web
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge.agent.api.app import make_app
from edge.agent.api.context import Pole
from edge.agent.health import Health, judge
from edge.agent.log.pole_log import PoleLog
from edge.agent.ports import OldestUnacked
from edge.agent.tokens import Grant, Tokens, add_token
from edge.clock import SystemClock, make_ids
from edge.config import model
from edge.feeds import ClockReading, Draft, Feed, Severity
from edge.model import Json
from edge.serving.door import Door
from edge.serving.server import serve
from edge.wire import format_utc
from tests.support.alert_book import TYPES, clip_bytes
from tests.support.drawn_eyes import DrawnEyes, draw_jpeg

CAMERA = "yard"
SEVERITIES: tuple[Severity, ...] = ("critical", "major", "minor", "minor", "info")
SNAPSHOT_AFTER_S, CLIP_AFTER_S, CLOSE_AFTER_S = 0.5, 1.5, 0.5
"""Each after the one before it; a real eye's clip comes later, which only spreads the load."""
_FREE_BOX_BYTES = 8


@dataclass
class Served:
    """What was asked of poles: requests and bytes of media, by second (of time.time) and kind."""

    requests: Counter[tuple[int, str]] = field(default_factory=Counter)
    media_bytes: int = 0
    first_ask_s: dict[str, float] = field(default_factory=dict)
    """When each pole was first asked since it came back."""


class CannedPole:
    """One pole; `start` it, have it tell alerts, cut it off and let it come back."""

    def __init__(self, folder: Path, name: str, served: Served) -> None:
        """`folder` is made; `served` counts for all poles of the process."""
        folder.mkdir(mode=0o700)
        self.name, self._folder, self._served = name, folder, served
        self._clock = SystemClock()
        make_id = make_ids(self._clock)
        self._make_id: Callable[[], str] = lambda: make_id(0)
        self._key = Ed25519PrivateKey.generate()
        number = sum(name.encode()) * 7919 + int(name.rpartition("-")[2])
        position = model.Position(
            lat=29.70 + number % 211 / 4000, lon=106.60 + number % 173 / 4000, height_m=9.0
        )
        self._config = model.Config(
            pole=model.Pole(id=name, position=position, timezone="Asia/Shanghai"),
            cameras=(model.Camera(name=CAMERA, main=f"rtsp://10.0.0.11/{CAMERA}"),),
        )
        self._stack = AsyncExitStack()
        self._listen = "127.0.0.1:0"
        self._severities = itertools.cycle(SEVERITIES)
        self.opened: list[str] = []
        self.files = 0

    async def start(self) -> str:
        """Begin to serve; gives the station's token."""
        self.log = await self._stack.enter_async_context(
            PoleLog(self._folder, self._config.pole, key=self._key, clock=self._clock)
        )
        self._eyes = DrawnEyes([CAMERA])
        grant = Grant("station", ("read", "pictures", "ack"), None, is_keeper=True)
        token = add_token(self._folder, grant, made_at=format_utc(self._clock.utc_ms()))
        await self._write("health", "start", data={"version": "0", "cameras": [CAMERA]})
        await self.come_back()
        return token

    @property
    def url(self) -> str:
        """Where it is asked; the same after every return."""
        return f"http://{self._listen}"

    async def close(self) -> None:
        """End."""
        await self.cut()
        await self._stack.aclose()

    async def come_back(self) -> None:
        """Answer, at the address of the first time."""
        self._gone, ready = asyncio.Event(), asyncio.Event()
        self._serving = asyncio.ensure_future(self._serve(ready))
        waiting = asyncio.ensure_future(ready.wait())
        await asyncio.wait((self._serving, waiting), return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if self._serving.done():
            self._serving.result()

    async def cut(self) -> None:
        """Hang up on everybody and answer nobody; what happens is still recorded."""
        self._gone.set()
        await self._serving

    async def tell_alert(
        self, *, clip_size: int, waits: bool = True, rule: str = "fence",
        severity: Severity | None = None,
    ) -> str:  # fmt: skip
        """Open an alert, give it snapshot and clip, close it; the id of it.

        Args:
            clip_size: bytes of the clip, at least those of the canned one.
            waits: let time pass between them, as an eye does.
            rule: its name.
            severity: None: each in turn.
        """
        alert = self._make_id()
        about: dict[str, Any] = {
            "severity": severity or next(self._severities),
            "camera": CAMERA,
            "alert": alert,
            "rule": {"type": "intrusion", "name": rule},
        }
        await self._write("alerts", "alert.open", data={"label": "person"}, **about)
        self.opened.append(alert)
        await asyncio.sleep(SNAPSHOT_AFTER_S * waits)
        await self._keep("snapshot", draw_jpeg(40) + os.urandom(16), alert)
        await asyncio.sleep(CLIP_AFTER_S * waits)
        await self._keep("clip", _make_clip(clip_size), alert)
        await asyncio.sleep(CLOSE_AFTER_S * waits)
        await self._write("alerts", "alert.close", data={"reason": "gone"}, **about)
        return alert

    async def _keep(self, role: str, content: bytes, alert: str) -> None:
        """Write a file and its record as the agent does; unsynced, these poles never lose power."""
        sha256 = hashlib.sha256(content).hexdigest()
        path = self._folder / "media" / sha256[:2] / sha256

        def save() -> None:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)

        await asyncio.to_thread(save)
        self.files += 1
        file: dict[str, Json] = {
            "role": role,
            "type": TYPES[role],
            "bytes": len(content),
            "sha256": sha256,
            "href": f"/v1/media/{sha256}",
        }
        data: dict[str, Json] = {"role": role, "from_t": 0.0, "to_t": 6.0}
        await self._write(
            "media", "media.ready", camera=CAMERA, alert=alert, data=data, media=[file]
        )

    async def _write(self, feed: Feed, kind: str, **fields: Any) -> None:
        draft = Draft(feed, self._make_id(), kind, self._clock.utc_ms(), _read_clock(), **fields)
        await self.log.append([draft])

    async def _serve(self, ready: asyncio.Event) -> None:
        """Be one server from its begin to its end, in one task: its parts own groups of tasks."""
        pole = Pole(
            self._config, self.log, self._eyes, Tokens(self._folder), self._clock,
            self._key.public_key(), _read_clock, self._make_id, self._judge, self._clock.utc_ms(),
        )  # fmt: skip
        app = make_app(pole)
        app.on_response_prepare.append(self._count)
        async with serve(app, Door(self._listen)) as (address,):
            self._listen = address
            ready.set()
            await self._gone.wait()

    async def _count(self, request: web.Request, response: web.StreamResponse) -> None:
        now_s = time.time()
        parts = request.path.split("/")
        kind = parts[2] if len(parts) > 2 else ""
        kind = f"{kind} ack" if parts[-1] == "ack" else kind
        self._served.requests[(int(now_s), kind)] += 1
        self._served.first_ask_s.setdefault(self.name, now_s)
        if kind == "media" and response.content_length:
            self._served.media_bytes += response.content_length

    async def _judge(self) -> Health:
        return judge(
            [self._eyes.status(CAMERA)], log_fault=self.log.fault, tokens_fault=None,
            oldest=OldestUnacked(0, 0), clock=_read_clock(),
        )  # fmt: skip


def _read_clock() -> ClockReading:
    return ClockReading("synced", "boot-1", time.monotonic_ns() // 1_000_000)


@cache
def _padding(size: int) -> bytes:
    return bytes(size)


def _make_clip(size: int) -> bytes:
    """The canned clip with a box that players pass over, so that no two are the same file."""
    clip, unique = clip_bytes(), os.urandom(16)
    room = max(size - len(clip) - _FREE_BOX_BYTES - len(unique), 0)
    length = _FREE_BOX_BYTES + len(unique) + room
    return clip + length.to_bytes(4, "big") + b"free" + unique + _padding(room)
