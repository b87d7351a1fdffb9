"""One thing: how it moves, is corrected, hides, comes to rest and leaves."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.eye import subject
from edge.eye.follow import Followed
from edge.eye.subject import Subject
from edge.model import Box
from tests.support.builders import PERSON, make_detection, make_subject

STEP_S = 0.1


def carry(
    one: Subject,
    *,
    seconds: float,
    speed: tuple[float, float] = (0.0, 0.0),
    sight: tuple[float, float] = (1.0, 1.0),
    start_t: float = 0.0,
) -> Subject:
    """Let flow take it along for a while, ten times a second, until it has left.

    `sight` is the flow's support and the share that stands out.
    """
    for index in range(round(seconds / STEP_S)):
        box = one.box
        dx, dy = speed[0] * STEP_S, speed[1] * STEP_S
        moved = (box[0] + dx, box[1] + dy, box[2] + dx, box[3] + dy)
        t = start_t + (index + 1) * STEP_S
        one = subject.move(one, Followed(moved, sight[0]), sight[1], t=t, elapsed_s=STEP_S)
        if subject.has_left(one, t):
            break
    return one


def test_it_begins_as_its_detection_says() -> None:
    one = subject.begin(3, make_detection(PERSON, score=0.6), t=2.0, share=0.05)
    assert (one.key, one.box, one.label, one.score) == (3, PERSON, "person", 0.6)
    assert (one.first_t, one.detected_t, one.visible_t, one.anchor_t) == (2.0, 2.0, 2.0, 2.0)
    assert (one.track, one.hits, one.misses) == (0, 1, 0)
    assert not one.stood_out


@pytest.mark.parametrize(
    ("score", "share", "is_sure"),
    [(0.55, 0.3, True), (0.54, 0.3, False), (0.4, 0.6, True), (0.39, 0.9, False)],
)
def test_one_look_is_enough_for_a_good_score_or_a_clear_silhouette(
    score: float, share: float, is_sure: bool
) -> None:
    assert subject.begin(1, make_detection(score=score), t=0.0, share=share).is_sure is is_sure


def test_box_follows_the_flow_and_its_velocity_is_learnt() -> None:
    one = carry(make_subject(), seconds=2.0, speed=(0.1, -0.05))
    assert one.box == pytest.approx((0.6, 0.3, 0.7, 0.6))
    assert one.velocity == pytest.approx((0.1, -0.05), abs=0.002)
    assert one.visible_t == pytest.approx(2.0)


def test_box_goes_on_by_its_velocity_while_nothing_is_seen_of_it() -> None:
    one = carry(make_subject((0.1, 0.4, 0.2, 0.7)), seconds=2.0, speed=(0.1, 0.0))
    hidden = carry(one, seconds=0.5, sight=(0.0, 0.0), start_t=2.0)
    assert hidden.box[0] == pytest.approx(0.35, abs=0.005)
    assert hidden.visible_t == pytest.approx(2.0)


def test_flow_on_what_is_behind_is_not_believed_once_it_stood_out() -> None:
    """A walker vanishes behind a post: the post's own texture stands still and is tracked well."""
    one = carry(make_subject((0.1, 0.4, 0.2, 0.7)), seconds=2.0, speed=(0.1, 0.0))
    hidden = carry(one, seconds=0.5, sight=(1.0, 0.0), start_t=2.0)
    assert hidden.box[0] == pytest.approx(0.35, abs=0.005)


def test_good_detection_places_the_box_and_a_weak_one_hardly_moves_it() -> None:
    there: Box = (0.45, 0.4, 0.55, 0.7)
    sure = subject.confirm(make_subject(), make_detection(there, score=0.5), 1.0, t=1.0)
    assert sure.box == pytest.approx(there)
    weak = subject.confirm(make_subject(), make_detection(there, score=0.23), 1.0, t=1.0)
    assert weak.box[0] == pytest.approx(0.405, abs=1e-6)
    assert (weak.hits, weak.misses, weak.detected_t) == (2, 0, 1.0)


def test_label_is_what_most_looks_say_weighed_by_score() -> None:
    one = make_subject(label="truck", score=0.5)
    one = subject.confirm(one, make_detection(label="car", score=0.4), 1.0, t=1.0)
    assert one.label == "truck"
    one = subject.confirm(one, make_detection(label="car", score=0.4), 1.0, t=2.0)
    assert one.label == "car"


def test_it_is_stationary_after_five_seconds_and_not_before() -> None:
    one = make_subject()
    assert not subject.is_stationary(one, 4.9)
    assert subject.is_stationary(one, 5.0)


def test_swaying_on_the_spot_is_rest_and_walking_is_not() -> None:
    swaying = carry(make_subject(), seconds=0.4, speed=(0.05, 0.0))
    assert swaying.anchor_t == 0.0
    walking = carry(make_subject(), seconds=4.0, speed=(0.05, 0.0))
    assert walking.anchor_t > 3.0
    jumped = subject.confirm(make_subject(), make_detection((0.6, 0.4, 0.7, 0.7)), 1.0, t=3.0)
    assert jumped.anchor_t == 3.0


def test_hidden_thing_is_waited_for_as_its_speed_asks() -> None:
    """Size 0.3: at 1 a second it is past its own size twice in 0.6 s; at rest it gets 2 s."""
    fast = replace(make_subject(), velocity=(1.0, 0.0))
    assert not subject.has_left(fast, 0.59)
    assert subject.has_left(fast, 0.61)
    slow = make_subject()
    assert not subject.has_left(slow, 1.99)
    assert subject.has_left(slow, 2.01)
    racing = replace(make_subject(), velocity=(9.0, 0.0))
    assert not subject.has_left(racing, 0.49)
    assert subject.has_left(racing, 0.51)


def test_thing_gone_at_the_border_is_waited_for_less() -> None:
    at_edge = make_subject((0.0, 0.4, 0.1, 0.7))
    assert not subject.has_left(at_edge, 0.29)
    assert subject.has_left(at_edge, 0.31)


def test_thing_mostly_out_of_the_frame_has_left() -> None:
    assert subject.has_left(make_subject((-0.089, 0.4, 0.011, 0.7)), 0.0)
    assert not subject.has_left(make_subject((-0.087, 0.4, 0.013, 0.7)), 0.0)


def test_thing_that_comes_in_keeps_its_side_at_the_border_after_a_look() -> None:
    """What flow sees moves inwards whole; in truth more and more of it comes into the frame."""
    entering = make_subject((0.0, 0.4, 0.05, 0.7))
    young = carry(entering, seconds=0.5, speed=(0.1, 0.0))
    assert young.box[0] == 0.0
    assert young.box[2] == pytest.approx(0.1)
    leaving_it = carry(young, seconds=1.0, speed=(0.1, 0.0), start_t=0.7)
    assert leaving_it.box[0] > 0.05


def test_clipped_box_is_the_part_in_the_frame() -> None:
    assert subject.clip((-0.2, 0.4, 0.3, 1.4)) == (0.0, 0.4, 0.3, 1.0)
    assert subject.clip((1.2, 0.4, 1.5, 0.6)) == (1.0, 0.4, 1.0, 0.6)


edges = st.floats(-2, 3)


@given(st.tuples(edges, edges, st.floats(0, 2), st.floats(0, 2)))
def test_any_clipped_box_lies_in_the_frame_in_order(raw: Box) -> None:
    x_min, y_min, x_max, y_max = subject.clip((raw[0], raw[1], raw[0] + raw[2], raw[1] + raw[3]))
    assert 0.0 <= x_min <= x_max <= 1.0
    assert 0.0 <= y_min <= y_max <= 1.0
