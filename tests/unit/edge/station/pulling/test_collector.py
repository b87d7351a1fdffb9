"""What the log and desks are told of a pole that can't be pulled, or not all of it."""

from __future__ import annotations

import pytest

from edge.errors import PoleError, PoleUnreachable, PoleWrong
from edge.station.pulling.collector import REASONS_MAX
from edge.station.pulling.ports import PoleBusy
from tests.support.aio import run_async
from tests.support.fake_client import FakeClient
from tests.support.sealed_chain import make_chain
from tests.support.tame_pole import Follower, TamePole


@run_async
async def test_reasons_are_logged_once_when_they_take_turns_and_a_hostile_pole_fills_no_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    turns: list[Exception] = [PoleUnreachable("hung up"), PoleUnreachable("reset")]
    ever_new: list[Exception] = [PoleUnreachable(f"fault {number}") for number in range(100)]
    client = FakeClient(persons=[*turns * 3, *ever_new])
    collector = Follower(client).collector

    for _ in range(6):
        await collector.run_once()
    assert [each.rpartition("reason=")[2] for each in caplog.messages] == ["hung up", "reset"]
    for _ in ever_new:
        await collector.run_once()
    assert len(caplog.messages) == REASONS_MAX


@pytest.mark.parametrize("error", [PoleBusy("it can't just now (503)"), PoleWrong("no page")])
@run_async
async def test_alerts_that_are_refused_for_minutes_are_an_alert_and_the_pole_is_not_up(
    error: PoleError,
) -> None:
    client = TamePole(log={"alerts": make_chain(3)}, refusals={"feed alerts": error})
    station = Follower(client, client.time)

    await station.run(hours=0.035)
    assert station.told == [("alert.open", "chain", "alerts")]
    assert "alerts can't be had" in str(station.vault.told[0].data["detail"])
    assert station.contact.view().state == "catching up"
    client.refusals.clear()
    await station.run(hours=0.05)

    assert station.contact.view().state == "up", "the trouble of before it was met again is over"
    assert len(station.vault.records("P1", "alerts")) == 3


@run_async
async def test_alerts_that_are_refused_once_are_no_alert() -> None:
    client = TamePole(refusals={"feed alerts": PoleBusy("it can't just now (503)")})
    station = Follower(client, client.time)

    await station.run(hours=0.01)
    client.refusals.clear()
    await station.run(hours=0.1)

    assert (station.told, station.troubles) == ([], set())
