"""The detector that finds by colour finds the bench's own walker, and nothing without it."""

from __future__ import annotations

import pytest

from edge.bench.scene import HEIGHT, WIDTH, Planes, Street, shrink
from edge.bench.stand_in import RedFinder
from edge.eye.preprocess import cut_square
from edge.model import Box, Frame

WHOLE: Box = (0.0, -7 / 18, 1.0, 25 / 18)


@pytest.fixture(scope="module")
def street() -> Street:
    return Street()


def to_frame(planes: Planes) -> Frame:
    height, width = planes.shape[0] * 2 // 3, planes.shape[1]
    chroma = planes[height:].reshape(2, height // 2, width // 2)
    return Frame(0, 0, planes[:height], chroma[0], chroma[1])


def test_red_finder_finds_the_walker_where_it_was_drawn(street: Street) -> None:
    frame = to_frame(street.draw(0, round_share=0.0))
    finder = RedFinder()
    [found] = finder.detect(cut_square(frame, WHOLE, finder.input_px))
    assert found.label == "person"
    x_centre = (found.box[0] + found.box[2]) / 2
    assert x_centre == pytest.approx(0.5 + 0.36, abs=0.01)


def test_red_finder_finds_nothing_in_the_empty_street(street: Street) -> None:
    finder = RedFinder()
    frame = to_frame(street.draw(1, round_share=None))
    assert finder.detect(cut_square(frame, WHOLE, finder.input_px)) == []


def test_street_is_the_same_for_the_same_number(street: Street) -> None:
    again = Street().draw(3, round_share=0.3)
    assert (street.draw(3, round_share=0.3) == again).all()
    assert again.shape == (HEIGHT * 3 // 2, WIDTH)
    assert shrink(again, (640, 360)).shape == (540, 640)
