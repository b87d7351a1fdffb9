"""Cameras on loopback that do everything wrong: one clear line, and back when they are healed."""

from __future__ import annotations

import re
import threading
import time
import traceback
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from edge.clock import SystemClock
from edge.config.model import Credentials
from edge.errors import (
    SourceError,
    SourceRefused,
    SourceStalled,
    SourceUnreachable,
    SourceUnusable,
)
from edge.eye.decode import Decoder
from edge.eye.intake import Intake, Item, SourceLost
from edge.eye.logins import Logins
from edge.eye.reader import MediaClock, Pace, Reader
from edge.eye.sources.catalog import plan_source
from edge.model import TICKS_PER_S, Packet, StreamFormat
from tests.support.bad_camera import AT_ONCE, REAL_TIME, BadCamera
from tests.support.bad_camera import Pace as CameraPace
from tests.support.eye_process import EyeProcess, Line, states
from tests.support.faults import Faults
from tests.support.packets import check_stream, formats_of, packets_of, take_all
from tests.support.rtsp_message import Login
from tests.support.rtsp_server import GstRtspServer
from tests.support.video import Codec, Scene, Shot, Truth, Visit, make_clip

pytestmark = pytest.mark.timeout(120)

FRAMES, FRAME_90K = 30, 9000
HEAL_S_MAX = 10.0
SECRET = "geheim"
SCENE = Scene(visits=(Visit(0.2, 2.8),), noise=2)
Received = list[StreamFormat | Packet]


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Truth:
    return make_clip(tmp_path_factory.mktemp("small") / "clip.mp4", SCENE, Shot(seconds=3))


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Truth:
    path = tmp_path_factory.mktemp("large") / "clip.mp4"
    return make_clip(path, SCENE, Shot(seconds=3, size=(640, 480)))


@pytest.fixture(scope="module")
def crossing(tmp_path_factory: pytest.TempPathFactory) -> Truth:
    """Something to alert on, again and again."""
    scene = Scene(visits=(Visit(1.0, 7.0),), noise=2)
    path = tmp_path_factory.mktemp("crossing") / "clip.mp4"
    return make_clip(path, scene, Shot(seconds=8, size=(640, 480)))


