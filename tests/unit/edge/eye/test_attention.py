"""Looks go where they tell most, nothing is forgotten, and the budget is never passed."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.box import overlap_area
from edge.eye import attention
from edge.eye.association import is_mostly_within
from edge.eye.attention import AttentionState, Situation
from edge.eye.subject import Subject
from edge.model import Box
from tests.support.builders import make_subject

SIZE_PX = (1280, 720)
FPS = 10
WHOLE: Box = (0.0, -0.3888888888888889, 1.0, 1.3888888888888888)
"""The square that holds a 16:9 frame."""
MOTION: Box = (0.6, 0.5, 0.65, 0.65)
Looks = list[tuple[float, Box]]


def make_situation(
    t: float,
    *,
    subjects: Sequence[Subject] = (),
    motion: Sequence[Box] = (),
    is_awake: bool = True,
    has_woken: bool = False,
) -> Situation:
    return Situation(t, SIZE_PX, subjects, motion, is_awake, has_woken)


def attend(
    seconds: float,
    situation: Callable[[float], Situation],
    *,
    found: Callable[[float, Box], Sequence[Box]] = lambda _t, _region: (),
) -> Looks:
    """Ten situations a second; every region looked at, with its time."""
    state, looks = AttentionState(), []
    for index in range(round(seconds * FPS)):
        now = situation(index / FPS)
        state, regions = attention.step(state, now)
        for region in regions:
            looks.append((now.t, region))
            state = attention.learn_barren(state, now, region, found(now.t, region))
    return looks


def is_whole(region: Box) -> bool:
    return region == pytest.approx(WHOLE)


def wholes(looks: Looks) -> list[float]:
    return [t for t, region in looks if is_whole(region)]


def test_whole_frame_is_looked_at_first_and_every_ten_seconds_while_awake() -> None:
    assert wholes(attend(31, make_situation)) == [0.0, 10.0, 20.0, 30.0]


def test_whole_frame_is_looked_at_each_minute_while_idle_and_nothing_else() -> None:
    looks = attend(150, lambda t: make_situation(t, is_awake=False, motion=[MOTION]))
    assert wholes(looks) == [0.0, 60.0, 120.0]
    assert len(looks) == 3


def test_whole_frame_is_looked_at_on_waking() -> None:
    looks = attend(9, lambda t: make_situation(t, has_woken=t == 4.5))
    assert wholes(looks) == [0.0, 4.5]


def test_scene_that_changes_all_the_time_takes_a_whole_look_every_three_seconds_and_no_more() -> (
    None
):
    looks = attend(65, lambda t: make_situation(t, has_woken=1.0 <= t < 60.0))
    assert wholes(looks) == [0.0, *range(1, 62, 3)]


def test_last_change_of_a_scene_has_its_look_though_it_comes_too_soon() -> None:
    looks = attend(9, lambda t: make_situation(t, has_woken=t in {1.0, 1.5, 2.5}))
    assert wholes(looks) == [0.0, 1.0, 4.0]


def test_motion_is_looked_at_at_once_after_a_minute_of_scene_changes() -> None:
    def at(t: float) -> Situation:
        return make_situation(t, has_woken=t < 60, motion=[MOTION] if t >= 61 else [])

    looks = [
        t for t, region in attend(70, at) if t >= 61 and is_mostly_within(MOTION, region, 0.99)
    ]
    assert looks[0] <= 62.0


@given(st.lists(st.tuples(st.floats(0.0, 2.0), st.booleans(), st.booleans()), max_size=80))
def test_debt_is_never_more_than_one_look(script: list[tuple[float, bool, bool]]) -> None:
    state, t = AttentionState(), 0.0
    for elapsed_s, has_woken, is_awake in script:
        t += elapsed_s
        now = make_situation(t, motion=[MOTION], is_awake=is_awake, has_woken=has_woken)
        state, _ = attention.step(state, now)
        assert -1.0 <= state.tokens <= 4.0


def test_whole_frame_is_a_square_that_holds_it() -> None:
    assert is_whole(attention.whole_frame(SIZE_PX))
    assert attention.whole_frame((300, 300)) == (0.0, 0.0, 1.0, 1.0)


def drifting(count: int) -> Callable[[float], Situation]:
    """Many boxes that are elsewhere in every frame: none is ever barren."""

    def at(t: float) -> Situation:
        boxes = []
        for index in range(count):
            x, y = (t * 0.37 + index * 0.31) % 0.8, (t * 0.53 + index * 0.17) % 0.8
            boxes.append((x, y, x + 0.1, y + 0.15))
        return make_situation(t, motion=boxes)

    return at


@pytest.mark.parametrize("count", [0, 1, 5, 15])
def test_rate_keeps_to_the_budget_whatever_moves(count: int) -> None:
    looks = attend(60, drifting(count))
    assert len(looks) <= 60 * 2.1 + 4 + 1
    if count:
        assert len(looks) >= 60 * 2.1 - 2


def test_saved_up_looks_are_few_after_a_long_rest() -> None:
    def at(t: float) -> Situation:
        return drifting(5)(t) if t >= 30 else make_situation(t, is_awake=False)

    looks = [t for t, _ in attend(33, at) if t >= 30]
    assert len(looks) <= 3 * 2.1 + 4 + 1


@settings(max_examples=30, deadline=None)
@given(
    st.floats(0, 0.93), st.floats(0, 0.9), st.floats(0.004, 0.5), st.floats(0.006, 0.5),
)  # fmt: skip
def test_lasting_motion_that_is_alone_is_looked_at_within_two_seconds(
    x: float, y: float, width: float, height: float
) -> None:
    box = (x, y, min(x + width, 1.0), min(y + height, 1.0))
    looks = attend(12, lambda t: make_situation(t, motion=[box] if t >= 7.0 else []))
    after = [t for t, region in looks if t >= 7.0 and is_mostly_within(box, region, 0.99)]
    assert after
    assert after[0] <= 9.0


def test_motion_where_looks_find_nothing_is_looked_at_less_and_less() -> None:
    looks = attend(60, lambda t: make_situation(t, motion=[MOTION]))
    at_motion = [
        t for t, region in looks if not is_whole(region) and (region[2] - region[0]) * 1280 < 600
    ]
    gaps = [after - before for before, after in itertools.pairwise(at_motion)]
    assert len([t for t in at_motion if t < 10]) >= 4
    assert len([t for t in at_motion if t >= 20]) <= 4
    assert gaps == pytest.approx([1.0, 2.0, 4.0])


def test_place_becomes_barren_at_the_second_look_in_vain_and_is_forgotten_in_time() -> None:
    now = make_situation(1.0, motion=[MOTION])
    once = attention.learn_barren(AttentionState(), now, WHOLE, [])
    assert not attention.is_barren(once, MOTION)
    twice = attention.learn_barren(once, replace(now, t=2.0), WHOLE, [])
    assert attention.is_barren(twice, MOTION)
    assert not attention.is_barren(twice, (0.1, 0.1, 0.2, 0.3))
    later, _ = attention.step(twice, make_situation(61.9))
    assert attention.is_barren(later, MOTION)
    later, _ = attention.step(later, make_situation(62.1))
    assert not attention.is_barren(later, MOTION)


def test_barren_places_are_those_of_one_scene() -> None:
    now = make_situation(1.0, motion=[MOTION])
    state, _ = attention.step(AttentionState(), now)
    for _ in range(2):
        state = attention.learn_barren(state, now, WHOLE, [])
    after = attention.forget_scene(state)
    assert (attention.is_barren(state, MOTION), attention.is_barren(after, MOTION)) == (True, False)
    assert after.tokens == state.tokens < 4.0


def test_find_of_any_strength_makes_a_place_fertile_again() -> None:
    now = make_situation(1.0, motion=[MOTION])
    state = AttentionState()
    for _ in range(3):
        state = attention.learn_barren(state, now, WHOLE, [])
    assert attention.is_barren(state, MOTION)
    assert not attention.is_barren(attention.learn_barren(state, now, WHOLE, [MOTION]), MOTION)


def test_look_elsewhere_makes_nothing_barren() -> None:
    now = make_situation(1.0, motion=[MOTION])
    state = attention.learn_barren(AttentionState(), now, (0.0, 0.0, 0.5, 0.5), [])
    assert state.barren == ()


def test_flickering_specks_side_by_side_are_one_barren_place() -> None:
    speck, beside = (0.5, 0.5, 0.52, 0.53), (0.53, 0.51, 0.56, 0.53)
    state = AttentionState()
    for t, box in ((1.0, speck), (2.0, beside)):
        now = make_situation(t, motion=[box])
        state = attention.learn_barren(state, now, (0.4, 0.4, 0.7, 0.7), [])
    assert [spot.count for spot in state.barren] == [2]


def test_motion_on_a_subject_is_explained() -> None:
    person = make_subject((0.4, 0.4, 0.5, 0.7))
    assert attention.unexplained([(0.4, 0.4, 0.5, 0.7)], [person]) == []
    assert attention.unexplained([(0.42, 0.45, 0.55, 0.7)], [person]) == []
    assert attention.unexplained([MOTION], [person]) == [MOTION]
    # Two subjects together explain what joins them.
    other = make_subject((0.5, 0.4, 0.6, 0.7), key=2)
    assert attention.unexplained([(0.35, 0.4, 0.65, 0.7)], [person, other]) == []


def test_crop_lies_on_its_target_and_is_square_in_pixels() -> None:
    state = AttentionState(whole_t=0.0)
    _, (region,) = attention.step(state, make_situation(0.1, motion=[MOTION]))
    width, height = (region[2] - region[0]) * 1280, (region[3] - region[1]) * 720
    assert width == pytest.approx(height)
    # 108 pixels high × 4.4.
    assert width == pytest.approx(475.2)
    assert (region[0] + region[2]) / 2 == pytest.approx(0.625)
    assert (region[1] + region[3]) / 2 == pytest.approx(0.575)


def test_crop_of_a_small_thing_is_no_smaller_than_the_least() -> None:
    state = AttentionState(whole_t=0.0)
    speck = (0.5, 0.5, 0.51, 0.51)
    _, (region,) = attention.step(state, make_situation(0.1, motion=[speck]))
    assert (region[2] - region[0]) * 1280 == pytest.approx(160)


def test_one_crop_takes_two_neighbours() -> None:
    state = AttentionState(whole_t=0.0)
    pair = [MOTION, (0.68, 0.5, 0.73, 0.65)]
    _, (region,) = attention.step(state, make_situation(0.1, motion=pair))
    assert all(is_mostly_within(box, region, 0.99) for box in pair)


def test_small_frame_is_looked_at_whole() -> None:
    now = Situation(0.1, (280, 200), (), [MOTION], is_awake=True)
    _, (region,) = attention.step(AttentionState(whole_t=0.0), now)
    assert region == attention.whole_frame((280, 200))


def test_fresh_subject_goes_before_a_known_one_but_not_in_the_same_instant() -> None:
    known = replace(make_subject((0.1, 0.1, 0.2, 0.4)), track=1, hits=9)
    fresh = make_subject((0.7, 0.6, 0.75, 0.8), key=2, t=1.0)
    state = AttentionState(whole_t=0.0)
    _, regions = attention.step(state, make_situation(1.3, subjects=[known, fresh]))
    assert [is_mostly_within(fresh.box, region, 1.0) for region in regions] == [True]
    _, regions = attention.step(state, make_situation(1.1, subjects=[fresh]))
    assert regions == []


def test_all_tracks_are_looked_at_in_turn() -> None:
    """Ten walkers: each is seen again at least every six seconds, as the budget allows."""
    boxes = [(0.1 * index, 0.3, 0.1 * index + 0.03, 0.42) for index in range(10)]
    people = {
        index: replace(make_subject(box, key=index + 1), track=index + 1, hits=9)
        for index, box in enumerate(boxes)
    }
    state, gaps = AttentionState(), []
    for step in range(300):
        t = step / FPS
        walkers = [replace(person, anchor_t=t) for person in people.values()]
        state, regions = attention.step(state, make_situation(t, subjects=walkers))
        for region in regions:
            for index, person in people.items():
                if is_mostly_within(person.box, region, 0.95):
                    gaps.append(t - person.detected_t)
                    people[index] = replace(person, detected_t=t)
    gaps += [30.0 - person.detected_t for person in people.values()]
    assert max(gaps) < 6.0


def test_thing_at_rest_is_looked_at_less_often_than_one_that_moves() -> None:
    def looks_at(is_resting: bool) -> int:
        subject = replace(make_subject((0.4, 0.4, 0.45, 0.5)), track=1, hits=9)
        state, count = AttentionState(), 0
        for step in range(600):
            t = step / FPS
            now = make_situation(t, subjects=[replace(subject, anchor_t=-9.0 if is_resting else t)])
            state, regions = attention.step(state, now)
            hits = [each for each in regions if is_mostly_within(subject.box, each, 0.99)]
            if hits:
                subject = replace(subject, detected_t=t)
            count += len([each for each in hits if (each[2] - each[0]) * 1280 < 600])
        return count

    assert looks_at(is_resting=False) > 2 * looks_at(is_resting=True) > 0


def test_survey_covers_the_whole_frame_in_half_a_minute_when_nothing_happens() -> None:
    crops = [region for _, region in attend(40, make_situation) if not is_whole(region)]
    assert {round((box[2] - box[0]) * 1280) for box in crops} == {640}
    for row in range(20):
        for column in range(20):
            spot = (column / 20, row / 20, (column + 1) / 20, (row + 1) / 20)
            assert any(overlap_area(spot, crop) >= 0.999 * 0.0025 for crop in crops), spot


def test_everywhere_leaves_nothing_out_and_begins_with_the_whole() -> None:
    whole, *tiles = attention.everywhere(make_situation(0.0))
    assert is_whole(whole)
    assert min(tile[0] for tile in tiles) == 0.0
    assert max(tile[2] for tile in tiles) == 1.0
    assert len(tiles) == 9


def test_state_is_not_changed_by_a_step() -> None:
    state = AttentionState(whole_t=0.0)
    attention.step(state, make_situation(5.0, motion=[MOTION]))
    attention.learn_barren(state, make_situation(5.0, motion=[MOTION]), WHOLE, [])
    assert state == AttentionState(whole_t=0.0)


def test_look_in_which_the_thing_is_a_speck_says_nothing_about_it() -> None:
    now = make_situation(1.0, motion=[(0.5, 0.5, 0.52, 0.53)])
    state = AttentionState()
    assert attention.learn_barren(state, now, WHOLE, []).barren == ()
    assert len(attention.learn_barren(state, now, (0.4, 0.4, 0.7, 0.7), []).barren) == 1
