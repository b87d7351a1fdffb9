"""Copies packets into MP4 by the template header that their format keeps; nothing is re-encoded."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction

import av
from av.container import OutputContainer
from av.video.stream import VideoStream

from edge.model import TICKS_PER_S, Packet, StreamFormat

_TIME_BASE = Fraction(1, TICKS_PER_S)


class PacketCopier:
    """Puts one format's packets into an MP4 being written, whose time begins at 0."""

    def __init__(self, container: OutputContainer, stream_format: StreamFormat) -> None:
        """Give the file its one stream and begin it.

        Raises:
            av.FFmpegError, OSError: it can't be written.
        """
        self._container = container
        self._stream = _add_stream(container, stream_format)
        self._first_90k: int | None = None
        container.start_encoding()

    def copy(self, packet: Packet) -> None:
        """Add the next packet in decode order.

        Raises:
            av.FFmpegError, OSError: it can't be written, or its times fit no MP4.
        """
        if self._first_90k is None:
            self._first_90k = packet.dts_90k
        unit = av.Packet(packet.data)
        unit.pts, unit.dts = packet.pts_90k - self._first_90k, packet.dts_90k - self._first_90k
        unit.time_base, unit.is_keyframe, unit.stream = _TIME_BASE, packet.is_keyframe, self._stream
        self._container.mux_one(unit)


@contextmanager
def open_template(header: bytes) -> Iterator[VideoStream]:
    """Open a format's header; the stream lives as long as the context."""
    with av.open(io.BytesIO(header), format="mp4") as container:
        yield container.streams.video[0]


def _add_stream(container: OutputContainer, stream_format: StreamFormat) -> VideoStream:
    with open_template(stream_format.header) as template:
        stream = container.add_stream_from_template(template, opaque=True)
    if stream_format.start_code_sets:
        stream.codec_context.extradata = stream_format.start_code_sets
    if stream_format.codec == "hevc":
        stream.codec_context.codec_tag = "hvc1"  # the tag that Safari and Chromium open
    return stream
