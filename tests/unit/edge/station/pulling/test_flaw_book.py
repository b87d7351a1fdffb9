"""What is told of a pole's faults: each that is new at once, each alert until somebody knows."""

from __future__ import annotations

import pytest

from edge.errors import StoreError
from edge.feeds import ClockReading
from edge.model import Json
from edge.station.own_alerts import OpenOwn, OwnAlerts, Pen
from edge.station.pulling.contact import Contacts
from edge.station.pulling.flaw_book import SORTS_MAX, TURN_S, FlawBook
from tests.support.aio import run_async
from tests.support.clocks import ManualClock
from tests.support.fake_vault import FakeVault


class Bench:
    """A book, the vault it writes to, and the clock it goes by."""

    def __init__(self) -> None:
        self.vault, self.clock = FakeVault(), ManualClock()
        self.own = OwnAlerts(self.vault, Pen(self.clock, lambda: ClockReading("synced", "b00t", 1)))
        self.contact = Contacts({"P1": None}, self.clock).of("P1")
        self.book = self.open()

    def open(self) -> FlawBook:
        """The book as a start of the station finds it."""
        return FlawBook("P1", self.own, self.contact, self.clock)

    def know(self) -> None:
        """Somebody acknowledges what was told last."""
        self.vault.known.add(str(self.vault.told[-1].alert))

    @property
    def kinds(self) -> list[str]:
        return [kind for kind, _ in self.vault.rules()]

    def alerts(self) -> int:
        return len({each.alert for each in self.vault.told})


@run_async
async def test_break_is_told_at_once_and_what_adds_no_new_place_waits() -> None:
    bench = Bench()

    for number in (1, 5, 9):
        flaw = f"alerts {number}: missing; {number + 1} follows {number - 1}"
        await bench.book.note("chain", "alerts", "k3f9", [flaw], breaks=[(number, number)])
        bench.clock.move(1)
    await bench.book.note("chain", "alerts", "k3f9", ["alerts 9: missing; 10 follows 8"])
    await bench.book.settle()

    assert bench.kinds == ["alert.open", "alert.update", "alert.update"]
    assert [each.data["breaks"] for each in bench.vault.told] == [[[1, 1]], [[5, 5]], [[9, 9]]]
    bench.clock.move(30)
    await bench.book.settle()
    assert bench.vault.told[-1].data["count"] == 4
    assert "breaks" not in bench.vault.told[-1].data


@run_async
async def test_next_break_of_a_feed_waits_for_its_turn_and_others_do_not() -> None:
    bench = Bench()
    assert bench.book.turn_s("chain", "alerts") == 0
    await bench.book.note("chain", "alerts", "k3f9", ["missing"], breaks=[(1, 1)])
    bench.clock.move(1)

    assert bench.book.turn_s("chain", "alerts") == TURN_S - 1
    assert bench.book.turn_s("chain", "media") == bench.book.turn_s("fork", "alerts") == 0
    bench.clock.move(TURN_S)
    assert bench.book.turn_s("chain", "alerts") == 0


@run_async
async def test_each_sort_of_fault_is_logged_and_a_hostile_pole_fills_no_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    bench = Bench()

    for number in range(9):
        await bench.book.note("chain", "alerts", "k3f9", [f"alerts {number}: missing"])
    await bench.book.note("chain", "alerts", "k3f9", ["alerts 9: was changed"])
    assert [each.rpartition("reason=")[2] for each in caplog.messages] == [
        "alerts 0: missing", "alerts 9: was changed",
    ]  # fmt: skip
    assert bench.kinds == ["alert.open", "alert.update"]
    for number in range(200):
        await bench.book.note("chain", "alerts", "k3f9", ["x" * number])
    assert len(caplog.messages) == SORTS_MAX
    assert len(bench.vault.told) == SORTS_MAX


@pytest.mark.parametrize("is_started_anew", [False, True])
@run_async
async def test_break_opens_a_new_alert_when_somebody_has_acknowledged_the_one_before(
    is_started_anew: bool,
) -> None:
    bench = Bench()
    await bench.book.note("chain", "alerts", "k3f9", ["alerts 1: missing"], breaks=[(1, 1)])
    bench.know()
    book = bench.open() if is_started_anew else bench.book

    await book.note("chain", "alerts", "k3f9", ["alerts 1: missing"])
    assert bench.alerts() == 1, "the same again is no news"
    await book.note("chain", "alerts", "k3f9", ["alerts 5: missing"], breaks=[(5, 5)])

    assert bench.kinds == ["alert.open", "alert.close", "alert.open"]
    assert bench.alerts() == 2
    assert bench.vault.told[-1].data["count"] == 1
    await book.note("chain", "alerts", "k3f9", ["alerts 7: missing"], breaks=[(7, 7)])
    assert bench.kinds[3:] == ["alert.update"], "nobody knows of the new one yet"


@run_async
async def test_another_log_is_an_alert_of_its_own_told_once_for_each() -> None:
    bench = Bench()
    await bench.book.note("chain", "alerts", "k3f9", ["alerts 1: missing"], breaks=[(1, 1)])
    bench.know()

    await bench.book.note_reset("an3w", "begun another log: alerts after 5, media after 3")
    await bench.book.note_reset("an3w", "begun another log: media after 3")
    assert bench.kinds == ["alert.open", "alert.open"]
    assert bench.alerts() == 2
    await bench.open().note_reset("n3xt", "begun another log: alerts after 2")
    assert bench.kinds[2:] == ["alert.update"], "who begins ever another gets one alert"
    bench.know()
    await bench.open().note_reset("l4st", "begun another log: alerts after 2")

    assert bench.kinds[3:] == ["alert.close", "alert.open"]
    assert {trouble.what for trouble in bench.contact.view().troubles} == {
        "chain alerts", "chain log",
    }  # fmt: skip


@run_async
async def test_reset_is_told_when_the_disk_takes_it_at_last() -> None:
    bench = Bench()
    bench.vault.fault = "full"
    for _ in range(2):
        with pytest.raises(StoreError):
            await bench.book.note_reset("an3w", "begun another log")
    bench.vault.fault = None

    await bench.book.note_reset("an3w", "begun another log")

    assert bench.kinds == ["alert.open"]


@run_async
async def test_alert_of_a_pole_is_gone_on_with_and_ends_when_the_station_is_started_anew() -> None:
    bench = Bench()
    told: dict[str, Json] = {"pole": "P1", "about": "P1 media", "count": 3, "breaks": [[1, 1]]}
    bench.own.take_up(OpenOwn("01OLD", "chain", told))
    bench.own.take_up(OpenOwn("01TWO", "chain", {**told, "pole": "P2", "about": "P2 media"}))
    book = bench.open()

    await book.note("chain", "media", "k3f9", ["media 9: missing"], breaks=[(9, 9)])
    assert (bench.vault.told[-1].alert, bench.vault.told[-1].data["count"]) == ("01OLD", 4)
    bench.clock.move(3601)
    await book.settle()

    assert [each.alert for each in bench.vault.told] == ["01OLD", "01OLD"]
    assert bench.kinds[-1] == "alert.close"
