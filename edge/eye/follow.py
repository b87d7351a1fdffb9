"""Moves boxes along with the picture between detections, by sparse optical flow.

Source: Kalal, Mikolajczyk, Matas, "Forward-Backward Error" (ICPR 2010): a grid of points, kept
where tracking there and back returns; median shift, median change of distances.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from edge.model import Box, Luma

Floats = npt.NDArray[np.float32]

GRID = 6
"""Points a side; 36 a track cost about 0.1 ms there and back."""
MARGIN = 0.12
"""Share of the box left out on each side: its border shows what is behind."""
RETURN_PX_MAX = 1.0
WINDOW_MARGIN_PX = 40
"""Pixels around the points that the pyramids need; the rest of the picture is left out."""
POINTS_MIN = 5
SCALE_STEP_RIGID, SCALE_STEP_SUPPLE = 0.1, 0.01
"""Most that a box may grow or shrink from one analysed frame to the next."""
_WINDOW = (11, 11)
_LEVELS = 2


@dataclass(frozen=True, slots=True)
class Lead:
    """What to follow: a box and the shift it is expected to make, in fractions of the frame.

    What is not rigid swings arms and legs and does not grow, whatever its points say.
    """

    box: Box
    shift: tuple[float, float]
    is_rigid: bool


@dataclass(frozen=True, slots=True)
class Followed:
    """Where a box went, and the share (0..1) of its points that could be followed."""

    box: Box
    support: float


def follow(before: Luma, after: Luma, leads: Sequence[Lead], *, mask: Luma) -> list[Followed]:
    """Follow boxes from one picture to the next.

    Args:
        before: (height, width) uint8, the picture the boxes belong to.
        after: the next one, same shape.
        leads: what to follow.
        mask: (height, width) uint8, 255 where `after` differs from the background; points on
            it are preferred, so that a box does not stick to the wall behind a person.

    Returns:
        One for each lead in order; support 0 and the box unchanged where nothing could be followed.
    """
    if not leads:
        return []
    start = np.concatenate([_grid(lead.box, before.shape) for lead in leads])
    shifts = np.array([_pixels(lead.shift, before.shape) for lead in leads], np.float32)
    guess = np.asarray(start + np.repeat(shifts, GRID**2, axis=0), np.float32)
    window, origin = _window(start, guess, before.shape)
    before, after = (np.ascontiguousarray(picture[window]) for picture in (before, after))
    first = (start - origin).reshape(-1, 1, 2)
    last, found = _track(before, after, first, (guess - origin).reshape(-1, 1, 2))
    back, found_back = _track(after, before, last, first)
    end = last.reshape(-1, 2) + origin
    error = np.linalg.norm(back - first, axis=2).reshape(-1)
    is_good = found & found_back & (error <= RETURN_PX_MAX)
    size = GRID * GRID
    return [
        _move(
            lead,
            start[index * size : (index + 1) * size],
            end[index * size : (index + 1) * size],
            is_good=is_good[index * size : (index + 1) * size],
            mask=mask,
        )
        for index, lead in enumerate(leads)
    ]


def _window(
    start: Floats, guess: Floats, shape: tuple[int, ...]
) -> tuple[tuple[slice, slice], Floats]:
    """The part of the pictures that the points need, and its corner (x, y)."""
    points = np.concatenate([start, guess])
    low = np.maximum(points.min(axis=0) - WINDOW_MARGIN_PX, 0).astype(int)
    high = points.max(axis=0).astype(int) + WINDOW_MARGIN_PX
    low = np.minimum(low, np.array((shape[1], shape[0])) - WINDOW_MARGIN_PX).clip(0)
    window = (
        slice(low[1], max(high[1], low[1] + WINDOW_MARGIN_PX)),
        slice(low[0], max(high[0], low[0] + WINDOW_MARGIN_PX)),
    )
    return window, low.astype(np.float32)


def _track(
    before: Luma, after: Luma, start: Floats, guess: Floats
) -> tuple[Floats, npt.NDArray[np.bool_]]:
    end, found, _ = cv2.calcOpticalFlowPyrLK(
        before,
        after,
        start,
        guess.copy(),
        winSize=_WINDOW,
        maxLevel=_LEVELS,
        flags=cv2.OPTFLOW_USE_INITIAL_FLOW,
    )
    return np.asarray(end, np.float32), np.asarray(found).reshape(-1) > 0


def _pixels(shift: tuple[float, float], shape: tuple[int, ...]) -> tuple[float, float]:
    return (shift[0] * shape[1], shift[1] * shape[0])


def _grid(box: Box, shape: tuple[int, ...]) -> Floats:
    height, width = shape[:2]
    steps = np.linspace(MARGIN, 1.0 - MARGIN, GRID, dtype=np.float32)
    x = (box[0] + (box[2] - box[0]) * steps) * width
    y = (box[1] + (box[3] - box[1]) * steps) * height
    return np.asarray(np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2), np.float32)


def _move(
    lead: Lead, start: Floats, end: Floats, *, is_good: npt.NDArray[np.bool_], mask: Luma
) -> Followed:
    box = lead.box
    height, width = mask.shape
    columns = np.clip(end[:, 0].astype(np.intp), 0, width - 1)
    rows = np.clip(end[:, 1].astype(np.intp), 0, height - 1)
    is_moving = is_good & (mask[rows, columns] > 0)
    chosen = is_moving if np.count_nonzero(is_moving) >= POINTS_MIN else is_good
    count = int(np.count_nonzero(chosen))
    if count < POINTS_MIN:
        return Followed(box, 0.0)
    first, last = start[chosen], end[chosen]
    shift = np.partition(last - first, count // 2, axis=0)[count // 2]
    scale = _scale(first, last, SCALE_STEP_RIGID if lead.is_rigid else SCALE_STEP_SUPPLE)
    centre_x = (box[0] + box[2]) / 2 + float(shift[0]) / width
    centre_y = (box[1] + box[3]) / 2 + float(shift[1]) / height
    half_w, half_h = (box[2] - box[0]) / 2 * scale, (box[3] - box[1]) / 2 * scale
    moved = (centre_x - half_w, centre_y - half_h, centre_x + half_w, centre_y + half_h)
    return Followed(moved, count / len(start))


def _scale(first: Floats, last: Floats, step_max: float) -> float:
    """Median ratio of distances between neighbouring points, kept within a small step."""
    before = np.linalg.norm(first[1:] - first[:-1], axis=1)
    after = np.linalg.norm(last[1:] - last[:-1], axis=1)
    is_apart = before > 1.0
    if not is_apart.any():
        return 1.0
    ratios = after[is_apart] / before[is_apart]
    ratio = float(np.partition(ratios, ratios.size // 2)[ratios.size // 2])
    return min(max(ratio, 1.0 - step_max), 1.0 + step_max)
