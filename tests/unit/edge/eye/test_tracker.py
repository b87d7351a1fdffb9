"""Tracks keep their identity through misses, hiding and crossings, and end when they should."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.box import area, iou, overlap_area
from edge.eye import tracker
from edge.eye.follow import Followed
from edge.eye.postprocess import suppress
from edge.eye.subject import clip
from edge.eye.tracker import Look, Sighting, TrackerState
from edge.model import Box, Detection, Track
from tests.support.builders import PERSON, make_detection, make_subject, still, walk

WHOLE: Box = (0.0, 0.0, 1.0, 1.0)
FPS = 10
LOOK_EVERY = 5
"""Frames from look to look, as the budget of two a second has it."""


@dataclass
class World:
    """Things as they are, and what flow, foreground and detector make of them.

    A thing's path gives None while nothing of it can be seen. `is_seen` decides which looks find
    which thing; `has_foreground` is off for what only stands there.
    """

    paths: Sequence[Callable[[float], Box | None]]
    score: float = 0.8
    has_foreground: bool = True
    is_seen: Callable[[int, int], bool] = lambda _look, _thing: True
    history: list[tuple[float, list[Track]]] = field(default_factory=list)

    def run(self, seconds: float, state: TrackerState | None = None) -> TrackerState:
        """Play it from t = 0."""
        state = state or TrackerState()
        looks = 0
        for index in range(round(seconds * FPS)):
            t = index / FPS
            state = tracker.follow(state, self._sight(state, t), t)
            if index % LOOK_EVERY == 0:
                found = self._detect(t, looks)
                shares = [self._share(item.box, t) for item in found]
                state = tracker.learn(state, Look(WHOLE, tuple(found)), t, stands_out=shares)
                looks += 1
            self.history.append((t, tracker.tracks(state)))
        return state

    def ids(self) -> set[int]:
        """Every track id there ever was."""
        return {track.track for _, tracks in self.history for track in tracks}

    def at(self, t: float) -> list[Track]:
        """The tracks at a time."""
        return next(tracks for when, tracks in self.history if when == pytest.approx(t))

    def follower(self, path: Callable[[float], Box | None]) -> list[int]:
        """Which track lay on a thing, frame by frame, where one did and the thing was there."""
        lying = []
        for t, tracks in self.history:
            box = path(t)
            near = [each for each in tracks if box and iou(each.box, box) > 0.4]
            if near and box:
                lying.append(max(near, key=lambda each: iou(each.box, box)).track)
        return lying

    def _boxes(self, t: float) -> list[Box]:
        return [clip(box) for path in self.paths if (box := path(t)) and area(clip(box)) > 0]

    def _share(self, box: Box, t: float) -> float:
        if not self.has_foreground or area(clip(box)) <= 0:
            return 0.0
        out = sum(overlap_area(box, each) for each in self._boxes(t))
        return min(out / area(box), 1.0)

    def _sight(self, state: TrackerState, t: float) -> Sighting:
        """Flow finds the shift of the thing that a box lies on best; without one, nothing."""
        followed = []
        for subject in state.subjects:
            best = Followed(subject.box, 0.0)
            best_worth = 0.2
            for path in self.paths:
                before, now = path(t - 1 / FPS), path(t)
                if before and now and iou(subject.box, before) > best_worth:
                    best_worth = iou(subject.box, before)
                    moved = tuple(
                        side + new - old
                        for side, new, old in zip(subject.box, now, before, strict=True)
                    )
                    best = Followed((moved[0], moved[1], moved[2], moved[3]), 0.9)
            followed.append(best)
        return Sighting(followed, [self._share(each.box, t) for each in followed])

    def _detect(self, t: float, look: int) -> list[Detection]:
        found = []
        for thing, path in enumerate(self.paths):
            box = path(t)
            if box and self.is_seen(look, thing) and area(clip(box)) > 0.1 * area(box):
                found.append(make_detection(clip(box), score=self.score))
        return suppress(found)


def interrupted(
    path: Callable[[float], Box | None], from_t: float, to_t: float
) -> Callable[[float], Box | None]:
    """The same path, but nothing of it can be seen for a while."""
    return lambda t: None if from_t <= t < to_t else path(t)


CROSSING = walk((0.05, 0.4, 0.15, 0.7), (0.1, 0.0))


def test_moving_thing_becomes_track_one_at_its_first_look() -> None:
    world = World([CROSSING])
    world.run(3.0)
    assert world.ids() == {1}
    assert [track.track for track in world.at(0.0)] == [1]
    assert world.at(2.9)[0].box == pytest.approx((0.34, 0.4, 0.44, 0.7))
    assert world.at(2.9)[0].first_t == 0.0


def test_unsure_detection_needs_a_second_look_that_agrees() -> None:
    world = World([CROSSING], score=0.38)
    world.run(1.0)
    assert [track.track for track in world.at(0.4)] == []
    assert [track.track for track in world.at(0.5)] == [1]


def test_thing_missed_by_three_looks_in_a_row_keeps_its_id() -> None:
    world = World([CROSSING], is_seen=lambda look, _: look < 4 or look > 6)
    world.run(8.0)
    assert world.ids() == {1}
    assert set(world.follower(CROSSING)) == {1}
    assert len(world.follower(CROSSING)) == 80


def test_thing_seen_by_every_other_look_keeps_its_id() -> None:
    world = World([CROSSING], is_seen=lambda look, _: look % 2 == 0)
    world.run(8.0)
    assert set(world.follower(CROSSING)) == {1}


def test_thing_hidden_for_a_second_and_a_half_keeps_its_id() -> None:
    path = interrupted(CROSSING, 4.0, 5.5)
    world = World([path])
    world.run(8.0)
    assert world.ids() == {1}
    assert set(world.follower(path)) == {1}
    assert world.at(7.9)[0].box == pytest.approx((0.84, 0.4, 0.94, 0.7), abs=0.02)


def test_track_is_marked_hidden_while_its_box_is_a_guess() -> None:
    world = World([interrupted(CROSSING, 4.0, 5.5)])
    world.run(8.0)
    assert [t for t, tracks in world.history if tracks and tracks[0].is_hidden] == pytest.approx(
        [4.0 + index / FPS for index in range(15)]
    )
    assert world.at(5.0)[0].seen_t == pytest.approx(3.9)


def test_thing_hidden_for_long_is_given_up_and_comes_back_as_another() -> None:
    world = World([interrupted(still(PERSON), 2.0, 8.0)])
    world.run(10.0)
    assert world.at(7.0) == []
    assert world.ids() == {1, 2}


def test_crossing_things_keep_their_ids() -> None:
    to_right = walk((0.0, 0.4, 0.1, 0.7), (0.1, 0.0))
    to_left = walk((0.85, 0.42, 0.95, 0.72), (-0.1, 0.0))
    world = World([to_right, to_left])
    world.run(8.0)
    assert world.ids() == {1, 2}
    for path in (to_right, to_left):
        follower = world.follower(path)
        assert follower[0] == follower[-1]
        assert follower.count(follower[0]) >= 0.9 * len(follower)
    assert world.follower(to_right)[0] != world.follower(to_left)[0]


def test_still_false_find_with_a_weak_score_never_becomes_a_track() -> None:
    rock = World([still(PERSON)], score=0.45, has_foreground=False)
    rock.run(60.0)
    assert rock.ids() == set()


def test_still_thing_with_a_good_score_becomes_a_track_at_its_third_look() -> None:
    parked = World([still(PERSON)], score=0.6, has_foreground=False)
    parked.run(10.0)
    assert next(t for t, tracks in parked.history if tracks) == pytest.approx(1.0)
    assert parked.ids() == {1}


def test_track_that_leaves_over_the_border_ends_within_half_a_second() -> None:
    leaving = walk((0.7, 0.4, 0.8, 0.7), (0.1, 0.0))  # its last pixel leaves at 3.0 s
    world = World([leaving])
    world.run(6.0)
    last_t = max(t for t, tracks in world.history if tracks)
    assert 2.6 <= last_t <= 3.5
    assert world.ids() == {1}


def test_thing_that_vanishes_ends_soon_and_its_id_is_not_given_again() -> None:
    first, second = still(PERSON, to_t=3.0), still((0.1, 0.4, 0.2, 0.7), from_t=8.0)
    world = World([first, second])
    state = world.run(12.0)
    assert world.at(6.0) == []
    assert [track.track for track in world.at(11.0)] == [2]
    assert state.track_count == 2


def test_track_is_stationary_after_five_seconds_at_rest_and_not_before() -> None:
    def stops(t: float) -> Box:
        return CROSSING(min(t, 3.0)) or PERSON

    world = World([stops])
    world.run(10.0)
    first = min(t for t, tracks in world.history if tracks[0].is_stationary)
    assert 7.5 <= first <= 8.1


def test_two_boxes_on_one_thing_become_one_track() -> None:
    other = (PERSON[0] + 0.015, PERSON[1], PERSON[2] + 0.015, PERSON[3])
    world = World([still(PERSON), still(other)], is_seen=lambda look, thing: look % 2 == thing)
    world.run(10.0)
    assert world.ids() == {1}


@pytest.mark.parametrize(("shift", "kept"), [(0.01, [2]), (0.03, [1, 2])])
def test_of_two_on_one_spot_the_one_seen_longer_ago_goes(shift: float, kept: list[int]) -> None:
    near = (PERSON[0] + shift, PERSON[1], PERSON[2] + shift, PERSON[3])
    older, newer = make_subject(key=1, t=1.0), make_subject(near, key=2, t=2.0)
    state = TrackerState((older, newer), subject_count=2, t=2.0)
    followed = [Followed(older.box, 1.0), Followed(newer.box, 1.0)]
    after = tracker.follow(state, Sighting(followed, [1.0, 1.0]), 2.1)
    assert [subject.key for subject in after.subjects] == kept


@pytest.mark.parametrize(("label", "kept"), [("car", [1, 2]), ("person", [2])])
def test_track_within_a_larger_one_ends_at_its_first_miss_only_if_both_are_of_a_kind(
    label: str, kept: list[int]
) -> None:
    """A person in front of a car is no part of it; half a person within a whole one is."""
    large = (0.3, 0.3, 0.7, 0.75)
    inner = replace(make_subject(key=1), track=1, hits=9)
    outer = replace(make_subject(large, key=2, label=label), track=2, hits=9)
    look = Look(WHOLE, (make_detection(large, label=label),))
    state = TrackerState((inner, outer), subject_count=2, track_count=2)
    after = tracker.learn(state, look, 0.5, stands_out=[1.0])
    assert [subject.key for subject in after.subjects] == kept


def test_thing_lower_than_twelve_pixels_of_the_look_begins_no_track() -> None:
    tiny = (0.5, 0.5, 0.52, 0.538)
    state = tracker.learn(TrackerState(), Look(WHOLE, (make_detection(tiny),)), 0.0, stands_out=[1])
    assert state.subjects == ()
    near = Look((0.4, 0.4, 0.6, 0.6), (make_detection(tiny),))
    assert len(tracker.learn(TrackerState(), near, 0.0, stands_out=[1]).subjects) == 1


def test_look_elsewhere_is_no_miss() -> None:
    found = Look(WHOLE, (make_detection(),))
    state = tracker.learn(TrackerState(), found, 0.0, stands_out=[1.0])
    for _ in range(20):
        state = tracker.learn(state, Look((0.6, 0.0, 1.0, 1.0), ()), 0.1, stands_out=[])
    assert [(each.track, each.misses) for each in state.subjects] == [(1, 0)]


def test_tracks_are_told_by_id_with_boxes_inside_the_frame() -> None:
    left, right = walk((-0.05, 0.2, 0.1, 0.6), (0.0, 0.0)), walk((0.9, 0.7, 1.1, 1.2), (0.0, 0.0))
    world = World([left, right])
    world.run(2.0)
    told = world.at(1.9)
    assert [track.track for track in told] == [1, 2]
    assert [track.box[0] for track in told] == pytest.approx([0.0, 0.9], abs=0.01)
    assert told[1].box[2:] == (1.0, 1.0)


def test_state_handed_in_is_still_what_it_was() -> None:
    state = World([CROSSING]).run(1.0)
    copy = TrackerState(state.subjects, state.subject_count, state.track_count, state.t)
    tracker.follow(state, Sighting([Followed(PERSON, 0.0)], [0.0]), 9.0)
    tracker.learn(state, Look(WHOLE, ()), 9.0, stands_out=[])
    assert state == copy


sides = st.floats(0.001, 0.6)
boxes = st.tuples(st.floats(-0.1, 0.95), st.floats(-0.1, 0.95), sides, sides).map(
    lambda it: (it[0], it[1], it[0] + it[2], it[1] + it[3])
)
looks = st.lists(
    st.builds(
        Detection,
        label=st.sampled_from(["person", "car", "truck"]),
        score=st.floats(0.25, 0.99),
        box=boxes,
    ),
    max_size=5,
)
frames = st.tuples(
    st.floats(0.01, 1.5), st.one_of(st.none(), looks), boxes, st.floats(0, 1), st.floats(0, 1)
)


@settings(max_examples=60, deadline=None)
@given(st.lists(frames, max_size=15))
def test_nothing_seen_makes_it_inconsistent(
    script: list[tuple[float, list[Detection] | None, Box, float, float]],
) -> None:
    state, t, ids = TrackerState(), 0.0, [0]
    for elapsed_s, found, stray, support, share in script:
        t += elapsed_s
        followed = [
            Followed(stray if support > 0.8 else subject.box, support) for subject in state.subjects
        ]
        shares = [share] * len(followed)
        state = tracker.follow(state, Sighting(followed, shares), t)
        if found is not None:
            kept = suppress(found)
            out = [share] * len(kept)
            state = tracker.learn(state, Look(WHOLE, tuple(kept)), t, stands_out=out)
        ids.append(_check(state, ids[-1]))


def _check(state: TrackerState, highest: int) -> int:
    """Hold a state against what it promises; the highest id so far."""
    keys = [subject.key for subject in state.subjects]
    assert keys == sorted(set(keys))
    assert all(1 <= key <= state.subject_count for key in keys)
    numbers = [subject.track for subject in state.subjects if subject.track]
    assert len(set(numbers)) == len(numbers)
    assert state.track_count >= highest
    assert max(numbers, default=0) <= state.track_count
    told = tracker.tracks(state)
    assert [track.track for track in told] == sorted(numbers)
    for track in told:
        assert 0.0 <= track.box[0] <= track.box[2] <= 1.0
        assert 0.0 <= track.box[1] <= track.box[3] <= 1.0
        assert track.first_t <= track.seen_t <= state.t
    return state.track_count
