"""Builders of pictures, frames, detections and subjects; a little stage that things move on.

Everything is drawn by numpy in memory and the same arguments give the same picture.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from edge.eye.subject import Subject, begin
from edge.model import TICKS_PER_S, Box, Detection, Frame, Luma

Floats = npt.NDArray[np.float32]

SHAPE = (180, 240)
"""(height, width) of the pictures, unless said otherwise; even and small enough to be quick."""
BLOCK_PX = 5
"""Things are made of blocks this size: corners for the flow, and no pattern that repeats."""
PERSON: Box = (0.4, 0.4, 0.5, 0.7)


def make_place(shape: tuple[int, int] = SHAPE, *, seed: int = 1) -> Floats:
    """Draw an empty place, 70 to 150 levels: soft patches with a fine grain that flow can hold."""
    generator = np.random.default_rng(seed)
    size = (shape[1], shape[0])
    soft = cv2.resize(generator.uniform(80, 140, (6, 8)).astype(np.float32), size)
    grain = generator.normal(0, 1, (shape[0] // 3, shape[1] // 3)).astype(np.float32)
    return np.asarray(soft + np.clip(cv2.resize(grain, size) * 6, -10, 10), np.float32)


def make_luma(shape: tuple[int, int] = SHAPE, *, seed: int = 1) -> Luma:
    """Draw an empty place as a picture."""
    return to_luma(make_place(shape, seed=seed))


def to_luma(picture: Floats) -> Luma:
    """Round to what a camera delivers, limited range."""
    return np.clip(np.round(picture), 16, 235).astype(np.uint8)


def make_frame(luma: Luma | None = None, *, t: float = 0.0, colour: int = 128) -> Frame:
    """Make a frame of a luma plane, both colour planes even; 128 is grey."""
    luma = make_luma() if luma is None else luma
    half = ((luma.shape[0] + 1) // 2, (luma.shape[1] + 1) // 2)
    chroma = np.full(half, colour, np.uint8)
    pts_90k = round(t * TICKS_PER_S)
    return Frame(pts_90k, pts_90k // 90, luma, chroma, chroma)


def make_detection(box: Box = PERSON, *, label: str = "person", score: float = 0.8) -> Detection:
    """Make a detection that would be believed."""
    return Detection(label, score, box)


def make_subject(
    box: Box = PERSON, *, key: int = 1, label: str = "person", score: float = 0.8, t: float = 0.0
) -> Subject:
    """Make a subject as its first detection begins it: standing out, not yet a track."""
    return begin(key, make_detection(box, label=label, score=score), t=t, share=1.0)


@dataclass(frozen=True)
class Thing:
    """A rectangle of very dark and very light blocks, unlike any place.

    `at` gives its box at a time in fractions of the picture, None while it is away.
    """

    at: Callable[[float], Box | None]
    seed: int = 7

    def draw(self, picture: Floats, t: float) -> None:
        """Paint it; what reaches beyond the picture is cut off."""
        box = self.at(t)
        if box is None:
            return
        height, width = picture.shape
        x_min, y_min = round(box[0] * width), round(box[1] * height)
        x_max, y_max = round(box[2] * width), round(box[3] * height)
        pattern = self._pattern(y_max - y_min, x_max - x_min)
        top, left = max(y_min, 0), max(x_min, 0)
        bottom, right = min(y_max, height), min(x_max, width)
        if bottom > top and right > left:
            picture[top:bottom, left:right] = pattern[
                top - y_min : bottom - y_min, left - x_min : right - x_min
            ]

    def _pattern(self, height: int, width: int) -> Floats:
        generator = np.random.default_rng(self.seed)
        is_light = generator.random((100, 100)) < 0.5
        rows, columns = np.arange(height) // BLOCK_PX, np.arange(width) // BLOCK_PX
        return np.where(is_light[np.ix_(rows % 100, columns % 100)], 222.0, 30.0).astype(np.float32)


def still(box: Box, *, from_t: float = 0.0, to_t: float = 1e9) -> Callable[[float], Box | None]:
    """Stand at one place for a while; the end is not included."""
    return lambda t: box if from_t <= t < to_t else None


def walk(
    box: Box, velocity: tuple[float, float], *, from_t: float = 0.0, to_t: float = 1e9
) -> Callable[[float], Box | None]:
    """Leave a box at `from_t` with a velocity in frames a second; away before and from `to_t`."""

    def at(t: float) -> Box | None:
        if not from_t <= t < to_t:
            return None
        dx, dy = velocity[0] * (t - from_t), velocity[1] * (t - from_t)
        return (box[0] + dx, box[1] + dy, box[2] + dx, box[3] + dy)

    return at


@dataclass(frozen=True)
class Stage:
    """A place, what moves on it, and the camera's noise (standard deviation in levels)."""

    things: Sequence[Thing] = ()
    shape: tuple[int, int] = SHAPE
    noise: float = 1.5
    light: Callable[[float], float] = lambda _t: 1.0

    def film(self, seconds: float, *, fps: float) -> Iterator[tuple[float, Luma]]:
        """Give time and picture from 0 on; `light` multiplies the whole picture."""
        generator = np.random.default_rng(2)
        place = make_place(self.shape)
        for index in range(round(seconds * fps)):
            t = index / fps
            picture = place.copy()
            for thing in self.things:
                thing.draw(picture, t)
            noise = generator.normal(0, self.noise, self.shape).astype(np.float32)
            yield t, to_luma(picture * np.float32(self.light(t)) + noise)
