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
EDGE = 0.01
EDGE_WORTH = 0.4


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
    return Moment(pts_90k, track.score * (0.2 + 0.8 * size) * (0.5 + 0.5 * sharp) * whole)


def better(first: Moment | None, second: Moment) -> Moment:
    """The worthier of two moments; the earlier one on a tie."""
    return second if first is None or second.worth > first.worth else first
