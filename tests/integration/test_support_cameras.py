"""The loopback cameras: healthy ones deliver every byte, and no fault is without effect.

The client is plain PyAV, so that what is seen here is what any adapter will have to deal with.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import pytest

from edge.model import Luma
from tests.support.bad_camera import AT_ONCE, REAL_TIME, BadCamera, Pace
from tests.support.faults import Faults
from tests.support.rtp import PPS, SPS, load_clip, nal_type, split_nals
from tests.support.rtp_sender import RtpSender
from tests.support.rtsp_message import Login
from tests.support.rtsp_server import GstRtspServer
from tests.support.video import Scene, Shot, Truth, Visit, make_clip

pytestmark = pytest.mark.timeout(60)

FRAMES = 30
FRAME_90K = 9000
HOURS_4_90K = 4 * 3600 * 90_000
SHORT_S = 0.6
"""What the client waits for a camera that will not answer."""


@dataclass(frozen=True)
class Got:
    """What a client received before the end or the error."""

    packets: tuple[bytes, ...]
    pts: tuple[int | None, ...]
    keyframes: tuple[int, ...]
    pictures: tuple[Luma, ...]
    error: Exception | None

    @property
    def nals(self) -> list[bytes]:
        """All NAL units but parameter sets, which a server may send in the SDP alone."""
        nals = [nal for packet in self.packets for nal in split_nals(packet)]
        return [nal for nal in nals if nal_type(nal) not in {SPS, PPS}]


def receive(url: str, *, limit_s: float = 8) -> Got:
    """Play a stream until its end, or an error after opening; raises where it can't be opened."""
    container = av.open(url, options={"rtsp_transport": "tcp"}, timeout=limit_s)
    packets: list[av.Packet[av.VideoStream]] = []
    pictures: list[Luma] = []
    error: Exception | None = None
    with container:
        try:
            for packet in container.demux(container.streams.video[0]):
                packets += [packet] if packet.size else []
                pictures += [f.to_ndarray(format="gray").astype(np.uint8) for f in packet.decode()]
        except av.error.FFmpegError as exc:
            error = exc
        return Got(
            packets=tuple(bytes(packet) for packet in packets),
            pts=tuple(packet.pts for packet in packets),
            keyframes=tuple(i for i, packet in enumerate(packets) if packet.is_keyframe),
            pictures=tuple(pictures),
            error=error,
        )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("clips")


SCENE = Scene(visits=(Visit(0.2, 2.8),), noise=4)


@pytest.fixture(scope="module")
def small(folder: Path) -> Truth:
    return make_clip(folder / "small.mp4", SCENE, Shot(seconds=3))


@pytest.fixture(scope="module")
def large(folder: Path) -> Truth:
    return make_clip(folder / "large.mp4", SCENE, Shot(seconds=3, size=(640, 480)))


@pytest.fixture(scope="module")
def healthy(small: Truth) -> Got:
    """What a client gets where nothing is wrong."""
    with BadCamera(small.path) as camera:
        return receive(camera.url)


def sent_nals(path: Path) -> list[bytes]:
    """The clip's NAL units, as `Got.nals` has them."""
    return [nal for unit in load_clip(path).units for nal in unit.nals]


def test_healthy_camera_delivers_every_byte_and_time(small: Truth, healthy: Got) -> None:
    assert healthy.error is None
    assert healthy.nals == sent_nals(small.path)
    assert len(healthy.pictures) == FRAMES
    assert healthy.keyframes == (0, 10, 20)
    # FFmpeg gives the first packet of an RTSP stream no time.
    assert healthy.pts == (None, *range(FRAME_90K, FRAMES * FRAME_90K, FRAME_90K))


@pytest.mark.parametrize("codec", ["h264", "hevc"])
def test_gstreamer_delivers_every_frame(folder: Path, codec: str) -> None:
    shot = Shot(seconds=2, codec="hevc" if codec == "hevc" else "h264")
    clip = make_clip(folder / f"gst-{codec}.mp4", SCENE, shot)
    with GstRtspServer(clip.path, rounds=2) as server:
        got = receive(server.url)
    assert got.error is None
    assert len(got.pictures) == 40
    assert got.keyframes == (0, 10, 20, 30)
    if codec == "h264":
        assert got.nals == sent_nals(clip.path) * 2


