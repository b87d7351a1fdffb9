"""What libavformat opens: files, RTSP, HTTP, V4L2.

H.264 and H.265 pass untouched, anything else is encoded once.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias, cast

import av
import av.logging
from av.container import InputContainer
from av.video.stream import VideoStream

from edge.clock import NS_PER_S
from edge.errors import SourceError
from edge.eye.sources.describe import describe_annex_b, describe_stream
from edge.eye.sources.encoder import GopEncoder
from edge.eye.sources.probe import Picture, StreamProbe
from edge.eye.sources.refusals import (
    OPEN_S_MAX,
    READ_S_MAX,
    Opening,
    explain_cut,
    explain_end,
    explain_no_video,
    explain_nothing,
    explain_open,
    explain_read,
    explain_stall,
)
from edge.eye.sources.timing import RawTime, fill_start, frame_ticks, make_timing, step
from edge.model import TICKS_PER_S, Packet, StreamFormat

DAMAGED_MAX = 250
"""Packets in a row that the demuxer refuses before the stream counts as not video."""
FIRST_S_MAX = 60.0
"""Packets may flow this long before one of them is a keyframe that can be read."""
UNTIMED_MAX = 16
"""RTSP gives the first two packets no time; without any in so many there is none."""
_RawPacket: TypeAlias = "av.Packet[VideoStream]"
_PASSED = ("h264", "hevc")
_CUT_OFF = ("File ended prematurely", "partial file")
"""Cut Matroska and MP4 files end as if that were their end; only the library's log tells."""

WallClock = Callable[[int], int]
"""Media time in 90 kHz ticks to the wall time (UTC milliseconds) it was captured at."""
StartTime = Callable[[], int]
"""Media time (90 kHz ticks) of a packet that arrives now; asked once, at the first packet."""


class AvPacketSource:
    """One connection to one stream."""

    def __init__(self, opening: Opening, *, start: StartTime, wall: WallClock) -> None:
        """Nothing is opened before `packets`."""
        self._opening = opening
        self._start = start
        self._wall = wall
        self._is_closed = False

    def packets(self) -> Iterator[StreamFormat | Packet]:
        """See `PacketSource.packets`."""
        with self._open() as container:
            yield from self._read(container)

    def close(self) -> None:
        """See `PacketSource.close`; a blocked read ends by its own time-out."""
        self._is_closed = True

    def _open(self) -> InputContainer:
        opening = self._opening
        _quiet_library()
        begun_s = time.monotonic()
        with av.logging.Capture(local=True) as log:
            try:
                container = av.open(
                    opening.url,
                    format=opening.container_format,
                    options=dict(opening.options),
                    metadata_errors="replace",
                    timeout=(OPEN_S_MAX, READ_S_MAX),
                )
            except av.FFmpegError as exc:
                error = explain_open(
                    exc,
                    opening,
                    log=[text for _, _, text in log],
                    took_s=time.monotonic() - begun_s,
                )
            else:
                assert isinstance(container, InputContainer)
                return container
        raise error  # without the library's own, whose text holds the URL with its password

    def _read(self, container: InputContainer) -> Iterator[StreamFormat | Packet]:
        opening = self._opening
        if not container.streams.video:
            raise explain_no_video(opening)
        stream = container.streams.video[0]
        codec = stream.codec_context.name if stream.codec_context else "nothing known"
        is_passed = codec in _PASSED
        probe = _make_probe(stream, codec if is_passed else "h264", is_passed=is_passed)
        units = self._passed(container, stream) if is_passed else self._encoded(container, stream)
        error: SourceError | None = None
        has_begun = False
        begun_s = time.monotonic()
        try:
            for packet in units:
                items = probe.push(packet)
                has_begun = has_begun or bool(items)
                yield from items
                if not has_begun and time.monotonic() - begun_s > FIRST_S_MAX:
                    break
        except av.FFmpegError as exc:
            error = explain_read(exc, opening)
        except SourceError as exc:
            error = exc
        held = probe.flush()
        yield from held
        if error is not None:
            raise error
        if not self._is_closed:
            self._end(has_begun=has_begun or bool(held), codec=codec)

    def _end(self, *, has_begun: bool, codec: str) -> None:
        """A file may end, a camera may not."""
        if not has_begun:
            raise explain_nothing(self._opening, codec)
        if self._opening.is_live:
            raise explain_end(self._opening)

    def _demux(self, container: InputContainer, stream: VideoStream) -> Iterator[_RawPacket]:
        """Step over damage that the demuxer can step over; end where it can't.

        All streams are read, for the time-out would never strike while sound alone flows.
        """
        demuxed = container.demux()
        damaged = 0
        is_cut = is_corrupt = False
        heard_s = time.monotonic()
        while not self._is_closed:
            asked_s = time.monotonic()
            with av.logging.Capture(local=True) as log:
                try:
                    packet = next(demuxed, None)
                except av.InvalidDataError:
                    damaged += 1
                    if damaged > DAMAGED_MAX:
                        raise
                    demuxed = container.demux()
                    continue
                finally:
                    is_cut = is_cut or _tells_cut(log)
            if packet is None:
                break
            if self._opening.is_live:
                self._check_silence(asked_s, heard_s)
            if packet.stream_index == stream.index and packet.size:
                damaged, is_corrupt = 0, packet.is_corrupt
                yield cast(_RawPacket, packet)
                heard_s = time.monotonic()
        if (is_cut or is_corrupt) and not self._opening.is_live:
            raise explain_cut(self._opening)

    def _check_silence(self, asked_s: float, heard_s: float) -> None:
        """Notice a stall that the library hides.

        Its time-out strikes first by handing out the half picture that it holds, and never while
        sound flows.
        """
        now_s = time.monotonic()
        if max(now_s - asked_s, now_s - heard_s) >= READ_S_MAX:
            raise explain_stall(self._opening)

    def _passed(self, container: InputContainer, stream: VideoStream) -> Iterator[Packet]:
        """Give packets from the first keyframe on, untouched but for their times."""
        timing = make_timing(start_90k=0, fps=0)
        for index, (raw, received) in enumerate(self._begun(container, stream)):
            if index == 0:
                timing = make_timing(start_90k=self._start(), fps=_nominal_fps(stream))
            timing, (pts_90k, dts_90k) = step(timing, received)
            yield Packet(bytes(raw), pts_90k, dts_90k, raw.is_keyframe, self._wall(pts_90k))

    def _begun(
        self, container: InputContainer, stream: VideoStream
    ) -> Iterator[tuple[_RawPacket, RawTime]]:
        """Give what comes from the first keyframe on; the first few wait for times to go by."""
        held: list[tuple[_RawPacket, RawTime]] = []
        is_begun = False
        for raw in self._demux(container, stream):
            if is_begun:
                yield raw, self._raw_time(raw, stream)
            elif held or raw.is_keyframe:
                held.append((raw, self._raw_time(raw, stream)))
                is_begun = held[-1][1].dts_90k is not None or len(held) >= UNTIMED_MAX
                if is_begun:
                    yield from _fill(held, stream)
        if not is_begun:
            yield from _fill(held, stream)

    def _encoded(self, container: InputContainer, stream: VideoStream) -> Iterator[Packet]:
        timing = None
        encoder = GopEncoder()
        for frame in self._decode(container, stream):
            if timing is None:
                timing = make_timing(start_90k=self._start(), fps=_nominal_fps(stream))
            # Frames come in presentation order; AVI gives them jumbled pts but sound dts.
            shown = frame.dts if frame.dts is not None else frame.pts
            ticks = _ticks(shown, frame.time_base or stream.time_base)
            timing, (pts_90k, _) = step(timing, RawTime(ticks, ticks, self._arrival()))
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

    def _raw_time(self, raw: _RawPacket, stream: VideoStream) -> RawTime:
        time_base = raw.time_base or stream.time_base
        return RawTime(_ticks(raw.pts, time_base), _ticks(raw.dts, time_base), self._arrival())

    def _arrival(self) -> int | None:
        if not self._opening.is_live:
            return None
        return time.monotonic_ns() * TICKS_PER_S // NS_PER_S


