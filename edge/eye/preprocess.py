"""Cuts from the decoder's planes: squares for the detector, the small luma for motion."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from edge.model import Box, Frame, Luma

LUMA_WIDTH_MAX = 480
"""Motion and flow work on a picture at most this wide: a person of 3 % height is 8 px there."""
_GREY = 128


def shrink_luma(y: Luma) -> Luma:
    """Reduce the luma plane by a whole factor until it is at most `LUMA_WIDTH_MAX` wide.

    Args:
        y: (height, width) uint8.

    Returns:
        (height // k, width // k) uint8, each pixel the mean of a k × k block, to rounding.
    """
    factor = -(-y.shape[1] // LUMA_WIDTH_MAX)
    if factor == 1:
        return y
    if y.shape[0] < factor:
        return np.ascontiguousarray(y[:1, ::factor])  # a strip: there is nothing to see in it
    height, width = y.shape[0] // factor, y.shape[1] // factor
    block = y[: height * factor, : width * factor]
    while factor % 2 == 0:  # halving twice costs a sixth of quartering once
        factor //= 2
        half = (width * factor, height * factor)
        block = np.asarray(cv2.resize(block, half, interpolation=cv2.INTER_AREA), np.uint8)
    if factor == 1:
        return block
    return np.asarray(cv2.resize(block, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def cut_square(frame: Frame, crop: Box, size_px: int) -> npt.NDArray[np.uint8]:
    """Cut a region, letter-boxed with grey where it reaches beyond the frame, and scale it.

    Args:
        frame: 4:2:0 planes; not changed.
        crop: fractions of the frame; square in pixels; may reach beyond 0..1.
        size_px: width and height of the result, even.

    Returns:
        (size_px, size_px, 3) uint8 RGB (BT.601, limited range).
    """
    half = size_px // 2
    planes = np.empty((size_px * 3 // 2, size_px), np.uint8)
    planes[:size_px] = _cut_plane(frame.y, crop, size_px, fill=_GREY)
    chroma = planes[size_px:].reshape(2, half, half)
    chroma[0] = _cut_plane(frame.u, crop, half, fill=_GREY)
    chroma[1] = _cut_plane(frame.v, crop, half, fill=_GREY)
    return np.asarray(cv2.cvtColor(planes, cv2.COLOR_YUV2RGB_I420), np.uint8)


def to_rgb(frame: Frame) -> npt.NDArray[np.uint8]:
    """Convert a whole frame.

    Returns:
        (height, width, 3) uint8 RGB; odd sizes lose their last row or column.
    """
    height, width = frame.y.shape[0] // 2 * 2, frame.y.shape[1] // 2 * 2
    planes = np.empty((height * 3 // 2, width), np.uint8)
    planes[:height] = frame.y[:height, :width]
    chroma = planes[height:].reshape(2, height // 2, width // 2)
    chroma[0] = frame.u[: height // 2, : width // 2]
    chroma[1] = frame.v[: height // 2, : width // 2]
    return np.asarray(cv2.cvtColor(planes, cv2.COLOR_YUV2RGB_I420), np.uint8)


def square_around(box: Box, *, side_px: float, size_px: tuple[int, int]) -> Box:
    """Make a square of `side_px` centred on a box, moved inside the frame where it fits.

    Args:
        box: fractions of the frame.
        side_px: wanted side in pixels of the frame.
        size_px: (width, height) of the frame.
    """
    low_high = []
    for axis, extent in enumerate(size_px):
        centre = (box[axis] + box[axis + 2]) / 2 * extent
        low = centre - side_px / 2
        low = min(max(low, 0.0), extent - side_px) if side_px < extent else (extent - side_px) / 2
        low_high.append((low / extent, (low + side_px) / extent))
    (x_min, x_max), (y_min, y_max) = low_high
    return (x_min, y_min, x_max, y_max)


def _cut_plane(plane: Luma, crop: Box, size_px: int, *, fill: int) -> Luma:
    height, width = plane.shape
    x_min, x_max = round(crop[0] * width), round(crop[2] * width)
    y_min, y_max = round(crop[1] * height), round(crop[3] * height)
    inside = plane[max(y_min, 0) : min(y_max, height), max(x_min, 0) : min(x_max, width)]
    scale_x, scale_y = size_px / max(x_max - x_min, 1), size_px / max(y_max - y_min, 1)
    out = np.full((size_px, size_px), fill, np.uint8)
    at_x, at_y = round(max(-x_min, 0) * scale_x), round(max(-y_min, 0) * scale_y)
    to_x = min(at_x + max(round(inside.shape[1] * scale_x), 1), size_px)
    to_y = min(at_y + max(round(inside.shape[0] * scale_y), 1), size_px)
    if inside.size == 0 or to_x <= at_x or to_y <= at_y:
        return out
    way = cv2.INTER_AREA if scale_x < 1 else cv2.INTER_LINEAR
    out[at_y:to_y, at_x:to_x] = cv2.resize(inside, (to_x - at_x, to_y - at_y), interpolation=way)
    return out
