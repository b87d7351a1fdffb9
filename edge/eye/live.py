"""Live views to sockets that somebody else listens on: JPEG frames or fragmented MP4.

Nothing here waits. A viewer who is too slow loses frames (JPEG) or everything up to a later
keyframe (fragments), never the eye's time. JPEG frames come with their length before them,
4 bytes, big-endian.
"""

from __future__ import annotations

import io
import os
import select
import socket
import struct
from collections.abc import Mapping
from typing import Literal, get_args

import av

from edge.errors import Fault, ValidationError
from edge.eye.decode import Decoder
from edge.eye.intake import Lane
from edge.eye.remux import PacketCopier
from edge.eye.ring import Gop, Ring
from edge.eye.snapshot import encode_jpeg
from edge.model import Frame, Packet, StreamFormat

VIEWS_MAX = 8
PATH_BYTES_MAX = 107
"""A longer path is no Unix socket's: `sun_path` has 108 bytes with the zero at its end."""
WAITING_BYTES_MAX = 2 * 2**20
"""Fragments that wait for one viewer, four seconds of a usual camera; beyond it he loses some."""
JPEG_FPS_MAX = 8.0
JPEG_QUALITY = 75
PATIENCE_S = 2.0
"""When no viewer took a picture for this long, nothing more is decoded for them."""
CATCH_UP_PACKETS_MAX = 60
"""Longest GOP, in packets, that is decoded at once for a first JPEG before the next keyframe."""
_OPTIONS = {"movflags": "empty_moov+default_base_moof+frag_every_frame", "flush_packets": "1"}

Form = Literal["jpeg", "fragments"]
FORMS: tuple[Form, ...] = get_args(Form)


class Views:
    """All live views of one eye."""

    def __init__(self, rings: Mapping[Lane, Ring]) -> None:
        """`rings` hold each stream's packets, already with the one that is pushed."""
        self._rings = rings
        self._formats: dict[Lane, StreamFormat] = {}
        self._pictures = {lane: _Pictures() for lane in rings}
        self._fragments: dict[Lane, list[_Fragments]] = {lane: [] for lane in rings}

    def open(self, lane: Lane, path: str, form: Form) -> None:
        """Begin a view to the Unix socket at `path`, with what the ring has of the current GOP.

        Raises:
            ValidationError: nobody listens there, or there are enough views already.
        """
        self._forget_gone()
        if sum(len(self._viewers(each)) for each in self._rings) >= VIEWS_MAX:
            raise ValidationError([Fault("live", f"{VIEWS_MAX} views are open; close one first")])
        try:
            viewer = Viewer(path)
        except (OSError, ValueError) as exc:
            raise ValidationError([_explain(exc, path)]) from exc
        ring = self._rings[lane]
        gop = ring.gop_at(ring.last_90k)
        if form == "jpeg":
            self._pictures[lane].join(viewer, gop)
        else:
            self._fragments[lane].append(_Fragments(viewer, self._formats.get(lane), gop))

    def begin(self, lane: Lane, stream_format: StreamFormat) -> None:
        """Take note of the format of what follows.

        A change ends fragments: one MP4 has one format, and the viewer may open another.
        """
        before = self._formats.get(lane)
        self._formats[lane] = stream_format
        if before is not None and before.header == stream_format.header:
            return
        self._pictures[lane].begin(stream_format)
        for view in self._fragments[lane]:
            view.begin(stream_format)
        self._forget_gone()

    def push(self, lane: Lane, packet: Packet) -> None:
        """Send the next packet, already in the ring, to whoever keeps up."""
        if not self._viewers(lane):
            return
        self._forget_gone()
        self._pictures[lane].push(packet)
        for view in self._fragments[lane]:
            view.push(packet)

    def close(self) -> None:
        """Hang up on everybody."""
        for lane in self._rings:
            for viewer in self._viewers(lane):
                viewer.close()
        self._forget_gone()

    def _viewers(self, lane: Lane) -> list[Viewer]:
        return self._pictures[lane].viewers + [view.viewer for view in self._fragments[lane]]

    def _forget_gone(self) -> None:
        for lane in self._rings:
            for viewer in self._viewers(lane):
                viewer.flush()
            self._pictures[lane].forget_gone()
            self._fragments[lane] = [v for v in self._fragments[lane] if not v.viewer.is_gone]


def _explain(exc: OSError | ValueError, path: str) -> Fault:
    """Say why there is no view to a path; Linux calls a full queue "try again"."""
    if isinstance(exc, BlockingIOError):
        return Fault("socket", f"{path}: the queue of the listener is full", "accept what waits")
    if isinstance(exc, OSError) and len(os.fsencode(path)) > PATH_BYTES_MAX:
        problem = f"nobody listens on a path of {len(os.fsencode(path))} bytes"
        return Fault("socket", problem, f"at most {PATH_BYTES_MAX} make a socket")
    reason = exc.strerror if isinstance(exc, OSError) and exc.strerror else exc
    return Fault("socket", f"{path}: nobody listens ({reason})")


