"""What a camera shows, passed through a station: checked, on record, ended with either side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from aiohttp import ClientConnectionError, ClientPayloadError

from edge.errors import PoleError, PoleRefused, PoleUnreachable, PoleWrong, ViewsFull
from edge.station.api import passing
from edge.station.ports.links import LiveAnswer, Stream
from tests.support.aio import run_async, wait_until
from tests.support.drawn_cameras import answer_drawn
from tests.support.station_bench import StationBench, asking, headers_of
from tests.support.still_links import CannedStream

pytestmark = pytest.mark.timeout(120)

CAMERA = "/v1/poles/SG-017/cameras/yard"
SECRETS = ("10.8.0.17", "8470", "https://")


def bench_answering(
    status: int, headers: Mapping[str, str], blocks: Sequence[bytes | PoleError | None] = ()
) -> StationBench:
    bench = StationBench()

    def answer(_pole: str, _path: str, _query: Mapping[str, str]) -> Stream:
        return CannedStream(LiveAnswer(status, headers), blocks)

    bench.links.answer = answer
    return bench


@run_async
async def test_snapshot_is_passed_on_with_its_moment_and_is_on_record() -> None:
    headers = {
        "Content-Type": "image/jpeg", "Content-Length": "5", "Polewatch-At": "2026-11-22T17:33:05Z",
        "Set-Cookie": "polewatch=x", "Location": "https://10.8.0.17:8470/", "X-Token": "pw_pole",
    }  # fmt: skip
    bench = bench_answering(200, headers, [b"\xff\xd8jpg"])
    async with (
        asking(bench) as session,
        session.get(
            f"{CAMERA}/snapshot.jpg?at=2026-11-22T17:33:05%2B08:00", headers=headers_of("wang")
        ) as answer,
    ):
        assert (answer.status, await answer.read()) == (200, b"\xff\xd8jpg")
        assert answer.headers["Polewatch-At"] == "2026-11-22T17:33:05Z"
        assert answer.headers["Content-Security-Policy"].startswith("sandbox;")
        assert not {"Set-Cookie", "Location", "X-Token"} & set(answer.headers)
    query = {"at": "2026-11-22T17:33:05+08:00"}
    assert bench.links.asked == [("SG-017", "yard/snapshot.jpg", query)]
    (draft,) = bench.store.of("access")
    assert draft.camera == "yard"
    assert draft.data["what"] == "snapshot"
    assert (draft.data["by"], draft.data["pole"]) == ("wang", "SG-017")
    assert bench.links.open_count == 0


@run_async
async def test_live_is_on_record_before_its_first_byte_and_ends_with_its_viewer() -> None:
    bench = StationBench()
    bench.links.answer = answer_drawn(("yard",))
    async with asking(bench) as session:
        async with session.get(f"{CAMERA}/live.mjpg?fps=2", headers=headers_of("wang")) as answer:
            assert answer.headers["Content-Type"] == "multipart/x-mixed-replace; boundary=frame"
            assert len(bench.store.of("access")) == 1
            assert b"--frame" in await answer.content.readany()
            assert bench.links.open_count == 1
        await wait_until(lambda: bench.links.open_count == 0)
    assert bench.store.of("access")[0].data["form"] == "live.mjpg"


@run_async
async def test_live_ends_when_the_station_stops() -> None:
    bench = StationBench()
    bench.links.answer = answer_drawn(("yard",))
    async with asking(bench) as session:
        answer = await session.get(f"{CAMERA}/live.mjpg", headers=headers_of("wang"))
        await answer.content.readany()
    answer.close()
    assert bench.links.open_count == 0


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("snapshot.jpg", "text/html"), ("snapshot.jpg", "image/svg+xml"), ("snapshot.jpg", ""),
        ("clip", "text/html; charset=utf-8"), ("live.mp4", "image/jpeg"),
        ("live.mp4", 'video/mp4; codecs="a"\r\nX: y'), ("live.mjpg", "multipart/form-data"),
        ("live.mjpg", "multipart/x-mixed-replace; boundary=<script>"),
    ],
)  # fmt: skip
def test_what_is_no_picture_is_not_passed_on(name: str, kind: str) -> None:
    @run_async
    async def ask() -> None:
        bench = bench_answering(200, {"Content-Type": kind}, [b"<script>alert(1)</script>"])
        async with (
            asking(bench) as session,
            session.get(f"{CAMERA}/{name}", headers=headers_of("wang")) as answer,
        ):
            assert answer.status == 502
            assert b"<script" not in await answer.read()
        assert bench.store.of("access") == []

    ask()


@pytest.mark.parametrize(
    ("failure", "status"),
    [
        (PoleUnreachable("https://10.8.0.17:8470/v1: nobody answers"), 503),
        (PoleRefused("https://10.8.0.17:8470/v1: the token pw_x is refused"), 502),
        (PoleWrong("10.8.0.17:8470 answers HTML"), 502),
        (ViewsFull("4 views of SG-017 are open; close one of them"), 503),
    ],
)
def test_pole_that_can_not_be_had_is_told_without_its_address(
    failure: PoleError, status: int
) -> None:
    @run_async
    async def ask() -> None:
        bench = StationBench()

        def answer(*_asked: Any) -> Stream:
            raise failure

        bench.links.answer = answer
        async with (
            asking(bench) as session,
            session.get(f"{CAMERA}/live.mjpg", headers=headers_of("wang")) as response,
        ):
            text = await response.text()
            assert response.status == status
            assert not any(secret in text for secret in (*SECRETS, "pw_x"))
            assert "SG-017" in text
        assert bench.store.of("access") == []

    ask()


@pytest.mark.parametrize(
    ("status", "body", "told", "words"),
    [
        (503, b'{"detail":"camera yard gives no pictures now (lost)"}', 503, "gives no pictures"),
        (409, b'{"detail":"the ring goes back to 17:33"}', 409, "the ring goes back"),
        (404, b"<html>", 404, "says: no"),
        (400, b'{"detail":"fps is not a number\\u001b[31m"}', 400, "fps is not a number\ufffd"),
        (401, b'{"detail":"a token is needed"}', 502, "refuses the station (401)"),
        (302, b"", 502, "refuses the station (302)"),
        (500, b"{}", 502, "refuses the station (500)"),
        (409, b"x" * 2_000_000, 502, "more than a pole does"),
    ],
)
def test_refusal_of_a_pole_is_told_in_few_words(
    status: int, body: bytes, told: int, words: str
) -> None:
    @run_async
    async def ask() -> None:
        bench = bench_answering(status, {"Content-Type": "application/problem+json"}, [body])
        async with (
            asking(bench) as session,
            session.get(f"{CAMERA}/live.mjpg", headers=headers_of("wang")) as answer,
        ):
            assert answer.status == told
            assert words in (await answer.json())["detail"]

    ask()


@pytest.mark.parametrize("headers", [{"Content-Length": "10"}, {}])
def test_pole_that_goes_midway_ends_the_answer_so_that_it_is_noticed(
    headers: Mapping[str, str],
) -> None:
    @run_async
    async def ask() -> None:
        gone = PoleUnreachable("reset")
        bench = bench_answering(200, {"Content-Type": "video/mp4", **headers}, [b"12345", gone])
        async with asking(bench) as session:
            answer = await session.get(f"{CAMERA}/clip", headers=headers_of("wang"))
            assert answer.headers["Content-Disposition"].startswith("attachment;")
            with pytest.raises((ClientPayloadError, ClientConnectionError)):
                await answer.read()
        assert bench.links.open_count == 0

    ask()


@run_async
async def test_more_than_was_announced_is_not_passed_on() -> None:
    headers = {"Content-Type": "image/jpeg", "Content-Length": "3"}
    bench = bench_answering(200, headers, [b"12", b"345", b"6789"])
    async with (
        asking(bench) as session,
        session.get(f"{CAMERA}/snapshot.jpg", headers=headers_of("wang")) as answer,
    ):
        assert await answer.read() == b"123"


def test_pole_that_stalls_ends_the_answer_within_its_time() -> None:
    assert passing.STALL_S_MAX <= 30
    assert passing.OPEN_S_MAX <= 30


@run_async
async def test_view_that_stalls_is_left_when_its_viewer_leaves() -> None:
    kind = {"Content-Type": "multipart/x-mixed-replace; boundary=frame"}
    bench = bench_answering(200, kind, [b"--frame", None])
    async with asking(bench) as session:
        answer = await session.get(f"{CAMERA}/live.mjpg", headers=headers_of("wang"))
        await answer.content.readany()
        answer.close()
        await wait_until(lambda: bench.links.open_count == 0)


@run_async
async def test_cameras_are_the_poles_own_words() -> None:
    bench = StationBench()
    bench.links.answer = answer_drawn(("yard", "road"))
    async with asking(bench) as session:
        path = "/v1/poles/SG-017/cameras"
        async with session.get(path, headers=headers_of("wang")) as answer:
            assert [each["name"] for each in (await answer.json())["items"]] == ["yard", "road"]
        assert bench.links.asked == [("SG-017", "", {})]
        for blocks in ([b"<html>"], [b"{" * 10], [b'{"a":"' + b"x" * 2**21]):
            bench.links.answer = bench_answering(200, {}, blocks).links.answer
            async with session.get(path, headers=headers_of("wang")) as answer:
                assert answer.status == 502


@pytest.mark.parametrize(
    "query", ["at=a b", "at=" + "1" * 50, "at=%0d%0aX:1", "at=../..", "from=1", "at=1&at=2"]
)
def test_parameter_that_could_steer_the_pole_is_refused(query: str) -> None:
    @run_async
    async def ask() -> None:
        bench = bench_answering(200, {})
        async with (
            asking(bench) as session,
            session.get(f"{CAMERA}/snapshot.jpg?{query}", headers=headers_of("wang")) as answer,
        ):
            assert answer.status == 400
        assert bench.links.asked == []

    ask()


@run_async
async def test_head_asks_no_pole() -> None:
    bench = StationBench()
    async with asking(bench) as session:
        for name in ("snapshot.jpg", "live.mjpg", "live.mp4", "clip"):
            async with session.head(f"{CAMERA}/{name}", headers=headers_of("wang")) as answer:
                assert answer.status == 200
    assert bench.links.asked == []


@run_async
async def test_one_person_leaves_views_to_others() -> None:
    bench = bench_answering(200, {"Content-Type": "video/mp4"}, [b"moof", None])
    path = f"{CAMERA}/live.mp4"
    async with asking(bench) as session:
        views = [await session.get(path, headers=headers_of("wang")) for _ in range(8)]
        async with session.get(path, headers=headers_of("wang")) as refused:
            assert (refused.status, "Retry-After" in refused.headers) == (503, True)
            assert "8 views of wang" in (await refused.json())["detail"]
        async with session.get(path, headers=headers_of("chen")) as other:
            assert other.status == 200
        views[0].close()
        await wait_until(lambda: bench.links.open_count == 7)
        views[0] = await session.get(path, headers=headers_of("wang"))
        assert views[0].status == 200
        for view in views:
            view.close()
