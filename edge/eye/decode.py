"""Packets to frames, as the gate asks: a keyframe alone, or every frame."""

from __future__ import annotations

import av
import numpy as np
import numpy.typing as npt
from av.video.codeccontext import VideoCodecContext

from edge.eye.remux import open_template
from edge.model import Frame, Luma, Packet, StreamFormat

PIXELS_MAX = 8192 * 4608
"""No camera has more; a damaged parameter set may claim 16384 × 16384 and eat the memory."""
WALLS_MAX = 64
"""Packets of which the wall time is kept: a decoder holds back 16 frames at most, by the standards
of H.264 and H.265, and damaged packets come to nothing.
"""
ROOM_BYTES = 16 * 2**20
"""A 4K picture's; address space alone, of which nothing is touched."""
_PLANAR = ("yuv420p", "yuvj420p")


class Decoder:
    """Decodes one stream on one thread; damage costs frames, never an exception.

    Only want of memory is one: an eye without it would see nothing and blame its camera for ever.

    A keyframe by itself gets a decoder of its own, which is gone afterwards: an idle eye then holds
    no pictures, 3 MiB less at 1080p, for no CPU time that could be measured.
    """

    def __init__(self, stream_format: StreamFormat, *, is_rough: bool = False) -> None:
        """Set up from the format's template header.

        `is_rough` leaves out the loop filter: a fifth cheaper, blocky until the next keyframe.
        """
        self._codec = stream_format.codec
        self._options = {"max_pixels": str(PIXELS_MAX)}
        if is_rough:
            self._options["skip_loop_filter"] = "all"
        with open_template(stream_format.header) as template:
            self._extradata = stream_format.start_code_sets or template.codec_context.extradata
        self._context: VideoCodecContext | None = None
        self._walls: dict[int, int] = {}

    def decode(self, packet: Packet) -> list[Frame]:
        """Feed the next packet; frames come in presentation order, some packets later.

        The caller feeds a keyframe first, and every packet between.

        Raises:
            MemoryError: the process has none left.
        """
        self._walls[packet.pts_90k] = packet.wall_utc_ms
        if len(self._walls) > WALLS_MAX:
            del self._walls[next(iter(self._walls))]
        return self._feed(packet)

    def decode_keyframe(self, packet: Packet) -> Frame | None:
        """Decode one keyframe by itself; whatever was in flight is dropped."""
        self._context = None
        self._walls = {packet.pts_90k: packet.wall_utc_ms}
        frames = self._feed(packet) or self._feed(None)
        self._context = None
        return frames[0] if frames else None

    def drain(self) -> list[Frame]:
        """Get the frames still in flight; the next packet must be a keyframe."""
        frames = self._feed(None)
        self._context = None
        return frames

    def _feed(self, packet: Packet | None) -> list[Frame]:
        unit = None
        if packet is not None:
            unit = av.Packet(packet.data)
            unit.pts, unit.dts = packet.pts_90k, packet.dts_90k
        self._context = self._context or self._open()
        try:
            return [self._make_frame(picture) for picture in self._context.decode(unit)]
        except av.FFmpegError:
            bytearray(ROOM_BYTES)  # the library calls want of memory damage
            return []

    def _open(self) -> VideoCodecContext:
        context = av.CodecContext.create(self._codec, "r")
        assert isinstance(context, VideoCodecContext)
        context.options = self._options
        context.extradata = self._extradata
        context.thread_count = 1
        return context

    def _make_frame(self, picture: av.VideoFrame) -> Frame:
        pts_90k = picture.pts if picture.pts is not None else max(self._walls)
        nearest_90k = pts_90k
        if pts_90k not in self._walls:
            nearest_90k = min(self._walls, key=lambda known: abs(known - pts_90k))
        planar = picture if picture.format.name in _PLANAR else picture.reformat(format="yuv420p")
        y, u, v = (_plane(planar, index) for index in range(3))
        return Frame(pts_90k, self._walls[nearest_90k], y, u, v)


def _plane(picture: av.VideoFrame, index: int) -> Luma:
    """View a plane without copying it; the view keeps the decoder's buffer alive."""
    plane = picture.planes[index]
    data: npt.NDArray[np.uint8] = np.frombuffer(plane, np.uint8)  # type: ignore[call-overload]
    view: Luma = data.reshape(-1, plane.line_size)[: plane.height, : plane.width]
    view.flags.writeable = False
    return view
