"""What zones and lines mean to a track: inside, crossing, how far; pure.

The test point of a track is its foot. Fractions of the frame are used as they are: on a 16:9
picture a distance counts more across than down, which a rule's margins allow for.
"""

from __future__ import annotations

import math

from edge.model import Point, Polygon, Track
from edge.plane import is_between, side_of


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
    length = math.hypot(end[0] - start[0], end[1] - start[1])
    return side_of(start, end, point) / length
