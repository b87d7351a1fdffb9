"""Commands to a running eye: what they make, what is refused, and how an eye ends."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import pty
import signal
import subprocess
import threading
from pathlib import Path

import av
import cv2
import pytest

from tests.support.asked_eye import AskedEye, Line, wait_gone
from tests.support.bad_camera import REAL_TIME, BadCamera
from tests.support.eye_process import COMMAND
from tests.support.faults import Faults
from tests.support.rtsp_server import GstRtspServer
from tests.support.video import Scene, Shot, Visit, make_clip

pytestmark = pytest.mark.timeout(120)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A minute with somebody in it from the second second on."""
    scene = Scene(visits=(Visit(enter_s=1, leave_s=59),))
    path = tmp_path_factory.mktemp("clip") / "yard.mp4"
    return make_clip(path, scene, Shot(seconds=60, fps=10, gop_s=1)).path


def decoded(path: Path) -> int:
    with av.open(str(path)) as container:
        return sum(1 for _ in container.decode(video=0))


def check_file(folder: Path, reply: Line) -> Path:
    """A finished file is in the folder, as long as said and with the hash said."""
    assert reply["ok"], str(reply.get("error"))
    path: Path = folder / reply["file"]
    data = path.read_bytes()
    assert len(data) == reply["bytes"]
    assert hashlib.sha256(data).hexdigest() == reply["sha256"]
    return path


def check_snapshot_and_clip(eye: AskedEye, folder: Path) -> None:
    now = eye.ask("snapshot")
    then = eye.ask("snapshot", at=1.5)
    span = eye.ask("clip", from_=1.2, to=2.0)

    assert cv2.imread(str(check_file(folder, now))).shape[:2] == (240, 320)
    check_file(folder, then)
    assert then["frame_t"] == pytest.approx(1.5, abs=0.11)
    assert now["frame_t"] > then["frame_t"]
    count = decoded(check_file(folder, span))
    assert span["from_t"] <= 1.2
    assert span["to_t"] == pytest.approx(2.0, abs=0.11)
    assert count == round((span["to_t"] - span["from_t"]) * 10) + 1


def test_snapshot_and_clip_are_cut_from_a_file_paced_real(clip: Path, tmp_path: Path) -> None:
    with AskedEye(clip, "--pace", "real", "--out", tmp_path) as eye:
        eye.wait_for("alert")
        eye.reader.wait_for(lambda line: line["t"] > 2)
        eye.ask("mute", seconds=1)
        check_snapshot_and_clip(eye, tmp_path)


def test_snapshot_and_clip_are_cut_from_a_camera(clip: Path, tmp_path: Path) -> None:
    with (
        GstRtspServer(clip) as server,
        AskedEye(server.url, "--tracks", "--out", tmp_path) as eye,
    ):
        line = eye.wait_for("track", after_t=2.1)
        check_snapshot_and_clip(eye, tmp_path)
        eye.wait_for("track", after_t=line["t"] + 0.5)
        by_wall = eye.ask("clip", from_=line["at"])

        assert check_file(tmp_path, by_wall)
        assert by_wall["from_t"] <= line["t"] + 0.2
        assert by_wall["to_t"] >= line["t"] + 0.5
        assert eye.ask("stop")["ok"]
        code, lines = eye.end()
        assert (code, lines[-1]["reason"]) == (0, "stopped")


def test_files_of_a_run_before_are_not_overwritten(clip: Path, tmp_path: Path) -> None:
    made = []
    for _ in range(2):
        with AskedEye(clip, "--pace", "real", "--tracks", "--out", tmp_path) as eye:
            eye.wait_for("track", after_t=1.5)
            made += [eye.ask("snapshot", at=1.0), eye.ask("clip", from_=0, to=1.0)]
            made += [eye.ask("snapshot", at=1.0)]
    names = [reply["file"] for reply in made]

    assert len(set(names)) == len(names) == 6
    for reply in made:
        check_file(tmp_path, reply)


