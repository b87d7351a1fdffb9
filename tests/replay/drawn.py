"""Clips drawn by code whose moments of motion are known to the frame; they need no footage.

A detector trained on photographs may not know drawn figures, so only motion is promised on these.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TypeAlias

import av
import numpy as np

from edge import scene
from tests.replay.truth import Span

FPS = 10
Paint: TypeAlias = Callable[[scene.Picture, float], scene.Picture]


@dataclass(frozen=True, slots=True)
class Drawn:
    """A clip to be drawn: what happens, when something must be seen moving and when nothing."""

    name: str
    duration_s: float
    paint: Paint
    moving: tuple[Span, ...]
    quiet: tuple[Span, ...]

    def __str__(self) -> str:
        return self.name


def paint_yard(yard: scene.Picture, t: float) -> scene.Picture:
    """A figure walks through, later a car drives through."""
    return scene.draw_moment(yard, t)


def paint_drift(yard: scene.Picture, t: float) -> scene.Picture:
    """A cloud passes: a quarter of the light goes and comes back within 30 s."""
    return _scale(yard, 1.0 - 0.25 * float(np.sin(np.pi * t / 30.0)) ** 2)


def paint_step(yard: scene.Picture, t: float) -> scene.Picture:
    """A lamp goes out at 12 s: a third of the light is gone from one frame to the next."""
    return _scale(yard, 1.0 if t < 12.0 else 0.67)


def paint_grain(yard: scene.Picture, t: float) -> scene.Picture:
    """A dark sensor's noise, new in every frame and everywhere."""
    noise = np.random.default_rng(round(t * 1000)).normal(0.0, 8.0, yard.shape)
    return np.clip(yard * 0.35 + noise, 0, 255).astype(np.uint8)


def save_clip(drawn: Drawn, path: Path) -> None:
    """Encode a clip as a camera would send it: H.264, a keyframe a second, no B-frames."""
    yard = scene.make_yard()
    with av.open(str(path), "w") as output:
        stream = output.add_stream(
            "libx264",
            rate=FPS,
            options={"bf": "0", "crf": "20", "g": str(FPS)},
            width=scene.WIDTH,
            height=scene.HEIGHT,
            pix_fmt="yuv420p",
        )
        for index in range(round(drawn.duration_s * FPS)):
            picture = drawn.paint(yard, index / FPS)
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = index, Fraction(1, FPS)
            output.mux(stream.encode(frame))
        output.mux(stream.encode())


def _scale(picture: scene.Picture, factor: float) -> scene.Picture:
    return np.clip(picture * factor, 0, 255).astype(np.uint8)
