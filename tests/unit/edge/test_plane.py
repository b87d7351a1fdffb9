"""Geometry in the picture's plane: sides, meetings, areas."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.model import Point, Polygon
from edge.plane import find_self_crossing, segments_meet, side_of, signed_area

SQUARE: Polygon = ((0.2, 0.2), (0.8, 0.2), (0.8, 0.8), (0.2, 0.8))
points = st.tuples(st.floats(0, 1), st.floats(0, 1))


def test_side_is_right_when_point_lies_below_an_arrow_to_the_right() -> None:
    assert side_of((0.2, 0.5), (0.8, 0.5), (0.5, 0.7)) > 0
    assert side_of((0.2, 0.5), (0.8, 0.5), (0.5, 0.3)) < 0
    assert side_of((0.2, 0.5), (0.8, 0.5), (0.9, 0.5)) == 0


@given(points, points, points)
def test_side_changes_sign_when_the_arrow_is_turned(a: Point, b: Point, p: Point) -> None:
    assert side_of(a, b, p) == pytest.approx(-side_of(b, a, p), abs=1e-11)


def test_segments_meet_when_they_cross_touch_or_overlap() -> None:
    base = ((0.2, 0.5), (0.8, 0.5))
    assert segments_meet(base, ((0.5, 0.2), (0.5, 0.8)))
    assert segments_meet(base, ((0.5, 0.5), (0.5, 0.8)))
    assert segments_meet(base, ((0.7, 0.5), (0.9, 0.5)))
    assert not segments_meet(base, ((0.81, 0.5), (0.9, 0.5)))
    assert not segments_meet(base, ((0.9, 0.2), (0.9, 0.8)))


@given(points, points, points, points)
def test_meeting_is_the_same_when_segments_change_places(
    a: Point, b: Point, c: Point, d: Point
) -> None:
    assert segments_meet((a, b), (c, d)) == segments_meet((c, d), (a, b))


def test_area_is_of_the_square_and_signed_when_turned() -> None:
    assert signed_area(SQUARE) == pytest.approx(0.36)
    assert signed_area(SQUARE[::-1]) == pytest.approx(-0.36)


def test_self_crossing_names_the_edges_when_corners_are_out_of_order() -> None:
    assert find_self_crossing(SQUARE) is None
    assert find_self_crossing((SQUARE[0], SQUARE[2], SQUARE[1], SQUARE[3])) == (0, 2)


def test_self_crossing_is_found_when_an_edge_folds_back() -> None:
    spike: Polygon = ((0.1, 0.1), (0.9, 0.1), (0.5, 0.1), (0.5, 0.9))
    assert find_self_crossing(spike) == (0, 1)