REFUSED: list[tuple[dict[str, object], str]] = [
    ({"kind": "hop"}, "no command 'hop'"),
    ({"kind": "h" * 9000}, "there are: snapshot"),
    ({"kind": "stop", "now": True}, "'now': stop has no such argument"),
    ({"kind": "snapshot", "file": "../x.jpg"}, "'file': snapshot has no such argument"),
    ({"kind": "snapshot", "at": 900}, "not in the ring"),
    ({"kind": "snapshot", "at": -1}, "neither seconds nor RFC 3339"),
    ({"kind": "snapshot", "at": True}, "neither seconds nor RFC 3339"),
    ({"kind": "snapshot", "at": 10**40}, "neither seconds nor RFC 3339"),
    ({"kind": "snapshot", "at": "today"}, "is not RFC 3339"),
    ({"kind": "snapshot", "at": "2026-01-01T00:00:00"}, "lacks its offset"),
    ({"kind": "clip"}, "from: missing"),
    ({"kind": "clip", "from": 1, "to": 0.5}, "not after from"),
    ({"kind": "clip", "from": 500, "to": 501}, "in the ring, which has 0.0 to"),
    ({"kind": "mute"}, "one of the two"),
    ({"kind": "mute", "seconds": 1, "until": 2}, "one of the two"),
    ({"kind": "mute", "seconds": "1"}, "not a number"),
    ({"kind": "mute", "seconds": 1e12}, "not a number from 0"),
    ({"kind": "mute", "seconds": 1, "rule": "x"}, "no rule of that name; there are: everything"),
    ({"kind": "mute", "seconds": 1, "rule": 3}, "not a rule's name"),
    ({"kind": "zones", "zones": []}, "lines: missing"),
    ({"kind": "zones", "zones": [{"name": "a", "points": [[0, 0], [1, 1]]}], "lines": []}, "3"),
    ({"kind": "zones", "zones": 7, "lines": []}, "zones"),
    ({"kind": "live"}, "socket: missing"),
    ({"kind": "live", "socket": "/nowhere/x"}, "nobody listens"),
    ({"kind": "live", "socket": "\0abstract"}, "zero byte"),
    ({"kind": "live", "socket": "x" * 5000}, "nobody listens"),
    ({"kind": "live", "socket": "/x", "format": "gif"}, "not jpeg or fragments"),
    ({"kind": "live", "socket": "/x", "stream": "sub"}, "no stream here"),
]


def test_what_can_not_be_done_is_refused_in_one_clear_line(clip: Path, tmp_path: Path) -> None:
    with AskedEye(clip, "--pace", "real", "--tracks", "--out", tmp_path) as eye:
        eye.wait_for("track", after_t=1.5)
        for number, (command, words) in enumerate(REFUSED):
            eye.send(json.dumps({"id": number, **command}).encode() + b"\n")
            reply = eye.reader.wait_for(
                lambda line, number=number: line["kind"] == "reply" and line["id"] == number  # type: ignore[misc]
            )
            assert not reply["ok"], command
            assert words in reply["error"], (command, reply["error"])
            assert "\n" not in reply["error"]
        assert not [*tmp_path.glob("snapshot*"), *tmp_path.glob("clip-*"), *tmp_path.glob("../x*")]


def test_files_are_refused_when_eye_has_no_folder(clip: Path) -> None:
    with AskedEye(clip, "--pace", "real", "--tracks") as eye:
        eye.wait_for("track", after_t=1.5)

        for reply in (eye.ask("snapshot"), eye.ask("clip", from_=0)):
            assert not reply["ok"]
            assert "--out" in reply["error"]


def test_rules_zones_and_looking_can_be_steered(clip: Path) -> None:
    with AskedEye(clip, "--pace", "real") as eye:
        assert eye.ask("mute", seconds=3600, rule="everything")["until_t"] >= 3600
        assert eye.ask("look-began")["ok"]
        assert eye.ask("look-ended")["ok"]
        zone = {"name": "gate", "points": [[0, 0], [1, 0], [1, 1]]}
        assert eye.ask("zones", zones=[zone], lines=[])["ok"]
        eye.ask("stop")
        _, lines = eye.end()

        assert not [line for line in lines if line["kind"] == "alert"]


GARBAGE = [
    b"\n",
    b"garbage\n",
    b"\xff\xfe\x00\n",
    b"[]\n",
    b"{}\n",
    b'{"kind":"stop"}\n',
    b'{"kind":"stop","id":1.5}\n',
    b'{"kind":"stop","id":' + b"9" * 40 + b"}\n",
    b'{"kind":"stop","command":"stop","id":1}\n',
    b"[" * 50_000 + b"\n",
    b"x" * 1_000_000 + b"\n",
]
"""The first is no line at all; each of the others gets one refusal."""


