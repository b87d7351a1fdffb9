"""What is cut lands where the arithmetic says, and nothing outside the picture is made up."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from edge.eye.preprocess import cut_square, shrink_luma, square_around, to_rgb
from edge.model import Box, Luma
from tests.support.builders import make_frame

BLACK, WHITE = 16, 235
"""Limited range: they become 0 and 255 in RGB."""
GREY_RGB = 130
"""What luma 128 becomes: (128 - 16) × 255 / 219."""


def make_marked(shape: tuple[int, int], row: int, column: int) -> Luma:
    """A black picture with one white pixel."""
    luma = np.full(shape, BLACK, np.uint8)
    luma[row, column] = WHITE
    return luma


@pytest.mark.parametrize(
    ("width", "height", "shrunk"),
    [
        (480, 270, (270, 480)),  # as it is
        (481, 271, (135, 240)),
        (640, 480, (240, 320)),
        (960, 540, (270, 480)),
        (1280, 720, (240, 426)),
        (1920, 1080, (270, 480)),
        (3840, 2160, (270, 480)),
        (16, 16, (16, 16)),
    ],
)
def test_luma_shrinks_by_the_least_whole_factor(
    width: int, height: int, shrunk: tuple[int, int]
) -> None:
    assert shrink_luma(np.zeros((height, width), np.uint8)).shape == shrunk


def test_shrunk_pixel_is_the_mean_of_its_block() -> None:
    luma = np.zeros((480, 960), np.uint8)
    luma[10:12, 20:22] = [[10, 20], [30, 40]]
    small = shrink_luma(luma)
    assert small[5, 10] == 25
    assert np.count_nonzero(small) == 1


def test_crop_of_the_size_asked_for_is_copied_pixel_by_pixel() -> None:
    frame = make_frame(make_marked((120, 160), 50, 70))
    picture = cut_square(frame, (60 / 160, 40 / 120, 100 / 160, 80 / 120), 40)
    assert picture.shape == (40, 40, 3)
    assert np.argwhere(picture.max(axis=2) > 200).tolist() == [[10, 10]]


def test_larger_crop_is_scaled_down() -> None:
    luma = np.full((120, 160), BLACK, np.uint8)
    luma[60:64, 80:84] = WHITE
    picture = cut_square(make_frame(luma), (40 / 160, 20 / 120, 120 / 160, 100 / 120), 20)
    assert np.argwhere(picture.max(axis=2) > 200).tolist() == [[10, 10]]


def test_smaller_crop_is_scaled_up() -> None:
    luma = np.full((120, 160), BLACK, np.uint8)
    luma[60:70, 80:90] = WHITE
    picture = cut_square(make_frame(luma), (80 / 160, 60 / 120, 100 / 160, 80 / 120), 80)
    assert picture[:36, :36].min() > 250
    assert picture[44:, :].max() < 5
    assert picture[:, 44:].max() < 5


@pytest.mark.parametrize(
    ("crop", "inside"),
    [
        ((-0.25, 0.0, 0.75, 1.0), (slice(None), slice(10, None))),
        ((0.25, 0.0, 1.25, 1.0), (slice(None), slice(None, 30))),
        ((0.0, -0.25, 1.0, 0.75), (slice(10, None), slice(None))),
        ((0.0, 0.25, 1.0, 1.25), (slice(None, 30), slice(None))),
        ((-0.5, -0.5, 1.5, 1.5), (slice(10, 30), slice(10, 30))),
    ],
)
def test_what_lies_beyond_the_frame_is_grey(crop: Box, inside: tuple[slice, slice]) -> None:
    frame = make_frame(np.full((40, 40), WHITE, np.uint8))
    picture = cut_square(frame, crop, 40)
    expected = np.full((40, 40, 3), GREY_RGB, np.uint8)
    expected[inside] = 255
    np.testing.assert_array_equal(picture, expected)


def test_crop_wholly_beyond_the_frame_is_all_grey() -> None:
    frame = make_frame(np.full((40, 40), WHITE, np.uint8))
    for crop in ((1.0, 0.0, 2.0, 1.0), (-1.0, -1.0, 0.0, 0.0), (3.0, 3.0, 4.0, 4.0)):
        assert np.unique(cut_square(frame, crop, 20)).tolist() == [GREY_RGB]


def test_whole_wide_frame_is_letter_boxed_in_the_middle() -> None:
    luma = np.full((90, 160), BLACK, np.uint8)
    luma[0], luma[-1] = WHITE, WHITE
    whole = square_around((0.0, 0.0, 1.0, 1.0), side_px=160, size_px=(160, 90))
    picture = cut_square(make_frame(luma), whole, 160)
    lines = np.flatnonzero(picture[:, 80, 0] > 200)
    assert lines.tolist() == [35, 124]
    assert np.unique(picture[:35]).tolist() == [GREY_RGB]


@settings(max_examples=60, deadline=None)
@given(
    shape=st.tuples(st.integers(16, 131), st.integers(16, 131)),
    low=st.tuples(st.floats(-1.0, 1.5), st.floats(-1.0, 1.5)),
    side=st.floats(0.01, 2.0),
    half_px=st.integers(1, 40),
)
def test_any_crop_of_any_size_gives_a_whole_picture(
    shape: tuple[int, int], low: tuple[float, float], side: float, half_px: int
) -> None:
    crop = (low[0], low[1], low[0] + side, low[1] + side)
    frame = make_frame(np.full(shape, WHITE, np.uint8))
    picture = cut_square(frame, crop, 2 * half_px)
    assert picture.shape == (2 * half_px, 2 * half_px, 3)
    assert picture.dtype == np.uint8
    assert set(np.unique(picture).tolist()) <= {GREY_RGB, 255}


def test_frame_is_not_changed_by_cutting() -> None:
    frame = make_frame(make_marked((41, 61), 7, 9))
    copies = [plane.copy() for plane in (frame.y, frame.u, frame.v)]
    cut_square(frame, (-0.2, -0.2, 0.9, 0.9), 50)
    to_rgb(frame)
    for plane, copy in zip((frame.y, frame.u, frame.v), copies, strict=True):
        np.testing.assert_array_equal(plane, copy)


def test_colour_stays_with_its_place() -> None:
    frame = make_frame(np.full((40, 40), 120, np.uint8))
    v = np.full((20, 20), 128, np.uint8)
    v[:, 10:] = 240
    red = type(frame)(0, 0, frame.y, frame.u, v)
    picture = cut_square(red, (0.0, 0.0, 1.0, 1.0), 40)
    assert picture[20, 35, 0] > picture[20, 35, 2] + 100
    assert int(picture[20, 5, 0]) == int(picture[20, 5, 2])


@pytest.mark.parametrize(
    ("shape", "made"), [((40, 60), (40, 60)), ((41, 61), (40, 60)), ((41, 60), (40, 60))]
)
def test_whole_frame_keeps_its_size_but_for_an_odd_row_or_column(
    shape: tuple[int, int], made: tuple[int, int]
) -> None:
    picture = to_rgb(make_frame(make_marked(shape, 10, 20)))
    assert picture.shape == (*made, 3)
    assert np.argwhere(picture.max(axis=2) > 200).tolist() == [[10, 20]]


def test_square_is_centred_where_it_fits_and_moved_inside_where_not() -> None:
    size_px = (200, 100)
    middle = square_around((0.5, 0.5, 0.5, 0.5), side_px=40, size_px=size_px)
    assert middle == pytest.approx((0.4, 0.3, 0.6, 0.7))
    corner = square_around((0.0, 0.9, 0.1, 1.0), side_px=40, size_px=size_px)
    assert corner == pytest.approx((0.0, 0.6, 0.2, 1.0))
    large = square_around((0.0, 0.0, 0.1, 0.1), side_px=150, size_px=size_px)
    assert large == pytest.approx((0.0, -0.25, 0.75, 1.25))


@given(
    low=st.tuples(st.floats(0, 0.9), st.floats(0, 0.9)),
    extent=st.tuples(st.floats(0.01, 0.1), st.floats(0.01, 0.1)),
    size_px=st.tuples(st.integers(64, 4000), st.integers(64, 4000)),
    side_px=st.floats(16, 5000),
)
def test_square_is_square_and_holds_what_it_was_made_for(
    low: tuple[float, float],
    extent: tuple[float, float],
    size_px: tuple[int, int],
    side_px: float,
) -> None:
    box = (low[0], low[1], low[0] + extent[0], low[1] + extent[1])
    assume(side_px >= max(extent[0] * size_px[0], extent[1] * size_px[1]))
    square = square_around(box, side_px=side_px, size_px=size_px)
    assert (square[2] - square[0]) * size_px[0] == pytest.approx(side_px)
    assert (square[3] - square[1]) * size_px[1] == pytest.approx(side_px)
    assert square[0] <= box[0] + 1e-9
    assert square[1] <= box[1] + 1e-9
    assert square[2] >= box[2] - 1e-9
    assert square[3] >= box[3] - 1e-9


def test_strip_lower_than_the_factor_keeps_one_row() -> None:
    assert shrink_luma(np.zeros((16, 8192), np.uint8)).shape == (1, 456)
