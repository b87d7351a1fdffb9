"""Intrusion: when it opens, goes on, closes, and when people are one visit or two."""

from __future__ import annotations

from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest

from edge.config.model import IntrusionRule
from edge.eye.rules.engine import build_engine, make_state, step
from edge.model import AlertChange, Point, Track
from tests.support.tracks import HALF, NOON_UTC_MS, Walk, make_times, make_track, play, told

RULE = IntrusionRule(name="r", zones=("half",))
EVERYWHERE = IntrusionRule(name="all")
VISITS = [(6.1, 20.0), (22.8, 45.1), (50.3, 69.9), (74.5, 86.9), (92.1, 119.7), (123.6, 135.9)]
"""One person at a time at a table, from the truth of the clip one_by_one_person."""


def phases(changes: list[AlertChange]) -> list[str]:
    return [change.phase for change in changes if change.phase != "update"]


@pytest.mark.parametrize("fps", [10.0, 5.0, 2.0])
def test_one_alert_a_visit_when_people_come_one_after_the_other(fps: float) -> None:
    walks = [Walk(i, start, end) for i, (start, end) in enumerate(VISITS, 1)]
    changes = play([EVERYWHERE], walks, make_times(140, fps=fps))
    opens = [change.t for change in changes if change.phase == "open"]
    closes = [change.t for change in changes if change.phase == "close"]
    assert len(opens) == len(closes) == 6
    assert all(0 <= t - start <= 3 for t, (start, _) in zip(opens, VISITS, strict=True))
    assert all(0 <= t - end <= 2.5 for t, (_, end) in zip(closes, VISITS, strict=True))


def test_one_alert_a_visit_when_the_tracker_holds_on_to_those_who_left() -> None:
    walks = [Walk(i, start, end) for i, (start, end) in enumerate(VISITS, 1)]
    engine = build_engine([EVERYWHERE], (), (), ZoneInfo("UTC"))
    state, opens = make_state(engine), []
    for t in make_times(140):
        held = [
            replace(walk.at(min(t, walk.end_t)), seen_t=min(t, walk.end_t))
            for walk in walks
            if walk.start_t <= t < walk.end_t + 4
        ]
        state, changes = step(engine, state, held, t=t, utc_ms=NOON_UTC_MS)
        opens += [change.t for change in changes if change.phase == "open"]
    assert len(opens) == 6
    assert all(0 <= t - start <= 3 for t, (start, _) in zip(opens, VISITS, strict=True))


def test_open_says_who_where_and_how_grave() -> None:
    opened = play([RULE], [Walk(7, 1, 5)], make_times(8))[0]
    assert (opened.phase, opened.ordinal, opened.t) == ("open", 1, 1.5)
    assert (opened.rule_type, opened.rule_name, opened.severity) == ("intrusion", "r", "major")
    assert opened.tracks == (7,)
    assert opened.box == pytest.approx((0.2, 0.3, 0.3, 0.5))
    assert opened.data == {"label": "person", "count": 1, "zone": "half", "dwell_s": 0.5}


def test_close_comes_after_clear_and_says_why_and_since_when() -> None:
    changes = play([RULE], [Walk(7, 1, 5)], make_times(8))
    assert told(changes) == [("open", 1, 1.5), ("close", 1, 6.0)]
    assert changes[-1].data["reason"] == "gone"
    assert changes[-1].data["last_t"] == 4.875


def test_close_says_left_when_the_track_walks_on_outside() -> None:
    walk = Walk(7, 1, 9, lambda t: (0.25, 0.5) if t < 5 else (0.75, 0.5))
    changes = play([RULE], [walk], make_times(10))
    assert told(changes) == [("open", 1, 1.5), ("close", 1, 6.0)]
    assert changes[-1].data["reason"] == "left"


def test_nothing_opens_when_the_foot_stays_outside_though_the_box_reaches_in() -> None:
    assert play([RULE], [Walk(1, 0, 9, lambda t: (0.52, 0.5))], make_times(10)) == []
    assert play([RULE], [Walk(1, 0, 9, label="dog")], make_times(10)) == []


