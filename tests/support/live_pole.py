"""A pole with real eyes, looking at a camera on loopback, served and asked over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from edge.agent.api.context import Pole
from edge.agent.health import Health
from edge.agent.tokens import Grant, Tokens, add_token
from edge.clock import SystemClock, make_ids
from edge.config.load import load_config
from edge.feeds import ClockReading
from edge.serving.patience import Patience
from edge.wire import format_utc
from tests.support.api_pole import ALL_SCOPES, KEY
from tests.support.bad_camera import REAL_TIME, BadCamera
from tests.support.camera_client import Answer, serve_pole
from tests.support.eye_pole import CHEQUER, EyePole, running

HALL = '[[camera]]\nname = "hall"\nmain = "{url}"\nwatch = false\n'


@dataclass
class RealPole:
    """A pole with two cameras, of which the hall is not watched, and somebody who asks it."""

    eyes: EyePole
    camera: BadCamera
    session: aiohttp.ClientSession
    clock: SystemClock
    address: str
    headers: dict[str, str]

    async def get(self, path: str, **params: str) -> Answer:
        """Ask for something that ends."""
        async with self.session.get(f"/v1/cameras/{path}", params=params) as answer:
            return Answer(answer.status, answer.headers, await answer.read())

    def ago(self, seconds: float) -> str:
        """A moment before now."""
        return format_utc(self.clock.utc_ms() - round(seconds * 1000))

    async def wait_s(self, camera: str, seconds: float) -> None:
        """Wait until a camera's eye has seen for so long."""
        begun_ms = self.clock.utc_ms()
        await self.eyes.wait_state(camera, "seeing")
        await self.eyes.wait_until(lambda: self.clock.utc_ms() - begun_ms > seconds * 1000)


@asynccontextmanager
async def real_pole(folder: Path, clip: Path) -> AsyncIterator[RealPole]:
    """Run it; the camera plays the clip again and again."""
    with BadCamera(clip, pace=REAL_TIME) as camera:
        extra = HALL.format(url=camera.url)
        async with running(folder, {"yard": camera.url}, command=CHEQUER, extra=extra) as eyes:
            clock = SystemClock()
            token = add_token(
                folder, Grant("desk", ALL_SCOPES, None), made_at="2026-11-22T17:33:05.120Z"
            )

            async def judge_health() -> Health:
                return Health(())

            pole = Pole(
                load_config(folder / "pole.toml"), eyes.log, eyes.eyes, Tokens(folder), clock,
                KEY.public_key(), lambda: ClockReading("synced", "b00t", 1),
                lambda: make_ids(clock)(0), judge_health, clock.utc_ms(),
            )  # fmt: skip
            headers = {"Authorization": f"Bearer {token}"}
            async with (
                serve_pole(pole, Patience()) as address,
                aiohttp.ClientSession(f"http://{address}", headers=headers) as session,
            ):
                yield RealPole(eyes, camera, session, clock, address, headers)
