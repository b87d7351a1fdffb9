"""Pictures to packets in memory, as a camera would send them: H.264, no B-frames."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import av
import numpy as np

from edge.eye.sources.describe import describe_annex_b
from edge.eye.sources.encoder import GopEncoder
from edge.model import TICKS_PER_S, Luma, Packet, StreamFormat


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


def delay(packet: Packet, by_s: float) -> Packet:
    """The same packet at a later time."""
    pts_90k = packet.pts_90k + round(by_s * TICKS_PER_S)
    return replace(packet, pts_90k=pts_90k, dts_90k=pts_90k, wall_utc_ms=pts_90k // 90)


def _frame(luma: Luma) -> av.VideoFrame:
    height, width = luma.shape
    grey = np.full((height // 2, width), 128, np.uint8)
    return av.VideoFrame.from_ndarray(np.vstack([luma, grey]), format="yuv420p")
