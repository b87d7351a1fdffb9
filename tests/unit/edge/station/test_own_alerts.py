"""One alert of the station's own for each thing that is wrong."""

from __future__ import annotations

import asyncio

import pytest

from edge.errors import StoreError
from edge.feeds import ClockReading
from edge.station.own_alerts import NOT_PULLED, OpenOwn, OwnAlerts, Pen
from tests.support.clocks import ManualClock
from tests.support.fake_vault import FakeVault


def make_own(vault: FakeVault) -> OwnAlerts:
    clock = ManualClock()
    return OwnAlerts(vault, Pen(clock, lambda: ClockReading("synced", "boot", 1)))


def test_a_fault_is_opened_updated_and_closed_when_it_comes_changes_and_goes() -> None:
    vault = FakeVault()
    own = make_own(vault)

    async def tell() -> None:
        await own.say("chain", "P1", {"pole": "P1", "count": 1})
        await own.say("chain", "P1", {"pole": "P1", "count": 1})
        await own.say("chain", "P1", {"pole": "P1", "count": 2})
        await own.say("chain", "P2", {"pole": "P2", "count": 1})
        await own.over("chain", "P1", "sound again", {"count": 3})
        await own.over("chain", "P1", "sound again")

    asyncio.run(tell())

    first, *_ = vault.told
    assert [each.kind for each in vault.told if each.alert == first.alert] == [
        "alert.open", "alert.update", "alert.close",
    ]  # fmt: skip
    assert vault.told[-1].data == {
        "pole": "P1", "count": 3, "about": "P1", "reason": "sound again",
    }  # fmt: skip
    assert (own.find("chain", "P1"), own.find("chain", "P2")) == (
        None, {"pole": "P2", "count": 1, "about": "P2"},
    )  # fmt: skip
    assert (first.severity, first.rule) == ("major", {"type": "station", "name": "chain"})


def test_a_fault_is_one_alert_when_many_tell_it_at_once() -> None:
    vault = FakeVault()
    own = make_own(vault)

    async def tell() -> None:
        await asyncio.gather(*(own.say("fork", "P1", {"pole": "P1"}) for _ in range(20)))

    asyncio.run(tell())

    assert [each.kind for each in vault.told] == ["alert.open"]


def test_a_fault_goes_on_when_the_station_was_started_anew() -> None:
    vault = FakeVault()
    own = make_own(vault)
    own.take_up(OpenOwn("01OLD", "media", {"pole": "P1", "count": 4, "about": "P1"}))

    async def tell() -> None:
        await own.say("media", "P1", {"pole": "P1", "count": 4})
        await own.say("media", "P1", {"pole": "P1", "count": 5})

    asyncio.run(tell())

    assert [(each.kind, each.alert) for each in vault.told] == [("alert.update", "01OLD")]


def test_a_fault_is_told_again_when_the_disk_did_not_take_it() -> None:
    vault = FakeVault(fault="full")
    own = make_own(vault)

    async def tell() -> None:
        with pytest.raises(StoreError):
            await own.say("chain", "P1", {"pole": "P1"})
        vault.fault = None
        await own.say("chain", "P1", {"pole": "P1"})

    asyncio.run(tell())

    assert [each.kind for each in vault.told] == ["alert.open"]


def test_what_is_open_of_a_pole_ends_when_it_is_pulled_no_longer() -> None:
    vault = FakeVault()
    own = make_own(vault)
    own.take_up(OpenOwn("01CLOCK", "clock", {"pole": "P1", "about": "P1"}))
    own.take_up(OpenOwn("01CHAIN", "chain", {"pole": "P2", "about": "P2 alerts"}))
    own.take_up(OpenOwn("01DISK", "disk", {"about": "room"}))

    asyncio.run(own.let_go(["P2"]))

    assert [(each.kind, each.alert, each.data["reason"]) for each in vault.told] == [
        ("alert.close", "01CLOCK", NOT_PULLED)
    ]
    assert own.find("clock", "P1") is None
