"""Packets become frames with their times, and damage costs frames and nothing else."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace
from fractions import Fraction

import av
import numpy as np
import pytest
from av.video.codeccontext import VideoCodecContext

from edge.eye.decode import Decoder
from edge.eye.sources.describe import describe_annex_b
from edge.model import TICKS_PER_S, Frame, Packet, StreamFormat
from tests.support.builders import Stage
from tests.support.streams import encode_stream

FPS = 10
FRAME_90K = TICKS_PER_S // FPS
START_UTC_MS = 1_800_000_000_000


def encode(
    count: int = 12, *, pixel_format: str = "yuv420p", parameters: str = ""
) -> tuple[StreamFormat, list[Packet]]:
    """Encode one second and a bit as a camera might: x264's own parameters are at choice."""
    context = av.CodecContext.create("libx264", "w")
    assert isinstance(context, VideoCodecContext)
    context.width, context.height, context.pix_fmt = 64, 48, pixel_format
    context.time_base, context.framerate = Fraction(1, TICKS_PER_S), Fraction(FPS)
    context.options = {"preset": "ultrafast", "x264-params": parameters}
    units = []
    for index in range(count):
        grey = np.full((48, 64, 3), 20 * index, np.uint8)
        picture = av.VideoFrame.from_ndarray(grey, format="rgb24").reformat(format=pixel_format)
        picture.pts, picture.time_base = index * FRAME_90K, context.time_base
        units += context.encode(picture)
    units += context.encode(None)
    told = describe_annex_b(bytes(units[0]), "h264")
    stream_format = StreamFormat("h264", 64, 48, FPS, 1.0, told.header, told.start_code_sets)
    return stream_format, [make_packet(unit) for unit in units]


def make_packet(unit: av.Packet[av.VideoStream]) -> Packet:
    assert unit.pts is not None
    assert unit.dts is not None
    utc_ms = START_UTC_MS + unit.pts // 90
    return Packet(bytes(unit), unit.pts, unit.dts, unit.is_keyframe, utc_ms)


def decode_all(stream_format: StreamFormat, packets: list[Packet]) -> list[Frame]:
    decoder = Decoder(stream_format)
    return [frame for packet in packets for frame in decoder.decode(packet)] + decoder.drain()


def seconds(frames: list[Frame]) -> list[tuple[float, float]]:
    """Media time and wall time of each, both from 0."""
    return [(frame.t, (frame.wall_utc_ms - START_UTC_MS) / 1000) for frame in frames]


def test_frames_come_in_order_of_presentation_with_their_own_wall_times() -> None:
    frames = decode_all(*encode(parameters="bframes=2:b-adapt=0"))
    assert seconds(frames) == [(index / FPS, index / FPS) for index in range(12)]


def test_frames_have_their_wall_times_though_presentation_times_are_out_of_order() -> None:
    """A camera that stamps packets as they leave: with B-frames that is not as they are shown."""
    stream_format, packets = encode(parameters="bframes=2:b-adapt=0")
    stamped = [
        replace(packet, pts_90k=index * FRAME_90K, wall_utc_ms=START_UTC_MS + index * 100)
        for index, packet in enumerate(packets)
    ]
    frames = decode_all(stream_format, stamped)
    times = [frame.t for frame in frames]
    assert times != sorted(times)
    assert seconds(frames) == [(t, t) for t in times]


def test_keyframe_alone_has_its_wall_time() -> None:
    stream_format, packets = encode(parameters="keyint=6:scenecut=0")
    decoder = Decoder(stream_format)
    keyframes = [packet for packet in packets if packet.is_keyframe]
    frames = [decoder.decode_keyframe(packet) for packet in keyframes]
    assert seconds([frame for frame in frames if frame]) == [(0.0, 0.0), (0.6, 0.6)]


@pytest.mark.parametrize("pixel_format", ["yuv420p", "yuv422p", "yuv444p", "gray", "yuv420p10le"])
def test_every_pixel_format_becomes_planes_of_eight_bits(pixel_format: str) -> None:
    frames = decode_all(*encode(pixel_format=pixel_format))
    assert len(frames) == 12
    for frame in frames:
        assert (frame.y.shape, frame.u.shape, frame.v.shape) == ((48, 64), (24, 32), (24, 32))
        assert {frame.y.dtype, frame.u.dtype, frame.v.dtype} == {np.dtype(np.uint8)}


def test_colours_nobody_can_convert_cost_frames_and_no_exception() -> None:
    stream_format, packets = encode(pixel_format="yuv444p", parameters="colormatrix=YCgCo")
    assert decode_all(stream_format, packets) == []
    assert Decoder(stream_format).decode_keyframe(packets[0]) is None


def test_damage_without_memory_left_is_want_of_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """The library tells both alike; an eye that went on would call its camera dead for ever."""
    monkeypatch.setattr("edge.eye.decode.ROOM_BYTES", 2**62)
    stream_format, packets = encode()
    damaged = replace(packets[0], data=bytes(len(packets[0].data)))
    with pytest.raises(MemoryError):
        Decoder(stream_format).decode(damaged)


def test_damage_costs_frames_and_no_exception() -> None:
    stream_format, packets = encode_stream(Stage().film(3, fps=FPS), fps=FPS)
    generator = np.random.default_rng(3)
    for _ in range(20):
        damaged = []
        for packet in packets:
            data = bytearray(packet.data)
            for at in generator.integers(0, len(data), generator.integers(0, 4)):
                data[at] ^= int(generator.integers(1, 256))
            damaged.append(replace(packet, data=bytes(data)))
        assert len(decode_all(stream_format, damaged)) <= len(packets)


def test_memory_stays_small_when_no_packet_decodes() -> None:
    stream_format, packets = encode(1)
    decoder = Decoder(stream_format)
    tracemalloc.start()
    for index in range(5000):
        packet = replace(packets[0], data=b"\0" * 16, pts_90k=10**6 + index)
        assert decoder.decode(replace(packet, wall_utc_ms=START_UTC_MS + index)) == []
    kept_bytes, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept_bytes < 50_000
