"""A fragmented MP4 as an eye sends it to those who watch."""

from __future__ import annotations

import io
from fractions import Fraction

import av
import numpy as np


def make_fragments(codec: str, **options: str) -> bytes:
    """A second of grey as libavformat writes it, a fragment a frame."""
    sink = io.BytesIO()
    flags = {"movflags": "empty_moov+default_base_moof+frag_every_frame"}
    with av.open(sink, "w", format="mp4", options=flags) as container:
        stream = container.add_stream(codec, rate=10, options=options)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
        for index in range(10):
            frame = av.VideoFrame.from_ndarray(np.full((240, 320, 3), 99, np.uint8), "rgb24")
            frame.pts, frame.time_base = index, Fraction(1, 10)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return sink.getvalue()
