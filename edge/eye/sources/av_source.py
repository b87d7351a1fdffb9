"""What libavformat opens: files, RTSP, HTTP, V4L2.

H.264 and H.265 pass untouched, anything else is encoded once.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import av
import av.logging
from av.container import InputContainer
from av.video.stream import VideoStream

from edge.errors import SourceError, SourceRefused, SourceStalled, SourceUnreachable, SourceUnusable
from edge.eye.header import describe_annex_b, describe_stream
from edge.eye.sources.encoder import GopEncoder
from edge.eye.sources.probe import Picture, StreamProbe
from edge.eye.sources.timing import RawTime, make_timing, step
from edge.model import TICKS_PER_S, Packet, StreamFormat

OPEN_S_MAX = 5.0
"""libavformat waits this long twice: for the answer, then for the first pictures."""
READ_S_MAX = 5.0
DAMAGED_MAX = 250
"""Packets in a row that the demuxer refuses before the stream counts as not video."""
_PASSED = ("h264", "hevc")
_STATUS = re.compile(r"failed: (\d{3}) \(?([^)\n]*)")
"""The camera's own status line; the exception does not carry it, only the library's log does."""
_TOO_MANY = ("453", "503")


@dataclass(frozen=True, slots=True)
class Opening:
    """How to open one stream.

    `url` may hold a password and is never shown; `name` is what messages call it.
    """

    url: str
    name: str
    container_format: str | None = None
    options: dict[str, str] = field(default_factory=dict)
    is_live: bool = False


WallClock = Callable[[int], int]
"""Media time in 90 kHz ticks to the wall time (UTC milliseconds) it was captured at."""


class AvPacketSource:
    """One connection to one stream."""

    def __init__(self, opening: Opening, *, start_90k: int, wall: WallClock) -> None:
        """`start_90k` is the media time its first packet gets."""
        self._opening = opening
        self._start_90k = start_90k
        self._wall = wall
        self._is_closed = False

    def packets(self) -> Iterator[StreamFormat | Packet]:
        """See `PacketSource.packets`."""
        with self._open() as container:
            try:
                yield from self._read(container)
            except av.FFmpegError as exc:
                raise _translate(exc, self._opening) from exc

    def close(self) -> None:
        """See `PacketSource.close`; a blocked read ends by its own time-out."""
        self._is_closed = True

    def _open(self) -> InputContainer:
        opening = self._opening
        begun_s = time.monotonic()
        with av.logging.Capture(local=True) as log:
            try:
                container = av.open(
                    opening.url,
                    format=opening.container_format,
                    options=dict(opening.options),
                    timeout=(OPEN_S_MAX, READ_S_MAX),
                )
            except av.FFmpegError as exc:
                if opening.is_live and time.monotonic() - begun_s >= OPEN_S_MAX:
                    message = f"{opening.name}: no answer within {OPEN_S_MAX:.0f} s"
                    raise SourceStalled(message) from exc
                status = _STATUS.search(" ".join(text for _, _, text in log))
                raise _translate(exc, opening, status=status) from exc
        assert isinstance(container, InputContainer)
        return container

    def _read(self, container: InputContainer) -> Iterator[StreamFormat | Packet]:
        if not container.streams.video:
            raise SourceUnusable(f"{self._opening.name}: there is no video in it")
        stream = container.streams.video[0]
        codec = stream.codec_context.name if stream.codec_context else "nothing known"
        is_passed = codec in _PASSED
        probe = StreamProbe(_describer(stream, codec if is_passed else "h264"))
        units = self._passed(container, stream) if is_passed else self._encoded(container, stream)
        count = 0
        for packet in units:
            count += 1
            yield from probe.push(packet)
        yield from probe.flush()
        if count == 0 and not self._is_closed:
            raise SourceUnusable(f"{self._opening.name}: no picture in it could be read ({codec})")

    def _demux(self, container: InputContainer, stream: VideoStream) -> Iterator[av.Packet]:
        """Step over damage that the demuxer can step over; end where it can't.

        All streams are read, for the time-out would never strike while sound alone flows.
        """
        demuxed = container.demux()
        damaged = 0
        heard_s = time.monotonic()
        while not self._is_closed:
            try:
                packet = next(demuxed, None)
            except av.InvalidDataError:
                damaged += 1
                if damaged > DAMAGED_MAX:
                    raise
                demuxed = container.demux()
                continue
            if packet is None:
                return
            if packet.stream_index == stream.index and packet.size:
                damaged = 0
                yield packet
                heard_s = time.monotonic()
            elif self._opening.is_live and time.monotonic() - heard_s > READ_S_MAX:
                raise SourceStalled(f"{self._opening.name}: no video within {READ_S_MAX:.0f} s")

    def _passed(self, container: InputContainer, stream: VideoStream) -> Iterator[Packet]:
        timing = make_timing(start_90k=self._start_90k, fps=_nominal_fps(stream))
        is_begun = False
        for raw in self._demux(container, stream):
            time_base = raw.time_base or stream.time_base
            times = RawTime(_ticks(raw.pts, time_base), _ticks(raw.dts, time_base))
            is_begun = is_begun or raw.is_keyframe
            if not is_begun:
                continue
            timing, (pts_90k, dts_90k) = step(timing, times)
            yield Packet(bytes(raw), pts_90k, dts_90k, raw.is_keyframe, self._wall(pts_90k))

    def _encoded(self, container: InputContainer, stream: VideoStream) -> Iterator[Packet]:
        timing = make_timing(start_90k=self._start_90k, fps=_nominal_fps(stream))
        encoder = GopEncoder()
        for frame in self._decode(container, stream):
            # Frames come in presentation order; AVI gives them jumbled pts but sound dts.
            shown = frame.dts if frame.dts is not None else frame.pts
            ticks = _ticks(shown, frame.time_base or stream.time_base)
            timing, (pts_90k, _) = step(timing, RawTime(ticks, ticks))
            for data, is_keyframe in encoder.encode(frame, pts_90k):
                yield Packet(data, pts_90k, pts_90k, is_keyframe, self._wall(pts_90k))

    def _decode(self, container: InputContainer, stream: VideoStream) -> Iterator[av.VideoFrame]:
        context = stream.codec_context
        context.thread_count = 1
        for packet in self._demux(container, stream):
            try:
                frames = context.decode(packet)
            except av.InvalidDataError:
                continue  # one damaged frame: the picture before it stands a little longer
            yield from frames
        yield from context.decode(None)


def _describer(stream: VideoStream, codec: str) -> Callable[[bytes | None], Picture]:
    """Describe by the keyframe where there is one with parameter sets, else by the container."""

    def describe(keyframe: bytes | None) -> Picture:
        if keyframe is not None:
            return describe_annex_b(keyframe, codec)
        if stream.codec_context.name in _PASSED:
            return describe_stream(stream)
        return Picture(codec, stream.width, stream.height, b"")

    return describe


def _ticks(value: int | None, time_base: object) -> int | None:
    if value is None or not time_base:
        return None
    return round(value * time_base * TICKS_PER_S)  # type: ignore[operator]


def _nominal_fps(stream: VideoStream) -> float:
    """What the container claims; measured time stamps win wherever there are any."""
    rate = stream.guessed_rate or stream.average_rate
    return float(rate) if rate else 0.0


def _translate(
    exc: av.FFmpegError, opening: Opening, *, status: re.Match[str] | None = None
) -> SourceError:
    """Turn the library's error into one line that says what to do; never shows the URL."""
    name = opening.name
    if isinstance(exc, av.HTTPError):
        return _translate_refusal(exc, name, status)
    if isinstance(exc, TimeoutError | av.ExitError):
        return SourceStalled(f"{name}: no data within {READ_S_MAX:.0f} s")
    if isinstance(exc, FileNotFoundError):
        return SourceUnreachable(f"{name}: there is no such file or device; check the path")
    if isinstance(exc, PermissionError):
        return SourceRefused(f"{name}: not allowed to read it; check owner and mode")
    if isinstance(exc, OSError) and opening.is_live:
        reason = exc.strerror or "no route"
        return SourceUnreachable(f"{name}: nobody answers ({reason}); check cable and address")
    return SourceUnusable(
        f"{name}: this is not video that can be read ({exc.strerror}); check that the file is whole"
    )


def _translate_refusal(exc: av.HTTPError, name: str, status: re.Match[str] | None) -> SourceRefused:
    if isinstance(exc, av.HTTPUnauthorizedError):
        message = f"{name}: the camera refuses the login; correct the credentials file"
        return SourceRefused(message, is_login=True)
    said = f"{status[1]} {status[2]}".strip() if status else str(exc.strerror)
    if isinstance(exc, av.HTTPNotFoundError):
        return SourceRefused(f"{name}: the camera has no such stream ({said}); check the path")
    if status and status[1] in _TOO_MANY:
        message = f"{name}: the camera has too many sessions ({said}); close other viewers"
        return SourceRefused(message)
    return SourceRefused(f"{name}: the camera refuses ({said})")