def _quiet_library() -> None:
    """Let the library's errors be captured, and keep them from the log: ours say what to do."""
    logging.getLogger("libav").setLevel(logging.CRITICAL + 1)
    av.logging.set_level(av.logging.ERROR)
    av.logging.set_skip_repeated(False)  # else the second refusal in a row has no status


def _tells_cut(log: Sequence[tuple[int, str, str]]) -> bool:
    return any(sign in text for _, _, text in log for sign in _CUT_OFF)


def _make_probe(stream: VideoStream, codec: str, *, is_passed: bool) -> StreamProbe:
    """Describe by the keyframe where there is one with parameter sets, else by the container."""

    def describe(keyframe: bytes | None) -> Picture | None:
        try:
            if keyframe is not None:
                return describe_annex_b(keyframe, codec)
            return describe_stream(stream) if is_passed else None
        except MemoryError:
            raise
        except av.FFmpegError:
            return None

    extradata = stream.codec_context.extradata if stream.codec_context else None
    has_lengths = is_passed and bytes(extradata or b"")[:1] == b"\x01"
    return StreamProbe(describe, codec=codec, has_start_codes=not has_lengths)


def _ticks(value: int | None, time_base: object) -> int | None:
    if value is None or not time_base:
        return None
    return round(value * time_base * TICKS_PER_S)  # type: ignore[operator]


def _fill(
    held: list[tuple[_RawPacket, RawTime]], stream: VideoStream
) -> Iterator[tuple[_RawPacket, RawTime]]:
    """Give the first packets with the times they lack."""
    frame_90k = frame_ticks(_nominal_fps(stream))
    times = fill_start([time for _, time in held], frame_90k=frame_90k)
    yield from zip([raw for raw, _ in held], times, strict=True)


def _nominal_fps(stream: VideoStream) -> float:
    """What the container claims; measured time stamps win wherever there are any."""
    rate = stream.guessed_rate or stream.average_rate
    return float(rate) if rate else 0.0
