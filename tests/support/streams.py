"""Pictures to packets in memory, as a camera would send them: H.264."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from fractions import Fraction

import av
import numpy as np
import numpy.typing as npt
from av.video.codeccontext import VideoCodecContext

from edge.eye.sources.describe import describe_annex_b
from edge.eye.sources.encoder import GopEncoder
from edge.model import TICKS_PER_S, Luma, Packet, StreamFormat
from tests.support.builders import SHAPE, Stage, Thing, walk


def encode_stream(
    pictures: Iterable[tuple[float, Luma]], *, fps: float, gop_s: float = 1.0
) -> tuple[StreamFormat, list[Packet]]:
    """Encode pictures with their times.

    Args:
        pictures: (seconds, luma), in order, all of one even size.
        fps: for the format only.
        gop_s: seconds from keyframe to keyframe.
    """
    encoder = GopEncoder()
    packets: list[Packet] = []
    for t, luma in pictures:
        pts_90k = round(t * TICKS_PER_S)
        # It sets a keyframe each second of the time it is told: tell it a slower one.
        for data, is_keyframe in encoder.encode(_frame(luma), round(pts_90k / gop_s)):
            packets.append(Packet(data, pts_90k, pts_90k, is_keyframe, pts_90k // 90))
    picture = describe_annex_b(packets[0].data, "h264")
    stream_format = StreamFormat(
        "h264", picture.width, picture.height, fps, gop_s, picture.header, picture.start_code_sets
    )
    return stream_format, packets


def make_b_stream(seconds: float = 2.0) -> tuple[StreamFormat, list[Packet]]:
    """Encode a stage on which something walks with two B-frames between others, at 10 fps."""
    context = av.CodecContext.create("libx264", "w")
    assert isinstance(context, VideoCodecContext)
    height, width = SHAPE
    context.width, context.height, context.pix_fmt = width, height, "yuv420p"
    context.framerate, context.time_base = Fraction(10), Fraction(1, TICKS_PER_S)
    context.options = {"bf": "2", "g": "20", "b_adapt": "0", "preset": "veryfast"}
    units = []
    walker = Thing(walk((0.1, 0.3, 0.3, 0.7), (0.3, 0.0)))
    for t, luma in Stage([walker]).film(seconds, fps=10.0):
        picture = _frame(luma)
        picture.pts, picture.time_base = round(t * TICKS_PER_S), Fraction(1, TICKS_PER_S)
        units += context.encode(picture)
    units += context.encode(None)
    packets = [
        Packet(bytes(unit), unit.pts or 0, unit.dts or 0, unit.is_keyframe, (unit.pts or 0) // 90)
        for unit in units
    ]
    picture_format = describe_annex_b(packets[0].data, "h264")
    stream_format = StreamFormat(
        "h264", width, height, 10.0, 2.0, picture_format.header, picture_format.start_code_sets
    )
    return stream_format, packets


def decode_all(
    stream_format: StreamFormat, packets: Iterable[Packet]
) -> list[npt.NDArray[np.uint8]]:
    """Decode packets into whole pictures (planes below each other), in the order shown."""
    context = av.CodecContext.create(stream_format.codec, "r")
    assert isinstance(context, VideoCodecContext)
    frames = [frame for packet in packets for frame in context.decode(av.Packet(packet.data))]
    frames += context.decode(None)
    return [np.asarray(frame.to_ndarray(), np.uint8) for frame in frames]


def delay(packet: Packet, by_s: float) -> Packet:
    """The same packet at a later time."""
    pts_90k = packet.pts_90k + round(by_s * TICKS_PER_S)
    return replace(packet, pts_90k=pts_90k, dts_90k=pts_90k, wall_utc_ms=pts_90k // 90)


def _frame(luma: Luma) -> av.VideoFrame:
    height, width = luma.shape
    grey = np.full((height // 2, width), 128, np.uint8)
    return av.VideoFrame.from_ndarray(np.vstack([luma, grey]), format="yuv420p")
