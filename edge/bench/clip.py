"""Makes the clips that the bench runs on, as a camera would send them, and longer ones of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import av
from av.container import InputContainer, OutputContainer
from av.video.stream import VideoStream

from edge.bench.scene import HEIGHT, WIDTH, Planes, Street, shrink
from edge.errors import SourceUnusable

FPS = 15
GOP_FRAMES = 30
SUB_SIZE = (640, 360)
FRAMES_MIN = 30
MAIN_KBIT_S = 4000
SUB_KBIT_S = 512
"""The stream that the budgets were set on."""
_RATE_WINDOW_S = 0.5
"""Over which the rate is held. Keyframes come to 200 kB, 8 times a P frame, and cost 11 % of bare
decode, as in the clip that the budgets rest on (10 %); with a window of 1 s they come to 330 kB and
15 %, which no camera's constant bit rate lets through.
"""
_FASTSTART = {"movflags": "faststart"}
"""The index first: how far a program has read in the file then tells how much video it has seen."""


@dataclass(frozen=True, slots=True)
class Clip:
    """A video file: how long it lasts, (width, height), frames a second and from key to key."""

    path: Path
    seconds: float
    size: tuple[int, int]
    fps: float = FPS
    gop_frames: float = GOP_FRAMES


@dataclass(frozen=True, slots=True)
class Clips:
    """What there is to run on; `sub` shows what `quiet` shows, smaller, and may be missing."""

    quiet: Clip
    sub: Clip | None
    busy: Clip


def draw_clips(folder: Path, *, seconds: int) -> Clips:
    """Draw a quiet and a busy clip and a quiet sub stream.

    Args:
        folder: where the files go.
        seconds: even, so that the clips are whole GOPs and can be joined to themselves.
    """
    quiet, sub, busy = (folder / f"{name}.mp4" for name in ("quiet", "sub", "busy"))
    street = Street()
    count = seconds * FPS
    with (
        _Encoder(quiet, (WIDTH, HEIGHT), MAIN_KBIT_S) as main,
        _Encoder(sub, SUB_SIZE, SUB_KBIT_S) as small,
    ):
        for number in range(count):
            planes = street.draw(number, round_share=None)
            main.push(planes)
            small.push(shrink(planes, SUB_SIZE))
    with _Encoder(busy, (WIDTH, HEIGHT), MAIN_KBIT_S) as moving:
        for number in range(count):
            moving.push(street.draw(number, round_share=number / count))
    full = (WIDTH, HEIGHT)
    return Clips(
        Clip(quiet, seconds, full), Clip(sub, seconds, SUB_SIZE), Clip(busy, seconds, full)
    )


def repeat(clip: Clip, times: int, path: Path) -> Clip:
    """Join a clip to itself by copying its packets, so that a long one costs no encoding.

    Raises:
        SourceUnusable: it cannot be read.
    """
    try:
        with av.open(str(clip.path)) as source, _create(path) as output:
            copy = output.add_stream_from_template(source.streams.video[0])
            shift = 0
            for _ in range(times):
                source.seek(0)
                shift += _append(source, output, copy, shift)
    except av.FFmpegError as exc:
        raise SourceUnusable(f"{clip.path.name}: can't be read ({exc.strerror})") from exc
    return replace(clip, path=path, seconds=clip.seconds * times)


def measure_clip(path: Path) -> Clip:
    """Find how long somebody's clip lasts.

    Raises:
        SourceUnusable: it is not H.264 or H.265 video that can be read.
    """
    try:
        with av.open(str(path)) as source:
            stream = source.streams.video[0] if source.streams.video else None
            codec = stream.codec_context.name if stream else "no video"
            if stream is None or codec not in ("h264", "hevc"):
                raise SourceUnusable(f"{path.name}: {codec}; give H.264 or H.265 video")
            size = (stream.width, stream.height)
            time_base = stream.time_base
            found = [(packet.pts, packet.is_keyframe) for packet in source.demux(stream)]
    except (av.FFmpegError, OSError) as exc:
        reason = f"{path.name}: can't be read ({exc.strerror}); give H.264 or H.265 video"
        raise SourceUnusable(reason) from exc
    times = [pts for pts, _ in found if pts is not None]
    if len(times) < FRAMES_MIN or time_base is None:
        raise SourceUnusable(f"{path.name}: too short to measure anything")
    seconds = float((max(times) - min(times)) * time_base) * len(times) / (len(times) - 1)
    keyframes = sum(is_keyframe for _, is_keyframe in found)
    fps, gop_frames = len(times) / seconds, len(times) / max(keyframes, 1)
    return Clip(path.resolve(), seconds, size, fps, gop_frames)


def _create(path: Path) -> OutputContainer:
    return av.open(str(path), "w", format="mp4", options=_FASTSTART)


def _append(source: InputContainer, output: OutputContainer, copy: VideoStream, shift: int) -> int:
    """Copy all packets, later by `shift`; say by how much the next round has to be later."""
    times = []
    for packet in source.demux(source.streams.video[0]):
        if packet.dts is None or packet.pts is None:
            continue
        times.append(packet.dts)
        packet.dts, packet.pts = packet.dts + shift, packet.pts + shift
        packet.stream = copy
        output.mux(packet)
    return (max(times) - min(times)) * len(times) // max(len(times) - 1, 1)


class _Encoder:
    """One clip on its way to the disk: constant rate, no B-frames, keyframes at even distance."""

    def __init__(self, path: Path, size: tuple[int, int], kbit_s: int) -> None:
        self._output = _create(path)
        window_kbit = round(kbit_s * _RATE_WINDOW_S)
        options = {
            "preset": "veryfast", "profile": "high", "bf": "0", "refs": "1", "sc_threshold": "0",
            "b": f"{kbit_s}k", "maxrate": f"{kbit_s}k", "bufsize": f"{window_kbit}k",
        }  # fmt: skip
        self._stream = self._output.add_stream("libx264", rate=FPS, options=options)
        self._stream.width, self._stream.height = size
        self._stream.pix_fmt = "yuv420p"
        self._stream.codec_context.gop_size = GOP_FRAMES
        self._count = 0

    def __enter__(self) -> _Encoder:
        return self

    def __exit__(self, *_exc: object) -> None:
        self._output.mux(self._stream.encode(None))
        self._output.close()

    def push(self, planes: Planes) -> None:
        frame = av.VideoFrame.from_ndarray(planes, format="yuv420p")
        frame.pts, frame.time_base = self._count, Fraction(1, FPS)
        self._count += 1
        self._output.mux(self._stream.encode(frame))
