"""What moves is found, what light does is not, and nothing that is over stays."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.box import overlap_area
from edge.eye import motion
from edge.eye.motion import Held, Ignored, Motion, MotionState
from edge.model import Box, Luma
from tests.support.builders import (
    PERSON,
    SHAPE,
    Stage,
    Thing,
    make_luma,
    make_place,
    still,
    to_luma,
    walk,
)

FPS = 5.0
EVERYWHERE: Box = (0.0, 0.0, 1.0, 1.0)
Seen = list[tuple[float, Motion]]


def watch(
    pictures: Iterable[tuple[float, Luma]],
    *,
    ignore: Ignored | None = None,
    held: Callable[[float], Held] = lambda _t: Held(),
) -> Seen:
    """Play pictures; what moved in each but the first, with its time."""
    rest = iter(pictures)
    t, luma = next(rest)
    state, nothing = motion.begin(luma, t=t)
    assert nothing.boxes == ()
    seen = []
    for t, luma in rest:
        state, found = motion.step(state, luma, t=t, ignore=ignore, held=held(t))
        seen.append((t, found))
    return seen


def times_with_boxes(seen: Seen) -> list[float]:
    return [t for t, found in seen if found.boxes]


def test_empty_place_in_noise_shows_nothing() -> None:
    assert times_with_boxes(watch(Stage(noise=3.0).film(10, fps=FPS))) == []


@pytest.mark.parametrize("change", [0.2, -0.2])
def test_light_that_drifts_by_a_fifth_in_half_a_minute_moves_nothing(change: float) -> None:
    stage = Stage(light=lambda t: 1 + change * t / 30)
    assert times_with_boxes(watch(stage.film(30, fps=FPS))) == []


@pytest.mark.parametrize("factor", [1.4, 0.7])
def test_step_of_light_leaves_no_lasting_box(factor: float) -> None:
    stage = Stage(light=lambda t: factor if t >= 5 else 1.0)
    late = [t for t in times_with_boxes(watch(stage.film(15, fps=FPS))) if not 5 <= t < 10]
    assert late == []


def test_cloud_that_comes_in_two_seconds_moves_nothing_and_changes_no_scene() -> None:
    stage = Stage(light=lambda t: 1 - 0.25 * min(max(t - 3, 0) / 2, 1))
    seen = watch(stage.film(10, fps=FPS))
    assert times_with_boxes(seen) == []
    assert not any(found.is_scene_change for _, found in seen)


def test_thing_that_moves_has_a_box_over_it_in_every_picture() -> None:
    thing = Thing(walk((0.1, 0.4, 0.2, 0.7), (0.1, 0.0)))
    for t, found in watch(Stage([thing]).film(6, fps=FPS)):
        if t < 1.2:
            continue  # until it has left the place that the first picture took for background
        box = thing.at(t)
        assert box is not None
        covered = sum(overlap_area(box, each) for each in found.boxes)
        assert covered > 0.9 * 0.1 * 0.3, t
        rows, columns = motion.pixels_of(box, SHAPE)
        assert np.mean(found.mask[rows, columns] > 0) > 0.9


def test_thing_that_moves_is_found_in_light_that_drifts() -> None:
    thing = Thing(walk((-0.1, 0.4, 0.0, 0.7), (0.1, 0.0), from_t=20.0))
    stage = Stage([thing], light=lambda t: 1 + 0.2 * t / 30)
    times = times_with_boxes(watch(stage.film(28, fps=FPS)))
    assert min(times) == pytest.approx(20.4, abs=0.25)
    assert len(times) >= 35


def test_ghost_of_what_stood_there_at_first_is_soon_absorbed() -> None:
    thing = Thing(still(PERSON, to_t=3.0))
    times = times_with_boxes(watch(Stage([thing]).film(15, fps=FPS)))
    assert min(times) == pytest.approx(3.0)
    assert max(times) == pytest.approx(7.0, abs=0.61)


def test_thing_that_is_put_down_becomes_background_unless_its_place_is_held() -> None:
    thing = Thing(still(PERSON, from_t=3.0))
    free = watch(Stage([thing]).film(30, fps=FPS))
    assert max(times_with_boxes(free)) == pytest.approx(7.0, abs=0.61)
    kept = watch(Stage([thing]).film(30, fps=FPS), held=lambda _t: Held(tracks=[PERSON]))
    assert max(times_with_boxes(kept)) == pytest.approx(29.8)


def test_guess_that_comes_and_goes_does_not_keep_a_still_thing_from_the_background() -> None:
    def guess(t: float) -> Held:
        return Held(guesses=[EVERYWHERE] if t % 1.0 < 0.5 else [])

    thing = Thing(still(PERSON, from_t=3.0))
    seen = watch(Stage([thing]).film(30, fps=FPS), held=guess)
    assert max(times_with_boxes(seen)) == pytest.approx(7.0, abs=1.2)


def test_held_place_learns_nothing_though_the_thing_is_hardly_visible() -> None:
    place = make_place()
    rows, columns = motion.pixels_of(PERSON, SHAPE)
    shaded = place.copy()
    shaded[rows, columns] += 8.0  # below what is found

    def learned(held: Held) -> float:
        state, _ = motion.begin(to_luma(place), t=0.0)
        for index in range(1, 60):
            state, _ = motion.step(state, to_luma(shaded), t=index / FPS, ignore=None, held=held)
        return float(np.mean(state.background[rows, columns] - place[rows, columns]))

    assert abs(learned(Held(tracks=[PERSON]))) < 0.5
    assert abs(learned(Held(guesses=[PERSON]))) < 0.5
    assert learned(Held()) > 5.0


def ignore_left(share: float) -> Ignored:
    return motion.make_ignored([((0.0, 0.0), (share, 0.0), (share, 1.0), (0.0, 1.0))], SHAPE)


def test_nothing_is_seen_where_it_is_to_be_ignored() -> None:
    thing = Thing(walk((-0.1, 0.4, 0.0, 0.7), (0.2, 0.0)))
    seen = watch(Stage([thing]).film(6, fps=FPS), ignore=ignore_left(0.5))
    assert all(found.mask[:, :120].max() == 0 for _, found in seen)
    assert min(times_with_boxes(seen)) == pytest.approx(2.6, abs=0.21)


@pytest.mark.parametrize("ignored_share", [0.0, 0.3, 0.5, 0.6])
def test_scene_change_is_told_once_and_the_new_scene_is_background(ignored_share: float) -> None:
    """Also where a good part of the picture is ignored: it is the rest that counts."""
    blocks = np.random.default_rng(5).integers(20, 230, (18, 24), np.uint8)
    elsewhere = np.repeat(np.repeat(blocks, 10, axis=0), 10, axis=1)
    there = make_luma()
    pictures = [(index / FPS, there if index < 5 else elsewhere) for index in range(20)]
    seen = watch(pictures, ignore=ignore_left(ignored_share))
    assert [t for t, found in seen if found.is_scene_change] == [1.0]
    assert times_with_boxes(seen) == []


def test_thing_that_fills_the_little_that_is_watched_is_no_change_of_the_scene() -> None:
    """Who walks through a doorway, with all about it ignored, is seen as what moves."""
    thing = Thing(still((0.8, 0.0, 1.0, 1.0), from_t=1.0))
    seen = watch(Stage([thing]).film(2, fps=FPS), ignore=ignore_left(0.8))
    assert not any(found.is_scene_change for _, found in seen)
    assert min(times_with_boxes(seen)) == pytest.approx(1.0)


def sway(t: float, generator: np.random.Generator) -> Luma:
    """An empty place with leaves in its upper left quarter, which never keep still."""
    picture = make_place()
    picture[20:80, 20:100] += generator.uniform(-25, 25, (60, 80)).astype(np.float32)
    if t >= 60.0:
        Thing(still((0.6, 0.5, 0.7, 0.8))).draw(picture, t)
    return to_luma(picture)


def test_place_that_keeps_swaying_becomes_less_sensitive_and_no_other_does() -> None:
    generator = np.random.default_rng(4)
    seen = watch([(index / FPS, sway(index / FPS, generator)) for index in range(305)])
    leaves = [t for t, found in seen if found.boxes and found.boxes[0][0] < 0.5]
    assert len([t for t in leaves if t < 5.0]) >= 20
    assert [t for t in leaves if t > 50.0] == []
    assert any(found.boxes[-1][0] > 0.5 for t, found in seen if t >= 60.0 and found.boxes)


def test_step_changes_neither_the_state_nor_the_picture() -> None:
    pictures = list(Stage([Thing(walk((0.1, 0.4, 0.2, 0.7), (0.1, 0.0)))]).film(3, fps=FPS))
    ignore = ignore_left(0.2)
    state, _ = motion.begin(pictures[0][1], t=0.0)
    for t, luma in pictures[1:]:
        before = [each.copy() for each in _arrays(state, luma, ignore.mask)]
        after, _ = motion.step(state, luma, t=t, ignore=ignore, held=Held(tracks=[PERSON]))
        for old, now in zip(before, _arrays(state, luma, ignore.mask), strict=True):
            np.testing.assert_array_equal(old, now)
        state = after


def _arrays(state: MotionState, luma: Luma, ignore: Luma) -> list[npt.NDArray[Any]]:
    return [state.background, state.noise, state.previous, state.still_s, luma, ignore]


def test_same_state_and_picture_give_the_same() -> None:
    (_, first), (t, second) = list(Stage([Thing(still(PERSON, from_t=0.1))]).film(0.4, fps=FPS))
    state, _ = motion.begin(first, t=0.0)
    one = motion.step(state, second, t=t, ignore=None, held=Held())
    two = motion.step(state, second, t=t, ignore=None, held=Held())
    assert one[1].boxes == two[1].boxes != ()
    np.testing.assert_array_equal(one[0].background, two[0].background)


@pytest.mark.parametrize(("side_px", "count"), [(1, 0), (3, 0), (6, 1)])
def test_speck_is_no_motion_and_a_small_thing_is(side_px: int, count: int) -> None:
    luma = make_luma((270, 480))
    speck = luma.copy()
    speck[90 : 90 + side_px, 120 : 120 + side_px] = 235
    state, _ = motion.begin(luma, t=0.0)
    found = motion.step(state, speck, t=0.2, ignore=None, held=Held())[1]
    assert len(found.boxes) == count


@given(st.lists(st.tuples(*[st.floats(-0.5, 1.5)] * 4), max_size=3))
def test_any_boxes_can_be_drawn_and_cover_a_pixel_at_least(boxes: list[Box]) -> None:
    for box in boxes:
        rows, columns = motion.pixels_of(box, (18, 24))
        assert 0 <= rows.start < rows.stop <= 18
        assert 0 <= columns.start < columns.stop <= 24
    assert np.count_nonzero(motion.draw_boxes(boxes, (18, 24))) >= min(len(boxes), 1)


def test_pixels_of_a_box_are_those_that_it_covers() -> None:
    assert motion.pixels_of((0.25, 0.5, 0.75, 1.0), (20, 40)) == (slice(10, 20), slice(10, 30))
    assert motion.pixels_of(EVERYWHERE, (20, 40)) == (slice(0, 20), slice(0, 40))


def test_polygon_is_ignored_where_it_lies_and_what_is_left_is_counted() -> None:
    corner = ((0.0, 0.0), (0.5, 0.0), (0.5, 0.5), (0.0, 0.5))
    ignored = motion.make_ignored([corner], (20, 40))
    assert ignored.mask[5, 10] == 255
    assert ignored.mask[15, 10] == ignored.mask[5, 30] == 0
    assert ignored.seen_px == np.count_nonzero(ignored.mask == 0)
    assert motion.make_ignored([], (20, 40)).seen_px == 800
