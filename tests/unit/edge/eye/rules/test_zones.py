"""Inside, crossing and distance."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.eye.rules.zones import crosses, distance_to, foot_of, is_inside
from edge.model import Point, Polygon
from tests.support.tracks import make_track

SQUARE: Polygon = ((0.2, 0.2), (0.8, 0.2), (0.8, 0.8), (0.2, 0.8))
HOOK: Polygon = ((0.0, 0.0), (0.9, 0.0), (0.9, 0.3), (0.3, 0.3), (0.3, 0.9), (0.0, 0.9))
points = st.tuples(st.floats(0, 1), st.floats(0, 1))


@pytest.mark.parametrize(
    ("point", "expected"),
    [
        ((0.5, 0.5), True),
        ((0.2, 0.5), True),
        ((0.5, 0.8), True),
        ((0.2, 0.2), True),
        ((0.8, 0.8), True),
        ((0.1, 0.2), False),
        ((0.9, 0.8), False),
        ((0.5, 0.81), False),
        ((0.19, 0.5), False),
    ],
)
def test_point_is_inside_with_the_border(point: Point, expected: bool) -> None:
    assert is_inside(SQUARE, point) is expected
    assert is_inside(SQUARE[::-1], point) is expected


def test_point_is_inside_when_polygon_has_a_notch() -> None:
    assert is_inside(HOOK, (0.6, 0.2))
    assert is_inside(HOOK, (0.1, 0.8))
    assert not is_inside(HOOK, (0.6, 0.6))
    assert is_inside(HOOK, (0.6, 0.3))


@given(points)
def test_inside_does_not_depend_on_the_first_corner_or_the_turn(point: Point) -> None:
    found = {is_inside(HOOK[i:] + HOOK[:i], point) for i in range(len(HOOK))}
    assert found | {is_inside(HOOK[::-1], point)} == {is_inside(HOOK, point)}


@given(points)
def test_inside_agrees_with_the_square_itself(point: Point) -> None:
    x, y = point
    assert (
        is_inside(SQUARE, point) == (0.2 <= x <= 0.8 and 0.2 <= y <= 0.8)
        or min(abs(x - 0.2), abs(x - 0.8), abs(y - 0.2), abs(y - 0.8)) < 1e-9
    )


def test_path_crosses_only_between_the_ends_of_the_line() -> None:
    start, end = (0.2, 0.5), (0.8, 0.5)
    assert crosses(((0.5, 0.4), (0.5, 0.6)), start, end)
    assert crosses(((0.5, 0.6), (0.5, 0.4)), start, end)
    assert not crosses(((0.1, 0.4), (0.1, 0.6)), start, end)
    assert not crosses(((0.5, 0.3), (0.6, 0.4)), start, end)


def test_path_crosses_once_when_a_step_ends_on_the_line() -> None:
    start, end = (0.2, 0.5), (0.8, 0.5)
    steps = [((0.5, 0.4), (0.5, 0.5)), ((0.5, 0.5), (0.5, 0.6))]
    assert [crosses(each, start, end) for each in steps] == [True, False]


@given(points, points, points, points)
def test_crossing_is_the_same_when_the_line_is_turned_unless_touched(
    a: Point, b: Point, c: Point, d: Point
) -> None:
    if c == d or min(abs(distance_to(c, d, a)), abs(distance_to(c, d, b))) < 1e-6:
        return
    assert crosses((a, b), c, d) == crosses((a, b), d, c) == crosses((b, a), c, d)


def test_distance_is_positive_on_the_right_of_the_arrow() -> None:
    assert distance_to((0.2, 0.5), (0.8, 0.5), (0.5, 0.6)) == pytest.approx(0.1)
    assert distance_to((0.8, 0.5), (0.2, 0.5), (0.5, 0.6)) == pytest.approx(-0.1)


def test_foot_is_kept_in_the_frame_when_the_box_leans_out() -> None:
    assert foot_of(make_track(1, (0.5, 1.03))) == (0.5, 1.0)
    assert foot_of(make_track(1, (-0.01, 0.7))) == (0.0, 0.7)
