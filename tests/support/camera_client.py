"""A pole whose eyes are in the hands of the test, served over a real socket as the agent does."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import aiohttp

from edge.agent.api.app import make_app
from edge.agent.api.context import Pole
from edge.config import model
from edge.serving.door import Door
from edge.serving.patience import Patience
from edge.serving.server import serve
from tests.support.api_pole import Bench
from tests.support.fake_eyes import FakeEyes

ZONE = model.Zone(name="kerb", points=((0.1, 0.6), (0.5, 0.6), (0.5, 0.9)))
LINE = model.Line(name="gate", start=(0.2, 0.5), end=(0.8, 0.5))
CAMERAS = (
    model.Camera(
        name="yard", main="rtsp://10.0.0.11/main", sub="rtsp://10.0.0.11/sub",
        credentials="yard.secret", zones=(ZONE,), lines=(LINE,),
    ),
    model.Camera(name="hall", main="rtsp://10.0.0.12/main", watch=False),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer that was read to its end."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """What it says."""
        return json.loads(self.body)

    def detail(self) -> str:
        """What a problem says; that it is one is held as well."""
        assert self.headers["Content-Type"] == "application/problem+json"
        return str(self.json()["detail"])


@dataclass
class Served:
    """What a test works with."""

    bench: Bench
    eyes: FakeEyes
    session: aiohttp.ClientSession
    address: str

    def header(
        self, name: str = "desk", *scopes: str, cameras: tuple[str, ...] | None = None
    ) -> dict[str, str]:
        """Make a token; give the header that shows it. Without scopes it has all."""
        return {"Authorization": f"Bearer {self.bench.token(name, *scopes, cameras=cameras)}"}

    async def get(
        self, path: str, header: Mapping[str, str], params: Mapping[str, str] | None = None
    ) -> Answer:
        """Ask for something that ends."""
        async with self.session.get(path, headers=header, params=params) as answer:
            return Answer(answer.status, answer.headers, await answer.read())

    def seen(self) -> list[dict[str, object]]:
        """What the audit says of pictures, in order."""
        return [{"camera": each.camera, **each.data} for each in self.bench.log.of("access")]


@asynccontextmanager
async def serve_pole(pole: Pole, patience: Patience) -> AsyncIterator[str]:
    """Serve a pole with all deadlines of the agent; give its HOST:PORT."""
    async with serve(make_app(pole), Door("127.0.0.1:0", patience=patience)) as (address,):
        yield address


@asynccontextmanager
async def serve_cameras(folder: Path, *, reading_s: float = 25.0) -> AsyncIterator[Served]:
    """Serve eyes of a test; `reading_s` is the patience with one who reads slowly."""
    eyes = FakeEyes("yard", "hall")
    bench = Bench(folder, eyes=eyes)
    bench.config = replace(bench.config, cameras=CAMERAS)
    async with (
        serve_pole(bench.pole(), Patience(reading_s=reading_s)) as address,
        aiohttp.ClientSession(f"http://{address}") as session,
    ):
        yield Served(bench, eyes, session, address)
