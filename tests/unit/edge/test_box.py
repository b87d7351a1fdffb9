"""Boxes: how large they are and how far one covers another."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.box import area, iou, overlap_area, overlap_share
from edge.model import Box

boxes = st.tuples(
    st.floats(0, 0.8), st.floats(0, 0.8), st.floats(0.01, 0.5), st.floats(0.01, 0.5)
).map(lambda it: (it[0], it[1], it[0] + it[2], it[1] + it[3]))


def test_iou_of_known_boxes() -> None:
    assert iou((0, 0, 0.5, 0.5), (0, 0, 0.5, 0.5)) == 1.0
    assert iou((0, 0, 0.5, 0.5), (0.25, 0, 0.75, 0.5)) == pytest.approx(1 / 3)
    assert iou((0, 0, 0.5, 0.5), (0.5, 0, 1.0, 0.5)) == 0.0
    assert iou((0, 0, 0, 0), (0, 0, 0, 0)) == 0.0


@given(boxes, boxes)
def test_iou_is_symmetric_and_a_share(first: Box, second: Box) -> None:
    value = iou(first, second)
    assert value == pytest.approx(iou(second, first))
    assert 0.0 <= value <= 1.0 + 1e-9
    assert iou(first, first) == pytest.approx(1.0)
    assert overlap_area(first, second) <= min(area(first), area(second)) + 1e-12


def test_overlap_share_is_of_the_smaller_box() -> None:
    assert overlap_share((0, 0, 1, 1), (0.5, 0.5, 0.6, 0.6)) == pytest.approx(1)
    assert overlap_share((0, 0, 0.2, 0.2), (0.1, 0, 0.3, 0.2)) == pytest.approx(0.5)
    assert overlap_share((0, 0, 0.2, 0.2), (0.2, 0, 0.3, 0.2)) == 0
    assert overlap_share((0, 0, 1, 1), (0.5, 0.5, 0.5, 0.5)) == 0
