"""The watch: what it tells, when the disk takes it, and over a start of the station."""

from __future__ import annotations

import asyncio

import pytest

from edge.errors import PoleUnreachable, StoreError
from edge.feeds import FEEDS, ClockReading
from edge.station.own_alerts import OpenOwn, OwnAlerts, Pen
from edge.station.pulling.contact import Contacts
from edge.station.pulling.silence_watch import SilenceWatch
from edge.supervise import Passing
from tests.support.clocks import ManualClock
from tests.support.fake_vault import FakeVault

SITES = {"P1": "gate", "P2": "gate", "P3": None}


class Desk:
    """A station of three poles whose time is moved by hand."""

    def __init__(self, vault: FakeVault, clock: ManualClock) -> None:
        self.vault, self.clock = vault, clock
        self.contacts = Contacts(SITES, clock)
        self.own = OwnAlerts(vault, Pen(clock, lambda: ClockReading("synced", "boot", 1)))
        self.watch = SilenceWatch(self.contacts, self.own, passing=Passing(clock))

    def live(self, seconds: int, *, lost: tuple[str, ...] = ()) -> None:
        """Let time pass; all but those who are lost answer each second."""
        for _ in range(seconds):
            self.clock.move(1)
            for name in SITES:
                contact = self.contacts.of(name)
                if name in lost:
                    contact.failed(PoleUnreachable("no route"))
                    continue
                contact.heard()
                for feed in FEEDS:
                    contact.took(feed, records=0, alerts=0, has_more=False)
            asyncio.run(self.watch.look())

    @property
    def told(self) -> list[tuple[str, str]]:
        """What was told: kind and site."""
        return [(each.kind, str(each.data["about"])) for each in self.vault.told]


def test_a_silent_pole_is_an_alert_after_a_minute_and_over_when_all_is_here() -> None:
    desk = Desk(FakeVault(), ManualClock())
    desk.live(30)
    desk.live(59, lost=("P3",))
    assert desk.told == []
    desk.live(1, lost=("P3",))
    assert desk.told == [("alert.open", "pole P3")]
    assert desk.contacts.of("P3").view().state == "silent"

    desk.live(120)

    assert [kind for kind, _ in desk.told][-1] == "alert.close"
    assert desk.vault.told[-1].data["reason"] == "heard again; all is here"
    assert {each.alert for each in desk.vault.told} == {desk.vault.told[0].alert}
    assert desk.contacts.of("P3").view().state == "up"


def test_nothing_is_told_when_all_poles_answer() -> None:
    desk = Desk(FakeVault(), ManualClock())
    desk.live(600)

    assert desk.told == []


def test_a_silence_is_told_once_when_the_disk_took_nothing_at_first() -> None:
    desk = Desk(FakeVault(), ManualClock())
    desk.live(59, lost=("P1",))
    desk.vault.fault = "full"
    with pytest.raises(StoreError):
        desk.live(10, lost=("P1",))
    desk.vault.fault = None

    desk.live(10, lost=("P1",))

    assert desk.told == [("alert.open", "site gate")]


def test_a_silence_goes_on_and_ends_when_the_station_was_started_anew() -> None:
    before = Desk(FakeVault(), ManualClock())
    before.live(100, lost=("P1", "P2"))
    opened, *_ = before.vault.told
    newest = before.vault.told[-1]
    assert opened.alert is not None

    after = Desk(FakeVault(), ManualClock(utc_ms=1_700_000_500_000))
    unclosed = [OpenOwn(opened.alert, "silent", newest.data)]
    for each in unclosed:
        after.own.take_up(each)
    after.watch.take_up(unclosed)
    assert after.contacts.of("P1").view().state == "silent"
    after.live(90, lost=("P1",))
    assert {each.alert for each in after.vault.told} == {opened.alert}
    assert "alert.close" not in [kind for kind, _ in after.told]

    after.live(60)

    assert after.told[-1] == ("alert.close", "site gate")
    assert after.vault.told[-1].alert == opened.alert


def test_what_was_missed_counts_on_when_the_station_was_started_anew() -> None:
    before = Desk(FakeVault(), ManualClock())
    before.live(100, lost=("P3",))
    before.contacts.of("P3").heard()
    before.contacts.of("P3").took("alerts", records=500, alerts=50, has_more=True)
    before.contacts.of("P3").landed()
    asyncio.run(before.watch.look())
    before.clock.move(30)
    asyncio.run(before.watch.look())
    opened, newest = before.vault.told[0], before.vault.told[-1]
    assert newest.data["missed"] == {"alerts": 50, "records": 500, "files": 1}

    after = Desk(FakeVault(), ManualClock(utc_ms=1_700_000_500_000))
    after.own.take_up(OpenOwn(str(opened.alert), "silent", newest.data))
    after.watch.take_up([OpenOwn(str(opened.alert), "silent", newest.data)])
    after.contacts.of("P3").heard()
    after.contacts.of("P3").took("alerts", records=300, alerts=30, has_more=False)
    after.contacts.of("P3").landed()
    after.live(120)

    assert after.told[-1] == ("alert.close", "pole P3")
    assert after.vault.told[-1].data["missed"] == {"alerts": 80, "records": 800, "files": 2}


@pytest.mark.parametrize("cause", ["mains", "stopped", "link"])
def test_last_known_cause_is_still_known_when_the_station_was_started_anew(cause: str) -> None:
    before = Desk(FakeVault(), ManualClock())
    before.contacts.of("P3").noted_power(is_lost=cause == "mains")
    before.contacts.of("P3").noted_end(is_stopped=cause == "stopped")
    before.live(100, lost=("P3",))
    opened, newest = before.vault.told[0], before.vault.told[-1]
    assert opened.alert is not None

    after = Desk(FakeVault(), ManualClock(utc_ms=1_700_000_500_000))
    after.own.take_up(OpenOwn(opened.alert, "silent", newest.data))
    after.watch.take_up([OpenOwn(opened.alert, "silent", newest.data)])
    asyncio.run(after.watch.look())  # nobody has been asked
    after.live(400, lost=("P3",))
    after.live(60)

    assert newest.data["cause"] == cause
    assert {each.data["cause"] for each in after.vault.told} == {cause}
