"""The long poll of the desk's page, the feed for programs, and figures."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from aiohttp import ClientSession

from edge.feeds import Draft
from edge.station.api.news import ALERTS_MAX
from edge.station.ports.links import Trouble
from tests.support.aio import run_async, wait_until
from tests.support.station_bench import CLOCK, StationBench, asking, headers_of

pytestmark = pytest.mark.timeout(120)


async def get(session: ClientSession, path: str, person: str = "wang") -> Any:
    async with session.get(path, headers=headers_of(person)) as answer:
        assert answer.status == 200, await answer.text()
        return await answer.json()


async def lines(session: ClientSession, path: str, person: str = "li") -> tuple[list[Any], str]:
    async with session.get(path, headers=headers_of(person)) as answer:
        assert answer.status == 200, await answer.text()
        assert answer.content_type == "application/x-ndjson"
        text = await answer.text()
        return [json.loads(line) for line in text.splitlines()], answer.headers["Polewatch-Next"]


@run_async
async def test_news_come_at_once_when_there_are_some() -> None:
    bench = StationBench()
    known = bench.store.change
    alert = bench.open_alert()
    async with asking(bench) as session:
        news = await get(session, f"/v1/news?after={known}&wait=60")
        assert [each["id"] for each in news["alerts"]] == [alert]
        assert news["change"] == bench.store.change
        assert news["counts"]["new"] == 1
        assert (news["poles"], news["fault"], news["more"]) == ([], None, False)


@run_async
async def test_news_wake_who_waits_and_burst_comes_together() -> None:
    bench = StationBench()
    async with asking(bench) as session:
        asked = [asyncio.ensure_future(get(session, "/v1/news?wait=60")) for _ in range(30)]
        await wait_until(lambda: bench.store.waiting == 30)
        for _ in range(20):
            bench.open_alert()
            await asyncio.sleep(0)
        answers = await asyncio.gather(*asked)
    assert {len(news["alerts"]) for news in answers} == {20}


@run_async
async def test_news_of_poles_wake_who_waits() -> None:
    bench = StationBench()
    async with asking(bench) as session:
        first = await get(session, "/v1/poles")
        path = f"/v1/news?poles={first['change']}&wait=60"
        asked = asyncio.ensure_future(get(session, path))
        await wait_until(lambda: bench.store.waiting == 1)
        bench.links.set("SG-018", state="silent", cause="mains")
        news = await asked
        assert [(each["name"], each["cause"]) for each in news["poles"]] == [("SG-018", "mains")]
        assert news["poles_change"] == first["change"] + 1
        assert news["poles"][0] == await get(session, "/v1/poles/SG-018")


@run_async
async def test_all_poles_are_told_anew_to_a_page_of_an_earlier_life() -> None:
    bench = StationBench()
    for _ in range(5):
        bench.links.set("SG-017", state="up")
    async with asking(bench) as session:
        before = (await get(session, "/v1/poles"))["change"]
    bench.clock.move(1000)
    bench.links.change = 0
    for _ in range(10):
        bench.links.set("SG-017", state="up")
    async with asking(bench) as session:
        news = await get(session, f"/v1/news?poles={before}&wait=60")
        assert [each["name"] for each in news["poles"]] == ["SG-017", "SG-018"]


@run_async
async def test_news_are_bounded_and_say_that_there_is_more() -> None:
    bench = StationBench()
    alerts = [bench.open_alert() for _ in range(ALERTS_MAX + 50)]
    found, after, rounds = [], 0, 0
    async with asking(bench) as session:
        while True:
            news = await get(session, f"/v1/news?after={after}")
            found += [each["id"] for each in news["alerts"]]
            after, rounds = news["change"], rounds + 1
            if not news["more"]:
                break
    assert (found, rounds) == (alerts, 2)
    assert after == bench.store.change


@run_async
async def test_change_that_is_to_come_is_answered_with_begin_anew() -> None:
    async with (
        asking(StationBench()) as session,
        session.get("/v1/news?after=99", headers=headers_of("wang")) as answer,
    ):
        assert answer.status == 410


@run_async
async def test_disk_in_trouble_is_news() -> None:
    bench = StationBench()
    async with asking(bench) as session:
        asked = asyncio.ensure_future(get(session, "/v1/news?wait=60"))
        await wait_until(lambda: bench.store.waiting == 1)
        bench.store.jam()
        assert (await asked)["fault"] == "the disk is full; make room"
        bench.store.clear()


@run_async
async def test_disk_in_trouble_since_a_page_heard_of_it_is_told_at_once() -> None:
    bench = StationBench()
    async with asking(bench) as session:
        bench.store.jam()
        news = await get(session, "/v1/news?faulty=0&wait=60")
        assert news["fault"] == "the disk is full; make room"
        bench.store.clear()
        assert (await get(session, "/v1/news?faulty=1&wait=60"))["fault"] is None


@run_async
async def test_waiting_ends_with_its_time() -> None:
    async with asking(StationBench()) as session:
        news = await get(session, "/v1/news?wait=0.1")
        assert (news["alerts"], news["poles"]) == ([], [])
        assert (await lines(session, "/v1/feed?feed=alerts&wait=0.1"))[0] == []


@run_async
async def test_waiting_ends_with_the_station() -> None:
    bench = StationBench()
    async with ClientSession() as patient:
        async with asking(bench) as session:
            async with session.get("/v1/health") as answer:
                base = answer.url.origin()
            news = asyncio.ensure_future(get(patient, f"{base}/v1/news?wait=60"))
            feed = asyncio.ensure_future(lines(patient, f"{base}/v1/feed?feed=alerts&wait=60"))
            await wait_until(lambda: bench.store.waiting == 2)
        assert (await news)["alerts"] == []
        assert (await feed)[0] == []


@run_async
async def test_pole_is_shown_with_times_that_people_read() -> None:
    bench = StationBench()
    bench.links.set(
        "SG-017", heard_ms=None, troubles=(Trouble("clock", "<b>off</b>", 1_795_368_785_120),)
    )
    async with asking(bench) as session:
        shown = await get(session, "/v1/poles/SG-017")
    assert shown["since"] == "2026-11-22T17:33:05.120Z"
    assert shown["heard_at"] is None
    assert shown["troubles"] == [
        {"what": "clock", "detail": "<b>off</b>", "since": "2026-11-22T17:33:05.120Z"}
    ]


@run_async
async def test_feed_gives_every_poles_records_as_stored_in_their_order() -> None:
    bench = StationBench()
    bench.open_alert("SG-017")
    bench.write("SG-018", "health", "start")
    bench.open_alert("SG-018")
    async with asking(bench) as session:
        found, following = await lines(session, "/v1/feed?feed=alerts&limit=1")
        assert [(each["number"], each["pole"]) for each in found] == [(1, "SG-017")]
        assert found[0]["record"]["kind"] == "alert.open"
        found, following = await lines(session, f"/v1/feed?feed=alerts&after={following}")
        assert [(each["number"], each["pole"]) for each in found] == [(3, "SG-018")]
        found, same = await lines(session, f"/v1/feed?feed=alerts&after={following}")
        assert (found, same) == ([], following)
        both, _ = await lines(session, "/v1/feed?feed=alerts,health")
        assert [each["number"] for each in both] == [1, 2, 3]


@run_async
async def test_feed_refuses_number_that_was_never_told() -> None:
    bench = StationBench()
    bench.open_alert()
    async with asking(bench) as session:
        for query in ("after=2", "after=2&wait=60", "after=2&feed=media"):
            async with session.get(f"/v1/feed?{query}", headers=headers_of("wang")) as answer:
                assert answer.status == 410
                assert (await answer.json())["newest"] == 1
        assert (await lines(session, "/v1/feed?after=1&feed=alerts", "wang"))[0] == []
    assert bench.store.of("access")[0].data["after"] == 1


@run_async
async def test_feed_waits_for_its_own_kind_without_a_busy_loop() -> None:
    bench = StationBench()
    async with asking(bench) as session:
        asked = asyncio.ensure_future(lines(session, "/v1/feed?feed=measures&wait=60"))
        for opened in range(5):
            await wait_until(lambda: bench.store.waiting == 1)
            assert bench.store.asked_arrivals <= 2 + opened
            bench.open_alert()
        bench.write("SG-017", "measures", "count")
        found, _ = await asked
    assert [each["record"]["kind"] for each in found] == ["count"]


@run_async
async def test_audit_is_in_the_feed_for_supervisors_only() -> None:
    bench = StationBench()
    bench.write("SG-017", "audit", "access", data={"by": "station"})
    async with asking(bench) as session:
        path = "/v1/feed?feed=audit"
        async with session.get(path, headers=headers_of("chen")) as answer:
            assert answer.status == 403
        kinds = [each["record"]["kind"] for each in (await lines(session, "/v1/feed", "chen"))[0]]
        assert "access" not in kinds
        found, _ = await lines(session, path)
        assert found[0]["record"]["data"] == {"by": "station"}


@run_async
async def test_program_that_follows_the_feed_is_on_record_now_and_then() -> None:
    bench = StationBench()
    async with asking(bench) as session:
        for _ in range(5):
            await lines(session, "/v1/feed?feed=alerts", "wang")
        await lines(session, "/v1/feed?feed=alerts,health", "wang")
        bench.clock.move(901)
        await lines(session, "/v1/feed?feed=alerts", "wang")
    said = [(draft.data["what"], draft.data["feeds"]) for draft in bench.store.of("access")]
    assert said == [("feed", ["alerts"]), ("feed", ["health"]), ("feed", ["alerts"])]


@pytest.mark.parametrize(
    "query", ["feed=none", "feed=", "feed=alerts,,", "after=-1", "after=1.5", "limit=0", "wait=61"]
)
def test_feed_refuses_what_can_not_be(query: str) -> None:
    @run_async
    async def ask() -> None:
        async with (
            asking(StationBench()) as session,
            session.get(f"/v1/feed?{query}", headers=headers_of("li")) as answer,
        ):
            assert answer.status == 400

    ask()


async def answer_some(bench: StationBench) -> None:
    """Two alerts of a hostile rule, one acknowledged after 30 s."""
    rule = {"type": "=cmd|' /C calc'!A0", "name": "x"}
    alerts = [bench.open_alert(rule=rule), bench.open_alert(rule=rule)]
    bench.clock.move(30)
    said = {"pole": "SG-017", "by": "chen"}
    draft = Draft(
        "alerts", bench.make_id(), "alert.ack", bench.clock.utc_ms(), CLOCK, alert=alerts[0],
        camera="yard", data=said,
    )  # fmt: skip
    await bench.store.say([draft])
    bench.clock.move(1)


@run_async
async def test_figures_are_given_as_json_and_as_csv_that_runs_nothing() -> None:
    bench = StationBench()
    async with asking(bench) as session:
        await answer_some(bench)
        table = await get(session, "/v1/stats?by=pole")
        assert table["rows"][0]["key"] == "SG-017"
        assert (table["rows"][0]["alerts"], table["rows"][0]["acked_median_s"]) == (2, 30.0)
        async with session.get(
            "/v1/stats?by=rule&format=csv", headers=headers_of("wang")
        ) as answer:
            assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
            assert answer.headers["Content-Disposition"].startswith("attachment;")
            text = await answer.text(encoding="utf-8-sig")
    assert text.splitlines()[1].startswith("'=cmd")


@run_async
async def test_figures_by_person_are_for_supervisors_and_on_record() -> None:
    bench = StationBench()
    async with asking(bench) as session:
        await answer_some(bench)
        path = "/v1/stats?by=person"
        async with session.get(path, headers=headers_of("chen")) as answer:
            assert answer.status == 403
        table = await get(session, path, "li")
    assert {row["key"]: row["alerts"] for row in table["rows"]} == {"": 1, "chen": 1}
    given, refused = bench.store.of("access")
    assert (given.data["what"], given.data["by"]) == ("statistics by person", "li")
    assert (refused.data["status"], refused.data["by"]) == (403, "chen")


@pytest.mark.parametrize(
    "query",
    ["by=none", "format=xml", "since=2026-01-01T00:00:00Z&until=2026-06-01T00:00:00Z",
     "since=2026-01-02T00:00:00Z&until=2026-01-01T00:00:00Z", "since=now"],
)  # fmt: skip
def test_figures_refuse_what_can_not_be(query: str) -> None:
    @run_async
    async def ask() -> None:
        async with (
            asking(StationBench()) as session,
            session.get(f"/v1/stats?{query}", headers=headers_of("li")) as answer,
        ):
            assert answer.status == 400

    ask()
