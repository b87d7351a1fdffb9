"""Boxes go where the picture goes, grow only where that makes sense, and own up when lost."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.eye.follow import Followed, Lead, follow
from edge.model import Box, Luma
from tests.support.builders import Floats, make_luma, make_place, to_luma

HEIGHT, WIDTH = 180, 240
BOX: Box = (100 / WIDTH, 60 / HEIGHT, 140 / WIDTH, 120 / HEIGHT)
NOWHERE = np.zeros((HEIGHT, WIDTH), np.uint8)


def make_patch() -> Floats:
    """A soft texture, 40 × 60 pixels: shifts by parts of a pixel keep its look."""
    coarse = np.random.default_rng(3).uniform(20, 235, (12, 8)).astype(np.float32)
    return np.asarray(cv2.resize(coarse, (40, 60), interpolation=cv2.INTER_CUBIC), np.float32)


def put(*, shift_px: tuple[float, float] = (0.0, 0.0), scale: float = 1.0) -> Luma:
    """The patch at BOX on a place, shifted by (x, y) pixels and scaled about its middle."""
    picture = make_place((HEIGHT, WIDTH))
    x = 120 + shift_px[0] - 20 * scale
    y = 90 + shift_px[1] - 30 * scale
    way = np.array([[scale, 0, x], [0, scale, y]], np.float32)
    warped = cv2.warpAffine(make_patch(), way, (WIDTH, HEIGHT), flags=cv2.INTER_LINEAR)
    cover = cv2.warpAffine(np.ones((60, 40), np.float32), way, (WIDTH, HEIGHT))
    return to_luma(np.asarray(picture * (1 - cover) + warped * cover, np.float32))


def follow_one(
    after: Luma,
    *,
    before: Luma | None = None,
    shift: tuple[float, float] = (0.0, 0.0),
    is_rigid: bool = False,
    mask: Luma = NOWHERE,
) -> Followed:
    before = put() if before is None else before
    (followed,) = follow(before, after, [Lead(BOX, shift, is_rigid)], mask=mask)
    return followed


def pixels(box: Box) -> tuple[float, float, float, float]:
    return (box[0] * WIDTH, box[1] * HEIGHT, box[2] * WIDTH, box[3] * HEIGHT)


def size(box: Box) -> tuple[float, float]:
    x_min, y_min, x_max, y_max = pixels(box)
    return (x_max - x_min, y_max - y_min)


@pytest.mark.parametrize("shift_px", [(0.0, 0.0), (3.0, 0.0), (-4.0, 2.0), (1.5, -2.5), (6.3, 4.7)])
def test_patch_is_followed_within_half_a_pixel(shift_px: tuple[float, float]) -> None:
    followed = follow_one(put(shift_px=shift_px))
    x_min, y_min, x_max, y_max = pixels(followed.box)
    assert (x_min + x_max) / 2 == pytest.approx(120 + shift_px[0], abs=0.5)
    assert (y_min + y_max) / 2 == pytest.approx(90 + shift_px[1], abs=0.5)
    assert followed.support > 0.6


def test_patch_that_leaps_is_followed_when_the_leap_is_expected() -> None:
    after = put(shift_px=(40.0, 0.0))
    expected = follow_one(after, shift=(40 / WIDTH, 0.0))
    assert pixels(expected.box)[0] == pytest.approx(140, abs=0.5)
    surprised = follow_one(after)
    assert surprised.support < 0.6


def test_rigid_thing_that_comes_nearer_grows_with_its_picture() -> None:
    followed = follow_one(put(scale=1.06), is_rigid=True)
    assert size(followed.box) == pytest.approx((42.4, 63.6), abs=0.7)
    assert follow_one(put(scale=0.95), is_rigid=True).box[0] > BOX[0]


def test_supple_thing_hardly_grows_whatever_its_points_say() -> None:
    for scale in (0.9, 1.1):
        width, height = size(follow_one(put(scale=scale)).box)
        assert width == pytest.approx(40, abs=0.41)
        assert height == pytest.approx(60, abs=0.61)


def test_rigid_thing_grows_by_a_tenth_at_most() -> None:
    width, _ = size(follow_one(put(scale=1.2), is_rigid=True).box)
    assert width <= 44.01


def test_nothing_to_follow_gives_no_support_and_leaves_the_box() -> None:
    even = np.full((HEIGHT, WIDTH), 120, np.uint8)
    noise = np.random.default_rng(6).integers(0, 255, (HEIGHT, WIDTH), np.uint8)
    for after in (even, noise):
        followed = follow_one(after)
        assert followed.support < 0.3
    assert follow_one(even, before=even).box == BOX


def test_box_beyond_the_picture_has_no_support_and_stays() -> None:
    beyond: Box = (1.5, 0.4, 1.7, 0.6)
    (followed,) = follow(put(), put(), [Lead(beyond, (0.0, 0.0), is_rigid=False)], mask=NOWHERE)
    assert followed == Followed(beyond, 0.0)


def test_no_leads_give_no_boxes() -> None:
    assert follow(put(), put(), [], mask=NOWHERE) == []


def test_each_lead_is_followed_by_itself_and_in_order() -> None:
    wall: Box = (0.05, 0.1, 0.2, 0.4)
    leads = [Lead(wall, (0.0, 0.0), is_rigid=False), Lead(BOX, (0.0, 0.0), is_rigid=False)]
    first, second = follow(put(), put(shift_px=(4.0, 0.0)), leads, mask=NOWHERE)
    assert first.box == pytest.approx(wall, abs=0.1 / WIDTH)
    assert pixels(second.box)[0] == pytest.approx(104, abs=0.5)


def test_box_follows_what_stands_out_and_not_the_wall_behind_it() -> None:
    """The box is three times as wide as the thing in it: most of its points lie on the wall."""
    wide: Box = (BOX[0] - 0.18, BOX[1], BOX[2] + 0.18, BOX[3])
    after = put(shift_px=(4.0, 0.0))
    mask = NOWHERE.copy()
    mask[60:120, 104:144] = 255
    lead = Lead(wide, (0.0, 0.0), is_rigid=False)
    (with_mask,) = follow(put(), after, [lead], mask=mask)
    (without,) = follow(put(), after, [lead], mask=NOWHERE)
    assert (with_mask.box[0] - wide[0]) * WIDTH == pytest.approx(4.0, abs=0.5)
    assert (without.box[0] - wide[0]) * WIDTH < 1.0


def test_pictures_are_not_changed() -> None:
    before, after = put(), put(shift_px=(3.0, 0.0))
    copies = before.copy(), after.copy()
    follow_one(after, before=before)
    np.testing.assert_array_equal(before, copies[0])
    np.testing.assert_array_equal(after, copies[1])


boxes = st.tuples(
    st.floats(-0.5, 1.2), st.floats(-0.5, 1.2), st.floats(0.001, 0.8), st.floats(0.001, 0.8)
).map(lambda it: (it[0], it[1], it[0] + it[2], it[1] + it[3]))


@settings(max_examples=40, deadline=None)
@given(st.lists(boxes, max_size=4), st.floats(-0.3, 0.3))
def test_any_box_gives_a_box_and_a_share(leads: list[Box], shift: float) -> None:
    after = make_luma((HEIGHT, WIDTH))
    found = follow(
        put(), after, [Lead(box, (shift, -shift), is_rigid=True) for box in leads], mask=NOWHERE
    )
    assert len(found) == len(leads)
    for each in found:
        assert 0.0 <= each.support <= 1.0
        assert each.box[0] <= each.box[2]
        assert each.box[1] <= each.box[3]
