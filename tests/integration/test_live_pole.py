"""Cameras over HTTP with real eyes: processes of a fork server, and a camera on loopback."""

from __future__ import annotations

import asyncio
import io
import json
from datetime import UTC, datetime
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from edge.wire import parse_utc
from tests.support.aio import run_async
from tests.support.live_pole import real_pole
from tests.support.video import Scene, Shot, Visit, make_clip

pytestmark = pytest.mark.timeout(120)
MIN_RING_S = 7.0


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A minute with somebody in it."""
    scene = Scene(visits=(Visit(enter_s=1, leave_s=59),), noise=3)
    path = tmp_path_factory.mktemp("clip") / "yard.mp4"
    return make_clip(path, scene, Shot(seconds=60, fps=10, gop_s=1)).path


def decode_times(video: bytes) -> list[float]:
    """Times of all frames; damage raises."""
    with av.open(io.BytesIO(video), "r", format="mp4") as container:
        container.streams.video[0].codec_context.options = {"err_detect": "explode"}
        return [float(frame.time or 0) for frame in container.decode(video=0)]


def shape(jpeg: bytes) -> tuple[int, ...]:
    picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    return picture.shape


def count_files() -> int:
    """What this process has open."""
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


@pytest.mark.parametrize("name", ["yard", "hall"])
@run_async
async def test_snapshot_and_clip_show_the_time_that_was_asked_for(
    tmp_path: Path, clip: Path, name: str
) -> None:
    async with real_pole(tmp_path, clip) as pole:
        await pole.wait_s(name, MIN_RING_S)
        still = await pole.get(f"{name}/snapshot.jpg")
        assert (still.status, shape(still.body)) == (200, (240, 320, 3))
        age_ms = pole.clock.utc_ms() - parse_utc(still.headers["Polewatch-At"])
        assert -1000 < age_ms < 3000

        at = pole.ago(4.0)
        then = await pole.get(f"{name}/snapshot.jpg", at=at)
        assert abs(parse_utc(then.headers["Polewatch-At"]) - parse_utc(at)) < 500
        assert then.body != still.body

        span = {"from": pole.ago(5.0), "to": pole.ago(2.0)}
        kept = await pole.get(f"{name}/clip", **span)
        assert kept.status == 200
        times = decode_times(kept.body)
        assert 2.5 <= times[-1] - times[0] <= 4.5, "three seconds, and up to a GOP before"
        first, last = (parse_utc(kept.headers[f"Polewatch-{end}"]) for end in ("From", "To"))
        assert -300 <= parse_utc(span["from"]) - first <= 1300
        assert abs(parse_utc(span["to"]) - last) <= 500

        gone = await pole.get(f"{name}/snapshot.jpg", at=pole.ago(3600))
        assert gone.status == 409
        assert f"{datetime.now(UTC):%Y-%m-%d}T" in gone.detail()
        assert pole.eyes.left() == []
        seen = await pole.eyes.records("audit", "access", name)
        assert [each["data"]["what"] for each in seen] == ["snapshot", "snapshot", "clip"]


@pytest.mark.parametrize("name", ["yard", "hall"])
@run_async
async def test_live_views_play(tmp_path: Path, clip: Path, name: str) -> None:
    async with real_pole(tmp_path, clip) as pole:
        await pole.eyes.wait_state(name, "seeing")
        async with pole.session.get(f"/v1/cameras/{name}/live.mjpg") as answer:
            assert answer.status == 200
            for _ in range(4):
                head = await answer.content.readuntil(b"\r\n\r\n")
                size = int(head.partition(b"Content-Length: ")[2])
                assert shape(await answer.content.readexactly(size)) == (240, 320, 3)
        video = bytearray()
        async with pole.session.get(f"/v1/cameras/{name}/live.mp4") as answer:
            assert answer.headers["Content-Type"].startswith('video/mp4; codecs="avc1.')
            while video.count(b"moof") < 30:
                video += await answer.content.readany()
        times = decode_times(bytes(video[: video.rindex(b"moof") - 4]))
        assert times[0] == 0.0
        assert len(times) >= 25


@run_async
async def test_tracks_of_the_watched_camera_are_told(tmp_path: Path, clip: Path) -> None:
    async with (
        real_pole(tmp_path, clip) as pole,
        pole.session.get("/v1/cameras/yard/tracks") as answer,
    ):
        tracks: list[dict[str, object]] = []
        while not tracks:
            event = await answer.content.readuntil(b"\n\n")
            if event.startswith(b"data: "):
                tracks = json.loads(event.removeprefix(b"data: "))["tracks"]
        assert tracks[0]["label"] == "person"
        listed = json.loads((await pole.get("hall")).body)
        assert (listed["watch"], listed["awake"]) == (False, False)


@run_async
async def test_views_end_when_the_camera_is_lost_and_can_be_had_again_when_it_is_back(
    tmp_path: Path, clip: Path
) -> None:
    async with real_pole(tmp_path, clip) as pole:
        await pole.eyes.wait_state("yard", "seeing")
        async with (
            pole.session.get("/v1/cameras/yard/live.mjpg") as pictures,
            pole.session.get("/v1/cameras/yard/live.mp4") as video,
        ):
            pole.camera.set_faults(connect="refuse")
            pole.camera.hang_up()
            await asyncio.gather(pictures.content.read(), video.content.read())
        await pole.eyes.wait_state("yard", "lost")
        refused = await pole.get("yard/live.mjpg")
        assert refused.status == 503
        assert "127.0.0.1" not in refused.detail()
        assert (await pole.get("yard/snapshot.jpg")).status == 503
        pole.camera.heal()
        await pole.eyes.wait_state("yard", "seeing")
        async with pole.session.get("/v1/cameras/yard/live.mjpg") as again:
            assert again.status == 200


@pytest.mark.parametrize("form", ["live.mjpg", "live.mp4"])
@run_async
async def test_hundred_who_come_and_go_leave_room_in_the_eye(
    tmp_path: Path, clip: Path, form: str
) -> None:
    async with real_pole(tmp_path, clip) as pole:
        await pole.eyes.wait_state("yard", "seeing")
        await pole.get("yard")
        tasks, files = len(asyncio.all_tasks()), count_files()
        for number in range(100):
            asking = asyncio.ensure_future(pole.session.get(f"/v1/cameras/yard/{form}"))
            await asyncio.sleep(0.003 * (number % 10))
            if asking.done():
                asking.result().close()
            asking.cancel()
        await pole.eyes.wait_until(lambda: len(asyncio.all_tasks()) <= tasks)
        await pole.eyes.wait_until(lambda: count_files() <= files)
        watching = [await pole.session.get("/v1/cameras/yard/live.mp4") for _ in range(6)]
        watching.append(await pole.session.get("/v1/cameras/yard/live.mjpg"))
        assert [answer.status for answer in watching] == [200] * 7
        for answer in watching:
            answer.close()
