"""Silence as desks and receivers see it, in a real store: what is new, and since when."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from edge.errors import PoleUnreachable
from edge.feeds import FEEDS, ClockReading, Severity
from edge.station.outward.message import make_message
from edge.station.own_alerts import OwnAlerts, Pen, read_open
from edge.station.ports.desk import Asked
from edge.station.pulling.contact import Contacts
from edge.station.pulling.silence_watch import SilenceWatch
from edge.station.store.station_store import StationStore
from edge.supervise import Passing
from tests.support.aio import run_async
from tests.support.clocks import ManualClock
from tests.support.drafts import AT_MS
from tests.support.station_store import STATION, make_store, make_word

pytestmark = pytest.mark.timeout(120)
TWO = {"P1": "gate", "P2": "gate"}
MAJOR: tuple[Severity, ...] = ("major",)


@dataclass
class Desk:
    """A station whose poles answer or not, as is said, and whose time is moved by hand."""

    store: StationStore
    clock: ManualClock
    contacts: Contacts
    watch: SilenceWatch

    async def live(self, *seconds: float, lost: tuple[str, ...] = (), without: str = "") -> None:
        """Look after each of these; all but the lost have answered, but never have a feed."""
        for each in seconds:
            self.clock.move(each)
            for name in self.contacts.names:
                contact = self.contacts.of(name)
                if name in lost:
                    contact.failed(PoleUnreachable("no route"))
                    continue
                contact.heard()
                for feed in FEEDS:
                    if feed != without:
                        contact.took(feed, records=0, alerts=0, has_more=False)
            await self.watch.look()

    async def alerts(self) -> list[dict[str, Any]]:
        """The station's own, the newest first."""
        asked = Asked(pole=STATION.id, state="all", newest_first=True)
        page = await self.store.alerts(asked, after=None, limit=100)
        return [json.loads(body) for body in page.bodies]

    async def told_outside(self) -> list[str]:
        """The kinds that a webhook is told."""
        kinds = []
        for each in await self.store.arrivals(after=0, feeds=("alerts",), limit=100):
            made = await make_message(each, station=STATION.id, severities=MAJOR, desk=self.store)
            kinds += [json.loads(made.body)["type"]] if made else []
        return kinds

    async def ack(self, alert: str) -> None:
        word = make_word(1, "alert.ack", pole=STATION.id)
        await self.store.say([replace(word, alert=alert)])


@asynccontextmanager
async def desk(
    folder: Path, sites: Mapping[str, str | None], *, begun_ms: int = AT_MS
) -> AsyncIterator[Desk]:
    clock = ManualClock(utc_ms=begun_ms)
    async with make_store(folder, clock=clock) as store:
        contacts = Contacts(sites, clock)
        own = OwnAlerts(store, Pen(clock, lambda: ClockReading("synced", "boot", 1)))
        watch = SilenceWatch(contacts, own, passing=Passing(clock))
        unclosed = [each async for each in read_open(store, STATION.id)]
        for each in unclosed:
            own.take_up(each)
        watch.take_up(unclosed)
        yield Desk(store, clock, contacts, watch)


@run_async
async def test_a_pole_that_dies_beside_an_acknowledged_silence_is_new_and_told_outside(
    tmp_path: Path,
) -> None:
    week_s = 7 * 86_400.0
    async with desk(tmp_path, TWO) as station:
        await station.live(1, 70, week_s, lost=("P1",))
        (known,) = await station.alerts()
        await station.ack(known["id"])
        assert (await station.store.counts())["new"] == 0

        await station.live(1, 70, lost=("P1", "P2"))

        assert (await station.store.counts())["new"] == 1
        assert await station.told_outside() == ["alert.open", "alert.ack", "alert.open"]
        newest, _ = await station.alerts()
        assert (newest["site"], list(newest["data"]["poles"])) == ("gate", ["P2"])


@run_async
async def test_a_pole_that_was_well_again_and_dies_anew_is_new_while_its_alert_is_open(
    tmp_path: Path,
) -> None:
    async with desk(tmp_path, TWO) as station:
        await station.live(1, 70, lost=("P1", "P2"))
        (known,) = await station.alerts()
        await station.ack(known["id"])
        await station.live(1, 30, 30, 3600, lost=("P1",))

        await station.live(1, 70, lost=("P1", "P2"))

        assert (await station.store.counts())["new"] == 1
        newest, former = await station.alerts()
        assert [list(each["data"]["poles"]) for each in (newest, former)] == [["P2"], ["P1"]]


@run_async
async def test_a_silence_ends_and_says_what_is_to_come_when_a_feed_can_never_be_had(
    tmp_path: Path,
) -> None:
    async with desk(tmp_path, TWO) as station:
        await station.live(1, 70, lost=("P1",))
        await station.live(1, *([10] * 91), without="captures")

        (alert,) = await station.alerts()
        assert alert["close_reason"] == "heard again; records of captures still to come"
        assert alert["data"]["poles"]["P1"]["complete_at"] is None


@run_async
async def test_no_pole_of_hundreds_forgets_since_when_it_is_silent_over_a_start(
    tmp_path: Path,
) -> None:
    sites = {f"SG-{number:04d}": "port" for number in range(300)}
    async with desk(tmp_path, sites) as station:
        await station.live(1)
        await station.live(70, 3600, lost=tuple(sites))
    async with desk(tmp_path, sites, begun_ms=AT_MS + 4_000_000) as station:
        await station.live(1, 70, lost=tuple(sites))
        for name in sites:
            assert station.contacts.of(name).view().state == "silent"
        await station.live(1, 30, 30)

        (alert,) = await station.alerts()
        assert (alert["data"]["count"], alert["close_reason"]) == (300, "heard again; all is here")
        opened = AT_MS + 71_000
        since = {opened + row[1] for row in alert["data"]["others"].values()}
        assert (len(alert["data"]["others"]), since) == (200, {AT_MS + 1_000})