def receive(url: str) -> tuple[Received, SourceError]:
    """Take all that one connection gives, and the error it ends with."""
    items, error = take_all(plan_source(url).connect(lambda: 0, lambda pts_90k: pts_90k // 90))
    assert error is not None, "a camera's stream has no end"
    return items, error


def play(clip: Truth, faults: Faults, *, then: Truth | None = None) -> Received:
    """Receive a stream that plays to its end in spite of its faults."""
    with BadCamera(clip.path, faults, then=then.path if then else None) as camera:
        items, error = receive(camera.url)
    assert "ended the stream" in str(error)
    check_stream(items)
    return items


def shapes_of(items: Received) -> list[tuple[int, ...]]:
    """Decode as the eye does, a new decoder for each format."""
    shapes: list[tuple[int, ...]] = []
    decoder: Decoder | None = None
    header = b""
    for item in items:
        if isinstance(item, StreamFormat):
            decoder = Decoder(item) if item.header != header else decoder
            header = item.header
        elif decoder is not None:
            shapes += [frame.y.shape for frame in decoder.decode(item)]
    return shapes


OPENING = [
    (Faults(connect="refuse"), SourceUnreachable, "nobody answers .*; check cable and address"),
    (Faults(connect="blackhole"), SourceUnreachable, "no answer within 4 s.*; check cable"),
    (Faults(connect="hang"), SourceStalled, "no whole answer within 4 s; restart"),
    (Faults(status=401), SourceRefused, "refuses name or password; correct the credentials"),
    (Faults(status=403), SourceRefused, r"forbids it \(403 Forbidden\); check the user's rights"),
    (Faults(status=404), SourceRefused, r"no such stream \(404 Stream Not Found\); check the path"),
    (
        Faults(status=453, status_on="SETUP"),
        SourceRefused,
        r"too many sessions \(453 Not Enough Bandwidth\); close other viewers",
    ),
    (
        Faults(status=503),
        SourceRefused,
        r"too many sessions \(503 Service Unavailable\); close other viewers",
    ),
    (
        Faults(status=454, status_on="SETUP"),
        SourceRefused,
        r"refuses \(454 Session Not Found\); restart it",
    ),
    (Faults(describe="garbage"), SourceUnusable, "no video in it; check the path"),
    (Faults(describe="no_video"), SourceUnusable, "no video in it; check the path"),
    (Faults(describe="endless"), SourceStalled, "no whole answer within 4 s; restart"),
    (Faults(describe="drip"), SourceStalled, "no whole answer within 4 s; restart"),
    (
        Faults(describe="no_sprop", has_sets=False),
        SourceUnusable,
        "no picture in it could be read .*; set the camera to H.264",
    ),
]


@pytest.mark.parametrize(("faults", "kind", "message"), OPENING)
def test_camera_that_gives_no_stream_is_told_apart_in_one_line_without_password(
    small: Truth, faults: Faults, kind: type[SourceError], message: str
) -> None:
    with BadCamera(small.path, faults) as camera:
        for _ in range(2):  # the library's second refusal in a row once had lost its status
            begun_s = time.monotonic()
            items, error = receive(camera.url_as("eye", SECRET))
            took_s = time.monotonic() - begun_s
            assert items == []
            assert type(error) is kind
            assert camera.url in str(error)
            assert re.search(message, str(error)), str(error)
            assert "\n" not in str(error)
            assert SECRET not in "".join(traceback.format_exception(error))
            assert took_s < 5
            if took_s > 3:
                break


def test_host_that_has_no_address_is_told_from_one_that_is_silent() -> None:
    _, error = receive("rtsp://no-such-camera.invalid/main")
    assert isinstance(error, SourceUnreachable)
    assert "no such host is known; check the address" in str(error)


def test_login_that_is_missing_is_told_from_a_wrong_one(small: Truth) -> None:
    with BadCamera(small.path, login=Login("eye", "right")) as camera:
        _, missing = receive(camera.url)
        _, wrong = receive(camera.url_as("eye", SECRET))
    for error in (missing, wrong):
        assert isinstance(error, SourceRefused)
        assert error.is_login
    assert "asks for a login" in str(missing)
    assert "refuses name or password" in str(wrong)


@pytest.mark.parametrize("scheme", ["basic", "digest"])
def test_password_of_any_characters_gets_through(small: Truth, scheme: str) -> None:
    login = Login("ey e", "p@ss/wo:rd%#?", scheme)
    with BadCamera(small.path, login=login) as camera:
        plan = plan_source(camera.url, Credentials(user=login.user, password=login.password))
        items, _ = take_all(plan.connect(lambda: 0, lambda _: 0))
    assert len(packets_of(items)) == FRAMES


def test_stall_in_mid_gop_is_noticed_within_its_time_and_whole_packets_are_kept(
    large: Truth,
) -> None:
    with BadCamera(large.path, Faults(stall_at=15)) as camera:
        begun_s = time.monotonic()
        items, error = receive(camera.url)
        took_s = time.monotonic() - begun_s
    assert isinstance(error, SourceStalled)
    assert "no video within 5 s; check the camera's power and cable" in str(error)
    assert 4.9 < took_s < 6.5
    assert len(packets_of(items)) == 15
    assert shapes_of(items) == [(480, 640)] * 15


def test_connection_closed_in_mid_gop_keeps_what_came(large: Truth) -> None:
    items = play(large, Faults(close_at=15))
    assert len(packets_of(items)) >= 15


@pytest.mark.parametrize("faults", [Faults(flip_rate=0.15), Faults(drop_rate=0.2)])
def test_damaged_stream_goes_on_and_gives_pictures(small: Truth, faults: Faults) -> None:
    items = play(small, faults)
    assert len(shapes_of(items)) >= 5


@pytest.mark.parametrize("clock", ["stuck", "forward", "back"])
def test_camera_with_a_mad_clock_keeps_its_own_pace(small: Truth, clock: Any) -> None:
    pace = CameraPace(speed=1.0, rounds=1)
    with BadCamera(small.path, Faults(clock=clock, clock_at=15), pace=pace) as camera:
        items, _ = receive(camera.url)
    check_stream(items)
    times = [packet.pts_90k for packet in packets_of(items)]
    assert len(times) == FRAMES
    assert times[-1] / TICKS_PER_S == pytest.approx(2.9, abs=0.8)


def test_camera_whose_clock_stands_still_is_told_with_its_true_rate(crossing: Truth) -> None:
    """What it sends while it is being opened comes in one burst, and has no time but that."""
    pace = CameraPace(speed=1.0, rounds=1)
    with BadCamera(crossing.path, Faults(clock="stuck"), pace=pace) as camera:
        items, _ = receive(camera.url)
    last = formats_of(items)[-1]
    assert last.fps == pytest.approx(10, rel=0.2)
    assert last.gop_s == pytest.approx(1, rel=0.2)
    assert len(formats_of(items)) <= 2


def test_packets_before_the_first_keyframe_are_left_out(small: Truth) -> None:
    items = play(small, Faults(starts_late=True))
    assert len(packets_of(items)) == 20
    assert packets_of(items)[0].pts_90k == 0


def test_size_change_in_mid_stream_gives_a_new_format_at_its_keyframe(
    small: Truth, large: Truth
) -> None:
    items = play(small, Faults(switch_at=15), then=large)
    assert [(each.width, each.height) for each in formats_of(items)] == [(320, 240), (640, 480)]
    assert shapes_of(items) == [(240, 320)] * 15 + [(480, 640)] * 30


@pytest.mark.parametrize("codec", ["h264", "hevc"])
def test_gstreamer_server_with_login_gives_every_packet(tmp_path: Path, codec: Codec) -> None:
    clip = make_clip(tmp_path / "clip.mp4", SCENE, Shot(seconds=3, codec=codec))
    with GstRtspServer(clip.path, login=Login("eye", "right", "digest")) as server:
        items, _ = receive(server.url_as("eye", "right"))
        _, refused = receive(server.url_as("eye", SECRET))
    check_stream(items)
    assert len(packets_of(items)) == FRAMES
    assert formats_of(items)[0].codec == codec
    assert isinstance(refused, SourceRefused)
    assert refused.is_login


class Watched:
    """A reader on a camera, as the eye has it."""

    def __init__(self, url: str) -> None:
        clock = SystemClock()
        self.intake = Intake(("main",), is_lossless=False)
        plan = plan_source(url)
        self.reader = Reader(
            "main",
            lambda start: plan.connect(start, lambda _: 0),
            self.intake,
            pace=Pace(media_clock=MediaClock(clock), logins=Logins(clock)),
            clock=clock,
        )
        self.reader.start()

    def wait_for(self, kind: type[Item], *, timeout_s: float) -> Item:
        """Take until an item of a kind comes."""
        deadline_s = time.monotonic() + timeout_s
        while time.monotonic() < deadline_s:
            taken = self.intake.take(0.1)
            if taken is not None and isinstance(taken[1], kind):
                return taken[1]
        raise AssertionError(f"no {kind.__name__} within {timeout_s} s")

    def stop(self) -> float:
        """Stop it; say how long that took."""
        begun_s = time.monotonic()
        self.reader.stop()
        self.intake.close()
        assert self.reader.join(10), "the reader did not end within ten seconds"
        return time.monotonic() - begun_s


HEALING = [
    Faults(connect="refuse"),
    Faults(connect="hang"),
    Faults(status=404),
    Faults(describe="garbage"),
    Faults(stall_at=12),
    Faults(close_at=5),
]


@pytest.mark.parametrize("faults", HEALING)
def test_healed_camera_gives_packets_again_within_ten_seconds(small: Truth, faults: Faults) -> None:
    with BadCamera(small.path, faults, pace=REAL_TIME) as camera:
        watched = Watched(camera.url)
        try:
            watched.wait_for(SourceLost, timeout_s=15)
            while watched.intake.take(0) is not None:
                pass
            camera.heal()
            watched.wait_for(Packet, timeout_s=HEAL_S_MAX)
        finally:
            watched.stop()


@pytest.mark.parametrize("faults", [Faults(connect="hang"), Faults(stall_at=5)])
def test_reader_stops_within_ten_seconds_when_the_camera_hangs(
    small: Truth, faults: Faults
) -> None:
    with BadCamera(small.path, faults) as camera:
        watched = Watched(camera.url)
        camera.log.wait_for(lambda log: bool(log.of("OPTIONS")))
        assert watched.stop() < 10


def test_eye_says_a_fault_once_goes_on_by_itself_and_keeps_time(crossing: Truth) -> None:
    with (
        BadCamera(crossing.path, pace=REAL_TIME) as camera,
        EyeProcess(camera.url_as("eye", SECRET)) as eye,
    ):
        eye.wait_for(lambda lines: bool(_of(lines, "source")))
        eye.wait_for(lambda lines: _frames(lines) >= 0 and bool(_of(lines, "alert")))
        camera.set_faults(connect="refuse")
        camera.hang_up()
        lost_s = time.monotonic()
        lines = eye.wait_for(lambda lines: "lost" in states(lines), timeout_s=15)
        eye.wait_for_error("nobody answers (Connection refused); check cable and address")
        while time.monotonic() - lost_s < 6:
            assert eye.is_running
            threading.Event().wait(0.1)
        camera.heal()
        seen = len(lines)
        eye.wait_for(lambda lines: "seeing" in states(lines[seen:]), timeout_s=HEAL_S_MAX)
        back_s = time.monotonic() - lost_s
        ended = eye.stop()
    assert ended.code == 0
    assert ended.took_s < 10
    assert ended.errors.count("nobody answers") == 1
    assert SECRET not in ended.errors + str(ended.lines)
    lost = next(line for line in ended.of("sight") if line["state"] == "lost")
    back = next(line for line in ended.of("sight")[::-1] if line["state"] == "seeing")
    assert back["t"] - lost["t"] == pytest.approx(back_s, abs=3)
    times = [line["t"] for line in ended.of("sight")]
    assert times == sorted(times)
    frames = [line["frames"] for line in ended.of("sight")]
    assert frames == sorted(frames)


def _of(lines: list[Line], kind: str) -> list[Line]:
    return [line for line in lines if line["kind"] == kind]


def _frames(lines: list[Line]) -> int:
    return max((line["frames"] for line in _of(lines, "sight")), default=0)


def test_wrong_password_is_tried_twice_by_both_streams_together(small: Truth) -> None:
    with (
        BadCamera(small.path, login=Login("eye", "right")) as camera,
        EyeProcess(camera.url_as("eye", SECRET), "--sub", camera.url_as("eye", SECRET)) as eye,
    ):
        errors = eye.wait_for_error("refuses name or password; correct the credentials file")
        camera.log.wait_for(lambda log: len(log.logins) >= 2)
        eye.wait_for_error("no further try for 31 min: correct it and restart the eye")
        deadline_s = time.monotonic() + 6
        while time.monotonic() < deadline_s:
            assert len(camera.log.logins) == 2
            threading.Event().wait(0.1)
        ended = eye.stop()
    assert "lost" in states(ended.lines)
    assert SECRET not in errors + ended.errors + str(ended.lines)


def test_damaged_stream_leaves_standard_error_to_us(crossing: Truth) -> None:
    faults = Faults(flip_rate=0.1)
    with (
        BadCamera(crossing.path, faults, pace=REAL_TIME) as camera,
        EyeProcess(camera.url) as eye,
    ):
        eye.wait_for(lambda lines: bool(_of(lines, "source")))
        eye.wait_for(lambda lines: _frames(lines) >= 50, timeout_s=30)
        ended = eye.stop()
    assert ended.code == 0
    assert all(" edge." in line for line in ended.errors.splitlines()), ended.errors


def test_sub_stream_that_dies_is_lost_sight_while_main_goes_on(crossing: Truth) -> None:
    with (
        BadCamera(crossing.path, pace=REAL_TIME) as main,
        BadCamera(crossing.path, pace=REAL_TIME) as sub,
        EyeProcess(main.url, "--sub", sub.url) as eye,
    ):
        eye.wait_for(lambda lines: bool(_of(lines, "alert")))
        sub.set_faults(connect="refuse")
        sub.hang_up()
        seen = len(eye.wait_for(lambda lines: "lost" in states(lines)))
        eye.wait_for_error("sub stream lost: " + sub.url)
        assert main.log.open_count == 1
        sub.heal()
        eye.wait_for(lambda lines: "seeing" in states(lines[seen:]), timeout_s=HEAL_S_MAX)
        ended = eye.stop()
    assert "main stream lost" not in ended.errors
    assert len(ended.of("source")) == 1


def test_main_stream_that_dies_takes_the_clips_but_not_the_alerts(
    crossing: Truth, tmp_path: Path
) -> None:
    options = ("--out", tmp_path, "--pre-roll", "1", "--post-roll", "1")
    with (
        BadCamera(crossing.path, Faults(connect="refuse")) as main,
        BadCamera(crossing.path, pace=REAL_TIME) as sub,
        EyeProcess(main.url, "--sub", sub.url, *options) as eye,
    ):
        eye.wait_for(lambda lines: any(_is_closed(line) for line in lines), timeout_s=40)
        lines = eye.wait_for(
            lambda lines: any(line["role"] == "clip" for line in _of(lines, "media")),
            timeout_s=20,
        )
        ended = eye.stop()
    assert "lost" not in states(lines)
    clip = next(line for line in ended.of("media") if line["role"] == "clip")
    assert clip["file"] is None
    assert clip["reason"] == "the main stream brought no keyframe"
    assert list(tmp_path.iterdir()) == []


def _is_closed(line: Line) -> bool:
    return bool(line["kind"] == "alert" and line["phase"] == "close")


def test_memory_stays_when_hours_of_video_pass(crossing: Truth) -> None:
    """Forty times real time; what can't be analysed is dropped by whole GOPs, and said once."""
    pace = replace(REAL_TIME, speed=40.0)
    with BadCamera(crossing.path, pace=pace) as camera, EyeProcess(camera.url) as eye:
        eye.wait_for(lambda lines: _frames(lines) >= 500, timeout_s=40)
        before = _rss_mb(eye.pid)
        seen = _frames(eye.lines)
        eye.wait_for(lambda lines: _frames(lines) >= seen + 1000, timeout_s=60)
        after = _rss_mb(eye.pid)
        ended = eye.stop()
    assert ended.code == 0
    assert after < before * 1.1 + 2
    assert ended.errors.count("can't keep up") <= 1


def _rss_mb(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    return pages * 4096 / 2**20


def test_camera_that_sends_at_once_and_hangs_up_is_opened_again(small: Truth) -> None:
    with BadCamera(small.path, pace=AT_ONCE) as camera:
        watched = Watched(camera.url)
        try:
            for _ in range(2):
                watched.wait_for(SourceLost, timeout_s=10)
        finally:
            watched.stop()
        assert len(camera.log.of("PLAY")) >= 2
