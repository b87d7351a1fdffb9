"""Live view to a socket somebody else listens on: JPEG frames or fragmented MP4, never waiting.

A reader that is too slow loses whole GOPs (fragments) or single frames (JPEG), never the eye's
time. JPEG frames come with their length before them, 4 bytes, big-endian.
"""

from __future__ import annotations

import io
import socket
import struct
from fractions import Fraction
from typing import Literal

import av

from edge.eye.decode import Decoder
from edge.eye.header import open_template
from edge.eye.snapshot import encode_jpeg
from edge.model import TICKS_PER_S, Packet, StreamFormat

PENDING_BYTES_MAX = 4 * 2**20
JPEG_FPS_MAX = 8.0
JPEG_QUALITY = 75
_OPTIONS = {"movflags": "empty_moov+default_base_moof+frag_every_frame", "flush_packets": "1"}
_TIME_BASE = Fraction(1, TICKS_PER_S)

Form = Literal["jpeg", "fragments"]


class LiveView:
    """One viewer of one stream."""

    def __init__(self, path: str, form: Form) -> None:
        """Connect to the Unix socket at `path`.

        Raises:
            OSError: nobody listens there.
        """
        self._form: Form = form
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._socket.setblocking(False)
            self._socket.connect(path)
        except OSError:
            self._socket.close()
            raise
        self._pending = b""
        self._encoder: _Fragments | _Jpegs | None = None
        self._is_dropping = True

    def begin(self, stream_format: StreamFormat) -> None:
        """Take note of the format of what follows."""
        make = _Jpegs if self._form == "jpeg" else _Fragments
        self._encoder = make(stream_format)
        self._is_dropping = True

    def push(self, packet: Packet) -> bool:
        """Send a packet on if the viewer keeps up; false when he is gone."""
        if self._encoder is None:
            return True
        if not self._flush():
            return False
        if packet.is_keyframe:
            self._is_dropping = len(self._pending) > 0 and self._is_dropping
        self._is_dropping = self._is_dropping or len(self._pending) > PENDING_BYTES_MAX
        if packet.is_keyframe and len(self._pending) <= PENDING_BYTES_MAX // 2:
            self._is_dropping = False
        if self._is_dropping:
            return True
        self._pending += self._encoder.encode(packet, is_wanted=not self._pending)
        return self._flush()

    def close(self) -> None:
        """Hang up."""
        self._socket.close()

    def _flush(self) -> bool:
        while self._pending:
            try:
                sent = self._socket.send(self._pending)
            except BlockingIOError:
                return True
            except OSError:
                return False
            self._pending = self._pending[sent:]
        return True


class _Fragments:
    """Packets as fragmented MP4, one fragment a packet, by stream copy."""

    def __init__(self, stream_format: StreamFormat) -> None:
        self._sink = io.BytesIO()
        self._container = av.open(self._sink, "w", format="mp4", options=_OPTIONS)
        with open_template(stream_format.header) as template:
            self._stream = self._container.add_stream_from_template(template, opaque=True)
        if stream_format.codec == "hevc":
            self._stream.codec_context.codec_tag = "hvc1"
        self._first_90k: int | None = None

    def encode(self, packet: Packet, *, is_wanted: bool) -> bytes:
        """Give the bytes that are complete with this packet (those of the one before it)."""
        del is_wanted
        if self._first_90k is None:
            self._first_90k = packet.dts_90k
        unit = av.Packet(packet.data)
        unit.pts, unit.dts = packet.pts_90k - self._first_90k, packet.dts_90k - self._first_90k
        unit.time_base, unit.is_keyframe, unit.stream = _TIME_BASE, packet.is_keyframe, self._stream
        self._container.mux_one(unit)
        data = self._sink.getvalue()
        self._sink.seek(0)
        self._sink.truncate()
        return data


class _Jpegs:
    """Decoded frames as JPEG, at most `JPEG_FPS_MAX` a second."""

    def __init__(self, stream_format: StreamFormat) -> None:
        self._decoder = Decoder(stream_format)
        self._next_t = 0.0

    def encode(self, packet: Packet, *, is_wanted: bool) -> bytes:
        """Decode in any case, encode when the viewer waits for a picture."""
        frames = self._decoder.decode(packet)
        if not frames or not is_wanted or frames[-1].t < self._next_t:
            return b""
        self._next_t = frames[-1].t + 1.0 / JPEG_FPS_MAX
        data = encode_jpeg(frames[-1], quality=JPEG_QUALITY)
        return struct.pack(">I", len(data)) + data
