"""What the log says of a pole that can't be pulled."""

from __future__ import annotations

import asyncio

import pytest

from edge.errors import PoleUnreachable
from edge.feeds import ClockReading
from edge.station.pulling.collector import REASONS_MAX, Collector
from edge.station.pulling.contact import Contacts
from edge.station.pulling.flaw_book import FlawBook
from edge.station.pulling.meeting import Roster
from edge.station.pulling.one_pole import OnePole
from edge.station.pulling.own_alerts import OwnAlerts, Pen
from edge.supervise import Passing
from tests.support.aio import run_async
from tests.support.clocks import ManualClock
from tests.support.fake_client import FakeClient
from tests.support.fake_vault import FakeVault


class Nothing:
    """Files and words of a pole that is never met."""

    async def run(self) -> None:
        await asyncio.Event().wait()

    def wake(self) -> None:
        pass


def make_collector(client: FakeClient) -> Collector:
    clock, vault = ManualClock(), FakeVault()
    own = OwnAlerts(vault, Pen(clock, lambda: ClockReading("synced", "b00t", 1)))
    contact = Contacts({"P1": None}, clock).of("P1")
    flaws = FlawBook("P1", own, contact, clock)
    pole = OnePole("P1", None, client, vault, contact, own, flaws, Passing(clock))
    return Collector(pole, Nothing(), Nothing(), roster=Roster({}))


@run_async
async def test_reasons_are_logged_once_when_they_take_turns_and_a_hostile_pole_fills_no_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    turns: list[Exception] = [PoleUnreachable("hung up"), PoleUnreachable("reset")]
    ever_new: list[Exception] = [PoleUnreachable(f"fault {number}") for number in range(100)]
    client = FakeClient(persons=[*turns * 3, *ever_new])
    collector = make_collector(client)

    for _ in range(6):
        await collector.run_once()
    assert [each.rpartition("reason=")[2] for each in caplog.messages] == ["hung up", "reset"]
    for _ in ever_new:
        await collector.run_once()
    assert len(caplog.messages) == REASONS_MAX
