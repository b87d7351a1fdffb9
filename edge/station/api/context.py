"""What the API's handlers work with: the station's parts, built in `station/main.py`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from aiohttp import web
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from edge.clock import Clock
from edge.feeds import ClockReading
from edge.model import Json
from edge.serving.open_metrics import Family
from edge.station.config import StationConfig
from edge.station.ports.arrivals import Arrivals
from edge.station.ports.desk import Desk
from edge.station.ports.links import Links


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the station and whether it works; `reason` says why not, for people."""

    kind: str
    name: str
    is_well: bool
    reason: str = ""
    data: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StationContext:
    """The station, as the API sees it; one for each server.

    Attributes:
        config: as loaded.
        desk: what is kept, for people.
        arrivals: the same, in the order in which it came.
        links: how poles are reached.
        clock: of this machine.
        read_clock: how far that can be trusted, for the station's own records.
        make_id: makes ULIDs.
        public_key: checks what the station signs.
        begun_ms: when the station began.
        judge_parts: every collector and webhook, and whether it runs.
        read_figures: what parts add to /metrics.
        geojson: the user's own map.
    """

    config: StationConfig
    desk: Desk
    arrivals: Arrivals
    links: Links
    clock: Clock
    read_clock: Callable[[], ClockReading]
    make_id: Callable[[], str]
    public_key: Ed25519PublicKey
    begun_ms: int
    judge_parts: Callable[[], Sequence[Part]]
    read_figures: Callable[[], Sequence[Family]] = tuple
    geojson: bytes | None = None

    @property
    def id(self) -> str:
        """What the station is called where poles are named."""
        return self.config.station.id


STATION = web.AppKey("station", StationContext)
