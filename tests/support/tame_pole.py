"""A pole in memory that a collector follows for simulated hours, and all that the station noted."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from edge.errors import PoleError
from edge.evidence import SignedStatement
from edge.feeds import ClockReading, Cursor, Feed
from edge.station.own_alerts import OwnAlerts, Pen
from edge.station.ports.vault import Identity
from edge.station.pulling.collector import Collector, Rhythm
from edge.station.pulling.contact import Contacts
from edge.station.pulling.flaw_book import FlawBook
from edge.station.pulling.meeting import Roster
from edge.station.pulling.one_pole import OnePole
from edge.station.pulling.pace import Allowance
from edge.station.pulling.ports import FeedPage, Who
from edge.supervise import Passing
from tests.support.api_pole import KEY
from tests.support.fake_client import FakeClient
from tests.support.fake_vault import FakeVault
from tests.support.sealed_chain import LIFE
from tests.support.simulated_time import SimulatedTime

PEM = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
PAGE_MAX = 100
"""So light that no thread checks it: simulated time does not wait for threads."""
IDENTITY = Identity("SG-017", "a" * 64, PEM, "station")


@dataclass
class TamePole(FakeClient):
    """Gives `PoleClient`: a log in memory, what was signed of it, and refusals by what is asked."""

    time: SimulatedTime = field(default_factory=SimulatedTime)
    log: dict[Feed, list[bytes]] = field(default_factory=dict)
    signed: list[SignedStatement] = field(default_factory=list)
    refusals: dict[str, PoleError] = field(default_factory=dict)
    pages_at: dict[Feed, list[int]] = field(default_factory=dict)
    """When pages that held records were given, in seconds."""

    async def who(self) -> Who:
        return Who(IDENTITY, LIFE.epoch, self.time.clock.utc_ms(), {})

    async def page(
        self, feed: Feed, *, after: Cursor | None, limit: int, wait_s: float
    ) -> FeedPage:
        self._refuse(f"feed {feed}")
        first, bodies = after.seq if after else 0, self.log.get(feed, [])
        if wait_s and first >= len(bodies):
            await self.time.sleep(wait_s)
        items = tuple(bodies[first : first + min(limit, PAGE_MAX)])
        if items:
            now_s = self.time.clock.monotonic_ns() // 1_000_000_000
            self.pages_at.setdefault(feed, []).append(now_s)
        upto = first + len(items)
        epoch = LIFE.epoch
        return FeedPage(items, Cursor(epoch, upto), Cursor(epoch, 0), upto < len(bodies))

    async def statements(
        self, feed: Feed, *, after: int
    ) -> tuple[list[SignedStatement], int, bool]:
        self._refuse(f"signatures {feed}")
        said = [s for s in self.signed if s.statement.feed == feed and s.statement.seq > after]
        return said, max([after, *(s.statement.seq for s in said)]), False

    def _refuse(self, what: str) -> None:
        if (error := self.refusals.get(what)) is not None:
            raise error


class Nothing:
    """Files and words of a pole that has none."""

    async def run(self) -> None:
        await asyncio.Event().wait()

    def wake(self) -> None:
        pass


class Follower:
    """A station's collector of one pole."""

    def __init__(
        self,
        client: FakeClient,
        time: SimulatedTime | None = None,
        *,
        allowance: Allowance | None = None,
        dice: float = 0.5,
    ) -> None:
        """Nothing is asked before `run`; each throw of the dice gives the same."""
        self.time = time or SimulatedTime()
        clock, self.vault = self.time.clock, FakeVault()
        own = OwnAlerts(self.vault, Pen(clock, lambda: ClockReading("synced", "b00t", 1)))
        contacts = Contacts({"P1": None}, clock)
        self.contact, self.observe = contacts.of("P1"), contacts.observe
        flaws = FlawBook("P1", own, self.contact, clock)
        passing = Passing(clock, self.time.sleep, dice=lambda: dice)
        pole = OnePole("P1", None, client, self.vault, self.contact, own, flaws, passing)
        rhythm = Rhythm(spread_s=0, allowance=allowance or Allowance())
        self.collector = Collector(pole, Nothing(), Nothing(), roster=Roster({}), rhythm=rhythm)

    async def run(self, *, hours: float) -> None:
        """Follow it for so long."""
        await self.time.run(self.collector.run(), hours=hours)

    @property
    def told(self) -> list[tuple[str, str, str]]:
        """The station's own alerts: kind of record, name of the rule, feed."""
        return [
            (each.kind, str((each.rule or {}).get("name")), str(each.data.get("feed")))
            for each in self.vault.told
        ]

    @property
    def troubles(self) -> set[str]:
        """What is wrong with the pole."""
        return {each.what for each in self.contact.view().troubles}