def test_nothing_opens_when_the_stay_is_shorter_than_the_debounce() -> None:
    assert play([RULE], [Walk(1, 1, 1.5)], make_times(4)) == []
    long = replace(RULE, debounce_s=3.0)
    assert play([long], [Walk(1, 1, 4)], make_times(9)) == []
    assert phases(play([long], [Walk(1, 1, 4.2)], make_times(9))) == ["open", "close"]


def test_one_frame_never_opens_when_frames_are_far_apart() -> None:
    assert play([RULE], [Walk(1, 1, 3)], [0, 2, 4, 6]) == []
    assert phases(play([RULE], [Walk(1, 1, 5)], [0, 2, 4, 6, 8])) == ["open", "close"]


def test_alert_does_not_flap_when_the_foot_jitters_on_the_border() -> None:
    def jitter(t: float) -> Point:
        return (0.49 if int(t * 8) % 3 else 0.51, 0.5) if t > 2 else (0.4, 0.5)

    changes = play([RULE], [Walk(1, 0, 60, jitter)], make_times(70))
    assert phases(changes) == ["open", "close"]


def test_further_people_join_with_an_update_when_one_is_inside() -> None:
    walks = [Walk(1, 0, 8), Walk(2, 3, 6, lambda t: (0.4, 0.9))]
    changes = play([RULE], walks, make_times(10))
    assert told(changes) == [("open", 1, 0.5), ("update", 1, 3.5), ("close", 1, 9.0)]
    assert changes[1].tracks == (1, 2)
    assert changes[1].data["count"] == 2
    assert changes[1].box == pytest.approx((0.2, 0.3, 0.45, 0.9))


def test_next_visit_closes_the_old_alert_when_it_follows_within_clear() -> None:
    walks = [Walk(1, 0, 5), Walk(2, 5.25, 9, lambda t: (0.4, 0.9))]
    changes = play([RULE], walks, make_times(12))
    assert told(changes) == [
        ("open", 1, 0.5),
        ("close", 1, 5.75),
        ("open", 2, 5.75),
        ("close", 2, 10.0),
    ]
    assert changes[1].data["reason"] == "next"
    assert changes[2].tracks == (2,)


def test_next_visit_is_new_when_the_old_visitor_is_still_seen_outside() -> None:
    slow = replace(RULE, clear_s=10.0)
    walks = [
        Walk(1, 0, 30, lambda t: (0.25, 0.5) if t < 5 else (0.9, 0.5)),
        Walk(2, 7, 12, lambda t: (0.4, 0.9)),
    ]
    assert phases(play([slow], walks, make_times(40))) == ["open", "close", "open", "close"]


def test_visit_continues_when_the_tracker_switches_ids() -> None:
    walks = [Walk(1, 0, 5), Walk(2, 5.5, 9, lambda t: (0.27, 0.51))]
    changes = play([RULE], walks, make_times(12))
    assert told(changes) == [("open", 1, 0.5), ("update", 1, 5.5), ("close", 1, 10.0)]
    assert changes[1].tracks == (1, 2)
    assert (changes[1].data["continues_track"], changes[1].data["count"]) == (1, 1)


def test_visit_does_not_continue_when_the_new_track_is_late_or_elsewhere() -> None:
    late = [Walk(1, 0, 5), Walk(2, 6.5, 9)]
    elsewhere = [Walk(1, 0, 5), Walk(2, 5.5, 9, lambda t: (0.45, 0.9))]
    for walks in (late, elsewhere):
        changes = play([RULE], walks, make_times(12))
        assert phases(changes) == ["open", "close", "open", "close"]
        assert all("continues_track" not in change.data for change in changes)


def test_same_track_does_not_reopen_within_the_cooldown() -> None:
    def back_and_forth(t: float) -> Point:
        return (0.25 if int(t / 5) % 2 == 0 else 0.75, 0.5)

    quick = replace(RULE, cooldown_s=0.0)
    assert len(phases(play([quick], [Walk(1, 0, 40, back_and_forth)], make_times(45)))) == 8
    changes = play([RULE], [Walk(1, 0, 100, back_and_forth)], make_times(105))
    assert [change.t for change in changes if change.phase == "open"] == [0.5, 70.5]