@pytest.mark.parametrize("scheme", ["basic", "digest"])
def test_gstreamer_lets_in_by_the_right_password_only(small: Truth, scheme: str) -> None:
    with GstRtspServer(small.path, login=Login("eye", "right", scheme)) as server:
        with pytest.raises(av.error.HTTPUnauthorizedError):
            receive(server.url_as("eye", "wrong"))
        with av.open(server.url_as("eye", "right"), timeout=8) as container:
            assert container.streams.video[0].width == 320


@pytest.mark.parametrize("scheme", ["basic", "digest"])
def test_camera_counts_logins_right_and_wrong(small: Truth, scheme: str) -> None:
    with BadCamera(small.path, login=Login("eye", "right", scheme)) as camera:
        with pytest.raises(av.error.HTTPUnauthorizedError):
            receive(camera.url_as("eye", "wrong"))
        assert [seen.is_login_right for seen in camera.log.logins] == [False]
        assert len(receive(camera.url_as("eye", "right")).packets) == FRAMES
        assert [seen.what for seen in camera.log.logins if seen.is_login_right] == [
            "DESCRIBE",
            "SETUP",
            "PLAY",
        ]


REFUSALS: list[tuple[Faults, type[Exception]]] = [
    (Faults(connect="refuse"), ConnectionRefusedError),
    (Faults(connect="blackhole"), av.error.ExitError),
    (Faults(connect="hang"), av.error.InvalidDataError),
    (Faults(status=401), av.error.HTTPUnauthorizedError),
    (Faults(status=404), av.error.HTTPNotFoundError),
    (Faults(status=453, status_on="SETUP"), av.error.HTTPOtherClientError),
    (Faults(status=453, status_on="PLAY"), av.error.HTTPOtherClientError),
    (Faults(status=503), av.error.HTTPServerError),
    (Faults(describe="garbage"), IndexError),
    (Faults(describe="no_video"), IndexError),
    (Faults(describe="endless"), av.error.InvalidDataError),
    (Faults(describe="huge_length"), av.error.InvalidDataError),
    (Faults(describe="drip"), av.error.InvalidDataError),
]


@pytest.mark.parametrize(("faults", "error"), REFUSALS)
def test_camera_that_gives_no_stream_fails_to_open_and_heals(
    small: Truth, faults: Faults, error: type[Exception]
) -> None:
    with BadCamera(small.path, faults) as camera:
        with pytest.raises(error):
            receive(camera.url, limit_s=SHORT_S)
        camera.heal()
        assert len(receive(camera.url).packets) == FRAMES


def play(clip: Truth, faults: Faults, *, then: Truth | None = None) -> Got:
    """Receive a faulty stream to its end."""
    with BadCamera(clip.path, faults, then=then.path if then else None) as camera:
        return receive(camera.url)


def test_stall_in_mid_gop_is_silence_until_healed(large: Truth) -> None:
    with BadCamera(large.path, Faults(stall_at=10)) as camera:
        got = receive(camera.url, limit_s=SHORT_S)
        assert isinstance(got.error, av.error.ExitError)
        # Half of picture 10 is there: the client flushes what it has.
        assert len(got.packets) == 11
        assert len(got.packets[10]) < len(play(large, Faults()).packets[10]) * 0.7
        timer = threading.Timer(0.3, camera.heal)
        timer.start()
        assert receive(camera.url).nals == sent_nals(large.path)
        timer.join()


def test_connection_closed_in_mid_gop_looks_like_the_end(large: Truth) -> None:
    got = play(large, Faults(close_at=10))
    assert got.error is None
    assert len(got.packets) == 11
    assert len(got.packets[10]) < len(play(large, Faults()).packets[10]) * 0.7


def test_flipped_bits_change_bytes_but_not_lengths(small: Truth, healthy: Got) -> None:
    got = play(small, Faults(flip_rate=0.15))
    assert [len(packet) for packet in got.packets] == [len(packet) for packet in healthy.packets]
    assert 3 < sum(a != b for a, b in zip(got.packets, healthy.packets, strict=True)) < 25


def test_dropped_rtp_packets_leave_holes(small: Truth, healthy: Got) -> None:
    got = play(small, Faults(drop_rate=0.2))
    assert sum(map(len, got.packets)) < sum(map(len, healthy.packets)) * 0.95


