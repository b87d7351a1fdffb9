"""Finds what moves: the small luma picture against a background that follows the light.

The background is corrected by the median ratio to the present picture, so drift, clouds and a
camera's own exposure move nothing. It is frozen under tracks; what changed and then keeps still
without being tracked (a ghost, a moved chair) is taken into it after a few seconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from edge.model import Box, Luma, Polygon

Floats = npt.NDArray[np.float32]

LEARN_S = 8.0
"""Time constant of the background where nothing is found; own, drift of 1 level/s stays unseen."""
NOISE_LEARN_S = 20.0
ABSORB_S = 4.0
"""What keeps still this long untracked becomes background."""
NOISE_INITIAL = 3.0
DIFFERENCE_MIN = 9.0
"""Grey levels; sensor noise and compression of a quiet 4 Mbit/s camera stay below 7."""
NOISE_FACTOR = 3.0
NOISE_MAX = 25.0
STILL_MAX = 6
"""Grey levels between two analysed frames below which a pixel counts as still."""
SCENE_CHANGE_SHARE = 0.65
"""More of the picture than this at once is a switch of light or a turned camera, not a thing."""
AREA_SHARE_MIN = 0.0006
GAIN_DOUBT = 0.6
"""Share of a correction that may be wrong at a place: bright parts saturate, dark ones do not."""
_MEDIAN_STRIDE = 7
_GAIN_LIMITS = (0.4, 2.5)
_OFFSET = 8.0
"""Added before taking ratios: black stays comparable."""


@dataclass(frozen=True, slots=True, eq=False)
class MotionState:
    """What is remembered: background and noise (float32), last picture, how long each is still."""

    background: Floats
    noise: Floats
    previous: Luma
    still_s: Floats
    t: float


@dataclass(frozen=True, slots=True, eq=False)
class Motion:
    """What moves in one picture.

    `mask` is (height, width) uint8, 255 where the picture differs from the background; `boxes`
    are its connected parts; `is_scene_change` says that nearly everything changed at once.
    """

    boxes: tuple[Box, ...]
    mask: Luma
    is_scene_change: bool = False


def begin(luma: Luma, *, t: float) -> tuple[MotionState, Motion]:
    """Take a first picture as background.

    Args:
        luma: (height, width) uint8; kept, must not be changed afterwards.
        t: media time in seconds.
    """
    state = MotionState(
        background=luma.astype(np.float32),
        noise=np.full(luma.shape, NOISE_INITIAL, np.float32),
        previous=luma,
        still_s=np.zeros(luma.shape, np.float32),
        t=t,
    )
    return state, Motion((), np.zeros(luma.shape, np.uint8))


def step(
    state: MotionState, luma: Luma, *, t: float, ignore: Luma | None, frozen: Sequence[Box]
) -> tuple[MotionState, Motion]:
    """Compare a picture with the background and let the background learn from it.

    Args:
        state: as the last call (or `begin`) returned it; not changed.
        luma: (height, width) uint8 of the same shape as before.
        t: media time in seconds, rising.
        ignore: (height, width) uint8, 255 where nothing is to be seen; None for nowhere.
        frozen: boxes of tracks, under which the background learns nothing.

    Returns:
        The new state and what moves.
    """
    gain = _gain(luma, state.background)
    background = state.background * gain
    difference = np.abs(luma.astype(np.float32) - background)
    limit = np.maximum(np.minimum(state.noise, NOISE_MAX) * NOISE_FACTOR, DIFFERENCE_MIN)
    limit += background * np.float32(abs(gain - 1.0) * GAIN_DOUBT)
    mask = _clean(np.where(difference > limit, np.uint8(255), np.uint8(0)))
    if ignore is not None:
        mask[ignore > 0] = 0
    if np.count_nonzero(mask) > SCENE_CHANGE_SHARE * mask.size:
        fresh, nothing = begin(luma, t=t)
        return fresh, Motion(nothing.boxes, nothing.mask, is_scene_change=True)
    elapsed_s = max(t - state.t, 0.0)
    is_frozen = draw_boxes(frozen, (luma.shape[0], luma.shape[1])) > 0
    still_s = _count_still(state, luma, is_found=(mask > 0) & ~is_frozen, elapsed_s=elapsed_s)
    learned = _learn(background, luma, is_blocked=is_frozen | (mask > 0), elapsed_s=elapsed_s)
    is_absorbed = still_s >= ABSORB_S
    learned[is_absorbed] = luma[is_absorbed]
    mask[is_absorbed] = 0
    noise = _learn_noise(state.noise, difference, is_frozen=is_frozen, elapsed_s=elapsed_s)
    after = MotionState(learned, noise, luma, still_s, t)
    return after, Motion(_find_boxes(mask), mask)


def draw_polygons(polygons: Sequence[Polygon], shape: tuple[int, int]) -> Luma:
    """Paint polygons (fractions) as 255 on a (height, width) uint8 picture of zeros."""
    canvas = np.zeros(shape, np.uint8)
    for polygon in polygons:
        points = np.array(polygon, np.float64) * (shape[1], shape[0])
        cv2.fillPoly(canvas, [np.round(points).astype(np.int32)], (255,))
    return canvas


def draw_boxes(boxes: Sequence[Box], shape: tuple[int, int]) -> Luma:
    """Paint boxes (fractions) as 255 on a (height, width) uint8 picture of zeros."""
    canvas = np.zeros(shape, np.uint8)
    for box in boxes:
        rows, columns = pixels_of(box, shape)
        canvas[rows, columns] = 255
    return canvas


def pixels_of(box: Box, shape: tuple[int, int]) -> tuple[slice, slice]:
    """Rows and columns that a box covers in a (height, width) picture, at least one of each."""
    height, width = shape
    x_min, y_min = int(max(box[0], 0.0) * width), int(max(box[1], 0.0) * height)
    x_max, y_max = round(min(box[2], 1.0) * width), round(min(box[3], 1.0) * height)
    x_min, y_min = min(x_min, width - 1), min(y_min, height - 1)
    return slice(y_min, max(y_max, y_min + 1)), slice(x_min, max(x_max, x_min + 1))


def _gain(luma: Luma, background: Floats) -> float:
    """How much brighter the picture is than the background, by the median over a sparse grid."""
    grid = (slice(None, None, _MEDIAN_STRIDE), slice(None, None, _MEDIAN_STRIDE))
    ratio = (luma[grid].astype(np.float32) + _OFFSET) / (background[grid] + _OFFSET)
    return float(np.clip(np.median(ratio), *_GAIN_LIMITS))


def _clean(mask: Luma) -> Luma:
    """Drop specks and join what belongs together."""
    kernel = np.ones((3, 3), np.uint8)
    opened = cv2.morphologyEx(mask, cv2.MORPH_OPEN, kernel)
    return np.asarray(cv2.dilate(opened, kernel, iterations=2), np.uint8)


def _count_still(
    state: MotionState, luma: Luma, *, is_found: npt.NDArray[np.bool_], elapsed_s: float
) -> Floats:
    is_still = cv2.absdiff(luma, state.previous) <= STILL_MAX
    return np.where(is_found & is_still, state.still_s + elapsed_s, 0).astype(np.float32)


def _learn(
    background: Floats, luma: Luma, *, is_blocked: npt.NDArray[np.bool_], elapsed_s: float
) -> Floats:
    share = 1.0 - np.exp(-elapsed_s / LEARN_S)
    moved = background + np.float32(share) * (luma - background)
    return np.where(is_blocked, background, moved).astype(np.float32)


def _learn_noise(
    noise: Floats, difference: Floats, *, is_frozen: npt.NDArray[np.bool_], elapsed_s: float
) -> Floats:
    """Places that keep changing without being tracked (leaves, water) become less sensitive."""
    share = 1.0 - np.exp(-elapsed_s / NOISE_LEARN_S)
    moved = noise + np.float32(share) * (np.minimum(difference, NOISE_MAX * 2) - noise)
    return np.where(is_frozen, noise, moved).astype(np.float32)


def _find_boxes(mask: Luma) -> tuple[Box, ...]:
    height, width = mask.shape
    count, _, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    boxes = []
    for x, y, w, h, pixels in stats[1:count].tolist():
        if pixels >= AREA_SHARE_MIN * mask.size:
            boxes.append((x / width, y / height, (x + w) / width, (y + h) / height))
    return tuple(sorted(boxes))
