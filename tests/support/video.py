"""Synthetic video with known truth: scenes drawn by code and encoded by PyAV, and their damage.

The same arguments give the same bytes. Everything drawn is luma; there is no colour.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Literal

import av
import cv2
import numpy as np
import numpy.typing as npt
from av.bitstream import BitStreamFilterContext

from edge.model import Box, Luma

Codec = Literal["h264", "hevc", "mjpeg", "mpeg4", "msmpeg4"]
Damage = Literal["cut", "flipped", "empty", "text"]
ENCODERS = {
    "h264": "libx264",
    "hevc": "libx265",
    "mjpeg": "mjpeg",
    "mpeg4": "mpeg4",
    "msmpeg4": "msmpeg4",
}
TEXTURE_PX = 8
"""Squares of this size: fine enough to have corners, coarse enough to survive the encoder."""


@dataclass(frozen=True, slots=True)
class Visit:
    """A textured rectangle that crosses the picture from left to right at an even pace.

    At `enter_s` its right edge stands at the picture's left edge, at `leave_s` it is gone;
    `y_min`, `width` and `height` are fractions of the picture.
    """

    enter_s: float
    leave_s: float
    y_min: float = 0.5
    width: float = 0.12
    height: float = 0.3

    def box(self, t: float) -> Box | None:
        """Where its visible part is at a time; None where there is none."""
        if not self.enter_s < t < self.leave_s:
            return None
        x_min = self.x_min(t)
        return (max(0.0, x_min), self.y_min, min(1.0, x_min + self.width), self.y_min + self.height)

    def x_min(self, t: float) -> float:
        """Where its left edge is, which may be outside the picture."""
        share = (t - self.enter_s) / (self.leave_s - self.enter_s)
        return share * (1 + self.width) - self.width


@dataclass(frozen=True, slots=True)
class Scene:
    """What happens before the camera; the default is an empty place in even light.

    Attributes:
        visits: rectangles that come and go.
        drift_per_s: the light's drift, in levels of luma a second.
        step_at_s: when the light jumps by `step_by` levels; None is never.
        noise: standard deviation of the sensor's noise, in levels.
        cut_at_s: when the camera looks at another place; None is never.
    """

    visits: tuple[Visit, ...] = ()
    drift_per_s: float = 0.0
    step_at_s: float | None = None
    step_by: float = 50.0
    noise: float = 0.0
    cut_at_s: float | None = None


@dataclass(frozen=True, slots=True)
class Shot:
    """How a scene is filmed; `size` is (width, height) in pixels, even numbers."""

    seconds: float = 4.0
    fps: int = 10
    size: tuple[int, int] = (320, 240)
    gop_s: float = 1.0
    codec: Codec = "h264"

    @property
    def frame_count(self) -> int:
        """Pictures in all."""
        return round(self.seconds * self.fps)


@dataclass(frozen=True, slots=True)
class Truth:
    """A made clip and what is to be seen in it.

    `spans` are (from, to) in seconds, one a visit; `boxes` has one tuple a picture.
    """

    path: Path
    scene: Scene
    shot: Shot
    spans: tuple[tuple[float, float], ...]
    boxes: tuple[tuple[Box, ...], ...]


def boxes_at(scene: Scene, t: float) -> tuple[Box, ...]:
    """Say where the visits are at a time."""
    return tuple(box for visit in scene.visits if (box := visit.box(t)))


def draw(scene: Scene, shot: Shot) -> Iterator[Luma]:
    """Draw a scene picture by picture; each is the caller's."""
    generator = np.random.default_rng(1)
    places = [_place(shot.size, generator) for _ in range(2)]
    for index in range(shot.frame_count):
        t = index / shot.fps
        has_cut = scene.cut_at_s is not None and t >= scene.cut_at_s
        picture = places[has_cut] + scene.drift_per_s * t
        if scene.step_at_s is not None and t >= scene.step_at_s:
            picture = picture + scene.step_by
        for visit in scene.visits:
            _paint(picture, visit, t)
        if scene.noise:
            picture = picture + generator.normal(0, scene.noise, picture.shape)
        yield np.clip(picture, 16, 235).astype(np.uint8)


def _place(size: tuple[int, int], generator: np.random.Generator) -> npt.NDArray[np.float32]:
    """Draw an empty place: soft patches around middle grey, as large as an eighth."""
    patches = generator.uniform(70, 150, (8, 8)).astype(np.float32)
    return np.asarray(cv2.resize(patches, size, interpolation=cv2.INTER_CUBIC), np.float32)


