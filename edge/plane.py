"""Points, segments and polygons in the picture's plane: fractions of the frame, y downwards.

Only geometry; what a zone or a line means to a rule stands in `eye/rules/`.
"""

from __future__ import annotations

from edge.model import Point, Polygon

FLAT = 1e-12
"""A cross product this small counts as zero: far below a pixel (1e-4), above rounding (1e-16)."""
SLACK = 1e-9
"""How far beyond a segment's end a point of its line may lie, for the same reason."""


def side_of(start: Point, end: Point, point: Point) -> float:
    """Tell on which side of the arrow start → end a point lies.

    Args:
        start: tail of the arrow.
        end: its tip.
        point: the point in question.

    Returns:
        Positive on the right-hand side as seen in the picture, negative on the left, 0 on the
        arrow's endless line; the size is twice the area of the triangle of the three points.
    """
    cross = (end[0] - start[0]) * (point[1] - start[1]) - (end[1] - start[1]) * (
        point[0] - start[0]
    )
    return 0.0 if abs(cross) < FLAT else cross


def is_between(start: Point, end: Point, point: Point) -> bool:
    """Tell whether a point of the segment's endless line lies within the segment's bounds."""
    return all(
        min(start[axis], end[axis]) - SLACK <= point[axis] <= max(start[axis], end[axis]) + SLACK
        for axis in (0, 1)
    )


def segments_meet(first: tuple[Point, Point], second: tuple[Point, Point]) -> bool:
    """Tell whether two segments have a point in common; touching counts."""
    (a, b), (c, d) = first, second
    sides = side_of(c, d, a), side_of(c, d, b), side_of(a, b, c), side_of(a, b, d)
    if sides[0] * sides[1] < 0 and sides[2] * sides[3] < 0:
        return True
    return (
        (sides[0] == 0 and is_between(c, d, a))
        or (sides[1] == 0 and is_between(c, d, b))
        or (sides[2] == 0 and is_between(a, b, c))
        or (sides[3] == 0 and is_between(a, b, d))
    )


def signed_area(polygon: Polygon) -> float:
    """Measure a polygon by the shoelace formula; positive when clockwise in the picture.

    Args:
        polygon: its corners, not closed.

    Returns:
        Area as a share of the frame, signed.
    """
    corners = zip(polygon, (*polygon[1:], *polygon[:1]), strict=True)
    return sum(x * next_y - next_x * y for (x, y), (next_x, next_y) in corners) / 2


def find_self_crossing(polygon: Polygon) -> tuple[int, int] | None:
    """Find the first two edges of a polygon that meet where they should not.

    Args:
        polygon: at least three corners, not closed, no two neighbours alike.

    Returns:
        Two edge indices (edge i runs from corner i to the next), or None when it is simple.
    """
    count = len(polygon)
    edges = [(polygon[i], polygon[(i + 1) % count]) for i in range(count)]
    for i in range(count):
        for j in range(i + 1, count):
            is_next, is_closing = j == i + 1, i == 0 and j == count - 1
            if is_next or is_closing:
                meets = _folds_back(*((edges[i], edges[j]) if is_next else (edges[j], edges[i])))
            else:
                meets = segments_meet(edges[i], edges[j])
            if meets:
                return i, j
    return None


def _folds_back(first: tuple[Point, Point], second: tuple[Point, Point]) -> bool:
    """Tell whether an edge runs back along the one before it."""
    (a, b), (_, c) = first, second
    along = (b[0] - a[0]) * (c[0] - b[0]) + (b[1] - a[1]) * (c[1] - b[1])
    return side_of(a, b, c) == 0 and along < 0