def test_garbage_gets_one_refusal_a_line_and_the_eye_goes_on(clip: Path) -> None:
    with AskedEye(clip, "--pace", "real") as eye:
        eye.wait_for("source")
        for data in GARBAGE:
            eye.send(data)
        for part in (b'{"kind":"mute",', b'"id":77,"seco', b'nds":1}\n'):
            eye.send(part)
        reply = eye.reader.wait_for(lambda line: line["kind"] == "reply" and line["id"] == 77)
        refusals = [line for line in eye.reader.lines if line["kind"] == "reply"][:-1]

        assert reply["ok"]
        assert [line["ok"] for line in refusals] == [False] * (len(GARBAGE) - 1)
        # One of them has an id, though it says twice what is wanted.
        assert {line["id"] for line in refusals} == {None, 1}
        assert all(len(line["error"]) < 500 for line in refusals)
        assert eye.process.poll() is None


def rss_kib(pid: int) -> int:
    text = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(text.partition("VmRSS:")[2].split()[0])


def test_flood_of_lines_neither_grows_nor_starves_the_eye(clip: Path) -> None:
    with AskedEye(clip, "--pace", "real", "--tracks") as eye:
        eye.wait_for("track", after_t=2.5)
        before_kib = rss_kib(eye.process.pid)
        flood = threading.Thread(target=lambda: eye.send(b"{}\n" * 20_000))
        begun_t = eye.reader.lines[-1]["t"]
        flood.start()
        seen = eye.wait_for("track", after_t=begun_t + 3)
        late_s = seen["t"] - begun_t
        flood.join()
        assert eye.ask("mute", seconds=1)["ok"]
        analysed = {
            line["t"] for line in eye.reader.lines
            if line["kind"] == "track" and begun_t < line["t"] <= seen["t"]
        }  # fmt: skip

        assert rss_kib(eye.process.pid) - before_kib < 10_000
        assert len(analysed) >= 4 * late_s  # nothing was skipped for the flood


def test_end_of_input_does_not_stop_the_eye(clip: Path) -> None:
    with AskedEye(clip, "--pace", "real", "--tracks") as eye:
        eye.send(b'{"kind":"mute","id":5,"seconds":1}')  # no newline: the end of input ends it
        assert eye.process.stdin
        eye.process.stdin.close()

        assert eye.wait_for("reply")["id"] == 5
        assert eye.wait_for("track", after_t=2)


@pytest.mark.parametrize("stdin", ["null", "file", "closed"])
def test_eye_runs_without_anybody_to_command_it(clip: Path, tmp_path: Path, stdin: str) -> None:
    commands = tmp_path / "commands"
    commands.write_bytes(b'{"kind":"mute","id":5,"seconds":1}\n')
    name = {"null": os.devnull, "file": str(commands), "closed": "&-"}[stdin]
    shell = f'exec "$@" <{name}'
    with AskedEye(
        *("sh", "-c", shell, "sh"), *COMMAND, clip, "--pace", "real", "--tracks", command=()
    ) as eye:
        assert eye.wait_for("track", after_t=1.5)
        replies = [line for line in eye.reader.lines if line["kind"] == "reply"]
        assert [reply["ok"] for reply in replies] == ([True] if stdin == "file" else [])
        eye.terminate()
        assert eye.end()[0] == 0


def test_eye_in_the_background_of_a_terminal_goes_on_when_somebody_types(
    clip: Path, tmp_path: Path
) -> None:
    """Reading the terminal from the background stops a process that has not said otherwise."""
    ours, theirs = pty.openpty()
    # The shell leads the session that owns the terminal, and leaves the eye in the background.
    script = 'set -m; "$@" & echo $! >"$0"; wait'
    pid = tmp_path / "pid"
    with AskedEye(
        *("setsid", "--ctty", "bash", "-c", script, pid), *COMMAND,
        clip, "--pace", "real", "--tracks", stdin=theirs, command=(),
    ) as eye:  # fmt: skip
        os.close(theirs)
        eye.wait_for("track", after_t=1.2)
        os.write(ours, b"hello\n")

        assert eye.wait_for("track", after_t=4)
        os.kill(int(pid.read_text(encoding="ascii")), signal.SIGTERM)
        assert eye.reader.read_to_end()[-1]["reason"] == "stopped"
        os.close(ours)