def _paint(picture: npt.NDArray[np.float32], visit: Visit, t: float) -> None:
    """Paint a chequered rectangle; the pattern moves with it, also where it is cut off."""
    box = visit.box(t)
    if box is None:
        return
    height, width = picture.shape
    x_min, x_max = round(box[0] * width), round(box[2] * width)
    y_min, y_max = round(box[1] * height), round(box[3] * height)
    rows, columns = np.ogrid[y_min:y_max, x_min:x_max]
    columns = columns - round(visit.x_min(t) * width)
    is_light = ((rows - y_min) // TEXTURE_PX + columns // TEXTURE_PX) % 2 == 0
    picture[y_min:y_max, x_min:x_max] = np.where(is_light, 220, 40)


def make_clip(path: Path, scene: Scene | None = None, shot: Shot | None = None) -> Truth:
    """Film a scene into a file; the suffix chooses the container (MP4, MKV, AVI, H264).

    Keyframes stand exactly `gop_s` apart and pictures come in the order they are shown.
    """
    scene, shot = scene or Scene(), shot or Shot()
    with av.open(str(path), "w") as container:
        stream = _add_stream(container, shot)
        for index, luma in enumerate(draw(scene, shot)):
            frame = _frame(luma, stream.pix_fmt)
            frame.pts, frame.time_base = index, Fraction(1, shot.fps)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return Truth(
        path,
        scene,
        shot,
        spans=tuple((visit.enter_s, visit.leave_s) for visit in scene.visits),
        boxes=tuple(boxes_at(scene, index / shot.fps) for index in range(shot.frame_count)),
    )


def _add_stream(container: av.container.OutputContainer, shot: Shot) -> av.VideoStream:
    gop = round(shot.gop_s * shot.fps)
    options = {"g": str(gop), "bf": "0"}
    if shot.codec == "h264":
        options |= {"preset": "veryfast", "sc_threshold": "0", "keyint_min": str(gop)}
    if shot.codec == "hevc":
        keys = f"keyint={gop}:min-keyint={gop}:scenecut=0:open-gop=0:bframes=0"
        options |= {"preset": "ultrafast", "x265-params": f"{keys}:log-level=none:info=0"}
    stream = container.add_stream(ENCODERS[shot.codec], rate=shot.fps, options=options)
    assert isinstance(stream, av.VideoStream)
    stream.width, stream.height = shot.size
    stream.pix_fmt = "yuvj420p" if shot.codec == "mjpeg" else "yuv420p"
    stream.codec_context.thread_count = 1  # The same bytes on every machine.
    return stream


def _frame(luma: Luma, pixels: str | None) -> av.VideoFrame:
    height, width = luma.shape
    grey = np.full((height // 2, width), 128, np.uint8)
    return av.VideoFrame.from_ndarray(np.vstack([luma, grey]), format=pixels or "yuv420p")


def make_pictures(folder: Path, scene: Scene | None = None, shot: Shot | None = None) -> Truth:
    """Film a scene into a folder of JPEG pictures, `0000.jpg` and on."""
    scene, shot = scene or Scene(), shot or Shot()
    folder.mkdir(parents=True, exist_ok=True)
    for index, luma in enumerate(draw(scene, shot)):
        assert cv2.imwrite(str(folder / f"{index:04}.jpg"), luma)
    boxes = tuple(boxes_at(scene, index / shot.fps) for index in range(shot.frame_count))
    spans = tuple((visit.enter_s, visit.leave_s) for visit in scene.visits)
    return Truth(folder, scene, shot, spans, boxes)


def join_clips(path: Path, *parts: Path) -> Path:
    """Put H.264 or H.265 clips one behind the other as a byte stream (suffix .h264 or .hevc).

    Parts of another size, or with other parameter sets, give the change in mid-stream.
    """
    path.write_bytes(b"".join(_annex_b(part) for part in parts))
    return path


def _annex_b(part: Path) -> bytes:
    with av.open(str(part)) as container:
        stream = container.streams.video[0]
        name = stream.codec_context.name
        to_annex_b = BitStreamFilterContext(f"{name}_mp4toannexb", stream)
        pieces = [piece for each in container.demux(stream) for piece in to_annex_b.filter(each)]
        return b"".join(bytes(piece) for piece in pieces)


def damage(path: Path, out: Path, kind: Damage) -> Path:
    """Make a damaged copy of a clip.

    Args:
        path: the whole clip; only read.
        out: the damaged one.
        kind: `cut` ends after 60 % of the bytes (an MP4 then has lost its index), `flipped` has
            one bit in every tenth byte of every third packet turned over, `empty` has no
            byte, `text` is a letter under a film's name.
    """
    if kind == "flipped":
        _flip_bits(path, out)
    else:
        whole = path.read_bytes()
        content = {"cut": whole[: len(whole) * 6 // 10], "empty": b"", "text": b"Dear Sir,\n" * 99}
        out.write_bytes(content[kind])
    return out


def _flip_bits(path: Path, out: Path) -> None:
    """Copy a clip; every third packet but the first gets bit errors behind its first 64 bytes."""
    chance = random.Random(1)
    with av.open(str(path)) as source, av.open(str(out), "w") as target:
        stream = source.streams.video[0]
        copy = target.add_stream_from_template(stream)
        for index, packet in enumerate(p for p in source.demux(stream) if p.size):
            data = bytearray(bytes(packet))
            if index % 3 == 2:
                for place in range(64, len(data), 10):
                    data[place] ^= 1 << chance.randrange(8)
            again = av.Packet(bytes(data))
            again.pts, again.dts, again.time_base = packet.pts, packet.dts, packet.time_base
            again.is_keyframe, again.stream = packet.is_keyframe, copy
            target.mux(again)
