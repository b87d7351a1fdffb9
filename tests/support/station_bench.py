"""A station without disk and poles for tests of its API: what it keeps is in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import ClientSession
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge.feeds import ClockReading, Draft
from edge.serving.door import Door
from edge.serving.routes import Route
from edge.serving.server import serve
from edge.serving.token_text import hash_token
from edge.station.api.app import ALL_ROUTES, make_app
from edge.station.api.context import Part, StationContext
from edge.station.config import Role, Station, StationApi, StationConfig, User
from tests.support.clocks import ManualClock
from tests.support.memory_store import MemoryStore
from tests.support.still_links import StillLinks, make_view

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
STATION = "station"
SITES = {"SG-017": "North gate", "SG-018": None}
PEOPLE: dict[str, Role] = {"wang": "viewer", "chen": "operator", "li": "supervisor"}
CLOCK = ClockReading("synced", "boot-1", 1000)


def token_of(person: str) -> str:
    """The text of somebody's token."""
    return f"pw_token-of-{person}"


def headers_of(person: str) -> dict[str, str]:
    """What somebody shows."""
    return {"Authorization": f"Bearer {token_of(person)}"}


def make_config() -> StationConfig:
    """Two poles are told of by the links; here are the people."""
    users = tuple(
        User(name=name, token_hash=hash_token(token_of(name)), role=role)
        for name, role in PEOPLE.items()
    )
    about = Station(id=STATION, name="Duty desk", timezone="Asia/Shanghai")
    return StationConfig(station=about, users=users, api=StationApi(listen="127.0.0.1:0"))


@dataclass
class StationBench:
    """A station to ask, and the parts of it that a test looks at or moves."""

    clock: ManualClock = field(default_factory=ManualClock)
    links: StillLinks = field(
        default_factory=lambda: StillLinks({name: make_view(name) for name in SITES})
    )
    config: StationConfig = field(default_factory=make_config)
    geojson: bytes | None = None
    parts: list[Part] = field(default_factory=list)
    _ids: int = 0

    def __post_init__(self) -> None:
        """The store is of this bench's clock."""
        self.store = MemoryStore(STATION, SITES, self.clock)

    def context(self) -> StationContext:
        """Make the station; call it once, inside the loop."""
        return StationContext(
            self.config, self.store, self.store, self.links, self.clock, lambda: CLOCK,
            self.make_id, KEY.public_key(), self.clock.utc_ms(), lambda: self.parts,
            geojson=self.geojson,
        )  # fmt: skip

    def make_id(self) -> str:
        """Ids that count."""
        self._ids += 1
        return f"01J{self._ids:023d}"

    def open_alert(self, pole: str = "SG-017", **fields: Any) -> str:
        """Open an alert; its id."""
        alert = self.make_id()
        given: dict[str, Any] = {
            "severity": "major", "camera": "yard", "alert": alert,
            "rule": {"type": "intrusion", "name": "fence"}, **fields,
        }  # fmt: skip
        draft = Draft("alerts", self.make_id(), "alert.open", self.clock.utc_ms(), CLOCK, **given)
        self.store.take(pole, draft, is_own=pole == STATION)
        return alert

    def write(self, pole: str, feed: Any, kind: str, **fields: Any) -> None:
        """Write one record of a pole."""
        draft = Draft(feed, self.make_id(), kind, self.clock.utc_ms(), CLOCK, **fields)
        self.store.take(pole, draft)


@asynccontextmanager
async def asking(
    bench: StationBench, routes: tuple[Route, ...] = ALL_ROUTES
) -> AsyncIterator[ClientSession]:
    """Serve it on loopback; a client that asks it."""
    async with (
        serve(make_app(bench.context(), routes), Door("127.0.0.1:0")) as (address,),
        ClientSession(f"http://{address}") as session,
    ):
        yield session
