"""What a viewer gets and when he gets nothing; sockets are real, nothing waits."""

from __future__ import annotations

import contextlib
import io
import socket
import struct
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import av
import pytest

from edge.errors import ValidationError
from edge.eye.live import VIEWS_MAX, WAITING_BYTES_MAX, Form, Viewer, Views
from edge.eye.ring import Ring
from edge.eye.sources.catalog import plan_source
from edge.model import Packet, StreamFormat
from tests.support.video import Scene, Shot, make_clip


class Post:
    """A ring with views, and the socket where viewers come in."""

    def __init__(self, folder: Path) -> None:
        self.path = str(folder / "live.sock")
        self._door = socket.socket(socket.AF_UNIX)
        self._door.bind(self.path)
        self._door.listen(16)
        self.ring = Ring(bytes_max=10**9, seconds_max=30.0)
        self.views = Views({"main": self.ring})

    def begin(self, stream_format: StreamFormat) -> None:
        self.ring.begin(stream_format)
        self.views.begin("main", stream_format)

    def push(self, packets: list[Packet]) -> None:
        for packet in packets:
            self.ring.append(packet)
            self.views.push("main", packet)

    def view(self, form: Form) -> socket.socket:
        self.views.open("main", self.path, form)
        viewer = self._door.accept()[0]
        viewer.setblocking(False)
        return viewer

    def close(self) -> None:
        self.views.close()
        self._door.close()


@pytest.fixture
def post(tmp_path: Path) -> Iterator[Post]:
    with contextlib.closing(Post(tmp_path)) as post:
        yield post


Stream = tuple[StreamFormat, list[Packet]]


@pytest.fixture(scope="module")
def stream(tmp_path_factory: pytest.TempPathFactory) -> Stream:
    """Eight seconds of noise, GOP 1 s, 10 frames a second."""
    path = tmp_path_factory.mktemp("clip") / "noise.mp4"
    make_clip(path, Scene(noise=25), Shot(seconds=8, fps=10, gop_s=1))
    formats: list[StreamFormat] = []
    packets: list[Packet] = []
    plan = plan_source(str(path))
    for item in plan.connect(lambda: 0, lambda _: 0).packets():
        if isinstance(item, Packet):
            packets.append(item)
        else:
            formats.append(item)
    return formats[0], packets


def read(viewer: socket.socket) -> bytes:
    data = bytearray()
    with contextlib.suppress(BlockingIOError):
        while block := viewer.recv(1 << 20):
            data += block
    return bytes(data)


def play(post: Post, packets: list[Packet], viewer: socket.socket) -> bytes:
    """Push packets while the viewer reads."""
    data = read(viewer)
    for packet in packets:
        post.push([packet])
        data += read(viewer)
    return data


def decode(fragments: bytes) -> list[float]:
    with av.open(io.BytesIO(fragments), "r", format="mp4") as container:
        return [round(float(frame.time or 0), 2) for frame in container.decode(video=0)]


def is_hung_up(viewer: socket.socket) -> bool:
    try:
        while viewer.recv(1 << 20):
            pass
    except BlockingIOError:
        return False
    return True


def test_fragments_begin_with_the_gop_under_way(post: Post, stream: Stream) -> None:
    stream_format, packets = stream
    post.begin(stream_format)
    post.push(packets[:15])
    with post.view("fragments") as viewer:
        times = decode(play(post, packets[15:30], viewer))
    assert times[0] == 0
    assert len(times) == 19  # from frame 10 on; the last one waits for its successor


def test_fragments_wait_for_a_format_when_camera_is_not_there_yet(
    post: Post, stream: Stream
) -> None:
    stream_format, packets = stream
    with post.view("fragments") as viewer:
        post.begin(stream_format)
        assert len(decode(play(post, packets[:20], viewer))) == 19


def test_viewer_who_pauses_misses_one_piece_up_to_a_keyframe(post: Post, stream: Stream) -> None:
    stream_format, packets = stream
    big = [_grow(packet, WAITING_BYTES_MAX // 12) for packet in packets]
    post.begin(stream_format)
    with post.view("fragments") as viewer:
        post.push(big[:40])
        data = read(viewer)
        post.push(big[40:41])  # sends the rest of what waited
        data += read(viewer)
        times = decode(data + play(post, big[41:], viewer))
    holes = [after for before, after in pairwise(times) if after - before > 0.15]
    assert len(holes) == 1
    assert holes[0] == pytest.approx(round(holes[0]), abs=0.01)  # a keyframe's time


def _grow(packet: Packet, size_bytes: int) -> Packet:
    """Add a unit that decoders pass over (filler data, ITU-T H.264 §7.3.2.7), length before it."""
    body = b"\x0c" + b"\xff" * size_bytes + b"\x80"
    data = packet.data + struct.pack(">I", len(body)) + body
    return Packet(data, packet.pts_90k, packet.dts_90k, packet.is_keyframe, packet.wall_utc_ms)


def test_fragments_end_when_the_format_changes_and_pictures_go_on(
    post: Post, stream: Stream
) -> None:
    stream_format, packets = stream
    other = StreamFormat("h264", 640, 480, 10.0, 1.0, stream_format.header + b"\0\0\0\x08free")
    post.begin(stream_format)
    with post.view("fragments") as fragments, post.view("jpeg") as pictures:
        post.push(packets[:10])
        post.begin(stream_format)
        assert not is_hung_up(fragments)
        post.begin(other)
        assert is_hung_up(fragments)
        read(pictures)
        post.push(packets[10:20])
        assert read(pictures)


def test_pictures_are_whole_and_the_slow_viewer_gets_fewer(post: Post, stream: Stream) -> None:
    stream_format, packets = stream
    post.begin(stream_format)
    with post.view("jpeg") as quick, post.view("jpeg") as slow:
        fast_count = count_pictures(play(post, packets, quick))
        slow_count = count_pictures(read(slow))
    assert 55 <= fast_count <= 66
    assert 0 < slow_count <= fast_count


def count_pictures(data: bytes) -> int:
    count = 0
    while len(data) >= 4 + struct.unpack(">I", data[:4])[0]:
        size = struct.unpack(">I", data[:4])[0]
        assert data[4:6] == b"\xff\xd8"
        assert data[4 + size - 2 : 4 + size] == b"\xff\xd9"
        data, count = data[4 + size :], count + 1
        if not data:
            break
    return count


def test_views_are_limited_and_those_who_left_make_room(post: Post, stream: Stream) -> None:
    post.begin(stream[0])
    viewers = [post.view("jpeg") for _ in range(VIEWS_MAX)]
    with pytest.raises(ValidationError, match="8 views"):
        post.views.open("main", post.path, "jpeg")
    viewers.pop().close()
    viewers.append(post.view("fragments"))
    for viewer in viewers:
        viewer.close()


@pytest.mark.parametrize("path", ["", "\0abstract", "x" * 500])
def test_path_that_is_none_is_refused(path: str) -> None:
    with pytest.raises((OSError, ValueError)):
        Viewer(path)


@pytest.mark.parametrize("length", [107, 108, 5000])
def test_path_too_long_for_a_socket_is_told_from_one_nobody_listens_on(
    post: Post, length: int
) -> None:
    with pytest.raises(ValidationError) as raised:
        post.views.open("main", "x" * length, "jpeg")
    says = f"nobody listens on a path of {length} bytes; at most 107 make a socket"
    assert (str(raised.value) == f"socket: {says}") is (length > 107)
    assert len(str(raised.value)) < 200