class Viewer:
    """The socket to one viewer, and the bytes that he has not taken yet."""

    def __init__(self, path: str) -> None:
        """Connect without waiting.

        Raises:
            OSError: nobody listens there, or more are waiting there already than he lets.
            ValueError: the path holds a zero byte.
        """
        if "\0" in path:
            raise ValueError("a path has no zero byte")
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._socket.setblocking(False)
            self._socket.connect(path)
        except OSError:
            self._socket.close()
            raise
        self._poller = select.poll()
        self._poller.register(self._socket, 0)  # hanging up is reported in any case
        self._waiting = bytearray()
        self.is_gone = False

    @property
    def waiting_bytes(self) -> int:
        """Bytes he has not taken."""
        return len(self._waiting)

    def send(self, data: bytes) -> None:
        """Send now what he takes now, the rest later."""
        self._waiting += data
        self.flush()

    def flush(self) -> None:
        """Send what waits, as far as he takes it, and notice when he has left."""
        if self.is_gone:
            return
        try:
            while self._waiting:
                sent = self._socket.send(self._waiting)
                del self._waiting[:sent]
        except BlockingIOError:
            pass
        except OSError:
            self.close()
            return
        if self._poller.poll(0):
            self.close()

    def close(self) -> None:
        """Hang up."""
        self.is_gone = True
        self._socket.close()


class _Fragments:
    """One viewer's fragmented MP4: one fragment a packet, by stream copy."""

    def __init__(self, viewer: Viewer, stream_format: StreamFormat | None, gop: Gop | None) -> None:
        self.viewer = viewer
        self._muxer = _Muxer(stream_format) if stream_format else None
        self._is_skipping = True
        if gop is None or stream_format is None or gop.format.header != stream_format.header:
            return
        for packet in gop.packets if gop.size_bytes <= WAITING_BYTES_MAX else ():
            self.push(packet)

    def begin(self, stream_format: StreamFormat) -> None:
        if self._muxer is None:
            self._muxer = _Muxer(stream_format)
        else:
            self.viewer.close()

    def push(self, packet: Packet) -> None:
        """Send the packet, or leave it out up to a keyframe that finds everything sent."""
        if self._muxer is None:
            return
        if self._is_skipping:
            self._is_skipping = not (packet.is_keyframe and self.viewer.waiting_bytes == 0)
        else:
            self._is_skipping = self.viewer.waiting_bytes > WAITING_BYTES_MAX
        if self._is_skipping:
            return
        try:
            self.viewer.send(self._muxer.encode(packet))
        except av.FFmpegError:
            self.viewer.close()  # times that no MP4 can hold; he may open another view


class _Muxer:
    """Packets to the bytes of a fragmented MP4, which starts at time 0."""

    def __init__(self, stream_format: StreamFormat) -> None:
        self._sink = io.BytesIO()
        container = av.open(self._sink, "w", format="mp4", options=_OPTIONS)
        self._copier = PacketCopier(container, stream_format)

    def encode(self, packet: Packet) -> bytes:
        """Give the bytes that are complete with this packet (those of the one before it)."""
        self._copier.copy(packet)
        data = self._sink.getvalue()
        self._sink.seek(0)
        self._sink.truncate()
        return data


class _Pictures:
    """One stream's JPEG viewers: decoded and encoded once for all of them."""

    def __init__(self) -> None:
        self.viewers: list[Viewer] = []
        self._format: StreamFormat | None = None
        self._decoder: Decoder | None = None  # None: the next packet decoded must be a keyframe
        self._taken_t = 0.0
        self._next_t = 0.0

    def begin(self, stream_format: StreamFormat) -> None:
        self._format = stream_format
        self._decoder = None

    def join(self, viewer: Viewer, gop: Gop | None) -> None:
        """Take one more viewer; the first one starts the decoder."""
        self.viewers.append(viewer)
        if self._decoder is not None or self._format is None or gop is None:
            return
        if len(gop.packets) > CATCH_UP_PACKETS_MAX or gop.format.header != self._format.header:
            return
        self._decoder = Decoder(self._format)
        self._taken_t = gop.packets[-1].t
        frames = [frame for packet in gop.packets for frame in self._decoder.decode(packet)]
        self._show(frames[-1:], [viewer])

    def forget_gone(self) -> None:
        """Without viewers nothing is decoded, and the decoder's memory is given back."""
        self.viewers = [viewer for viewer in self.viewers if not viewer.is_gone]
        if not self.viewers:
            self._decoder = None

    def push(self, packet: Packet) -> None:
        """Decode while anybody takes pictures, and send each to who has taken the one before."""
        ready = [viewer for viewer in self.viewers if viewer.waiting_bytes == 0]
        if ready:
            self._taken_t = packet.t
        if not self.viewers or packet.t - self._taken_t > PATIENCE_S:
            self._decoder = None
        elif self._decoder is None and packet.is_keyframe and self._format is not None:
            self._decoder = Decoder(self._format)
        if self._decoder is not None:
            self._show(self._decoder.decode(packet)[-1:], ready)

    def _show(self, frames: list[Frame], viewers: list[Viewer]) -> None:
        assert self._format is not None
        half_frame_s = 0.5 / max(self._format.fps, 1.0)
        for frame in frames:
            if not viewers or frame.t < self._next_t - half_frame_s:
                continue
            self._next_t = max(self._next_t + 1.0 / JPEG_FPS_MAX, frame.t)
            data = encode_jpeg(frame, quality=JPEG_QUALITY)
            for viewer in viewers:
                viewer.send(struct.pack(">I", len(data)) + data)
