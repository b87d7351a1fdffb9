"""A real pole whose link goes down and up: its silence is one alert, which says what was missed."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from edge.errors import PoleUnreachable
from edge.feeds import Draft
from edge.station.client_tls import ClientContexts
from edge.station.config import PoleSite
from edge.station.own_alerts import OwnAlerts, Pen, read_open
from edge.station.pulling.collector import Collector, Rhythm
from edge.station.pulling.contact import Contacts
from edge.station.pulling.flaw_book import FlawBook
from edge.station.pulling.meeting import Roster
from edge.station.pulling.one_pole import OnePole
from edge.station.pulling.pole_client import HttpPoleClient
from edge.station.pulling.silence_pole import Patience
from edge.station.pulling.silence_watch import SilenceWatch
from edge.station.pulling.slots import Slots
from edge.station.pulling.transfers import Transfers, Yard
from edge.station.pulling.words import Words
from edge.station.store.station_store import StationStore
from edge.supervise import Passing
from tests.support.aio import run_async, wait_until
from tests.support.bad_pole import bad_pole
from tests.support.clocks import ManualClock
from tests.support.drafts import make_draft
from tests.support.own_records import own_alerts
from tests.support.pulled_files import BRISK
from tests.support.served_pole import ServedPole, read_clock, serve_pole
from tests.support.station_store import PolePages, make_alert, make_store

pytestmark = pytest.mark.timeout(120)
POLE = "SG-017"
SOON = Patience(silent_s=0.5, hold_s=0.3, settle_s=0.2, news_s=0.05, progress_s=0.1)


async def hurry(wait_s: float) -> None:
    await asyncio.sleep(min(wait_s, 0.05))


@dataclass
class WatchedPole:
    """A station of one pole, as far as pulling and silence go."""

    store: StationStore
    contacts: Contacts

    def state(self) -> str:
        return self.contacts.of(POLE).view().state

    async def silence(self) -> dict[str, Any]:
        """The only alert of that kind; empty while there is none."""
        return (await own_alerts(self.store)).get("silent", {})


@asynccontextmanager
async def watched(pole: ServedPole, folder: Path, url: str) -> AsyncIterator[WatchedPole]:
    """Pull a pole and watch it for the block, as the composition root builds it."""
    passing = Passing(sleep=hurry)
    token = folder / "token"
    if not token.exists():
        token.write_text(pole.token("station")["Authorization"].removeprefix("Bearer "))
        token.chmod(0o600)
    site = PoleSite(name=POLE, url=url, token_file=str(token), site="quay")
    async with (
        make_store(folder / "store", clock=passing.clock) as store,
        HttpPoleClient(site, ClientContexts(None)) as client,
    ):
        contacts = Contacts({POLE: "quay"}, passing.clock)
        own = OwnAlerts(store, Pen(passing.clock, read_clock))
        watch = SilenceWatch(contacts, own, passing=passing, patience=SOON)
        unclosed = [each async for each in read_open(store, "station")]
        for each in unclosed:
            own.take_up(each)
        watch.take_up(unclosed)
        contact = contacts.of(POLE)
        flaws = FlawBook(POLE, own, contact, passing.clock)
        one = OnePole(POLE, None, client, store, contact, own, flaws, passing)
        files = Transfers(
            client, store, contact, Yard(store.parts_folder, Slots(), own, passing, BRISK)
        )
        words = Words(client, store, contact, passing)
        collector = Collector(one, files, words, roster=Roster({}), rhythm=Rhythm(spread_s=0))
        tasks = [asyncio.ensure_future(each) for each in (collector.run(), watch.run())]
        try:
            yield WatchedPole(store, contacts)
        finally:
            for task in tasks:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task


@run_async
async def test_a_silence_is_one_alert_that_says_what_was_missed_when_the_link_is_back(
    tmp_path: Path,
) -> None:
    async with (
        serve_pole(tmp_path / "pole") as pole,
        bad_pole(pole.address) as bad,
        watched(pole, tmp_path, bad.url) as station,
    ):
        await wait_until(lambda: station.state() == "up")
        bad.set(hang_up_at=0)
        alert = await pole.open_alert()
        sha256 = await pole.keep_media(b"clip" * 1000, alert=alert)
        await wait_until(lambda: station.state() == "silent")
        told = await wait_for_silence(station, is_closed=False)

        bad.heal()
        closed = await wait_for_silence(station, is_closed=True)

        assert (told["site"], told["data"]["cause"]) == ("quay", "link")
        assert told["id"] == closed["id"]
        assert closed["close_reason"] == "heard again; all is here"
        missed = closed["data"]["missed"]
        assert (missed["alerts"], missed["files"]) == (1, 1)
        assert missed["records"] >= 2
        assert closed["data"]["poles"][POLE]["complete_at"] is not None
        found = await station.store.find_media(POLE, sha256)
        assert found is not None
        assert hashlib.sha256(found.path.read_bytes()).hexdigest() == sha256


@run_async
async def test_a_silence_goes_on_when_the_station_is_started_anew_meanwhile(
    tmp_path: Path,
) -> None:
    async with serve_pole(tmp_path / "pole") as pole, bad_pole(pole.address) as bad:
        async with watched(pole, tmp_path, bad.url) as station:
            await wait_until(lambda: station.state() == "up")
            bad.set(hang_up_at=0)
            await pole.open_alert()
            before = await wait_for_silence(station, is_closed=False)
        async with watched(pole, tmp_path, bad.url) as station:
            assert station.state() == "silent"
            bad.heal()
            after = await wait_for_silence(station, is_closed=True)

    assert before["id"] == after["id"]


@run_async
async def test_a_pole_that_refuses_us_is_silent_and_says_why(tmp_path: Path) -> None:
    async with serve_pole(tmp_path / "pole") as pole, bad_pole(pole.address) as bad:
        bad.set(status=401)
        async with watched(pole, tmp_path, bad.url) as station:
            told = await wait_for_silence(station, is_closed=False)

            assert station.state() == "refused"
        assert told["data"]["cause"] == "refused"
        assert "token" in told["data"]["poles"][POLE]["detail"]


MAINS = {"type": "system", "name": "mains"}
LOST = make_draft(1, feed="health", kind="power", data={"mains": False})
BACK = make_draft(2, feed="health", kind="power", data={"mains": True})
STOPPED = make_draft(3, feed="health", kind="state", data={"unwell": ["agent stopped"]})
BEGUN = make_draft(4, feed="health", kind="start", data={})
MUCH = [make_draft(10 + n, feed="health", kind="sight") for n in range(150)]


@pytest.mark.parametrize(
    ("drafts", "cause"),
    [
        ([LOST, *MUCH], "mains"),
        ([LOST, BACK], "link"),
        ([STOPPED], "stopped"),
        ([STOPPED, BEGUN], "link"),
        ([make_alert(1, rule=MAINS)], "mains"),
        ([make_alert(1, rule=MAINS), make_alert(1, "alert.close", rule=MAINS)], "link"),
        ([make_alert(1), *MUCH[:2]], "link"),
    ],
    ids=["lost", "back", "stopped", "begun", "alert", "closed", "nothing"],
)
@run_async
async def test_last_known_cause_is_known_when_the_station_is_started_anew_before_the_silence(
    tmp_path: Path, drafts: list[Draft], cause: str
) -> None:
    pages = PolePages()
    async with make_store(tmp_path) as store:
        for draft in drafts:
            await store.keep(pages.page(draft))
    passing = Passing(ManualClock())
    contacts = Contacts({POLE: None, "SG-018": None}, passing.clock)
    async with make_store(tmp_path) as store:
        own = OwnAlerts(store, Pen(passing.clock, read_clock))
        watch = SilenceWatch(contacts, own, passing=passing)
        watch.take_up([])
        await watch.recall(store)

    for name in contacts.names:
        contacts.of(name).heard()
        contacts.of(name).failed(PoleUnreachable("no route"))

    assert [each.cause for each in contacts.observe()] == [cause, "link"]


async def wait_for_silence(station: WatchedPole, *, is_closed: bool) -> dict[str, Any]:
    """Wait until there is an alert of silence, open or closed."""
    while True:
        alert = await station.silence()
        if alert and (alert["closed_at"] is not None) == is_closed:
            return alert
        await asyncio.sleep(0.02)
