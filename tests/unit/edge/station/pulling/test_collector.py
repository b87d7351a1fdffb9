"""What the log and desks are told of a pole that can't be pulled, or not all of it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import msgspec
import pytest

from edge.errors import PoleError, PoleUnreachable, PoleWrong
from edge.evidence import SignedStatement, Statement, sign
from edge.feeds import Cursor, Feed
from edge.station.config import POLES_MAX
from edge.station.pulling.collector import REASONS_MAX, Rhythm
from edge.station.pulling.pace import Allowance
from edge.station.pulling.ports import FeedPage, PoleBusy, Who
from edge.station.pulling.silence_pole import USUAL, is_silent
from tests.support.aio import run_async
from tests.support.api_pole import KEY
from tests.support.fake_client import FakeClient
from tests.support.sealed_chain import LIFE, make_chain
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


@pytest.mark.parametrize("poles", [1, 300, POLES_MAX])
def test_first_tries_are_fifty_a_second_and_nobody_is_silent_before_his(poles: int) -> None:
    spread_s = Rhythm.of(poles).spread_s

    assert poles / spread_s == pytest.approx(50)
    assert spread_s < USUAL.surely_s


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


@dataclass
class HalfPole(TamePole):
    """Says who it is, and answers an ask for alerts after so long by hanging up; or not at all."""

    alerts_s: float | None = None
    is_away: bool = False

    async def who(self) -> Who:
        if self.is_away:
            await self.time.sleep(10)
            raise PoleUnreachable("does not answer in time")
        return await super().who()

    async def page(
        self, feed: Feed, *, after: Cursor | None, limit: int, wait_s: float
    ) -> FeedPage:
        if self.is_away or (feed == "alerts" and self.alerts_s is not None):
            await self.time.sleep(wait_s + 25 if self.is_away else self.alerts_s or 0)
            raise PoleUnreachable("does not answer in time")
        return await super().page(feed, after=after, limit=limit, wait_s=wait_s)


@pytest.mark.parametrize("alerts_s", [0.01, 20, 120], ids=["hangs up", "mute", "drips"])
@run_async
async def test_alerts_that_never_come_of_a_pole_that_answers_are_told_within_two_minutes(
    alerts_s: float,
) -> None:
    client = HalfPole(log={"alerts": make_chain(3)}, alerts_s=alerts_s)
    station = Follower(client, client.time)

    await station.run(hours=50 / 3600)
    assert (station.told, station.contact.view().state) == ([], "catching up")
    await station.run(hours=70 / 3600)
    assert station.told == [("alert.open", "chain", "alerts")]
    assert "alerts can't be had" in str(station.vault.told[0].data["detail"])
    assert "feed alerts" in station.troubles
    await station.run(hours=0.4)
    assert len(station.told) == 1
    client.alerts_s = None
    await station.run(hours=0.05)

    assert station.contact.view().state == "up"
    assert "feed alerts" not in station.troubles


@run_async
async def test_pole_that_is_met_seems_never_silent_while_its_alerts_do_not_come() -> None:
    client = HalfPole(alerts_s=20)
    station = Follower(client, client.time, dice=1.0)
    is_silent_at = []

    async def look() -> None:
        while True:
            await client.time.sleep(1)
            (seen,) = station.observe()
            is_silent_at.append(is_silent(seen))

    looking = asyncio.ensure_future(look())
    await station.run(hours=0.3)
    looking.cancel()

    assert is_silent_at == [False] * 1080


@run_async
async def test_alerts_that_stop_coming_leave_the_pole_up_for_no_more_than_a_minute() -> None:
    client = HalfPole(log={"alerts": make_chain(3)})
    client.signed = [sign_head(client.log["alerts"])]
    station = Follower(client, client.time)

    await station.run(hours=0.1)
    assert station.contact.view().state == "up"
    client.alerts_s = 20
    await station.run(hours=100 / 3600)  # a poll of 25 s, then the minute

    assert station.told == [("alert.open", "chain", "alerts")]
    assert station.contact.view().state == "catching up"


@run_async
async def test_link_that_comes_and_goes_is_no_alert_while_pages_are_taken() -> None:
    client = HalfPole(log={"alerts": make_chain(3)})
    client.signed = [sign_head(client.log["alerts"])]
    station = Follower(client, client.time)

    for _ in range(60):
        await station.run(hours=0.01)
        client.alerts_s = 3
        await station.run(hours=0.002)
        client.alerts_s = None

    assert (station.told, station.troubles) == ([], set())


@run_async
async def test_silent_pole_is_no_alert_of_its_feeds_neither_then_nor_when_it_is_back() -> None:
    client = HalfPole(log={"alerts": make_chain(3)})
    client.signed = [sign_head(client.log["alerts"])]
    station = Follower(client, client.time)

    for _ in range(20):
        await station.run(hours=0.05)
        client.is_away = True
        await station.run(hours=0.1)
        client.is_away = False
        client.alerts_s = 5
        await station.run(hours=0.01)
        client.alerts_s = None

    assert (station.told, station.troubles) == ([], set())


@run_async
async def test_disk_here_that_takes_nothing_is_no_fault_of_the_poles_feeds() -> None:
    client = TamePole(log={"alerts": make_chain(3)})
    client.signed = [sign_head(client.log["alerts"])]
    station = Follower(client, client.time)
    station.vault.fault = "full"

    await station.run(hours=0.5)
    station.vault.fault = None
    await station.run(hours=0.1)

    assert (station.told, station.troubles) == ([], set())


def sign_head(log: list[bytes], feed: Feed = "alerts") -> SignedStatement:
    digest = msgspec.json.decode(log[-1])["hash"]
    at = "2026-11-22T17:33:05.120Z"
    said = Statement("head", "SG-017", LIFE.epoch, feed, len(log), digest, at)
    return sign(said, KEY)


@run_async
async def test_alerts_that_are_never_signed_are_an_alert_and_one_that_ends_when_they_are() -> None:
    client = TamePole(log={"alerts": make_chain(3)})
    station = Follower(client, client.time)

    await station.run(hours=0.07)
    assert station.told == [], "the signature may be on its way"
    await station.run(hours=3)
    assert station.told[0] == ("alert.open", "signature", "alerts")
    assert station.told.count(("alert.open", "signature", "alerts")) == 1
    assert len(station.told) < 8, "it is told again each half an hour"
    assert "alerts up to 3: not signed" in str(station.vault.told[0].data["detail"])
    assert len(station.vault.records("P1", "alerts")) == 3, "nothing is withheld"
    client.signed = [sign_head(client.log["alerts"])]
    await station.run(hours=2)

    assert station.told[-1] == ("alert.close", "signature", "alerts")
    assert station.troubles == set()


@run_async
async def test_records_that_nothing_signs_for_more_than_an_hour_are_an_alert() -> None:
    client = TamePole(log={"health": make_chain(3, feed="health", kind="sight")})
    client.refusals["signatures measures"] = PoleBusy("it can't just now (503)")
    station = Follower(client, client.time)

    await station.run(hours=1.2)
    assert station.told == []
    await station.run(hours=0.3)

    assert station.told == [("alert.open", "signature", "health")]


@run_async
async def test_signatures_that_are_refused_count_as_none() -> None:
    client = TamePole(log={"alerts": make_chain(3)})
    client.refusals["signatures alerts"] = PoleWrong("it gives a 404 that no pole gives there")
    station = Follower(client, client.time)

    await station.run(hours=1)

    assert station.told[0] == ("alert.open", "signature", "alerts")


@run_async
async def test_pole_that_signs_each_hour_and_at_alerts_is_no_alert() -> None:
    client = TamePole(log={"alerts": make_chain(1)})
    client.signed = [sign_head(client.log["alerts"])]
    station = Follower(client, client.time)
    whole = make_chain(30, feed="health", kind="sight")

    for count in range(1, 30):
        client.log["health"] = whole[:count]
        if count % 6 == 0:
            client.signed.append(sign_head(client.log["health"], "health"))
        await station.run(hours=1 / 6)

    assert (station.told, station.troubles) == ([], set())


@run_async
async def test_feed_without_end_is_held_back_and_told_and_keeps_no_alert_waiting(
    caplog: pytest.LogCaptureFixture,
) -> None:
    client = TamePole(log={"captures": make_chain(700, feed="captures", kind="capture")})
    allowance = Allowance(burst_bytes=60_000, bytes_per_s=100)
    station = Follower(client, client.time, allowance=allowance)

    await station.run(hours=0.1)
    assert station.troubles == {"rate captures"}
    assert station.told == [], "days without a link may end so"
    client.log["alerts"] = make_chain(1)
    client.signed = [sign_head(client.log["alerts"])]
    client.log["health"] = make_chain(1, feed="health", kind="sight")
    before_s = client.time.clock.monotonic_ns() // 1_000_000_000
    await station.run(hours=0.5)
    assert client.pages_at["alerts"][0] - before_s <= 30
    assert client.pages_at["health"][0] - before_s <= 120
    assert station.told == [("alert.open", "chain", "captures")]
    assert sum("held back" in each for each in caplog.messages) == 1
    whole, last = sum(map(len, client.log["captures"])), client.log["captures"][-100:]
    kept = sum(len(each.body) for each in station.vault.records("P1", "captures"))
    assert kept < whole, "it goes on, and not faster than it may"
    client.signed.append(sign_head(client.log["captures"], "captures"))
    client.signed.append(sign_head(client.log["health"], "health"))
    await station.run(hours=2)

    assert len(station.vault.records("P1", "captures")) == 700
    assert client.pages_at["captures"][-1] >= (whole - 60_000 - len(b"".join(last))) / 100
    assert "rate captures" not in station.troubles


@run_async
async def test_alerts_without_end_keep_no_other_feed_waiting_for_ever() -> None:
    client = TamePole(log={"alerts": make_chain(700)})
    client.log["health"] = make_chain(1, feed="health", kind="sight")
    station = Follower(client, client.time, allowance=Allowance(60_000, 100))

    await station.run(hours=0.1)

    assert len(station.vault.records("P1", "alerts")) < 700
    assert len(station.vault.records("P1", "health")) == 1


@run_async
async def test_fork_of_one_feed_has_the_others_looked_at_when_they_have_caught_up() -> None:
    client = TamePole(log={"alerts": make_chain(7), "audit": make_chain(3, feed="audit")})
    station = Follower(client, client.time)
    await station.run(hours=0.05)
    assert station.told == []

    client.log["alerts"] = make_chain(7, same_upto=5)
    client.log["audit"] = make_chain(4, feed="audit", same_upto=2)
    await station.run(hours=0.03)

    assert sorted(station.told) == [
        ("alert.open", "fork", "alerts"),
        ("alert.open", "fork", "audit"),
    ]
    assert len(station.vault.records("P1", "alerts")) == 9, "those of both logs"
