"""Real eyes on loopback cameras: whatever befalls one, the others go on and nothing restarts."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from edge.agent.eyes.outage import Patience
from edge.agent.eyes.pole_eyes import Terms
from edge.errors import EyeUnavailable
from tests.support.aio import run_async
from tests.support.asked_eye import is_alive
from tests.support.bad_camera import REAL_TIME, BadCamera
from tests.support.eye_pole import CHEQUER, EyePole, open_descriptors, running
from tests.support.video import Scene, Shot, Visit, make_clip

pytestmark = pytest.mark.timeout(120)
HASTY = Terms(Patience(open_after_s=6.0, hold_s=3.0), kill_silent_s=14.0, sweep_after_s=1.0)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Something to see most of the time."""
    scene = Scene(visits=(Visit(enter_s=1, leave_s=5), Visit(enter_s=7, leave_s=11)), noise=2)
    path = tmp_path_factory.mktemp("clip") / "yard.mp4"
    return make_clip(path, scene, Shot(seconds=12, fps=10, gop_s=1)).path


@pytest.fixture
def cameras(clip: Path) -> Iterator[dict[str, BadCamera]]:
    """Three that show the clip for ever."""
    with ExitStack() as stack:
        yield {
            name: stack.enter_context(BadCamera(clip, pace=REAL_TIME))
            for name in ("gate", "road", "yard")
        }


def urls(cameras: dict[str, BadCamera]) -> dict[str, str | Path]:
    return {name: camera.url for name, camera in cameras.items()}


def frames(pole: EyePole, name: str) -> int:
    sight = pole.eyes.status(name).sight
    return 0 if sight is None else sight.frames


async def wait_see(pole: EyePole, *names: str) -> None:
    for name in names:
        await pole.wait_state(name, "seeing")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV], ids=lambda n: n.name)
@run_async
async def test_eye_that_is_killed_comes_back_and_the_others_go_on(
    tmp_path: Path, cameras: dict[str, BadCamera], number: signal.Signals
) -> None:
    async with running(tmp_path, urls(cameras), command=CHEQUER) as pole:
        await wait_see(pole, *pole.eyes.names)
        pids = {name: pole.pid(name) for name in pole.eyes.names}
        os.kill(pids["road"], number)
        await pole.wait_state("road", "down", "starting")
        await pole.wait_state("road", "seeing")

        assert pole.pid("road") != pids["road"]
        assert {n: pole.pid(n) for n in ("gate", "yard")} == {n: pids[n] for n in ("gate", "yard")}
        crashes = await pole.records("health", "crash")
        assert [(each["camera"], each["data"]["signal"]) for each in crashes] == [
            ("road", number.name)
        ]
        assert [pole.eyes.status(name).restarts for name in ("gate", "road", "yard")] == [0, 1, 0]
        assert len(cameras["gate"].log.of("connect")) == 1
    assert not any(is_alive(pid) for pid in pids.values())


@run_async
async def test_stopped_eye_is_silent_in_time_then_killed_and_the_others_go_on(
    tmp_path: Path, cameras: dict[str, BadCamera]
) -> None:
    async with running(tmp_path, urls(cameras), command=CHEQUER, terms=HASTY) as pole:
        await wait_see(pole, *pole.eyes.names)
        pids = {name: pole.pid(name) for name in pole.eyes.names}
        before = {name: frames(pole, name) for name in pole.eyes.names}
        os.kill(pids["road"], signal.SIGSTOP)
        await pole.wait_state("road", "silent", timeout_s=13)
        (crash,) = await pole.wait_for("health", "crash")
        await pole.wait_state("road", "seeing")

        assert crash["data"]["signal"] == "SIGKILL"
        assert crash["data"]["reason"].startswith("it has said nothing for 1")
        for name in ("gate", "yard"):
            assert pole.pid(name) == pids[name]
            assert frames(pole, name) > before[name] + 80, "some 14 s at 10 fps"


@run_async
async def test_dead_camera_makes_one_alert_that_closes_when_it_is_seen_again(
    tmp_path: Path, cameras: dict[str, BadCamera]
) -> None:
    cameras["road"].set_faults(connect="refuse")
    async with running(tmp_path, urls(cameras), command=CHEQUER, terms=HASTY) as pole:
        (opened,) = await pole.wait_for("alerts", "alert.open", "road")
        await wait_see(pole, "gate", "yard")
        pids = {name: pole.pid(name) for name in pole.eyes.names}

        assert opened["rule"] == {"type": "system", "name": "camera_lost"}
        assert (opened["severity"], opened["data"]["state"]) in (
            ("major", "lost"), ("major", "starting"),
        )  # fmt: skip
        assert opened["media"] == []
        await asyncio.sleep(HASTY.patience.open_after_s)
        assert len(await pole.records("alerts", "alert.open", "road")) == 1
        cameras["road"].heal()
        (closed,) = await pole.wait_for("alerts", "alert.close", "road", timeout_s=40)
        assert closed["alert"] == opened["alert"]
        assert closed["data"]["reason"] == "the camera is seen again"
        assert {name: pole.pid(name) for name in pole.eyes.names} == pids, "nothing restarted"


