"""A pole with a real log on a disk, served over a real socket; its eyes are fakes."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from aiohttp import ClientSession, web
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge.agent.api.app import make_app
from edge.agent.api.context import Pole
from edge.agent.health import Health, judge
from edge.agent.log.pole_log import PoleLog
from edge.agent.ports import OldestUnacked
from edge.agent.tokens import Grant, Tokens, add_token
from edge.clock import Clock, SystemClock, make_ids
from edge.config import model
from edge.feeds import ClockReading, Draft, Feed, Severity
from edge.model import Json
from edge.serving.door import Door
from edge.serving.server import serve
from tests.support.api_pole import ALL_SCOPES, KEY
from tests.support.fake_eyes import FakeEyes, make_status

CAMERAS = ("road", "yard")
CONFIG = model.Config(
    pole=model.Pole(id="SG-017", name="North gate"),
    cameras=tuple(model.Camera(name=name, main=f"rtsp://10.0.0.11/{name}") for name in CAMERAS),
)
AT_MS = 1_795_368_785_120
"""2026-11-22T17:33:05.120Z"""


@dataclass
class ServedPole:
    """What a test does with it: writes records and files, makes tokens, asks."""

    folder: Path
    log: PoleLog
    clock: Clock
    app: web.Application
    client: ClientSession
    server: AsyncExitStack
    """Closed by a test that wants the server to stop earlier."""
    address: str

    def token(
        self, name: str = "desk", *scopes: str, cameras: tuple[str, ...] | None = None
    ) -> dict[str, str]:
        """Make a token; give the header that shows it. Without scopes it has all."""
        grant = Grant(name, scopes or ALL_SCOPES, cameras)
        text = add_token(self.folder, grant, made_at="2026-11-22T17:33:05.120Z")
        return {"Authorization": f"Bearer {text}"}

    def make_id(self) -> str:
        """A fresh ULID."""
        return make_ids(self.clock)(0)

    async def write(self, feed: Feed, kind: str, **fields: Any) -> None:
        """Write one record."""
        await self.log.append([self.draft(feed, kind, **fields)])

    def draft(self, feed: Feed, kind: str, **fields: Any) -> Draft:
        """One record to be."""
        return Draft(feed, self.make_id(), kind, AT_MS, read_clock(), **fields)

    async def open_alert(self, *, camera: str | None = "yard", severity: Severity = "major") -> str:
        """Write an alert.open; give the alert's id."""
        alert = self.make_id()
        rule: Mapping[str, Json] = {"type": "intrusion", "name": "yard-east"}
        await self.write(
            "alerts", "alert.open", camera=camera, alert=alert, severity=severity, rule=rule
        )
        return alert

    async def keep_media(
        self,
        content: bytes,
        *,
        alert: str,
        camera: str = "yard",
        type: str = "video/mp4",
        role: str = "clip",
    ) -> str:
        """Write a file and its record as the agent does; give its hash."""
        sha256 = hashlib.sha256(content).hexdigest()
        path = self.folder / "media" / sha256[:2] / sha256
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        item: dict[str, Json] = {
            "role": role,
            "type": type,
            "bytes": len(content),
            "sha256": sha256,
            "href": f"/v1/media/{sha256}",
        }
        data: dict[str, Json] = {"role": role, "from_t": 0.0, "to_t": 1.0}
        await self.write(
            "media", "media.ready", camera=camera, alert=alert, data=data, media=[item]
        )
        return sha256


def read_clock() -> ClockReading:
    """A clock that is right."""
    return ClockReading("synced", "boot-1", 1000)


@asynccontextmanager
async def serve_pole(
    folder: Path,
    *,
    pole_id: str = "SG-017",
    key: Ed25519PrivateKey = KEY,
    host: str = "127.0.0.1",
    budget_bytes: int | None = None,
) -> AsyncIterator[ServedPole]:
    """Serve a pole whose data folder this is, new or old, on a port of the kernel's choice."""
    clock = SystemClock()
    config = replace(
        CONFIG,
        pole=replace(CONFIG.pole, id=pole_id),
        api=model.Api(listen=f"{host}:8470"),
        link=model.Link(budget_bytes_per_hour=budget_bytes),
    )
    eyes = FakeEyes(*CAMERAS)
    for name in CAMERAS:
        eyes.set(name, replace(make_status(name), frames_age_s=0.1, inference_age_s=1.0))
    async with PoleLog(folder, config.pole, key=key, clock=clock) as log:

        async def judge_health() -> Health:
            statuses = [eyes.status(name) for name in eyes.names]
            oldest = OldestUnacked(0, 0)
            return judge(
                statuses, log_fault=log.fault, tokens_fault=None, oldest=oldest, clock=read_clock()
            )

        pole = Pole(
            config, log, eyes, Tokens(folder), clock, key.public_key(), read_clock,
            lambda: make_ids(clock)(0), judge_health, AT_MS,
        )  # fmt: skip
        app = make_app(pole)
        async with AsyncExitStack() as session, AsyncExitStack() as server:
            (address,) = await server.enter_async_context(serve(app, Door(f"{host}:0")))
            plain = {"Accept-Encoding": "identity"}  # what is told can be read on the wire
            client = await session.enter_async_context(
                ClientSession(f"http://{address}", headers=plain)
            )
            yield ServedPole(folder, log, clock, app, client, server, address)