def test_other_track_opens_while_the_first_cools_down() -> None:
    changes = play([RULE], [Walk(1, 0, 5), Walk(2, 20, 25)], make_times(30))
    assert phases(changes) == ["open", "close", "open", "close"]


def test_label_refinement_is_an_update() -> None:
    engine = build_engine([RULE], (HALF,), (), ZoneInfo("UTC"))
    state, changes = make_state(engine), []
    for t in make_times(4):
        track: Track = make_track(1, label="vehicle" if t < 2 else "truck")
        state, found = step(engine, state, [replace(track, seen_t=t)], t=t, utc_ms=NOON_UTC_MS)
        changes += found
    assert [(change.phase, change.data["label"]) for change in changes] == [
        ("open", "vehicle"),
        ("update", "truck"),
    ]


def test_updates_come_every_10_s_when_nothing_is_new() -> None:
    changes = play([RULE], [Walk(1, 0, 31)], make_times(35))
    assert [t for phase, _, t in told(changes) if phase == "update"] == [10.5, 20.5, 30.5]


def test_each_zone_has_its_own_alert() -> None:
    right = replace(HALF, name="right", points=((0.6, 0.0), (1.0, 0.0), (1.0, 1.0), (0.6, 1.0)))
    rule = replace(RULE, zones=("half", "right"))
    engine = build_engine([rule], (HALF, right), (), ZoneInfo("UTC"))
    state, zones = make_state(engine), []
    for t in make_times(2):
        tracks = [make_track(1), make_track(2, (0.7, 0.5))]
        state, found = step(engine, state, tracks, t=t, utc_ms=NOON_UTC_MS)
        zones += [change.data["zone"] for change in found]
    assert zones == ["half", "right"]


def test_guess_of_a_hidden_track_does_not_enter() -> None:
    def turn(t: float) -> Point:
        return (0.6 - 0.1 * t, 0.5) if t < 2.5 else (0.6, 0.5)

    assert play([RULE], [Walk(1, 0, 8, turn, hides=(0.75, 2.5))], make_times(10)) == []


def test_guess_does_not_complete_an_entry_that_was_begun() -> None:
    rule = replace(RULE, debounce_s=1.0)
    hidden = Walk(1, 0, 3, hides=(0.5, 3.0))
    assert play([rule], [hidden], make_times(6)) == []
    seen_again = replace(hidden, hides=(0.5, 2.0))
    assert told(play([rule], [seen_again], make_times(6)))[0] == ("open", 1, 2.0)


def test_guess_outside_the_zone_ends_no_stay() -> None:
    def astray(t: float) -> Point:
        return (0.7, 0.5) if 2 <= t < 4 else (0.25, 0.5)

    changes = play([RULE], [Walk(1, 0, 8, astray, hides=(2.0, 4.0))], make_times(12))
    assert phases(changes) == ["open", "close"]
    assert changes[-1].t == pytest.approx(9.0)


def test_guess_inside_the_zone_does_not_bring_back_who_was_seen_to_leave() -> None:
    def leave(t: float) -> Point:
        return (0.7, 0.5) if 2 <= t < 2.5 else (0.25, 0.5)

    changes = play([RULE], [Walk(1, 0, 4.5, leave, hides=(2.5, 4.5))], make_times(12))
    assert phases(changes) == ["open", "close"]
    assert (changes[-1].t, changes[-1].data["reason"]) == (3.0, "left")


def test_hidden_visitor_and_one_who_joins_are_one_visit() -> None:
    walks = [Walk(1, 0, 6, hides=(2.0, 3.5)), Walk(2, 2.5, 6, lambda t: (0.3, 0.8))]
    changes = play([RULE], walks, make_times(10))
    assert phases(changes) == ["open", "close"]
    assert changes[-1].tracks == (1, 2)
