"""Encodes whatever is not H.264 / H.265, once, so that all behind the adapter sees H.264."""

from __future__ import annotations

from fractions import Fraction

import av
from av.video.codeccontext import VideoCodecContext

from edge.model import TICKS_PER_S

_OPTIONS = {"preset": "superfast", "tune": "zerolatency", "crf": "20"}
"""No B-frames, no look-ahead: a packet for each frame at once. crf 20 costs detection nothing."""
GOP_S = 1.0
_FPS_NOMINAL = 25
_GOP_FRAMES_MAX = 600
"""The encoder's own limit never bites: keyframes are forced by time."""


class GopEncoder:
    """H.264 with a keyframe each second of media time and parameter sets in front of it."""

    def __init__(self) -> None:
        """The encoder proper is made at the first frame and again when the size changes."""
        self._context: VideoCodecContext | None = None
        self._keyframe_90k = 0

    def encode(self, frame: av.VideoFrame, pts_90k: int) -> list[tuple[bytes, bool]]:
        """Encode one frame.

        Args:
            frame: any pixel format; odd sizes lose their last row or column.
            pts_90k: media time, rising from call to call.

        Returns:
            (bytes with start codes, is it a keyframe), one for each frame.
        """
        width, height = frame.width // 2 * 2, frame.height // 2 * 2
        picture = frame.reformat(width=width, height=height, format="yuv420p")
        context = self._context
        is_new = context is None or (context.width, context.height) != (width, height)
        if context is None or is_new:
            context = self._context = _make_context(width, height)
        is_due = is_new or pts_90k - self._keyframe_90k >= GOP_S * TICKS_PER_S
        picture.pict_type = (
            av.video.frame.PictureType.I if is_due else (av.video.frame.PictureType.NONE)
        )
        if is_due:
            self._keyframe_90k = pts_90k
        picture.pts, picture.time_base = pts_90k, Fraction(1, TICKS_PER_S)
        return [(bytes(packet), packet.is_keyframe) for packet in context.encode(picture)]


def _make_context(width: int, height: int) -> VideoCodecContext:
    context = av.CodecContext.create("libx264", "w")
    assert isinstance(context, VideoCodecContext)
    context.width, context.height, context.pix_fmt = width, height, "yuv420p"
    context.time_base = Fraction(1, TICKS_PER_S)
    context.framerate = Fraction(_FPS_NOMINAL)
    context.gop_size = _GOP_FRAMES_MAX
    context.thread_count = 1
    context.options = {**_OPTIONS, "forced-idr": "1"}
    return context
