"""What the parts that pull one pole share: whose it is, where it is asked, where things go."""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import dataclass, field

from edge.errors import PoleError
from edge.station.own_alerts import OwnAlerts
from edge.station.ports.vault import Vault
from edge.station.pulling.flaw_book import FlawBook
from edge.station.pulling.ports import Contact, PoleClient, Who
from edge.supervise import Passing


@dataclass(frozen=True, slots=True)
class OnePole:
    """A pole as configured, and where what it tells goes.

    `key` is the SHA-256 that its key must have; None: that of the first one that is met.
    `threads` check heavy pages, None: the loop's.
    """

    name: str
    key: str | None
    client: PoleClient
    vault: Vault
    contact: Contact
    own: OwnAlerts
    flaws: FlawBook
    passing: Passing = field(default_factory=Passing)
    threads: Executor | None = None


@dataclass(frozen=True, slots=True)
class Met:
    """Who a pole was when it was met last; `clock_ahead_ms` is its clock less the station's."""

    who: Who
    clock_ahead_ms: int


class MeetAgain(PoleError):
    """It is another one than the one that was met, or has begun another log: ask who it is."""
