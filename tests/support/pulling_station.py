"""The pulling half of a station over real poles: store, collectors, files, words, no page.

async with pulling(tmp_path / "station") as station:
    station.add("P1", bad.url, token_file)
    await wait_until(lambda: station.opened("P1") == 3)
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from edge.clock import SystemClock
from edge.feeds import FEEDS, ClockReading, Feed
from edge.station.client_tls import ClientContexts
from edge.station.config import PoleSite, Station, StationConfig, Store
from edge.station.own_alerts import OwnAlerts, Pen, read_open
from edge.station.ports.arrivals import Arrival
from edge.station.ports.links import PoleView
from edge.station.pulling.answer import Limits
from edge.station.pulling.collector import Collector, Rhythm
from edge.station.pulling.contact import Contacts
from edge.station.pulling.flaw_book import FlawBook
from edge.station.pulling.meeting import Roster
from edge.station.pulling.one_pole import OnePole
from edge.station.pulling.pole_client import HttpPoleClient
from edge.station.pulling.slots import Slots
from edge.station.pulling.transfers import Transfers, Yard
from edge.station.pulling.words import Words
from edge.station.store.station_store import StationStore
from edge.station.store.store_file import StoreSettings
from edge.supervise import Passing

LIMITS = Limits(connect_s=2, headers_s=2, wait_spare_s=2, answer_s=3, pace_s=1)
_HURRY = 20.0
"""Waits between tries are so much shorter."""


async def hurried_sleep(seconds: float) -> None:
    """Wait less than was asked for; nothing here measures how long."""
    await asyncio.sleep(seconds / _HURRY)


def read_clock() -> ClockReading:
    """A clock that is right."""
    return ClockReading("synced", "boot-1", SystemClock().monotonic_ns() // 1_000_000)


@dataclass
class PullingStation:
    """What a test does with it."""

    store: StationStore
    own: OwnAlerts
    contacts: Contacts
    roster: Roster
    group: asyncio.TaskGroup
    stack: AsyncExitStack
    passing: Passing
    limits: Limits = LIMITS
    tasks: dict[str, asyncio.Task[None]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._yard = Yard(self.store.parts_folder, Slots(), self.own, self.passing)
        self._contexts = ClientContexts(None)

    async def pull(self, site: PoleSite) -> None:
        """Begin to pull a pole; its name is one of those the station was begun with."""
        client = await self.stack.enter_async_context(
            HttpPoleClient(site, self._contexts, self.limits)
        )
        contact = self.contacts.of(site.name)
        flaws = FlawBook(site.name, self.own, contact, self.passing.clock)
        one = OnePole(
            site.name, site.key, client, self.store, contact, self.own, flaws, self.passing
        )
        collector = Collector(
            one, Transfers(client, self.store, contact, self._yard),
            Words(client, self.store, contact, self.passing), roster=self.roster,
            rhythm=Rhythm(spread_s=0, wait_s=2),
        )  # fmt: skip
        self.tasks[site.name] = self.group.create_task(collector.run())

    def view(self, pole: str) -> PoleView:
        """What a desk sees of a pole."""
        return self.contacts.of(pole).view()

    def has_failed(self, pole: str) -> bool:
        """Whether its last answer was none that counts."""
        return any(each.has_failed for each in self.contacts.observe() if each.pole == pole)

    def troubles(self, pole: str) -> set[str]:
        """What is wrong with a pole."""
        return {trouble.what for trouble in self.view(pole).troubles}

    async def arrivals(self, pole: str, *feeds: Feed) -> list[dict[str, Any]]:
        """Every record of a pole that is on disk here, in the order it came."""
        found: list[Arrival] = []
        while page := await self.store.arrivals(
            after=found[-1].number if found else 0, feeds=feeds or FEEDS, limit=500
        ):
            found += page
        return [msgspec.json.decode(each.body) for each in found if each.pole == pole]

    async def opened(self, pole: str) -> list[str]:
        """The alerts of a pole in the order they came, one for each alert.open."""
        records = await self.arrivals(pole, "alerts")
        return [each["alert"] for each in records if each["kind"] == "alert.open"]

    async def own_alerts(self) -> list[tuple[str, dict[str, Any]]]:
        """The station's own alerts as they were opened: name of the rule, data."""
        records = await self.arrivals("station", "alerts")
        return [
            (each["rule"]["name"], each["data"]) for each in records if each["kind"] == "alert.open"
        ]


@asynccontextmanager
async def pulling(
    folder: Path,
    *names: str,
    limits: Limits = LIMITS,
    sleep: Callable[[float], Awaitable[None]] = hurried_sleep,
) -> AsyncIterator[PullingStation]:
    """Run a station over a store that is there or is begun; it ends as `kill` would end it."""
    clock = SystemClock()
    passing = Passing(clock, sleep)
    poles = tuple(PoleSite(name=name, url="http://x", token_file="x") for name in names)
    config = StationConfig(
        station=Station(id="station"), poles=poles, store=Store(path=str(folder))
    )
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(
            StationStore(folder, StoreSettings.of(config), clock=clock, read_clock=read_clock)
        )
        own = OwnAlerts(store, Pen(clock, read_clock))
        async for each in read_open(store, "station"):
            own.take_up(each)
        known = {name: found for name in names if (found := await store.identity(name))}
        async with asyncio.TaskGroup() as group:
            station = PullingStation(
                store, own, Contacts(dict.fromkeys(names), clock), Roster(known), group, stack,
                passing, limits,
            )  # fmt: skip
            yield station
            for task in station.tasks.values():
                task.cancel()


async def until(holds: Any, *, what: str = "") -> None:
    """Wait until an async condition holds; the test's own time bounds it."""
    while not await holds():  # noqa: ASYNC110 - what is waited for is not ours to signal
        await asyncio.sleep(0.02)