@run_async
async def test_lasting_outage_is_continued_by_the_next_agent(tmp_path: Path) -> None:
    nowhere = {"road": "rtsp://127.0.0.1:9/main"}
    async with running(tmp_path, nowhere, command=CHEQUER, terms=HASTY) as pole:
        (first,) = await pole.wait_for("alerts", "alert.open")
    async with running(tmp_path, nowhere, command=CHEQUER, terms=HASTY) as pole:
        (closed,) = await pole.wait_for("alerts", "alert.close")
        _, second = await pole.wait_for("alerts", "alert.open", count=2)

        assert (closed["alert"], closed["data"]) == (first["alert"], {"reason": "interrupted"})
        assert second["data"]["continues"] == first["alert"]


@run_async
async def test_fork_server_that_is_killed_is_started_again_with_all_eyes(
    tmp_path: Path, cameras: dict[str, BadCamera]
) -> None:
    async with running(tmp_path, urls(cameras), command=CHEQUER) as pole:
        await wait_see(pole, *pole.eyes.names)
        server = pole.eyes.fork_server_pid
        assert server is not None
        os.kill(server, signal.SIGKILL)
        await pole.wait_state("gate", "down", "starting")
        with pytest.raises(EyeUnavailable, match="no eye runs"):
            await pole.eyes.ask_file("gate", "snapshot", {})
        await wait_see(pole, *pole.eyes.names)

        crashes = await pole.records("health", "crash")
        assert sorted(each["camera"] or "" for each in crashes) == ["", "gate", "road", "yard"]
        assert crashes[0]["data"]["reason"]
        assert pole.eyes.fork_server_pid not in (None, server)


@run_async
async def test_stuck_fork_server_is_replaced_once_it_is_needed(
    tmp_path: Path, cameras: dict[str, BadCamera]
) -> None:
    async with running(tmp_path, urls(cameras), command=CHEQUER) as pole:
        await wait_see(pole, *pole.eyes.names)
        server = pole.eyes.fork_server_pid
        assert server is not None
        os.kill(server, signal.SIGSTOP)
        os.kill(pole.pid("road"), signal.SIGKILL)
        await pole.wait_until(lambda: pole.eyes.fork_server_pid not in (None, server), timeout_s=40)
        await wait_see(pole, *pole.eyes.names)

        assert not is_alive(server)


@run_async
async def test_alerts_of_real_eyes_become_records_with_their_media(
    tmp_path: Path, cameras: dict[str, BadCamera]
) -> None:
    extra = '[[rule]]\ntype = "intrusion"\nzones = []\n'
    async with running(tmp_path, urls(cameras), command=CHEQUER, extra=extra) as pole:
        opened = await pole.wait_for("alerts", "alert.open", count=3)
        await pole.wait_for("media", "media.ready", count=3)
        assert {each["camera"] for each in opened} <= {"gate", "road", "yard"}
    async with running(tmp_path, {}, command=CHEQUER) as pole:
        opened = await pole.records("alerts", "alert.open")
        closed = await pole.records("alerts", "alert.close")
        ready = await pole.records("media", "media.ready")
        assert {each["alert"] for each in opened} == {each["alert"] for each in closed}
        assert {(each["alert"], each["data"]["role"]) for each in ready} == {
            (each["alert"], role) for each in opened for role in ("snapshot", "clip")
        }
        kept = pole.kept()
        assert {each["media"][0]["sha256"] for each in ready} == set(kept)
        assert await pole.records("health", "crash") == []
        assert pole.left() == []


@run_async
async def test_views_snapshots_and_clips_come_from_a_real_eye(
    tmp_path: Path, cameras: dict[str, BadCamera]
) -> None:
    async with running(tmp_path, urls(cameras), command=CHEQUER) as pole:
        await wait_see(pole, *pole.eyes.names)
        open_count = open_descriptors()
        async with pole.eyes.view("gate", "jpeg", "main") as reader:
            for _ in range(3):
                size = int.from_bytes(await reader.readexactly(4), "big")
                assert (await reader.readexactly(size))[:2] == b"\xff\xd8"
        async with pole.eyes.view("gate", "fragments", "main") as reader:
            assert (await reader.readexactly(8))[4:] == b"ftyp"
        for kind, begin in (("snapshot", b"\xff\xd8"), ("clip", None)):
            asked = await pole.eyes.ask_file("gate", kind, {} if begin else {"from": 0.5})
            with asked.file as file:
                data = file.read()
            assert len(data) == asked.size_bytes
            assert data.startswith(begin or data[:4] + b"ftyp")
        assert await pole.eyes.wait_for_tracks("gate", timeout_s=20)
        assert {each.label for each in pole.eyes.tracks("gate")} <= {"person"}
        await pole.wait_until(lambda: open_descriptors() <= open_count)
