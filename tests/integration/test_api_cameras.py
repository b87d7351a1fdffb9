"""Cameras, stills and clips over HTTP, with eyes that answer well, badly and not at all."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest

from edge.errors import EyeRefused, EyeUnavailable
from tests.support.aio import run_async, wait_until
from tests.support.camera_client import serve_cameras
from tests.support.fake_eyes import Asked, make_status

pytestmark = pytest.mark.timeout(120)
NOT_THERE = "there is no such camera; /v1/cameras lists those there are"
SPAN = {"from": "2026-11-22T17:32:55Z", "to": "2026-11-22T17:33:05Z"}


@run_async
async def test_cameras_are_listed_with_what_they_are_and_do(tmp_path: Path) -> None:
    async with serve_cameras(tmp_path) as pole:
        status = make_status("hall", is_watched=False)
        lost = replace(status, state="lost", reason="rtsp://10.0.0.12/main: nobody answers")
        pole.eyes.set("hall", replace(lost, source=None, sight=None))
        answer = await pole.get("/v1/cameras", pole.header("d", "read"))
        yard, hall = answer.json()["items"]

        assert answer.status == 200
        assert "10.0.0" not in answer.body.decode()
        assert "secret" not in answer.body.decode()
        assert yard == {
            "name": "yard", "kind": "visible", "watch": True,
            "state": "seeing", "reason": "", "since": "2026-11-22T17:33:05.120Z",
            "width": 1920, "height": 1080, "fps": 15.0, "codec": "h264", "gop_s": 1.0,
            "awake": True, "streams": ["main", "sub"],
            "zones": [{"name": "kerb", "points": [[0.1, 0.6], [0.5, 0.6], [0.5, 0.9]]}],
            "lines": [{"name": "gate", "from": [0.2, 0.5], "to": [0.8, 0.5]}],
            "privacy": [],
            "links": {
                "self": "/v1/cameras/yard",
                "snapshot": "/v1/cameras/yard/snapshot.jpg",
                "mjpeg": "/v1/cameras/yard/live.mjpg",
                "mp4": "/v1/cameras/yard/live.mp4",
                "clip": "/v1/cameras/yard/clip",
                "tracks": "/v1/cameras/yard/tracks",
            },
        }  # fmt: skip
        assert (hall["watch"], hall["state"]) == (False, "lost")
        assert hall["reason"] == "the camera: nobody answers"
        assert (hall["width"], hall["codec"], hall["awake"]) == (None, None, False)
        assert hall["streams"] == ["main"]


@run_async
async def test_each_link_of_a_camera_leads_somewhere(tmp_path: Path) -> None:
    async with serve_cameras(tmp_path) as pole:
        desk = pole.header()
        camera = (await pole.get("/v1/cameras/yard", desk)).json()
        for link in camera["links"].values():
            async with pole.session.head(link, headers=desk, params=_needed(link)) as answer:
                assert answer.status == 200, link
        assert pole.eyes.asked == []
        assert pole.eyes.views_opened == 0
        assert pole.seen() == []


def _needed(link: str) -> dict[str, str]:
    return SPAN if link.endswith("/clip") else {}


@run_async
async def test_camera_of_others_is_not_there_for_one_who_may_not_see_it(tmp_path: Path) -> None:
    async with serve_cameras(tmp_path) as pole:
        guard = pole.header("guard", cameras=("hall",))
        answer = await pole.get("/v1/cameras", guard)
        assert [item["name"] for item in answer.json()["items"]] == ["hall"]
        for rest in ("", "/snapshot.jpg", "/clip", "/live.mjpg", "/live.mp4", "/tracks"):
            for name in ("yard", "attic", "..%2Fyard"):
                answer = await pole.get(f"/v1/cameras/{name}{rest}", guard)
                assert (answer.status, answer.detail()) == (404, NOT_THERE)
        assert pole.eyes.asked == []


@run_async
async def test_pictures_need_their_scope_and_boxes_do_not(tmp_path: Path) -> None:
    async with serve_cameras(tmp_path) as pole:
        reader = pole.header("reader", "read")
        for rest in ("snapshot.jpg", "clip", "live.mjpg", "live.mp4"):
            answer = await pole.get(f"/v1/cameras/yard/{rest}", reader)
            assert answer.status == 403
        async with pole.session.get("/v1/cameras/yard/tracks", headers=reader) as tracks:
            assert tracks.status == 200


@run_async
async def test_snapshot_says_when_it_was_and_is_on_record(tmp_path: Path) -> None:
    async with serve_cameras(tmp_path) as pole:
        answer = await pole.get("/v1/cameras/yard/snapshot.jpg", pole.header())
        assert answer.status == 200
        assert answer.body == b"\xff\xd8 a picture"
        assert answer.headers["Content-Type"] == "image/jpeg"
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Polewatch-At"] == "2026-11-22T17:32:57.120Z"
        assert pole.eyes.asked == [Asked("yard", "snapshot", {})]
        assert all(file.closed for file in pole.eyes.files)
        (seen,) = pole.seen()
        assert (seen["what"], seen["camera"], seen["by"]) == ("snapshot", "yard", "desk")
        assert seen["at"] == "2026-11-22T17:32:57.120Z"


@run_async
async def test_snapshot_of_a_moment_is_asked_for_in_utc(tmp_path: Path) -> None:
    async with serve_cameras(tmp_path) as pole:
        at = {"at": "2026-11-23T01:32:58+08:00"}
        answer = await pole.get("/v1/cameras/yard/snapshot.jpg", pole.header(), at)
        assert answer.status == 200
        assert pole.eyes.asked == [Asked("yard", "snapshot", {"at": "2026-11-22T17:32:58.000Z"})]


@run_async
async def test_moment_that_left_the_ring_is_refused_in_the_eyes_own_words(tmp_path: Path) -> None:
    async with serve_cameras(tmp_path) as pole:
        pole.eyes.fault = EyeRefused("that moment is not in the ring, which has 10.0 to 22.0 s")
        at = {"at": "2026-11-22T17:00:00Z"}
        answer = await pole.get("/v1/cameras/yard/snapshot.jpg", pole.header(), at)
        assert answer.status == 409
        assert "which has 10.0 to 22.0 s" in answer.detail()
        assert pole.seen() == []


@run_async
async def test_twenty_viewers_of_now_cost_one_snapshot(tmp_path: Path) -> None:
    async with serve_cameras(tmp_path) as pole:
        desk = pole.header()
        pole.eyes.stall()
        async with asyncio.TaskGroup() as group:
            asked = [
                group.create_task(pole.get("/v1/cameras/yard/snapshot.jpg", desk))
                for _ in range(20)
            ]
            await wait_until(lambda: bool(pole.eyes.asked))
            await asyncio.sleep(0.2)  # the other requests arrive
            pole.eyes.go_on()
        assert [task.result().status for task in asked] == [200] * 20
        assert len(pole.eyes.asked) == 1
        assert len(pole.seen()) == 20


@run_async
async def test_lost_camera_shows_nothing_as_now_and_what_was_before_on_demand(
    tmp_path: Path,
) -> None:
    async with serve_cameras(tmp_path) as pole:
        desk = pole.header()
        reason = "rtsp://10.0.0.11/main: nobody answers; check cable"
        pole.eyes.set("yard", replace(make_status("yard"), state="lost", reason=reason))
        for path in ("snapshot.jpg", "live.mjpg", "live.mp4"):
            answer = await pole.get(f"/v1/cameras/yard/{path}", desk)
            assert answer.status == 503
            assert answer.headers["Retry-After"] == "5"
            said = answer.detail()
            assert said == (
                "camera yard gives no pictures now (lost): the camera: nobody answers; check cable"
            )
        at = {"at": "2026-11-22T17:32:58Z"}
        answer = await pole.get("/v1/cameras/yard/snapshot.jpg", desk, at)
        assert answer.status == 200
        answer = await pole.get("/v1/cameras/yard/clip", desk, SPAN)
        assert answer.status == 200


@run_async
async def test_eye_that_does_not_answer_is_a_problem_with_its_reason(tmp_path: Path) -> None:
    async with serve_cameras(tmp_path) as pole:
        desk = pole.header()
        pole.eyes.fault = EyeUnavailable("yard: no reply within 10 s; try again")
        answers = [
            await pole.get("/v1/cameras/yard/snapshot.jpg", desk),
            await pole.get("/v1/cameras/yard/clip", desk, SPAN),
            await pole.get("/v1/cameras/yard/live.mjpg", desk),
            await pole.get("/v1/cameras/yard/live.mp4", desk),
        ]
        assert [answer.status for answer in answers] == [503] * 4
        assert {answer.detail() for answer in answers} == {"yard: no reply within 10 s; try again"}
        assert pole.seen() == []


@run_async
async def test_clip_is_an_attachment_named_by_what_it_shows(tmp_path: Path) -> None:
    async with serve_cameras(tmp_path) as pole:
        pole.eyes.file = bytes(range(256)) * 4000
        answer = await pole.get("/v1/cameras/yard/clip", pole.header(), SPAN)
        assert answer.status == 200
        assert answer.body == bytes(range(256)) * 4000
        assert answer.headers["Content-Type"] == "video/mp4"
        assert answer.headers["Content-Length"] == "1024000"
        assert answer.headers["Polewatch-From"] == "2026-11-22T17:32:57.120Z"
        assert answer.headers["Polewatch-To"] == "2026-11-22T17:33:03.120Z"
        named = 'attachment; filename="yard_20261122T173257120Z_20261122T173303120Z.mp4"'
        assert answer.headers["Content-Disposition"] == named
        asked = {"from": "2026-11-22T17:32:55.000Z", "to": "2026-11-22T17:33:05.000Z"}
        assert pole.eyes.asked == [Asked("yard", "clip", asked)]
        await wait_until(lambda: all(file.closed for file in pole.eyes.files))
        (seen,) = pole.seen()
        assert (seen["what"], seen["from"], seen["to"]) == ("clip", asked["from"], asked["to"])


@pytest.mark.parametrize(
    ("span", "says"),
    [
        ({}, "from is missing"),
        ({"from": SPAN["from"]}, "to is missing"),
        ({"from": "12", "to": SPAN["to"]}, "from is not RFC 3339"),
        ({"from": SPAN["from"], "to": "2026-11-22T17:33:05"}, "to is not RFC 3339"),
        ({"from": SPAN["to"], "to": SPAN["from"]}, "to is not after from"),
        ({"from": SPAN["to"], "to": SPAN["to"]}, "to is not after from"),
        ({"from": "2026-11-22T10:00:00Z", "to": SPAN["to"]}, "to is more than 600 s after from"),
        ({**SPAN, "speed": "2"}, "speed is not known"),
    ],
)
@run_async
async def test_bad_span_is_refused_before_the_eye_is_asked(
    tmp_path: Path, span: dict[str, str], says: str
) -> None:
    async with serve_cameras(tmp_path) as pole:
        answer = await pole.get("/v1/cameras/yard/clip", pole.header(), span)
        assert answer.status == 400
        assert (answer.detail()).startswith(says)
        assert pole.eyes.asked == []


@run_async
async def test_clip_shorter_than_said_ends_the_connection_and_is_never_taken_for_whole(
    tmp_path: Path,
) -> None:
    async with serve_cameras(tmp_path) as pole:
        pole.eyes.is_short = True
        with pytest.raises(aiohttp.ClientPayloadError):
            await pole.get("/v1/cameras/yard/clip", pole.header(), SPAN)
        assert all(file.closed for file in pole.eyes.files)


@run_async
async def test_clips_beyond_the_limit_are_refused_and_their_places_come_free(
    tmp_path: Path,
) -> None:
    async with serve_cameras(tmp_path) as pole:
        desk = pole.header()
        pole.eyes.stall()
        waiting = [
            asyncio.ensure_future(pole.get("/v1/cameras/yard/clip", desk, SPAN)) for _ in range(16)
        ]
        await wait_until(lambda: bool(pole.eyes.asked))
        await asyncio.sleep(0.2)  # the other requests arrive
        answer = await pole.get("/v1/cameras/hall/clip", desk, SPAN)
        assert answer.status == 503
        assert "16 clips" in answer.detail()
        for each in waiting[1:]:
            each.cancel()
        pole.eyes.go_on()
        assert (await waiting[0]).status == 200

        statuses = [503]
        while 200 not in statuses:
            statuses.append((await pole.get("/v1/cameras/hall/clip", desk, SPAN)).status)
        assert all(file.closed for file in pole.eyes.files)
