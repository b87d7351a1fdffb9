"""Makes the fragmented-MP4 header that serves as template once the input is gone, and reads it."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager

import av
from av.video.stream import VideoStream

from edge.eye.sources.probe import Picture


def describe_stream(stream: VideoStream) -> Picture:
    """Describe an open input's stream; its size may be 0 until the first keyframe is seen."""
    sink = io.BytesIO()
    with av.open(sink, "w", format="mp4", options={"movflags": "empty_moov"}) as output:
        output.add_stream_from_template(stream, opaque=True)
        output.start_encoding()
    context = stream.codec_context
    return Picture(context.name, context.width, context.height, sink.getvalue())


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