def test_rtp_times_stick_and_jump(small: Truth) -> None:
    stuck = play(small, Faults(clock="stuck")).pts
    assert set(stuck[1:]) == {0}
    forward = play(small, Faults(clock="forward", clock_at=15)).pts
    assert forward[14] == 14 * FRAME_90K
    assert forward[15] == 15 * FRAME_90K + HOURS_4_90K
    back = play(small, Faults(clock="back", clock_at=15)).pts
    # FFmpeg takes a time before the stream's start for one that has wrapped.
    assert back[15] == 15 * FRAME_90K - HOURS_4_90K + 2**32


def test_size_changes_in_mid_stream(small: Truth, large: Truth) -> None:
    got = play(small, Faults(switch_at=15), then=large)
    shapes = [picture.shape for picture in got.pictures]
    assert shapes == [(240, 320)] * 15 + [(480, 640)] * 30
    assert got.pts[1:] == tuple(range(FRAME_90K, 45 * FRAME_90K, FRAME_90K))


def test_size_change_without_parameter_sets_is_garbage(small: Truth, large: Truth) -> None:
    got = play(small, Faults(switch_at=15, has_sets=False), then=large)
    assert {picture.shape for picture in got.pictures} == {(240, 320)}


def test_sdp_keeps_to_the_first_clip_when_the_stream_does_not(small: Truth, large: Truth) -> None:
    got = play(small, Faults(switch_at=0), then=large)
    assert [picture.shape for picture in got.pictures] == [(480, 640)] * 30


def test_parameter_sets_missing_everywhere_leave_nothing_to_decode(small: Truth) -> None:
    got = play(small, Faults(has_sets=False, describe="no_sprop"))
    assert isinstance(got.error, av.error.InvalidDataError)
    assert got.pictures == ()
    assert len(play(small, Faults(describe="no_sprop")).pictures) == FRAMES
    assert len(play(small, Faults(has_sets=False)).pictures) == FRAMES


def test_frozen_picture_repeats_one_gop_with_times_going_on(small: Truth) -> None:
    with BadCamera(small.path, Faults(is_frozen=True), pace=Pace(speed=0, rounds=3)) as camera:
        got = receive(camera.url)
    assert got.packets[10:20] == got.packets[:10]
    assert got.packets[20:] == got.packets[:10]
    assert got.pts[1:] == tuple(range(FRAME_90K, 30 * FRAME_90K, FRAME_90K))


def test_late_start_sends_no_keyframe_first(small: Truth) -> None:
    assert play(small, Faults(starts_late=True)).keyframes == (9, 19)


def test_missing_marker_is_missing_on_the_wire(small: Truth) -> None:
    """FFmpeg does not care, so the bytes themselves are looked at."""

    def markers(faults: Faults) -> int:
        clip = load_clip(small.path)
        count = 0
        for step in RtpSender(clip, clip, rounds=1, faults=lambda: faults).steps():
            data = step.data
            while data:
                count += data[5] >> 7
                data = data[4 + int.from_bytes(data[2:4], "big") :]
        return count

    assert markers(Faults(has_marker=False)) == 0
    assert markers(Faults()) == FRAMES


def test_real_time_pace_takes_as_long_as_the_clip(small: Truth) -> None:
    with BadCamera(small.path, pace=Pace(speed=2.0, rounds=1)) as camera:
        begin_s = time.monotonic()
        assert len(receive(camera.url).packets) == FRAMES
        assert 1.3 < time.monotonic() - begin_s < 4


def test_faults_set_while_playing_take_hold_and_hang_up_ends(small: Truth) -> None:
    with BadCamera(small.path, pace=REAL_TIME) as camera:
        results: list[Got] = []
        client = threading.Thread(target=lambda: results.append(receive(camera.url)))
        client.start()
        camera.log.wait_for(lambda log: bool(log.of("PLAY")))
        camera.set_faults(connect="refuse")
        assert camera.log.open_count == 1
        times_s = [seen.t_s for seen in camera.log.seen]
        assert times_s == sorted(times_s)
        camera.hang_up()
        client.join()
        assert camera.log.open_count == 0
        assert results[0].error is None
        with pytest.raises(ConnectionRefusedError):
            receive(camera.url)


def test_camera_leaves_no_thread_and_no_port(small: Truth) -> None:
    before = set(threading.enumerate())
    with BadCamera(small.path, Faults(stall_at=3), pace=AT_ONCE) as camera:
        url = camera.url
        receive(url, limit_s=SHORT_S)
    assert set(threading.enumerate()) == before
    with pytest.raises(ConnectionRefusedError):
        receive(url)
