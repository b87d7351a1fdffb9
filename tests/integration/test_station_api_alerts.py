"""A station's alerts, their records and files: lists, ranges, and the audit before bytes."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession

from edge.model import KeptMedia
from edge.station.api.context import Part
from tests.support.aio import run_async, wait_until
from tests.support.station_bench import STATION, StationBench, asking, headers_of

pytestmark = pytest.mark.timeout(120)

CLIP = b"clip of no real camera " * 5000


async def get(session: ClientSession, path: str, person: str = "wang") -> Any:
    async with session.get(path, headers=headers_of(person)) as answer:
        assert answer.status == 200, await answer.text()
        return await answer.json()


def add_clip(bench: StationBench, folder: Path, alert: str, content: bytes = CLIP) -> str:
    sha256 = hashlib.sha256(content).hexdigest()
    item = {
        "role": "clip", "type": "video/mp4", "bytes": len(content), "sha256": sha256,
        "href": f"/v1/media/{sha256}",
    }  # fmt: skip
    bench.write("SG-017", "media", "media.ready", camera="yard", alert=alert, media=[item])
    path = folder / sha256
    path.write_bytes(content)
    kept = KeptMedia(sha256, len(content), "video/mp4", path, frozenset({"yard"}))
    bench.store.add_file("SG-017", alert, kept)
    return sha256


@run_async
async def test_list_is_worst_first_and_its_pages_join() -> None:
    bench = StationBench()
    for severity in ("minor", "critical", "info", "major", "critical"):
        bench.open_alert(severity=severity)
        bench.clock.move(1)
    async with asking(bench) as session:
        found, after = [], ""
        while True:
            page = await get(session, f"/v1/alerts?limit=2{after}")
            found += [each["severity"] for each in page["items"]]
            assert page["counts"]["open"] == 5
            assert page["change"] == bench.store.change
            if not page["more"]:
                break
            after = f"&after={page['next']}"
    assert found == ["critical", "critical", "major", "minor", "info"]


@run_async
async def test_list_is_filtered_by_what_is_asked() -> None:
    bench = StationBench()
    one = bench.open_alert("SG-017")
    bench.clock.move(60)
    other = bench.open_alert("SG-018", rule={"type": "fire", "name": "east"})
    async with asking(bench) as session:
        for query, expected in {
            "pole=SG-018": {other}, "pole=SG-999": set(), "site=North%20gate": {one},
            "rule=fire": {other}, "rule=intrusion/fence": {one}, "state=new": {one, other},
            "since=2023-11-14T22:13:50Z": {other}, "until=2023-11-14T22:13:50Z": {one},
            "order=newest": {one, other},
        }.items():  # fmt: skip
            page = await get(session, f"/v1/alerts?state=all&{query}".replace("all&state=", ""))
            assert {each["id"] for each in page["items"]} == expected, query


@pytest.mark.parametrize(
    "query",
    ["state=none", "order=best", "limit=0", "limit=1001", "limit=x", "after=" + "1" * 300,
     "after=nothing", "since=yesterday", "until=-1", "pole=a%00b", "site=" + "x" * 200,
     "pole=a&pole=b"],
)  # fmt: skip
def test_parameter_that_can_not_be_is_refused(query: str) -> None:
    @run_async
    async def ask() -> None:
        bench = StationBench()
        async with (
            asking(bench) as session,
            session.get(f"/v1/alerts?{query}", headers=headers_of("wang")) as answer,
        ):
            assert answer.status == 400

    ask()


@run_async
async def test_list_is_new_when_an_alert_has_changed() -> None:
    bench = StationBench()
    alert = bench.open_alert()
    async with asking(bench) as session:
        before = await get(session, "/v1/alerts")
        assert (await get(session, "/v1/alerts")) == before
        async with session.post(
            f"/v1/alerts/SG-017/{alert}/ack", json={}, headers=headers_of("chen")
        ) as answer:
            shown = await answer.json()
        assert (await get(session, "/v1/alerts"))["items"] == [shown]


@run_async
async def test_records_are_given_as_stored_and_who_saw_them_is_on_record_first() -> None:
    bench = StationBench()
    alert = bench.open_alert()
    async with asking(bench) as session:
        found = await get(session, f"/v1/alerts/SG-017/{alert}/records")
    assert [each["kind"] for each in found["items"]] == ["alert.open"]
    assert len(found["items"][0]["hash"]) == 64
    (draft,) = bench.store.of("access")
    assert dict(draft.data) == {
        "what": "records", "pole": "SG-017", "alert": alert, "by": "wang", "address": "127.0.0.1",
    }  # fmt: skip


@run_async
async def test_records_come_page_by_page_when_there_are_many() -> None:
    bench = StationBench()
    alert = bench.open_alert()
    bench.store.records_max = 1
    async with asking(bench) as session:
        path = f"/v1/alerts/SG-017/{alert}"
        async with session.post(f"{path}/ack", json={}, headers=headers_of("chen")) as answer:
            assert answer.status == 200
        first = await get(session, f"{path}/records")
        rest = await get(session, f"{path}/records?after={first['next']}")
    assert (first["more"], rest["more"], rest["next"]) == (True, False, None)
    kinds = [each["kind"] for each in first["items"] + rest["items"]]
    assert kinds == ["alert.open", "alert.ack"]


@run_async
async def test_file_is_given_whole_and_in_parts_after_it_is_on_record(tmp_path: Path) -> None:
    bench = StationBench()
    alert = bench.open_alert()
    sha256 = add_clip(bench, tmp_path, alert)
    async with asking(bench) as session:
        shown = await get(session, f"/v1/alerts/SG-017/{alert}")
        path = shown["media"][0]["href"]
        assert path == f"/v1/media/SG-017/{sha256}"
        async with session.get(path, headers=headers_of("wang")) as answer:
            assert await answer.read() == CLIP
            tag = answer.headers["ETag"]
        part = {**headers_of("wang"), "Range": "bytes=100-199", "If-Range": tag}
        async with session.get(path, headers=part) as answer:
            assert answer.status == 206
            assert answer.headers["Content-Range"] == f"bytes 100-199/{len(CLIP)}"
            assert await answer.read() == CLIP[100:200]
        async with session.head(path, headers=headers_of("wang")) as answer:
            assert (answer.status, answer.content_length) == (200, len(CLIP))
        beyond = {**headers_of("wang"), "Range": f"bytes={len(CLIP)}-"}
        async with session.get(path, headers=beyond) as answer:
            assert answer.status == 416
    said = [dict(draft.data) for draft in bench.store.of("access")]
    assert [each["range"] for each in said] == ["", "bytes=100-199"]
    assert {(each["what"], each["by"], each["pole"]) for each in said} == {
        ("media", "wang", "SG-017")
    }


@run_async
async def test_view_from_a_browsers_cache_is_on_record_as_his_who_sees_it(tmp_path: Path) -> None:
    """At shift change the next one is shown what the browser has: he is told 304, and sees it."""
    bench = StationBench()
    sha256 = add_clip(bench, tmp_path, bench.open_alert())
    path, known = f"/v1/media/SG-017/{sha256}", {"If-None-Match": f'"{sha256}"'}
    async with asking(bench) as session:
        async with session.get(path, headers=headers_of("wang")) as answer:
            assert await answer.read() == CLIP
        for person in ("chen", "chen"):
            async with session.get(path, headers=headers_of(person) | known) as answer:
                assert answer.status == 304
        async with session.head(path, headers=headers_of("li") | known) as answer:
            assert answer.status == 304
    said = [(draft.data["by"], draft.data["range"]) for draft in bench.store.of("access")]
    assert said == [("wang", ""), ("chen", ""), ("chen", "")]


@run_async
async def test_file_of_one_pole_is_not_found_under_another(tmp_path: Path) -> None:
    bench = StationBench()
    sha256 = add_clip(bench, tmp_path, bench.open_alert())
    async with asking(bench) as session:
        for path in (f"SG-018/{sha256}", f"SG-017/{'0' * 64}", f"SG-017/{sha256.upper()}"):
            async with session.get(f"/v1/media/{path}", headers=headers_of("wang")) as answer:
                assert answer.status == 404
    (draft,) = bench.store.of("access")
    assert (draft.data["result"], draft.data["by"], draft.data["count"]) == ("refused", "wang", 3)


@run_async
async def test_file_that_has_changed_on_the_disk_is_not_given(tmp_path: Path) -> None:
    bench = StationBench()
    sha256 = add_clip(bench, tmp_path, bench.open_alert())
    (tmp_path / sha256).write_bytes(CLIP[:-1] + b"!")
    async with (
        asking(bench) as session,
        session.get(f"/v1/media/SG-017/{sha256}", headers=headers_of("wang")) as answer,
    ):
        assert answer.status == 503
    assert bench.store.of("access") == []


@run_async
async def test_picture_is_shown_though_the_audit_waits_for_the_disk(tmp_path: Path) -> None:
    bench = StationBench()
    sha256 = add_clip(bench, tmp_path, bench.open_alert())
    async with asking(bench) as session:
        bench.store.jam()
        async with session.get(f"/v1/media/SG-017/{sha256}", headers=headers_of("wang")) as answer:
            assert await answer.read() == CLIP
        assert bench.store.of("access") == []
        bench.store.clear()
        await wait_until(lambda: len(bench.store.of("access")) == 1)


@run_async
async def test_view_is_on_record_though_the_disk_hung_and_then_failed(tmp_path: Path) -> None:
    """Whoever had waited for the record had gone: nobody was left to hear that it was refused."""
    bench = StationBench()
    sha256 = add_clip(bench, tmp_path, bench.open_alert())
    async with asking(bench) as session:
        bench.store.hang()
        async with session.get(f"/v1/media/SG-017/{sha256}", headers=headers_of("wang")) as answer:
            assert await answer.read() == CLIP
        bench.store.fail()
        assert bench.store.of("access") == []
        bench.store.clear()
        await wait_until(lambda: len(bench.store.of("access")) == 1)


@run_async
async def test_station_says_who_it_is_and_whether_it_is_well() -> None:
    bench = StationBench(geojson=b'{"type":"FeatureCollection","features":[]}')
    bench.open_alert()
    async with asking(bench) as session:
        about = await get(session, "/v1/station")
        assert (about["id"], about["poles"], about["has_map"]) == (STATION, 2, True)
        assert about["counts"]["open"] == 1
        async with session.get("/v1/health") as answer:
            assert (answer.status, await answer.json()) == (200, {"ok": True})
        bench.parts = [
            Part("collector", "SG-017", True), Part("webhook", "dispatch", False, "no answer"),
        ]  # fmt: skip
        health = await get(session, "/v1/health")
        assert health["ok"]
        assert [part["name"] for part in health["parts"]] == ["store", "SG-017", "dispatch"]
        bench.parts = [Part("collector", "SG-017", False, "it has ended; see the log")]
        async with session.get("/v1/health") as answer:
            assert (answer.status, await answer.json()) == (503, {"ok": False})
        bench.parts = []
        bench.store.jam()
        async with session.get("/v1/health", headers=headers_of("wang")) as answer:
            assert answer.status == 503
            assert (await answer.json())["parts"][0]["reason"] == "the disk is full; make room"
        bench.store.clear()


@run_async
async def test_map_is_given_once_and_then_known() -> None:
    geojson = b'{"type":"FeatureCollection","features":[]}'
    async with asking(StationBench(geojson=geojson)) as session:
        async with session.get("/v1/map", headers=headers_of("wang")) as answer:
            assert (answer.content_type, await answer.read()) == ("application/geo+json", geojson)
            tag = answer.headers["ETag"]
        known = {**headers_of("wang"), "If-None-Match": tag}
        async with session.get("/v1/map", headers=known) as answer:
            assert answer.status == 304
    async with (
        asking(StationBench()) as session,
        session.get("/v1/map", headers=headers_of("wang")) as answer,
    ):
        assert answer.status == 404


@run_async
async def test_metrics_hold_every_pole_and_part() -> None:
    bench = StationBench()
    bench.open_alert()
    bench.parts = [Part("collector", "SG-017", True)]
    bench.links.set("SG-017", state="silent")
    async with (
        asking(bench) as session,
        session.get("/metrics", headers=headers_of("wang")) as answer,
    ):
        text = await answer.text()
    for line in (
        'polewatch_pole_state{pole="SG-018",polewatch_pole_state="up"} 1',
        'polewatch_alerts{state="new_major"} 1',
        'polewatch_part_up{kind="collector",name="SG-017"} 1',
        "polewatch_store_up 1",
        'polewatch_pole_well{pole="SG-018"} 1',
    ):
        assert f"{line}\n" in text
    assert 'polewatch_pole_well{pole="SG-017"}' not in text, "what it said is worth nothing now"
    assert text.endswith("# EOF\n")
