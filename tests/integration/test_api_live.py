"""Live pictures and tracks over HTTP: shared, latest first, and nothing left behind by anybody."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest

from edge.agent.api.live import MP4_VIEWERS_MAX
from edge.agent.api.tracks import READERS_MAX
from edge.errors import EyeRefused
from tests.support.aio import run_async, wait_until
from tests.support.camera_client import Served, serve_cameras
from tests.support.fragments import make_fragments

pytestmark = pytest.mark.timeout(120)
MJPEG, MP4, TRACKS = (f"/v1/cameras/yard/{name}" for name in ("live.mjpg", "live.mp4", "tracks"))
FRAGMENTS = make_fragments("libx264", profile="baseline", level="3.1")
BOX = (0.1, 0.2, 0.3, 0.4)


async def read_part(answer: aiohttp.ClientResponse) -> bytes:
    """The next JPEG of a multipart answer, with what ends its part."""
    head = await answer.content.readuntil(b"\r\n\r\n")
    size = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    jpeg = await answer.content.readexactly(size)
    assert await answer.content.readexactly(9) == b"\r\n--frame"
    return jpeg


async def read_event(answer: aiohttp.ClientResponse) -> str:
    """The next event or comment of a stream of them."""
    return (await answer.content.readuntil(b"\n\n")).decode().strip()


def count_files() -> int:
    """What this process has open."""
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


@asynccontextmanager
async def watch(
    pole: Served, path: str, header: dict[str, str], **params: str
) -> AsyncIterator[aiohttp.ClientResponse]:
    """An answer without an end."""
    async with pole.session.get(path, headers=header, params=params) as answer:
        yield answer


def connect_thinly(pole: Served, header: dict[str, str]) -> socket.socket:
    """Ask for pictures over a connection that takes little until somebody reads from it."""
    thin = socket.socket()
    thin.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    host, port = pole.address.split(":")
    thin.connect((host, int(port)))
    lines = [f"GET {MJPEG} HTTP/1.1", f"Host: {pole.address}"]
    lines += [f"{name}: {value}" for name, value in header.items()]
    thin.sendall("\r\n".join([*lines, "", ""]).encode())
    thin.setblocking(False)
    return thin


async def show_until(pole: Served, task: asyncio.Task[object], camera: str = "yard") -> None:
    """Show pictures until something has come of it."""
    while not task.done():
        pole.eyes.show(camera, b"picture")
        await asyncio.sleep(0.01)


@run_async
async def test_pictures_come_one_by_one_and_are_on_record_once(tmp_path: Path) -> None:
    async with serve_cameras(tmp_path) as pole, asyncio.TaskGroup() as group:
        asking = group.create_task(pole.session.get(MJPEG, headers=pole.header()))
        await wait_until(lambda: len(pole.eyes.views) == 1)
        pole.eyes.show("yard", b"one")
        async with await asking as answer:
            assert answer.status == 200
            assert answer.headers["Content-Type"] == "multipart/x-mixed-replace; boundary=frame"
            assert answer.headers["Cache-Control"] == "no-store"
            assert await read_part(answer) == b"one"
            pole.eyes.show("yard", b"two" * 100_000)
            assert await read_part(answer) == b"two" * 100_000
        (seen,) = pole.seen()
        assert (seen["what"], seen["camera"]) == ("live", "yard")
        assert (seen["form"], seen["stream"], seen["by"]) == ("mjpeg", "sub", "desk")
        await wait_until(lambda: not pole.eyes.views)


@pytest.mark.parametrize(
    ("camera", "asked", "stream"),
    [("yard", {}, "sub"), ("yard", {"stream": "main"}, "main"), ("hall", {}, "main")],
)
@run_async
async def test_sub_stream_is_shown_where_there_is_one_and_no_other_is_asked_for(
    tmp_path: Path, camera: str, asked: dict[str, str], stream: str
) -> None:
    async with serve_cameras(tmp_path) as pole:
        desk = pole.header()
        for name in ("live.mjpg", "live.mp4"):
            asking = asyncio.ensure_future(pole.get(f"/v1/cameras/{camera}/{name}", desk, asked))
            await wait_until(lambda: len(pole.eyes.views) == 1)
            assert pole.eyes.views[0].stream == stream
            pole.eyes.hang_up(camera)
            await asking


@pytest.mark.parametrize(
    ("path", "asked", "says"),
    [
        (MJPEG, {"stream": "third"}, "stream is not main or sub"),
        ("/v1/cameras/hall/live.mp4", {"stream": "sub"}, "stream is not main; this camera has no"),
        (MJPEG, {"fps": "0"}, "fps is not a number from 0.1 to 30"),
        (MJPEG, {"fps": "nan"}, "fps is not a number from 0.1 to 30"),
        (MP4, {"fps": "5"}, "fps is not known"),
        (TRACKS, {"stream": "main"}, "stream is not known"),
    ],
)
@run_async
async def test_wrong_wish_is_refused_by_its_name(
    tmp_path: Path, path: str, asked: dict[str, str], says: str
) -> None:
    async with serve_cameras(tmp_path) as pole:
        answer = await pole.get(path, pole.header(), asked)
        assert answer.status == 400
        assert answer.detail().startswith(says)
        assert pole.eyes.views_opened == 0


@run_async
async def test_twenty_viewers_share_one_view_which_ends_with_the_last(tmp_path: Path) -> None:
    async with serve_cameras(tmp_path) as pole, asyncio.TaskGroup() as group:
        desk = pole.header()
        asking = [group.create_task(pole.session.get(MJPEG, headers=desk)) for _ in range(20)]
        await wait_until(lambda: len(pole.eyes.views) == 1)
        for each in asking:
            await show_until(pole, each)
        answers = [await each for each in asking]
        assert pole.eyes.views_opened == 1
        for answer in answers[1:]:
            answer.close()
        await asyncio.sleep(0.2)
        assert len(pole.eyes.views) == 1
        answers[0].close()
        await wait_until(lambda: not pole.eyes.views)
        assert len(pole.seen()) == 20


@run_async
async def test_viewer_who_wants_few_pictures_gets_the_latest_of_them(tmp_path: Path) -> None:
    async with serve_cameras(tmp_path) as pole, asyncio.TaskGroup() as group:
        desk = pole.header()
        asking = group.create_task(pole.session.get(MJPEG, headers=desk, params={"fps": "2"}))
        await show_until(pole, asking)
        async with await asking as answer:
            await read_part(answer)
            for number in range(20):
                pole.eyes.show("yard", b"%d" % number)
            assert await read_part(answer) == b"19"


@run_async
async def test_viewer_who_stalls_holds_nobody_up_and_is_cut(tmp_path: Path) -> None:
    """His pictures wait in no queue of ours: he is sent one, and the rest go by."""
    async with serve_cameras(tmp_path, reading_s=1.0) as pole, asyncio.TaskGroup() as group:
        desk = pole.header()
        stalled = connect_thinly(pole, desk)
        asking = group.create_task(pole.session.get(MJPEG, headers=desk))
        await show_until(pole, asking)
        async with await asking as answer:
            before = len(pole.seen())
            for number in range(60):
                pole.eyes.show("yard", b"%d" % number * 200_000)
                await asyncio.sleep(0.05)
                jpeg = await read_part(answer)
                while jpeg == b"picture":
                    jpeg = await read_part(answer)
                assert jpeg == b"%d" % number * 200_000
            assert before == 2
        await wait_until(lambda: not pole.eyes.views)
        stalled.close()


@run_async
async def test_pictures_of_a_slow_link_are_few_and_not_old(tmp_path: Path) -> None:
    """Three megabytes go by while he takes next to nothing; then he is two pictures behind."""
    async with serve_cameras(tmp_path) as pole:
        thin = connect_thinly(pole, pole.header())
        await wait_until(lambda: len(pole.eyes.views) == 1)
        for number in range(100, 160):
            pole.eyes.show("yard", b"<%d>" % number + bytes(50_000))
            await asyncio.sleep(0.02)
        loop, got = asyncio.get_running_loop(), b""
        while b"<159>" not in got:
            got += await loop.sock_recv(thin, 65536)
        assert 2 <= got.count(b"Content-Length: 50005") <= 4
        thin.close()
        await wait_until(lambda: not pole.eyes.views)


@run_async
async def test_answers_end_cleanly_when_the_eye_hangs_up(tmp_path: Path) -> None:
    async with serve_cameras(tmp_path) as pole, asyncio.TaskGroup() as group:
        desk = pole.header()
        pictures = group.create_task(pole.session.get(MJPEG, headers=desk))
        await show_until(pole, pictures)
        async with await pictures as answer:
            await read_part(answer)
            pole.eyes.send("yard", b"\0\0\0\xff half a pict")
            pole.eyes.hang_up("yard")
            rest = await answer.content.read()
            assert b"half" not in rest
        video = group.create_task(pole.session.get(MP4, headers=desk))
        await wait_until(lambda: len(pole.eyes.views) == 1)
        pole.eyes.send("yard", FRAGMENTS)
        async with await video as answer:
            pole.eyes.hang_up("yard")
            assert await answer.content.read() == FRAGMENTS


@run_async
async def test_eye_that_brings_no_picture_at_all_is_a_problem(tmp_path: Path) -> None:
    async with serve_cameras(tmp_path) as pole, asyncio.TaskGroup() as group:
        desk = pole.header()
        for path in (MJPEG, MP4):
            asking = group.create_task(pole.get(path, desk))
            await wait_until(lambda: len(pole.eyes.views) == 1)
            pole.eyes.hang_up("yard")
            answer = await asking
            assert answer.status == 503
            assert answer.detail() == "yard: no picture within 10 s; see /v1/health"
        assert pole.seen() == []


@run_async
async def test_view_that_an_eye_refuses_may_be_granted_later(tmp_path: Path) -> None:
    async with serve_cameras(tmp_path) as pole:
        pole.eyes.fault = EyeRefused("live: 8 views are open; close one first")
        desk = pole.header()
        for path in (MJPEG, MP4):
            answer = await pole.get(path, desk)
            assert (answer.status, answer.headers["Retry-After"]) == (503, "10")
            assert answer.detail() == "live: 8 views are open; close one first"


@run_async
async def test_mp4_is_what_the_eye_sends_and_says_its_codec(tmp_path: Path) -> None:
    async with serve_cameras(tmp_path) as pole, asyncio.TaskGroup() as group:
        asking = group.create_task(pole.session.get(MP4, headers=pole.header()))
        await wait_until(lambda: len(pole.eyes.views) == 1)
        assert (pole.eyes.views[0].form, pole.eyes.views[0].stream) == ("fragments", "sub")
        for at in range(0, len(FRAGMENTS), 100):  # also its head comes in pieces
            pole.eyes.send("yard", FRAGMENTS[at : at + 100])
            await asyncio.sleep(0)
        async with await asking as answer:
            assert answer.headers["Content-Type"] == 'video/mp4; codecs="avc1.42C01F"'
            assert await answer.content.readexactly(len(FRAGMENTS)) == FRAGMENTS
        (seen,) = pole.seen()
        assert (seen["what"], seen["form"]) == ("live", "mp4")
        await wait_until(lambda: not pole.eyes.views)


@run_async
async def test_eye_that_sends_something_else_is_a_problem_and_not_passed_on(
    tmp_path: Path,
) -> None:
    async with serve_cameras(tmp_path) as pole, asyncio.TaskGroup() as group:
        asking = group.create_task(pole.get(MP4, pole.header()))
        await wait_until(lambda: len(pole.eyes.views) == 1)
        pole.eyes.send("yard", b"<script>alert(1)</script>")
        answer = await asking
        assert answer.status == 503
        assert b"script" not in answer.body


@run_async
async def test_places_for_mp4_leave_room_for_pictures(tmp_path: Path) -> None:
    async with serve_cameras(tmp_path) as pole, asyncio.TaskGroup() as group:
        desk = pole.header()
        watching = [
            group.create_task(pole.session.get(MP4, headers=desk)) for _ in range(MP4_VIEWERS_MAX)
        ]
        await wait_until(lambda: len(pole.eyes.views) == MP4_VIEWERS_MAX)
        answer = await pole.get(MP4, desk)
        assert (answer.status, answer.headers["Retry-After"]) == (503, "10")
        assert answer.detail().startswith("6 watch yard in this way")
        pictures = group.create_task(pole.session.get(MJPEG, headers=desk))
        await wait_until(lambda: len(pole.eyes.views) == MP4_VIEWERS_MAX + 1)
        for each in (*watching, pictures):
            each.cancel()
        await wait_until(lambda: not pole.eyes.views)


@pytest.mark.parametrize("path", [MJPEG, MP4, TRACKS])
@run_async
async def test_hundred_who_come_and_go_leave_nothing_behind(tmp_path: Path, path: str) -> None:
    """Half of them leave before there is anything to see, the others in the middle of it."""
    async with serve_cameras(tmp_path) as pole:
        desk = pole.header()
        await pole.get("/v1/cameras", desk)
        tasks, files = len(asyncio.all_tasks()), count_files()
        for number in range(100):
            asking = asyncio.ensure_future(pole.session.get(path, headers=desk))
            await asyncio.sleep(0.005)
            while number % 2 and not asking.done():
                pole.eyes.send("yard", FRAGMENTS)
                await asyncio.sleep(0.01)
            if asking.done():
                asking.result().close()
            asking.cancel()
        await wait_until(lambda: not pole.eyes.views)
        await pole.get("/v1/cameras", desk)
        await wait_until(lambda: len(asyncio.all_tasks()) <= tasks)
        await wait_until(lambda: count_files() <= files)


@run_async
async def test_tracks_are_told_at_once_and_when_they_change(tmp_path: Path) -> None:
    async with serve_cameras(tmp_path) as pole, watch(pole, TRACKS, pole.header()) as answer:
        assert answer.headers["Content-Type"] == "text/event-stream"
        first = json.loads((await read_event(answer)).removeprefix("data: "))
        assert first == {"at": "2023-11-14T22:13:20.000Z", "tracks": []}
        pole.eyes.follow("yard", BOX, (0.5, 0.5, 0.6, 0.6))
        second = json.loads((await read_event(answer)).removeprefix("data: "))
        assert [track["track"] for track in second["tracks"]] == [1, 2]
        assert second["tracks"][0] == {
            "track": 1, "label": "person", "box": [0.1, 0.2, 0.3, 0.4], "stationary": False,
        }  # fmt: skip
        pole.eyes.follow("yard")
        third = json.loads((await read_event(answer)).removeprefix("data: "))
        assert third["tracks"] == []
        assert pole.seen() == []


@run_async
async def test_nothing_is_followed_any_more_when_the_camera_is_lost(tmp_path: Path) -> None:
    async with serve_cameras(tmp_path) as pole, watch(pole, TRACKS, pole.header()) as answer:
        await read_event(answer)
        pole.eyes.follow("yard", BOX)
        assert '"track":1' in await read_event(answer)
        pole.eyes.set("yard", replace(pole.eyes.status("yard"), state="lost"))
        assert '"tracks":[]' in await read_event(answer)


@run_async
async def test_quiet_stream_of_tracks_says_that_it_is_still_there(tmp_path: Path) -> None:
    async with serve_cameras(tmp_path) as pole, watch(pole, TRACKS, pole.header()) as answer:
        await read_event(answer)
        pole.bench.clock.move(15.0)
        assert await read_event(answer) == ": still there"


@run_async
async def test_readers_of_tracks_beyond_the_limit_are_refused(tmp_path: Path) -> None:
    async with serve_cameras(tmp_path) as pole, AsyncExitStack() as stack:
        desk = pole.header()
        for _ in range(READERS_MAX):
            await stack.enter_async_context(watch(pole, TRACKS, desk))
        answer = await pole.get(TRACKS, desk)
        assert answer.status == 503
        assert answer.detail().startswith("32 watch yard in this way")


@run_async
async def test_all_that_has_no_end_ends_when_the_server_stops(tmp_path: Path) -> None:
    async with aiohttp.ClientSession() as session, AsyncExitStack() as stack:
        answers = []
        async with serve_cameras(tmp_path) as pole:
            desk = pole.header()
            for path in (MJPEG, MP4, TRACKS):
                asking = asyncio.ensure_future(
                    session.get(f"http://{pole.address}{path}", headers=desk)
                )
                while not asking.done():
                    pole.eyes.send("yard", b"\0\0\0\3one", form="jpeg")
                    pole.eyes.send("yard", FRAGMENTS, form="fragments")
                    await asyncio.sleep(0.01)
                answers.append(await stack.enter_async_context(await asking))
        assert pole.eyes.views == []
        for answer in answers:
            await answer.content.read()  # would raise if it had been cut off
