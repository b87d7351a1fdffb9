"""The drawn scene: who is to be seen when."""

from __future__ import annotations

import numpy as np
import pytest

from edge.thirdparty import scene


@pytest.mark.parametrize(
    ("t", "is_empty"),
    [(0.0, True), (4.9, True), (15.0, False), (25.0, True), (34.9, True), (40.0, False)],
)
def test_scene_is_empty_outside_the_two_visits(t: float, is_empty: bool) -> None:
    yard = scene.make_yard()

    assert np.array_equal(scene.draw_moment(yard, t), yard) is is_empty


def test_figure_walks_from_left_to_right() -> None:
    yard = scene.make_yard()

    places = [_changed_x(yard, t) for t in (8.0, 12.0, 18.0, 22.0)]

    assert places == sorted(places)
    assert places[0] < 200.0
    assert places[-1] > 560.0


def test_drawing_leaves_the_yard_as_it_was_and_is_the_same_each_time() -> None:
    yard = scene.make_yard()

    first, again = scene.draw_moment(yard, 15.0), scene.draw_moment(scene.make_yard(), 15.0)

    assert np.array_equal(yard, scene.make_yard())
    assert np.array_equal(first, again)
    assert first.shape == (576, 768, 3)
    assert first.dtype == np.uint8


def _changed_x(yard: scene.Picture, t: float) -> float:
    """The middle of what differs from the empty yard, in pixels from the left."""
    columns = np.flatnonzero((scene.draw_moment(yard, t) != yard).any(axis=(0, 2)))
    return float(columns.mean())