HANGING = [
    Faults(connect="hang"),
    Faults(connect="blackhole"),
    Faults(connect="refuse"),
    Faults(stall_at=15),
    Faults(describe="drip"),
]


@pytest.mark.parametrize("faults", HANGING, ids=lambda faults: str(faults.connect))
@pytest.mark.parametrize("way", ["stop", "SIGTERM"])
def test_eye_ends_in_time_when_its_camera_hangs(
    clip: Path, tmp_path: Path, faults: Faults, way: str
) -> None:
    with (
        BadCamera(clip, faults, pace=REAL_TIME) as camera,
        AskedEye(camera.url, "--out", tmp_path) as eye,
    ):
        if faults.connect != "blackhole" and faults.connect != "refuse":  # noqa: PLR1714
            camera.log.wait_for(lambda log: bool(log.of("connect")), timeout_s=20)
        assert eye.ask("mute", seconds=1)["ok"]
        if way == "stop":
            assert eye.ask("stop")["ok"]
        else:
            eye.terminate()
        code, lines = eye.end()

        assert (code, lines[-1]["kind"], lines[-1]["reason"]) == (0, "end", "stopped")
        wait_gone(eye.process.pid, timeout_s=1)


@pytest.mark.parametrize("way", ["stop", "SIGTERM", "SIGINT"])
def test_open_alert_is_closed_and_its_clip_finished_when_eye_is_stopped(
    clip: Path, tmp_path: Path, way: str
) -> None:
    with AskedEye(clip, "--pace", "real", "--out", tmp_path) as eye:
        eye.wait_for("alert")
        if way == "stop":
            eye.ask("stop")
        else:
            eye.process.send_signal(getattr(signal, way))
        code, lines = eye.end()
        media = {line["role"]: line for line in lines if line["kind"] == "media"}

        assert code == 0
        assert [line["phase"] for line in lines if line["kind"] == "alert"] == ["open", "close"]
        assert decoded(check_file(tmp_path, {"ok": True, **media["clip"]})) > 10
        assert check_file(tmp_path, {"ok": True, **media["snapshot"]})
        assert [line["kind"] for line in lines].count("end") == 1
        assert lines[-1] == {**lines[-1], "kind": "end", "reason": "stopped"}
        assert not list(tmp_path.glob(".*"))


def test_eye_ends_quietly_with_clips_finished_when_nobody_reads_on(
    clip: Path, tmp_path: Path
) -> None:
    with AskedEye(clip, "--pace", "real", "--tracks", "--out", tmp_path) as eye:
        eye.wait_for("alert")
        assert eye.process.stdout
        assert eye.process.stderr
        eye.process.stdout.close()
        errors = eye.process.stderr.read()

        assert eye.process.wait(10) == 0
        assert b"Traceback" not in errors
        assert b"Broken" not in errors
        assert [decoded(path) > 5 for path in tmp_path.glob("*.mp4")] == [True]
        assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize("way", ["signal", "command", "command behind others", "again and again"])
def test_eye_ends_in_time_when_its_reader_has_stopped_reading(clip: Path, way: str) -> None:
    with AskedEye(clip, "--pace", "max", "--detections", "--motion", "--tracks") as eye:
        eye.wait_for("source")
        threading.Event().wait(2)  # it fills the pipe in a fraction of this
        if way == "signal":
            eye.terminate()
        if way == "command behind others":
            eye.send(b'{"kind":"mute","seconds":1,"id":2}\n' * 200)
        times, wait_s = (7, 1.4) if way == "again and again" else (1, 10.0)
        for _ in range(times):
            with contextlib.suppress(subprocess.TimeoutExpired, BrokenPipeError):
                if way != "signal":
                    eye.send(b'{"kind":"stop","id":1}\n')
                eye.process.wait(wait_s)

        assert eye.process.poll() == 0


def test_folder_that_can_not_be_made_is_named_and_ends_with_2(clip: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with AskedEye(clip, "--out", tmp_path / "file" / "x") as eye:
        assert eye.process.stderr
        assert b"can't be made a folder" in eye.process.stderr.read()
        assert eye.process.wait(20) == 2
