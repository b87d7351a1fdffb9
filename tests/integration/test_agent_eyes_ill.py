"""Eyes that print what no sound eye prints: it is counted, never believed, and stays theirs."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from edge.agent.eyes.pole_eyes import Terms
from edge.errors import EyeRefused, EyeUnavailable, MediaError
from tests.support.aio import run_async
from tests.support.asked_eye import is_alive
from tests.support.eye_pole import EyePole, running

pytestmark = pytest.mark.timeout(120)


@run_async
async def test_garbage_and_half_lines_are_counted_and_the_rest_is_heard(tmp_path: Path) -> None:
    async with running(tmp_path, ["murmurs"]) as pole:
        await pole.wait_state("murmurs", "seeing")
        pid = pole.pid("murmurs")
        (sight,) = await pole.wait_for("health", "sight")

        assert sight["data"]["state"] == "seeing"
        assert pole.pid("murmurs") == pid, "it was not ended for a few"
    async with running(tmp_path, ["good"]) as pole:
        assert await pole.records("health", "crash") == []


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("babbles", "too many lines that are none; the last one: line: "),
        ("floods", "more than 2000 lines a second"),
        ("alarms", "more than 10 lines a second that are to be kept"),
    ],
)
@run_async
async def test_eye_that_floods_is_killed_and_the_other_is_not_disturbed(
    tmp_path: Path, name: str, reason: str
) -> None:
    async with running(tmp_path, [name, "good"]) as pole:
        await pole.wait_state("good", "seeing")
        pid = pole.pid("good")
        first, second = (await pole.wait_for("health", "crash", name, count=2))[:2]

        for crash in (first, second):
            assert crash["data"]["reason"].startswith(reason)
            assert crash["data"]["signal"] == "SIGKILL"
        assert first["data"]["pid"] != second["data"]["pid"]
        assert pole.pid("good") == pid
        assert pole.eyes.status("good").state == "seeing"
        assert await pole.records("health", "crash", "good") == []
    async with running(tmp_path, ["good"]) as pole:
        opened = await pole.records("alerts", "alert.open", name)
        closed = await pole.records("alerts", "alert.close", name)
        assert {each["alert"] for each in opened} == {each["alert"] for each in closed}


@run_async
async def test_line_without_end_takes_no_memory_and_the_next_one_is_heard(tmp_path: Path) -> None:
    async with running(tmp_path, ["drones"]) as pole:
        await pole.wait_state("drones", "seeing")
        pid = pole.pid("drones")
        await pole.wait_until(lambda: _frames(pole, "drones") > 20)

        assert pole.pid("drones") == pid
        assert await pole.records("health", "crash") == []


def _frames(pole: EyePole, name: str) -> int:
    sight = pole.eyes.status(name).sight
    return 0 if sight is None else sight.frames


@run_async
async def test_lies_about_files_are_refused_and_the_truth_is_kept(tmp_path: Path) -> None:
    async with running(tmp_path, ["lies"]) as pole:
        (ready,) = await pole.wait_for("media", "media.ready")
        gone = await pole.records("media", "media.gone")

        assert [each["data"]["reason"].partition(":")[0] for each in gone] == [
            "link.mp4", "fifo.mp4", "folder.mp4", "missing.mp4", "wrong.mp4",
        ]  # fmt: skip
        assert "its hash is" in gone[4]["data"]["reason"]
        digest = ready["media"][0]["sha256"]
        assert pole.kept() == {digest: b"good"}
        assert ready["media"][0]["bytes"] == 4, "as it was weighed, not as the eye said"
        assert all(each["media"] == [] for each in gone)
        await pole.wait_for("alerts", "alert.close")
    async with running(tmp_path, ["good"]) as pole:
        assert len(await pole.records("media")) == 6, "nothing comes again later"
        assert (tmp_path / "data" / "eyes" / "lies" / "secret.mp4").read_bytes() == b"secret"


@run_async
async def test_each_crash_is_recorded_and_its_alert_is_closed_and_continued(tmp_path: Path) -> None:
    async with running(tmp_path, ["crashes"]) as pole:
        crashes = await pole.wait_for("health", "crash", count=2)
        opened = await pole.wait_for("alerts", "alert.open", count=2)
        closed = await pole.wait_for("alerts", "alert.close", count=2)

        assert crashes[0]["data"]["signal"] == "SIGSEGV"
        assert crashes[0]["data"]["exit"] is None
        assert closed[0]["alert"] == opened[0]["alert"]
        assert closed[0]["data"] == {"reason": "interrupted"}
        assert "continues" not in opened[0]["data"]
        assert opened[1]["data"]["continues"] == opened[0]["alert"]
        assert pole.eyes.status("crashes").restarts >= 1


@run_async
async def test_eye_that_ends_with_words_is_recorded_with_them(tmp_path: Path) -> None:
    async with running(tmp_path, ["fails"]) as pole:
        (crash,) = await pole.wait_for("health", "crash")

        assert (crash["data"]["exit"], crash["data"]["signal"]) == (1, None)
        assert crash["data"]["reason"] == "the camera refuses the login; put it right"
        await pole.wait_state("fails", "down")
        assert "refuses the login" in pole.eyes.status("fails").reason


@run_async
async def test_eye_that_ends_without_words_is_recorded_with_where_they_are(tmp_path: Path) -> None:
    async with running(tmp_path, ["unheard"]) as pole:  # a behaviour that there is not
        (crash, *_) = await pole.wait_for("health", "crash")
        assert crash["data"]["reason"] == "exit code 70; why stands in the log, just before"


@run_async
async def test_memory_hog_ends_by_its_limit_and_nobody_else_does(tmp_path: Path) -> None:
    async with running(tmp_path, ["hogs", "good"]) as pole:
        await pole.wait_state("good", "seeing")
        pid = pole.pid("good")
        (crash,) = await pole.wait_for("health", "crash", "hogs")

        assert crash["data"]["exit"] == 70, "a MemoryError of its own"
        assert pole.pid("good") == pid


@run_async
async def test_refused_eye_says_why_and_is_recorded_once(tmp_path: Path) -> None:
    async with running(tmp_path, ["refuses"]) as pole:
        await pole.wait_state("refuses", "refused")
        (crash,) = await pole.wait_for("health", "crash")

        assert crash["data"]["exit"] == 2
        assert crash["data"]["lines"] == ["polewatch: nothing is right"]
        assert "its words stand in the log" in pole.eyes.status("refuses").reason


@run_async
async def test_camera_this_version_can_not_do_is_not_started(tmp_path: Path) -> None:
    extra = '[[camera]]\nname = "roof"\nmain = "a.mp4"\nkind = "thermal"\n'
    async with running(tmp_path, ["good"], extra=extra) as pole:
        await pole.wait_state("roof", "refused")
        await pole.wait_state("good", "seeing")

        status = pole.eyes.status("roof")
        assert status.pid is None
        assert "it reads no temperatures" in status.reason


@run_async
async def test_files_left_behind_are_recovered_once_and_the_rest_is_removed(
    tmp_path: Path,
) -> None:
    async with running(tmp_path, ["leaves"]) as pole:
        (opened, *_) = await pole.wait_for("alerts", "alert.open")
        ready = await pole.wait_for("media", "media.ready", count=2)
        mine = [each for each in ready if each["alert"] == opened["alert"]]

        assert sorted(each["media"][0]["role"] for each in mine) == ["clip", "snapshot"]
        assert all(each["data"]["recovered"] for each in mine)
    async with running(tmp_path, ["good"]) as pole:
        opened_count = len(await pole.records("alerts", "alert.open"))
        ready = await pole.records("media", "media.ready")
        hashes = [each["media"][0]["sha256"] for each in ready]
        assert len(hashes) == len(set(hashes)) == len(pole.kept())
        assert len(ready) <= 2 * opened_count
        assert b"of an unknown alert" not in pole.kept().values()
        assert pole.left() == []


@run_async
async def test_file_is_recovered_also_when_its_eye_dies_before_the_alert_is_on_disk(
    tmp_path: Path,
) -> None:
    async with running(tmp_path, ["hasty-1", "hasty-2"]) as pole:
        await pole.wait_for("media", "media.ready", count=2)
        await pole.wait_for("alerts", "alert.open", count=4)
    async with running(tmp_path, ["good"], terms=Terms(sweep_after_s=0.0)) as pole:
        await pole.wait_until(lambda: pole.left() == [])
        opened = await pole.records("alerts", "alert.open")
        ready = await pole.records("media", "media.ready")
        assert {each["alert"] for each in ready} == {each["alert"] for each in opened}


@run_async
async def test_stop_keeps_what_eyes_tell_last(tmp_path: Path) -> None:
    async with running(tmp_path, ["late-1", "late-2"]) as pole:
        await pole.wait_for("alerts", "alert.open", count=2)
        await pole.wait_state("late-1", "seeing")
        await pole.wait_state("late-2", "seeing")
    async with running(tmp_path, ["good"]) as pole:
        assert len(await pole.records("alerts", "alert.close")) == 2
        assert len(await pole.records("media", "media.ready")) == 2
        assert await pole.records("health", "crash") == []
        assert pole.left() == []


@run_async
async def test_file_that_comes_to_its_end_plays_again_and_nothing_is_amiss(tmp_path: Path) -> None:
    async with running(tmp_path, ["plays"]) as pole:
        await pole.wait_state("plays", "seeing")
        first = pole.pid("plays")
        await pole.wait_until(lambda: pole.eyes.status("plays").pid not in (None, first))

        assert pole.eyes.status("plays").state == "seeing"
        assert pole.eyes.status("plays").restarts == 0
        assert await pole.records("health", "crash") == []


@run_async
async def test_reply_goes_to_who_asked_and_a_lie_about_its_file_is_found(tmp_path: Path) -> None:
    async with running(tmp_path, ["good"]) as pole:
        await pole.wait_state("good", "seeing")
        asked = await pole.eyes.ask_file("good", "snapshot", {})
        with asked.file as file:
            assert file.read() == b"JPEG"
        assert (asked.size_bytes, asked.type) == (4, "image/jpeg"), "not the eye's text/html"
        assert asked.from_ms == asked.to_ms, "a picture is of one moment"
        assert pole.left() == []
        with pytest.raises(MediaError, match="hash"):
            await pole.eyes.ask_file("good", "snapshot", {"at": "lie"})
        with pytest.raises(EyeRefused, match=r"^no$"):
            await pole.eyes.ask_file("good", "clip", {"from": 1})


@run_async
async def test_stuck_eye_holds_nobody_up_and_commands_are_refused_when_too_many_wait(
    tmp_path: Path,
) -> None:
    async with running(tmp_path, ["deaf", "good"]) as pole:
        await pole.wait_state("deaf", "seeing")
        await pole.wait_state("good", "seeing")
        long = {"at": "x" * 4_000}
        asking = [
            asyncio.ensure_future(pole.eyes.ask_file("deaf", "snapshot", long)) for _ in range(64)
        ]
        asked = await pole.eyes.ask_file("good", "snapshot", {})
        asked.file.close()
        outcomes = await asyncio.gather(*asking, return_exceptions=True)

        assert all(isinstance(each, EyeUnavailable) for each in outcomes)
        words = {str(each) for each in outcomes}
        assert words == {
            "deaf: no reply within 10 s; try again",
            "the eye takes no commands; it is restarted if that lasts",
        }
        with pytest.raises(EyeUnavailable, match=r"did not connect|no reply"):
            async with pole.eyes.view("deaf", "jpeg", "main"):
                pass


@run_async
async def test_killed_eye_takes_those_who_wait_for_it_along(tmp_path: Path) -> None:
    async with running(tmp_path, ["deaf"]) as pole:
        await pole.wait_state("deaf", "seeing")
        asking = asyncio.ensure_future(pole.eyes.ask_file("deaf", "snapshot", {}))
        await asyncio.sleep(0)
        os.kill(pole.pid("deaf"), signal.SIGKILL)
        with pytest.raises(EyeUnavailable, match="the eye has ended"):
            await asking
        with pytest.raises(EyeUnavailable, match="no eye runs"):
            await pole.eyes.ask_file("deaf", "snapshot", {})


@run_async
async def test_fork_server_that_can_not_start_is_said_of_each_camera(tmp_path: Path) -> None:
    broken = [sys.executable, "-c", "raise SystemExit(3)"]
    async with running(tmp_path, ["good"], command=broken) as pole:
        await pole.wait_state("good", "down")
        crashes = await pole.wait_for("health", "crash", count=2)

        status = pole.eyes.status("good")
        assert status.reason == "no fork server runs: the fork server has ended"
        assert {each["data"]["part"] for each in crashes} == {"fork server"}


@run_async
async def test_silent_eye_is_killed_and_started_again(tmp_path: Path) -> None:
    async with running(tmp_path, ["silent", "good"], terms=Terms(kill_silent_s=3.0)) as pole:
        await pole.wait_state("good", "seeing")
        pid = pole.pid("good")
        first, second = await pole.wait_for("health", "crash", count=2)

        assert first["data"]["reason"].startswith("it has said nothing for ")
        assert {first["camera"], second["camera"]} == {"silent"}
        assert pole.pid("good") == pid


@run_async
async def test_stop_ends_an_eye_that_does_not_obey(tmp_path: Path) -> None:
    async with running(tmp_path, ["silent"]) as pole:
        await pole.wait_state("silent", "seeing")
        pid = pole.pid("silent")
    assert not is_alive(pid)


@run_async
async def test_data_folder_that_was_taken_away_is_not_made_anew_by_eyes(tmp_path: Path) -> None:
    """It could not be put back then, and what the eyes wrote there would be found by nobody."""
    data, aside = tmp_path / "data", tmp_path / "aside"
    async with running(tmp_path, ["crashes"]) as pole:
        await pole.wait_for("health", "crash")
        data.rename(aside)
        restarts = pole.eyes.status("crashes").restarts
        await pole.wait_until(lambda: pole.eyes.status("crashes").restarts > restarts + 1)
        assert not data.exists()
        aside.rename(data)
        await pole.wait_until(lambda: pole.log.fault is None)
