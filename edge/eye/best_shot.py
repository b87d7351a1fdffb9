"""Which moment shows a track best: judged on the analysed stream, decoded from the main one."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from edge.model import Luma, Track

SIDE_FULL = 0.35
"""A thing this high (share of the frame) is as large as a scene picture needs it."""
SHARPNESS_FULL = 300.0
"""Variance of the Laplacian of a crisp crop of the small luma picture (own, yard and cars)."""
KERNEL_PX = 3
"""Side of the Laplacian's kernel: in a crop smaller than this nothing tells of sharpness."""
EDGE = 0.01
"""Share of the frame: a box this near to its side is likely cut off by it."""
EDGE_WORTH = 0.4
"""Of a moment that cuts the thing off: a whole one is worth more at half the size; own, by eye."""
SIZE_WORTH_MIN, SHARP_WORTH_MIN = 0.2, 0.5
"""Of a speck, and of a blur: both still beat no picture. Size tells more than sharpness, which
also depends on what somebody wears. Own, by eye.
"""


@dataclass(frozen=True, slots=True)
class Moment:
    """A moment of media time and how well it shows its track, 0..1."""

    pts_90k: int
    worth: float


def judge(track: Track, luma: Luma, pts_90k: int) -> Moment:
    """Say how well a frame shows a track.

    Args:
        track: as it stands in this frame.
        luma: (height, width) uint8, the small picture.
        pts_90k: media time of the frame.

    Returns:
        Worth as the product of detector score, size, sharpness and being wholly in the frame.
    """
    x_min, y_min, x_max, y_max = track.box
    height, width = luma.shape
    crop = luma[
        int(y_min * height) : int(y_max * height) + 1, int(x_min * width) : int(x_max * width) + 1
    ]
    size = min(max(x_max - x_min, y_max - y_min) / SIDE_FULL, 1.0)
    crispness = 0.0
    if min(crop.shape) >= KERNEL_PX:
        crispness = float(np.var(cv2.Laplacian(crop, cv2.CV_32F)))
    sharp = min(crispness / SHARPNESS_FULL, 1.0)
    is_cut = x_min < EDGE or y_min < EDGE or x_max > 1 - EDGE or y_max > 1 - EDGE
    whole = EDGE_WORTH if is_cut else 1.0
    size_worth = SIZE_WORTH_MIN + (1.0 - SIZE_WORTH_MIN) * size
    sharp_worth = SHARP_WORTH_MIN + (1.0 - SHARP_WORTH_MIN) * sharp
    return Moment(pts_90k, track.score * size_worth * sharp_worth * whole)


def better(first: Moment | None, second: Moment) -> Moment:
    """The worthier of two moments; the earlier one on a tie."""
    return second if first is None or second.worth > first.worth else first
