"""Describes a stream: codec, size, and the header that serves as template once the input is gone.

Packets with start codes (RTSP, raw streams) keep their parameter sets beside the header: it is
these that tell a muxer to turn start codes into the lengths MP4 wants, and a decoder to expect
them.
"""

from __future__ import annotations

import io

import av
from av.video.stream import VideoStream

from edge.eye.sources.nal import is_annex_b
from edge.eye.sources.probe import Picture


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
