"""Makes the fragmented-MP4 header that serves as template once the input is gone, and uses it.

Packets with start codes (RTSP, raw streams) keep their parameter sets beside the header: it is
these that tell a muxer to turn start codes into the lengths MP4 wants, and a decoder to expect
them.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager

import av
from av.container import OutputContainer
from av.video.codeccontext import VideoCodecContext
from av.video.stream import VideoStream

from edge.eye.sources.nal import is_annex_b
from edge.eye.sources.probe import Picture
from edge.model import StreamFormat

PIXELS_MAX = 8192 * 4608
"""No camera has more; a damaged parameter set may claim 16384 × 16384 and eat the memory."""


def describe_stream(stream: VideoStream) -> Picture:
    """Describe an open input's stream.

    Raises:
        av.FFmpegError: the container does not know its size or parameter sets.
    """
    sink = io.BytesIO()
    with av.open(sink, "w", format="mp4", options={"movflags": "empty_moov"}) as output:
        output.add_stream_from_template(stream, opaque=True)
        output.start_encoding()
    context = stream.codec_context
    sets = context.extradata or b""
    return Picture(
        context.name,
        context.width,
        context.height,
        sink.getvalue(),
        sets if is_annex_b(sets) else b"",
    )


def describe_annex_b(keyframe: bytes, codec: str) -> Picture:
    """Describe a stream by one of its keyframes with start codes and parameter sets.

    Raises:
        av.FFmpegError: the bytes are damaged.
    """
    with av.open(io.BytesIO(keyframe), format=codec) as container:
        return describe_stream(container.streams.video[0])


@contextmanager
def open_template(header: bytes) -> Iterator[VideoStream]:
    """Open a header made here; the stream lives as long as the context."""
    with av.open(io.BytesIO(header), format="mp4") as container:
        yield container.streams.video[0]


def add_stream(container: OutputContainer, stream_format: StreamFormat) -> VideoStream:
    """Give an MP4 file being written the stream whose packets are to be copied into it."""
    with open_template(stream_format.header) as template:
        stream = container.add_stream_from_template(template, opaque=True)
    if stream_format.start_code_sets:
        stream.codec_context.extradata = stream_format.start_code_sets
    if stream_format.codec == "hevc":
        stream.codec_context.codec_tag = "hvc1"  # the tag that Safari and Chromium open
    return stream


def make_decoder(stream_format: StreamFormat, *, is_rough: bool = False) -> VideoCodecContext:
    """Make a decoder for the stream's packets, on the caller's thread.

    `is_rough` leaves out the loop filter: a fifth cheaper, blocky until the next keyframe.
    """
    options = {"max_pixels": str(PIXELS_MAX)}
    if is_rough:
        options["skip_loop_filter"] = "all"
    context = av.CodecContext.create(stream_format.codec, "r")
    assert isinstance(context, VideoCodecContext)
    context.options = options
    with open_template(stream_format.header) as template:
        context.extradata = stream_format.start_code_sets or template.codec_context.extradata
    context.thread_count = 1
    return context
