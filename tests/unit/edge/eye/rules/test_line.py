"""Line: direction, one alert a crossing, and what is no crossing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.config.model import LineRule
from edge.model import Point
from tests.support.tracks import Walk, make_times, play, told

RULE = LineRule(name="r", lines=("gate",))


def down(t: float) -> Point:
    return 0.5, 0.3 + 0.1 * t


def up(t: float) -> Point:
    return 0.5, 0.7 - 0.1 * t


@pytest.mark.parametrize(("way", "direction"), [(down, "in"), (up, "out")])
def test_crossing_opens_once_with_its_direction_and_closes_by_itself(
    way: Callable[[float], Point], direction: str
) -> None:
    changes = play([RULE], [Walk(3, 0, 6, way)], make_times(10))
    assert told(changes) == [("open", 1, 2.125), ("close", 1, 4.125)]
    assert changes[0].data == {"label": "person", "line": "gate", "direction": direction}
    assert (changes[0].severity, changes[0].tracks) == ("minor", (3,))
    assert changes[1].data["reason"] == "passed"


@pytest.mark.parametrize(("direction", "count"), [("in", 1), ("out", 0), ("both", 1)])
def test_only_the_wanted_direction_opens(
    direction: Literal["in", "out", "both"], count: int
) -> None:
    rule = replace(RULE, direction=direction)
    changes = play([rule], [Walk(1, 0, 4, down)], make_times(6))
    assert len([change for change in changes if change.phase == "open"]) == count


def test_in_is_to_the_right_of_the_arrow_whatever_way_it_points() -> None:
    downwards = replace(RULE, lines=())
    changes = play([downwards], [Walk(1, 0, 4, lambda t: (0.9, 0.3 + 0.1 * t))], make_times(6))
    assert changes == []


def test_jitter_on_the_line_is_no_crossing_and_counts_once_when_it_crosses() -> None:
    def jitter(t: float) -> Point:
        return 0.5, 0.5 + (0.008 if int(t * 8) % 2 else -0.008)

    assert play([RULE], [Walk(1, 0, 20, jitter)], make_times(22)) == []

    def hesitate(t: float) -> Point:
        return jitter(t) if 2 < t < 9 else (0.5, 0.3 if t <= 2 else 0.7)

    changes = play([RULE], [Walk(1, 0, 12, hesitate)], make_times(20))
    assert [change.phase for change in changes] == ["open", "close"]
    assert changes[0].data["direction"] == "in"


def test_a_step_back_after_touching_the_line_is_no_crossing() -> None:
    def peek(t: float) -> Point:
        return 0.5, 0.505 if 2 < t < 3 else 0.4

    assert play([RULE], [Walk(1, 0, 6, peek)], make_times(8)) == []


def test_a_way_around_the_end_of_the_line_is_no_crossing() -> None:
    def around(t: float) -> Point:
        return (0.1, 0.3 + 0.1 * t) if t < 4 else (0.1 + 0.1 * (t - 4), 0.7)

    assert play([RULE], [Walk(1, 0, 8, around)], make_times(10)) == []


def test_each_track_has_its_own_alert_when_two_cross_together() -> None:
    walks = [Walk(1, 0, 4, down), Walk(2, 0, 4, lambda t: (0.6, 0.3 + 0.1 * t))]
    changes = play([RULE], walks, make_times(8))
    assert [change.phase for change in changes] == ["open", "open", "close", "close"]
    assert [change.tracks for change in changes[:2]] == [(1,), (2,)]


def test_way_back_within_the_cooldown_is_held_back_and_later_is_told() -> None:
    def there_and_back(pause_s: float) -> Callable[[float], Point]:
        return lambda t: down(t) if t < 4 else (0.5, 0.7 if t < 4 + pause_s else 0.3)

    soon = play([RULE], [Walk(1, 0, 30, there_and_back(2))], make_times(35))
    late = play([RULE], [Walk(1, 0, 40, there_and_back(15))], make_times(45))
    assert [change.data["direction"] for change in soon if change.phase == "open"] == ["in"]
    assert [change.data["direction"] for change in late if change.phase == "open"] == ["in", "out"]


def test_crossing_is_told_when_the_id_switches_on_the_line() -> None:
    walks = [Walk(1, 0, 2.0, down), Walk(2, 2.25, 5, down)]
    changes = play([RULE], walks, make_times(8))
    assert [change.phase for change in changes] == ["open", "close"]
    assert changes[0].tracks == (2,)


def test_crossing_needs_time_beyond_the_line_when_debounce_is_asked_for() -> None:
    rule = replace(RULE, debounce_s=1.0)
    assert play([rule], [Walk(1, 0, 3, down)], make_times(6)) == []
    assert told(play([rule], [Walk(1, 0, 4, down)], make_times(6)))[0] == ("open", 1, 3.125)


def test_turning_round_behind_a_post_is_no_crossing() -> None:
    """The guess goes straight on over the line; who comes out again never did."""

    def turn(t: float) -> Point:
        return down(t) if t < 3 else (0.5, 0.48)

    assert play([RULE], [Walk(1, 0, 8, turn, hides=(1.75, 3.0))], make_times(10)) == []


def test_crossing_behind_a_post_is_told_when_the_walker_comes_out() -> None:
    changes = play([RULE], [Walk(1, 0, 6, down, hides=(1.5, 3.0))], make_times(10))
    assert told(changes) == [("open", 1, 3.0), ("close", 1, 5.0)]
    assert changes[0].data["direction"] == "in"


def test_box_of_a_crossing_is_where_the_walker_was_seen_last() -> None:
    changes = play([RULE], [Walk(1, 0, 6, down, hides=(2.25, 5.0))], make_times(10))
    assert told(changes) == [("open", 1, 2.125), ("close", 1, 4.125)]
    assert changes[1].box == changes[0].box


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=2, max_size=30))
def test_ins_and_outs_alternate_when_the_walker_stays_between_the_ends(feet: list[Point]) -> None:
    rule = replace(RULE, cooldown_s=0.0, alerts_per_hour=60)
    between = [(0.2 + 0.6 * x, y) for x, y in feet]

    def way(t: float) -> Point:
        return between[round(t)]

    changes = play([rule], [Walk(1, 0, len(feet), way)], [float(i) for i in range(len(feet))])
    directions = [change.data["direction"] for change in changes if change.phase == "open"]
    assert all(a != b for a, b in pairwise(directions))
