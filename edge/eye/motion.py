"""Finds what moves: the small luma picture against a background that follows the light.

The background is corrected by the median ratio to the present picture, so drift, clouds and a
camera's own exposure move nothing. It is held under tracks; what changed and then keeps still
without being tracked (a ghost, a moved chair) is taken into it after a few seconds.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from edge.model import Box, Luma, Polygon

Floats = npt.NDArray[np.float32]

LEARN_S = 8.0
"""Time constant of the background where nothing is found; own, drift of 1 level/s stays unseen."""
NOISE_LEARN_S = 20.0
ABSORB_S = 4.0
"""What keeps still this long becomes background, once no track holds its place."""
NOISE_INITIAL = 3.0
DIFFERENCE_MIN = 9.0
"""Grey levels; sensor noise and compression of a quiet 4 Mbit/s camera stay below 7."""
NOISE_FACTOR = 3.0
NOISE_MAX = 25.0
STILL_MAX = 6
"""Grey levels between two analysed frames below which a pixel counts as still."""
SCENE_CHANGE_SHARE = 0.65
"""More of what is looked at than this at once is a switch of light or a turned camera, no thing."""
SCENE_CHANGE_SHARE_MIN = 0.25
"""The same of the whole picture: who fills the little that is not ignored is no change of scene."""
AREA_SHARE_MIN = 0.0006
GAIN_DOUBT = 0.6
"""Share of a correction that may be wrong at a place: bright parts saturate, dark ones do not."""
_KERNEL = np.ones((3, 3), np.uint8)
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


@dataclass(frozen=True, slots=True)
class Held:
    """Boxes that do not become background: of tracks, and of what may become one.

    How long a thing keeps still is not even counted in a track's box. Under a guess it is: a weak
    detection that comes and goes would else keep a darkened scene from being taken for what it is.
    """

    tracks: Sequence[Box] = ()
    guesses: Sequence[Box] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Ignored:
    """What is never looked at: `mask` is (height, width) uint8, 255 there; `seen_px` are left."""

    mask: Luma
    seen_px: int


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
    state: MotionState, luma: Luma, *, t: float, ignore: Ignored | None, held: Held
) -> tuple[MotionState, Motion]:
    """Compare a picture with the background and let the background learn from it.

    Args:
        state: as the last call (or `begin`) returned it; not changed.
        luma: (height, width) uint8 of the same shape as before.
        t: media time in seconds, rising.
        ignore: where nothing is to be seen, as `make_ignored` gives it; None for nowhere.
        held: where the background learns nothing.

    Returns:
        The new state and what moves.
    """
    gain = _gain(luma, state.background)
    picture = luma.astype(np.float32)
    background = state.background * np.float32(gain)
    difference = cv2.absdiff(picture, background)
    mask = _mask(difference, _limit(state.noise, background, gain))
    seen_px = mask.size
    if ignore is not None:
        mask[ignore.mask > 0] = 0
        seen_px = ignore.seen_px
    count = cv2.countNonZero(mask)
    if count > max(SCENE_CHANGE_SHARE * seen_px, SCENE_CHANGE_SHARE_MIN * mask.size):
        fresh, nothing = begin(luma, t=t)
        return fresh, Motion(nothing.boxes, nothing.mask, is_scene_change=True)
    elapsed_s = max(t - state.t, 0.0)
    shape = (luma.shape[0], luma.shape[1])
    track_mask = draw_boxes(held.tracks, shape)
    held_mask = cv2.bitwise_or(track_mask, draw_boxes(held.guesses, shape))
    loose = cv2.bitwise_and(mask, cv2.bitwise_not(track_mask))
    still_s = _count_still(state, luma, loose=_as_luma(loose), elapsed_s=elapsed_s)
    free = cv2.bitwise_not(cv2.bitwise_or(held_mask, mask))
    cv2.accumulateWeighted(picture, background, _share(elapsed_s, LEARN_S), mask=free)
    if still_s.any():
        absorbed = (still_s >= ABSORB_S) & (held_mask == 0)
        background[absorbed] = picture[absorbed]
        mask[absorbed] = 0
    noise = state.noise.copy()
    capped = np.minimum(difference, np.float32(NOISE_MAX * 2))
    cv2.accumulateWeighted(
        capped, noise, _share(elapsed_s, NOISE_LEARN_S), mask=cv2.bitwise_not(held_mask)
    )
    after = MotionState(background, noise, luma, still_s, t)
    return after, Motion(_find_boxes(mask) if count else (), mask)


def make_ignored(polygons: Sequence[Polygon], shape: tuple[int, int]) -> Ignored:
    """Paint polygons (fractions) that are to be ignored in a (height, width) picture."""
    canvas = np.zeros(shape, np.uint8)
    for polygon in polygons:
        points = np.array(polygon, np.float64) * (shape[1], shape[0])
        cv2.fillPoly(canvas, [np.round(points).astype(np.int32)], (255,))
    return Ignored(canvas, canvas.size - cv2.countNonZero(canvas))


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
    offset = np.float32(_OFFSET)
    ratio = ((luma[grid] + offset) / (background[grid] + offset)).reshape(-1)
    middle = ratio.size // 2
    return float(np.clip(np.partition(ratio, middle)[middle], *_GAIN_LIMITS))


def _limit(noise: Floats, background: Floats, gain: float) -> Floats:
    """Grey levels of difference, pixel by pixel, that are no news yet."""
    usual = np.minimum(noise, np.float32(NOISE_MAX)) * np.float32(NOISE_FACTOR)
    doubt = background * np.float32(abs(gain - 1.0) * GAIN_DOUBT)
    return np.asarray(np.maximum(usual, np.float32(DIFFERENCE_MIN)) + doubt, np.float32)


def _mask(difference: npt.NDArray[Any], limit: Floats) -> Luma:
    """Mark what differs; drop specks and join what belongs together."""
    mask = cv2.compare(difference, limit, cv2.CMP_GT)
    if not cv2.countNonZero(mask):
        return _as_luma(mask)
    opened = cv2.morphologyEx(mask, cv2.MORPH_OPEN, _KERNEL)
    return _as_luma(cv2.dilate(opened, _KERNEL, iterations=2))


def _count_still(state: MotionState, luma: Luma, *, loose: Luma, elapsed_s: float) -> Floats:
    """Seconds for which what stands out, and is no track, has kept still."""
    if not cv2.countNonZero(loose):
        return np.zeros_like(state.still_s)
    is_still = (loose > 0) & (cv2.absdiff(luma, state.previous) <= STILL_MAX)
    return np.where(is_still, state.still_s + np.float32(elapsed_s), np.float32(0))


def _share(elapsed_s: float, constant_s: float) -> float:
    """How far a running average goes towards the present in a time."""
    return 1.0 - math.exp(-elapsed_s / constant_s)


def _as_luma(picture: npt.NDArray[Any]) -> Luma:
    return np.asarray(picture, np.uint8)


def _find_boxes(mask: Luma) -> tuple[Box, ...]:
    height, width = mask.shape
    count, _, stats, _ = cv2.connectedComponentsWithStatsWithAlgorithm(
        mask, 8, cv2.CV_16U, cv2.CCL_SPAGHETTI
    )
    boxes = []
    for x, y, w, h, pixels in stats[1:count].tolist():
        if pixels >= AREA_SHARE_MIN * mask.size:
            boxes.append((x / width, y / height, (x + w) / width, (y + h) / height))
    return tuple(sorted(boxes))
