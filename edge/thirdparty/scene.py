"""A yard drawn by code, for machines that can fetch no footage: a figure walks, a car drives.

Enough to see motion, clips and tracks. The detector, trained on photographs, may or may not take
the figures for what they mean; nothing is promised about it. Pure: time in, pictures out.
"""

from __future__ import annotations

from typing import TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

Picture: TypeAlias = npt.NDArray[np.uint8]
"""(height, width, 3) uint8 RGB."""

WIDTH, HEIGHT = 768, 576
"""The size of vtest.avi, which this stands in for."""
LENGTH_S = 60.0
WALK_S = (5.0, 25.0)
"""The figure is in view from, to; outside both spans the yard is empty."""
DRIVE_S = (35.0, 45.0)

_GROUND, _WALL, _WINDOW = (128, 124, 116), (168, 150, 132), (70, 82, 96)
_SKIN, _COAT, _TROUSERS = (205, 160, 130), (150, 40, 40), (40, 44, 70)
_BODY, _GLASS, _TYRE = (60, 90, 150), (170, 190, 200), (25, 25, 25)
_HORIZON = 200
_STEPS_HZ = 1.8
"""A walking adult's cadence, about 110 steps a minute."""


def make_yard() -> Picture:
    """Draw what stands still: ground with grain, a wall with windows, a parked car."""
    yard = np.empty((HEIGHT, WIDTH, 3), np.uint8)
    yard[:_HORIZON], yard[_HORIZON:] = _WALL, _GROUND
    for x in range(60, WIDTH, 150):
        cv2.rectangle(yard, (x, 60), (x + 60, 140), _WINDOW, -1)
    grain = np.random.default_rng(7).normal(0.0, 6.0, (HEIGHT, WIDTH, 1))
    yard = np.clip(yard + grain, 0, 255).astype(np.uint8)
    _draw_car(yard, x=610, ground=290, length=130)
    return yard


def draw_moment(yard: Picture, t: float) -> Picture:
    """Draw the yard at one moment.

    Args:
        yard: what `make_yard` gave; not changed.
        t: seconds, 0 ≤ t < `LENGTH_S`.

    Returns:
        A new picture.
    """
    picture = yard.copy()
    if (share := _share(WALK_S, t)) is not None:
        place = (int(-40 + share * (WIDTH + 80)), int(420 + 60 * np.sin(share * np.pi)))
        _draw_figure(picture, place, stride=float(np.sin(t * _STEPS_HZ * np.pi)))
    if (share := _share(DRIVE_S, t)) is not None:
        _draw_car(picture, x=int(WIDTH - share * (WIDTH + 260)), ground=540, length=240)
    return picture


def _share(span_s: tuple[float, float], t: float) -> float | None:
    """How far t is through a span, 0..1; None outside."""
    begin, end = span_s
    return (t - begin) / (end - begin) if begin <= t < end else None


def _draw_figure(picture: Picture, foot: tuple[int, int], *, stride: float) -> None:
    """A person 150 px tall whose feet stand at `foot`; `stride` -1..1 swings legs and arms."""
    x, y = foot
    for side in (-1, 1):
        swing = int(side * stride * 26)
        cv2.line(picture, (x, y - 72), (x + swing, y), _TROUSERS, 13, cv2.LINE_AA)
        cv2.line(picture, (x, y - 118), (x - swing, y - 70), _COAT, 9, cv2.LINE_AA)
    cv2.ellipse(picture, (x, y - 98), (19, 36), 0, 0, 360, _COAT, -1, cv2.LINE_AA)
    cv2.circle(picture, (x, y - 140), 12, _SKIN, -1, cv2.LINE_AA)


def _draw_car(picture: Picture, *, x: int, ground: int, length: int) -> None:
    """A car seen from the side, from x to x + length, its wheels on `ground`."""
    wheel, height = length // 10, length // 4
    roof = [(0.2, 1.0), (0.32, 1.75), (0.68, 1.75), (0.85, 1.0)]
    points = [(int(x + u * length), int(ground - wheel - v * height)) for u, v in roof]
    cv2.fillPoly(picture, [np.array(points, np.int32)], _GLASS, cv2.LINE_AA)
    top = (x, ground - wheel - height)
    cv2.rectangle(picture, top, (x + length, ground - wheel), _BODY, -1)
    for u in (0.22, 0.78):
        cv2.circle(picture, (int(x + u * length), ground - wheel), wheel, _TYRE, -1, cv2.LINE_AA)
