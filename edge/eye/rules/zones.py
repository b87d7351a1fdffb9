"""What zones and lines mean to a track: inside, how much of it, crossing, masked out; pure.

The test point of a track is its foot. Fractions of the frame are used as they are: on a 16:9
picture a distance counts more across than down, which a rule's margins allow for.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from edge.model import Box, Point, Polygon, Track
from edge.plane import is_between, side_of, signed_area

CORNERS_MIN = 3


def foot_of(track: Track) -> Point:
    """Give a track's foot, kept inside the frame where its box leans out."""
    x, y = track.foot
    return min(max(x, 0.0), 1.0), min(max(y, 0.0), 1.0)


def is_inside(polygon: Polygon, point: Point) -> bool:
    """Tell whether a point lies in a polygon; its border belongs to it.

    Args:
        polygon: corners in order, not closed; also one that is not convex.
        point: in the same plane.

    Returns:
        True inside and on the border.

    Source: even-odd rule with half-open edges, so that a corner counts once.
    """
    y = point[1]
    inside = False
    start = polygon[-1]
    for end in polygon:
        side = side_of(start, end, point)
        if side == 0 and is_between(start, end, point):
            return True
        if (start[1] > y) != (end[1] > y) and (side < 0) == (end[1] > start[1]):
            inside = not inside
        start = end
    return inside


def share_in(polygon: Polygon, box: Box) -> float:
    """Measure how much of a box lies in a polygon.

    Args:
        polygon: corners in order, not closed.
        box: fractions of the frame.

    Returns:
        Share of the box's area, 0..1; 0 for a box without area.

    Source: Sutherland and Hodgman, "Reentrant Polygon Clipping", 1974: the box is the convex one.
    """
    area = (box[2] - box[0]) * (box[3] - box[1])
    if area <= 0:
        return 0.0
    corners = list(polygon)
    for axis, low, keeps_above in (
        (0, box[0], True),
        (1, box[1], True),
        (0, box[2], False),
        (1, box[3], False),
    ):
        corners = _clip(corners, axis, low, keeps_above=keeps_above)
        if len(corners) < CORNERS_MIN:
            return 0.0
    return min(1.0, abs(signed_area(tuple(corners))) / area)


def crosses(path: tuple[Point, Point], start: Point, end: Point) -> bool:
    """Tell whether one step of a foot changes the side of a segment within its ends.

    The line itself counts to the right, so that of two steps that meet on it one crosses.

    Args:
        path: the foot before and now.
        start: tail of the segment.
        end: its tip.

    Returns:
        True for a crossing in either direction.
    """
    before, now = side_of(start, end, path[0]), side_of(start, end, path[1])
    if (before < 0) == (now < 0):
        return False
    return side_of(*path, start) * side_of(*path, end) <= 0


def distance_to(start: Point, end: Point, point: Point) -> float:
    """Measure how far a point is from the endless line through a segment; positive on the right."""
    length = float(np.hypot(end[0] - start[0], end[1] - start[1]))
    return side_of(start, end, point) / length


def draw_mask(polygons: Iterable[Polygon], *, width: int, height: int) -> npt.NDArray[np.bool_]:
    """Draw polygons that are not analysed onto a picture's grid.

    Args:
        polygons: fractions of the frame; may overlap.
        width: pixels, at least 1.
        height: pixels, at least 1.

    Returns:
        (height, width) bool, True where a pixel's centre is in a polygon; the caller's own.
    """
    x = (np.arange(width) + 0.5) / width
    y = ((np.arange(height) + 0.5) / height)[:, np.newaxis]
    mask = np.zeros((height, width), np.bool_)
    for polygon in polygons:
        inside = np.zeros_like(mask)
        start = polygon[-1]
        for end in polygon:
            if start[1] != end[1]:
                share = (y - start[1]) / (end[1] - start[1])
                is_left = x < start[0] + share * (end[0] - start[0])
                inside ^= ((start[1] > y) != (end[1] > y)) & is_left
            start = end
        mask |= inside
    return mask


def _clip(corners: list[Point], axis: int, bound: float, *, keeps_above: bool) -> list[Point]:
    """Cut a polygon along one side of a box."""
    kept: list[Point] = []
    for index, point in enumerate(corners):
        before = corners[index - 1]
        is_in = point[axis] >= bound if keeps_above else point[axis] <= bound
        was_in = before[axis] >= bound if keeps_above else before[axis] <= bound
        if is_in != was_in:
            share = (bound - before[axis]) / (point[axis] - before[axis])
            other = before[1 - axis] + share * (point[1 - axis] - before[1 - axis])
            kept.append((bound, other) if axis == 0 else (other, bound))
        if is_in:
            kept.append(point)
    return kept
