"""Pairs are the worthiest ones, of one group, each side once; far or unlike boxes never pair."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.eye.association import is_mostly_within, pair, worth_by_place, worth_by_reach
from edge.model import Box
from tests.support.builders import make_detection

HERE: Box = (0.4, 0.4, 0.5, 0.7)

boxes = st.tuples(
    st.floats(0, 0.8), st.floats(0, 0.8), st.floats(0.01, 0.2), st.floats(0.01, 0.2)
).map(lambda it: (it[0], it[1], it[0] + it[2], it[1] + it[3]))


def moved(x: float, y: float = 0.0, *, box: Box = HERE, scale: float = 1.0) -> Box:
    """A box moved by (x, y) and scaled about its middle."""
    centre_x, centre_y = (box[0] + box[2]) / 2 + x, (box[1] + box[3]) / 2 + y
    half_w, half_h = (box[2] - box[0]) / 2 * scale, (box[3] - box[1]) / 2 * scale
    return (centre_x - half_w, centre_y - half_h, centre_x + half_w, centre_y + half_h)


def test_same_box_is_worth_most() -> None:
    assert worth_by_place(HERE, HERE) == pytest.approx(1.5)
    assert 0.35 <= worth_by_place(HERE, moved(0.05)) < 1.0


@pytest.mark.parametrize("other", [moved(0.12), moved(0.0, 0.35), moved(0.0, scale=0.25)])
def test_far_or_unlike_boxes_are_not_the_same_place(other: Box) -> None:
    assert worth_by_place(HERE, other) == 0.0


def test_reach_is_wider_than_place_but_ends() -> None:
    assert worth_by_place(HERE, moved(0.12)) == 0.0
    assert worth_by_reach(HERE, moved(0.12)) > 0.0
    assert worth_by_reach(HERE, moved(0.14)) == 0.0
    assert worth_by_reach(HERE, moved(0.05, scale=0.3)) == 0.0


def test_worthiest_pairs_come_first() -> None:
    near, far = moved(0.005), moved(0.04)
    found = {0: make_detection(far), 1: make_detection(near)}
    pairs = pair({7: HERE}, {7: "person"}, found, worth=worth_by_place)
    assert pairs == {7: 1}
    both = pair({7: HERE, 8: moved(0.03)}, {7: "person", 8: "person"}, found, worth=worth_by_place)
    assert both == {7: 1, 8: 0}


def test_only_one_group_pairs_and_vehicles_are_one() -> None:
    found = {0: make_detection(HERE, label="truck")}
    assert pair({1: HERE}, {1: "person"}, found, worth=worth_by_place) == {}
    assert pair({1: HERE}, {1: "vehicle"}, found, worth=worth_by_place) == {1: 0}


def test_nothing_pairs_with_nothing() -> None:
    assert pair({}, {}, {0: make_detection()}, worth=worth_by_place) == {}
    assert pair({1: HERE}, {1: "person"}, {}, worth=worth_by_place) == {}


@given(st.lists(boxes, max_size=5), st.lists(boxes, max_size=5))
def test_each_side_is_paired_at_most_once_and_only_with_worth(
    rows: list[Box], columns: list[Box]
) -> None:
    expected = dict(enumerate(rows))
    found = {index: make_detection(box) for index, box in enumerate(columns)}
    pairs = pair(expected, dict.fromkeys(expected, "person"), found, worth=worth_by_place)
    assert len(set(pairs.values())) == len(pairs)
    assert all(worth_by_place(rows[row], columns[column]) > 0 for row, column in pairs.items())
    free_rows = set(expected) - set(pairs)
    free_columns = set(found) - set(pairs.values())
    assert not any(worth_by_place(rows[r], columns[c]) for r in free_rows for c in free_columns)


@given(boxes, boxes)
def test_worth_is_symmetric(first: Box, second: Box) -> None:
    assert worth_by_place(first, second) == pytest.approx(worth_by_place(second, first))
    assert worth_by_reach(first, second) == pytest.approx(worth_by_reach(second, first))


def test_empty_boxes_are_worth_nothing_and_within_nothing() -> None:
    empty: Box = (0.5, 0.5, 0.5, 0.5)
    assert worth_by_place(empty, empty) == 0.0
    assert worth_by_reach(empty, empty) == 0.0
    assert not is_mostly_within(empty, HERE, 0.5)


def test_mostly_within_counts_the_share_of_the_inner_box() -> None:
    half_out: Box = (0.45, 0.4, 0.55, 0.7)
    assert is_mostly_within(half_out, HERE, 0.45)
    assert not is_mostly_within(half_out, HERE, 0.55)
    assert is_mostly_within(HERE, (0.0, 0.0, 1.0, 1.0), 1.0)
