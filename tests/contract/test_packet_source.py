"""What `PacketSource` promises, asked of every adapter and of the fake alike."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from itertools import pairwise
from pathlib import Path

import av
import pytest

from edge.eye.decode import Decoder
from edge.eye.ports import PacketSource
from edge.eye.sources.catalog import plan_source
from edge.model import TICKS_PER_S, Packet, StreamFormat
from tests.support.packets import (
    ScriptedSource,
    check_stream,
    formats_of,
    make_format,
    make_packets,
    packets_of,
    take_all,
)
from tests.support.rtsp_server import GstRtspServer
from tests.support.video import Codec, Scene, Shot, Visit, make_clip, make_pictures

SCENE = Scene(visits=(Visit(0.5, 2.5),), noise=2)
SHOT = Shot(seconds=3)
FRAMES = 30
START_90K = 5 * TICKS_PER_S

OpenAt = Callable[[int], PacketSource]


def opener(word: str | Path) -> OpenAt:
    """Connect to what a SOURCE word means, beginning at a media time."""
    plan = plan_source(str(word))
    return lambda start_90k: plan.connect(lambda: start_90k, lambda pts_90k: pts_90k // 90)


@contextmanager
def from_file(folder: Path) -> Iterator[OpenAt]:
    yield opener(make_clip(folder / "clip.mp4", SCENE, SHOT).path)


@contextmanager
def from_rtsp(folder: Path) -> Iterator[OpenAt]:
    with GstRtspServer(make_clip(folder / "clip.mp4", SCENE, SHOT).path) as server:
        yield opener(server.url)


@contextmanager
def from_pictures(folder: Path) -> Iterator[OpenAt]:
    yield opener(make_pictures(folder / "pictures", SCENE, SHOT).path)


@contextmanager
def from_encoded(folder: Path) -> Iterator[OpenAt]:
    codec: Codec = "msmpeg4"
    yield opener(make_clip(folder / "clip.avi", SCENE, Shot(seconds=3, codec=codec)).path)


@contextmanager
def from_fake(_folder: Path) -> Iterator[OpenAt]:
    yield lambda start_90k: ScriptedSource(
        [make_format(), *make_packets(FRAMES, start_90k=start_90k)]
    )


SOURCES = [from_file, from_rtsp, from_pictures, from_encoded, from_fake]
DECODABLE = SOURCES[:-1]


@pytest.fixture(params=SOURCES, ids=lambda make: make.__name__)
def open_at(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[OpenAt]:
    make: Callable[[Path], AbstractContextManager[OpenAt]] = request.param
    with make(tmp_path) as opened:
        yield opened


@pytest.fixture(params=DECODABLE, ids=lambda make: make.__name__)
def open_decodable_at(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[OpenAt]:
    make: Callable[[Path], AbstractContextManager[OpenAt]] = request.param
    with make(tmp_path) as opened:
        yield opened


def collect(source: PacketSource) -> list[StreamFormat | Packet]:
    """Take all it gives; a camera ends its stream by an error."""
    items, error = take_all(source)
    assert error is None or "ended the stream" in str(error)
    return items


def test_format_comes_first_and_order_is_kept(open_at: OpenAt) -> None:
    items = collect(open_at(0))
    check_stream(items)
    assert len(packets_of(items)) == FRAMES
    assert packets_of(items)[0].is_keyframe
    assert packets_of(items)[0].pts_90k == 0


def test_first_packet_stands_where_it_is_asked_to(open_at: OpenAt) -> None:
    assert packets_of(collect(open_at(START_90K)))[0].dts_90k == START_90K


def test_format_is_measured_not_believed(open_at: OpenAt) -> None:
    items = collect(open_at(0))
    stream_format = formats_of(items)[0]
    times = [packet.dts_90k for packet in packets_of(items)]
    steps = [after - before for before, after in pairwise(times)]
    assert stream_format.fps == pytest.approx(TICKS_PER_S / steps[0], rel=0.02)
    assert stream_format.gop_s == pytest.approx(1.0, abs=0.01)
    assert (stream_format.width, stream_format.height) == (320, 240)


def test_closing_ends_it_soon_and_may_be_done_twice(open_at: OpenAt) -> None:
    source = open_at(0)
    packets = source.packets()
    next(packets)
    closer = threading.Thread(target=source.close)
    closer.start()
    closer.join()
    source.close()
    assert len(list(packets)) <= FRAMES


def test_second_connection_gives_the_same(open_at: OpenAt) -> None:
    first, second = (packets_of(collect(open_at(0))) for _ in range(2))
    assert [packet.data for packet in first] == [packet.data for packet in second]


def test_every_packet_decodes_with_the_format_alone_when_the_source_is_closed(
    open_decodable_at: OpenAt,
) -> None:
    items = collect(open_decodable_at(0))
    decoder = Decoder(formats_of(items)[0])
    frames = [frame for packet in packets_of(items) for frame in decoder.decode(packet)]
    frames += decoder.drain()
    assert [frame.pts_90k for frame in frames] == sorted(p.pts_90k for p in packets_of(items))
    assert {frame.y.shape for frame in frames} == {(240, 320)}


def test_keyframe_decodes_alone(open_decodable_at: OpenAt) -> None:
    items = collect(open_decodable_at(0))
    decoder = Decoder(formats_of(items)[0])
    keyframes = [packet for packet in packets_of(items) if packet.is_keyframe]
    assert len(keyframes) >= 3
    assert all(decoder.decode_keyframe(packet) is not None for packet in keyframes)


@pytest.mark.parametrize("codec", ["h264", "hevc"])
def test_payload_is_untouched_byte_for_byte(tmp_path: Path, codec: Codec) -> None:
    clip = make_clip(tmp_path / "clip.mp4", SCENE, Shot(seconds=3, codec=codec))
    with av.open(str(clip.path)) as container:
        expected = [bytes(p) for p in container.demux(container.streams.video[0]) if p.size]
    assert [packet.data for packet in packets_of(collect(opener(clip.path)(0)))] == expected
