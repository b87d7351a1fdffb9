"""Live views of a running eye: what comes out plays, and no viewer can hurt the eye."""

from __future__ import annotations

import contextlib
import io
import json
import os
import select
import socket
import struct
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from tests.support.asked_eye import AskedEye
from tests.support.bad_camera import REAL_TIME, BadCamera
from tests.support.video import Scene, Shot, Visit, make_clip

pytestmark = pytest.mark.timeout(120)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A minute of a busy picture, so that a few seconds fill any socket."""
    scene = Scene(visits=(Visit(enter_s=1, leave_s=59),), noise=25)
    path = tmp_path_factory.mktemp("clip") / "yard.mp4"
    return make_clip(path, scene, Shot(seconds=60, fps=10, gop_s=1, size=(640, 480))).path


class Listener:
    """A socket that viewers of an eye are connected to."""

    def __init__(self, folder: Path, *, backlog: int = 16) -> None:
        self.path = folder / "live.sock"
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.bind(str(self.path))
        self._socket.listen(backlog)

    def accept(self) -> socket.socket:
        self._socket.settimeout(5)
        return self._socket.accept()[0]

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[Listener]:
    with contextlib.closing(Listener(tmp_path)) as listener:
        yield listener


def open_view(eye: AskedEye, listener: Listener, form: str) -> socket.socket:
    reply = eye.ask("live", socket=str(listener.path), format=form)
    assert reply["ok"], reply
    return listener.accept()


def receive(viewer: socket.socket, seconds: float) -> bytes:
    data, deadline_s = bytearray(), time.monotonic() + seconds
    while (left_s := deadline_s - time.monotonic()) > 0:
        if not select.select([viewer], [], [], left_s)[0]:
            break
        block = viewer.recv(1 << 20)
        if not block:
            break
        data += block
    return bytes(data)


def split_pictures(data: bytes) -> list[bytes]:
    pictures = []
    while len(data) >= 4:
        (size,) = struct.unpack(">I", data[:4])
        if len(data) < 4 + size:
            break
        pictures.append(data[4 : 4 + size])
        data = data[4 + size :]
    return pictures


def decode(fragments: bytes) -> list[float]:
    """Times of all frames; damage raises."""
    with av.open(io.BytesIO(fragments), "r", format="mp4") as container:
        container.streams.video[0].codec_context.options = {"err_detect": "explode"}
        return [float(frame.time or 0) for frame in container.decode(video=0)]


def test_jpeg_pictures_come_with_their_length_at_most_eight_a_second(
    clip: Path, listener: Listener
) -> None:
    with AskedEye(clip, "--pace", "real", "--tracks") as eye:
        eye.wait_for("track", after_t=1.2)
        with open_view(eye, listener, "jpeg") as viewer:
            pictures = split_pictures(receive(viewer, 3))

    assert 20 <= len(pictures) <= 28
    for data in pictures:
        picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
        assert picture.shape == (480, 640, 3)


def test_fragments_play_from_the_first_frame(
    clip: Path, listener: Listener, tmp_path: Path
) -> None:
    with AskedEye(clip, "--pace", "real", "--tracks") as eye:
        eye.wait_for("track", after_t=1.5)
        with open_view(eye, listener, "fragments") as viewer:
            data = receive(viewer, 3)
    times = decode(data)
    file = tmp_path / "live.mp4"
    file.write_bytes(data)
    probe = subprocess.run(
        ["ffprobe", "-v", "error", "-count_frames", "-show_entries", "stream=nb_read_frames",
         "-of", "json", str(file)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip

    assert times[0] == pytest.approx(0, abs=0.21)
    assert len(times) >= 30
    assert np.diff(times) == pytest.approx(0.1, abs=0.02)
    assert probe.stderr == ""
    assert int(json.loads(probe.stdout)["streams"][0]["nb_read_frames"]) >= len(times)


def test_fragments_of_a_camera_play(clip: Path, listener: Listener) -> None:
    with (
        BadCamera(clip, pace=REAL_TIME) as camera,
        AskedEye(camera.url, "--tracks") as eye,
    ):
        eye.wait_for("source")
        with open_view(eye, listener, "fragments") as viewer:
            times = decode(receive(viewer, 3))

    assert len(times) >= 25
    assert min(np.diff(times)) > 0


@pytest.mark.parametrize("form", ["jpeg", "fragments"])
def test_viewer_that_stops_reading_does_not_slow_the_eye(
    clip: Path, listener: Listener, form: str
) -> None:
    with AskedEye(clip, "--pace", "real", "--tracks") as eye:
        eye.wait_for("track", after_t=1.2)
        viewers = [open_view(eye, listener, form) for _ in range(8)]
        begun_t, begun_s = eye.reader.lines[-1]["t"], time.monotonic()
        eye.wait_for("track", after_t=begun_t + 8)
        took_s = time.monotonic() - begun_s
        analysed = {line["t"] for line in eye.reader.lines if line["kind"] == "track"}
        count = len([t for t in analysed if begun_t < t <= begun_t + 8])
        for viewer in viewers:
            viewer.close()

    # Loose on purpose: the machine may be busy. A stalled eye would not get anywhere at all.
    assert took_s < 16
    assert count >= 40


def test_fragments_resume_at_a_keyframe_and_stay_decodable_after_a_pause(
    clip: Path, listener: Listener
) -> None:
    """What the viewer missed is missing in one piece, and nothing is damaged."""
    with AskedEye(clip, "--pace", "real", "--tracks") as eye:
        eye.wait_for("track", after_t=1.2)
        with open_view(eye, listener, "fragments") as viewer:
            data = receive(viewer, 1)
            for _ in range(2):  # long enough for more than what the eye keeps for a viewer
                eye.wait_for("track", after_t=eye.reader.lines[-1]["t"] + 11)
            data += receive(viewer, 4)
    times = decode(data)
    steps = np.diff(times)

    assert sum(steps > 0.15) == 1  # one hole
    assert max(steps) > 1
    assert len(times) > 40
    assert times[-1] > 20


def test_pictures_go_on_when_viewer_reads_again(clip: Path, listener: Listener) -> None:
    with AskedEye(clip, "--pace", "real", "--tracks") as eye:
        eye.wait_for("track", after_t=1.2)
        with open_view(eye, listener, "jpeg") as viewer:
            eye.wait_for("track", after_t=eye.reader.lines[-1]["t"] + 8)
            pictures = split_pictures(receive(viewer, 4))

    assert len(pictures) >= 16
    for data in pictures:
        assert cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) is not None


def open_sockets(pid: int) -> int:
    targets = []
    for each in Path(f"/proc/{pid}/fd").iterdir():
        try:
            targets.append(str(each.readlink()))
        except OSError:
            continue
    return len([target for target in targets if target.startswith("socket:")])


def test_eight_views_are_the_most_and_those_who_left_do_not_count(
    clip: Path, listener: Listener
) -> None:
    with AskedEye(clip, "--pace", "real", "--tracks") as eye:
        eye.wait_for("track", after_t=1.2)
        forms = ["jpeg", "fragments"] * 4
        viewers = [open_view(eye, listener, form) for form in forms]
        refused = eye.ask("live", socket=str(listener.path))
        assert not refused["ok"]
        assert "8 views are open" in refused["error"]
        assert open_sockets(eye.process.pid) == 8

        for viewer in viewers[:5]:
            viewer.close()
        deadline_s = time.monotonic() + 20
        while open_sockets(eye.process.pid) != 3:
            assert time.monotonic() < deadline_s, "it holds on to those who left"
            eye.wait_for("track", after_t=eye.reader.lines[-1]["t"] + 0.2)
        for viewer in viewers[5:]:
            viewer.close()
        open_view(eye, listener, "jpeg").close()


def test_connecting_never_waits(clip: Path, tmp_path: Path) -> None:
    """Nobody accepts, and the queue of those who wait is full."""
    listener = Listener(tmp_path, backlog=0)
    with AskedEye(clip, "--pace", "real", "--tracks") as eye:
        eye.wait_for("track", after_t=1.2)
        begun_s = time.monotonic()
        replies = [eye.ask("live", socket=str(listener.path)) for _ in range(4)]
        assert time.monotonic() - begun_s < 2
        assert not replies[-1]["ok"]
        assert "the queue of the listener is full; accept what waits" in replies[-1]["error"]
    listener.close()


def test_a_path_that_is_no_listening_socket_is_refused(clip: Path, tmp_path: Path) -> None:
    file, fifo, dead = tmp_path / "file", tmp_path / "fifo", Listener(tmp_path)
    file.touch()
    os.mkfifo(fifo)
    dead.close()
    with AskedEye(clip, "--pace", "real") as eye:
        for path in (file, fifo, dead.path, tmp_path):
            reply = eye.ask("live", socket=str(path))
            assert not reply["ok"]
            assert "nobody listens" in reply["error"]


def test_views_end_with_the_eye(clip: Path, listener: Listener) -> None:
    with AskedEye(clip, "--pace", "real", "--tracks") as eye:
        eye.wait_for("track", after_t=1.2)
        with open_view(eye, listener, "fragments") as viewer:
            eye.ask("stop")
            receive(viewer, 5)
            assert viewer.recv(1) == b""
        assert eye.end()[0] == 0
