"""The engine: limits, schedule, mute, zones that change, and what always holds."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from edge.config.model import AnyRule, IntrusionRule, LineRule, LoiterRule, Schedule
from edge.eye.rules.engine import build_engine, finish, make_state, mute, replace_zones, step
from edge.model import AlertChange, Point
from tests.support.tracks import (
    HALF,
    NOON_UTC_MS,
    Walk,
    make_times,
    make_track,
    play,
    told,
)

RULE = IntrusionRule(name="r", zones=("half",))
UTC_ZONE = ZoneInfo("UTC")


def crowd(count: int, *, every_s: float) -> list[Walk]:
    """People one after the other, 4 s each."""
    return [Walk(i + 1, i * every_s, i * every_s + 4) for i in range(count)]


def test_seventh_alert_of_the_hour_is_held_back_and_reported_once() -> None:
    changes = play([RULE], crowd(10, every_s=20), make_times(220))
    phases = Counter(change.phase for change in changes)
    assert (phases["open"], phases["close"], phases["limited"]) == (6, 6, 1)
    assert changes[-1].phase == "limited"
    assert changes[-1].data == {"held_back": 4}
    assert (changes[-1].ordinal, changes[-1].rule_name) == (0, "r")
    opens = [change for change in changes if change.phase == "open"]
    assert [change.data.get("limit_reached") for change in opens] == [None] * 5 + [True]


def test_limit_slides_and_reports_before_the_next_alert() -> None:
    changes = play([RULE], crowd(80, every_s=60), make_times(4800, fps=2))
    limited = [change for change in changes if change.phase == "limited"]
    assert limited[0].t == 3600.5
    assert limited[0].data == {"held_back": 54}
    opens = [change.t for change in changes if change.phase == "open"]
    assert opens[:8] == [0.5, 60.5, 120.5, 180.5, 240.5, 300.5, 3600.5, 3660.5]


def test_nothing_is_limited_when_the_limit_is_just_met() -> None:
    changes = play([RULE], crowd(6, every_s=20), make_times(220))
    assert [change.phase for change in changes].count("limited") == 0


def test_each_rule_has_its_own_limit_and_ordinals_are_shared() -> None:
    other = replace(RULE, name="s", alerts_per_hour=1)
    changes = play([RULE, other], crowd(2, every_s=20), make_times(60))
    opens = [(change.rule_name, change.ordinal) for change in changes if change.phase == "open"]
    assert opens == [("r", 1), ("s", 2), ("r", 3)]
    assert [change.rule_name for change in changes if change.phase == "limited"] == ["s"]


def test_one_who_is_still_there_is_told_when_the_limit_ends() -> None:
    rule = replace(RULE, alerts_per_hour=1)
    changes = play([rule], [Walk(1, 0, 5), Walk(2, 10, 3700)], make_times(3650, fps=2))
    opens = [change for change in changes if change.phase != "update"]
    assert told(opens)[2:4] == [("limited", 0, 3600.5), ("open", 2, 3600.5)]


def test_schedule_arms_and_disarms_what_stays_inside() -> None:
    rule = replace(RULE, schedule=(Schedule(start="22:00", end="22:01"),), cooldown_s=0.0)
    start_utc_ms = int(datetime(2026, 11, 23, 13, 59, 30, tzinfo=UTC).timestamp() * 1000)
    changes = play(
        [rule],
        [Walk(1, 0, 200)],
        make_times(120),
        start_utc_ms=start_utc_ms,
        timezone="Asia/Shanghai",
    )
    changes = [change for change in changes if change.phase != "update"]
    assert told(changes) == [("open", 1, 30.0), ("close", 1, 90.0)]
    assert changes[-1].data["reason"] == "schedule"


def test_crossing_is_not_told_later_when_it_happened_unarmed() -> None:
    rule = LineRule(name="l", schedule=(Schedule(start="12:00", end="12:01"),), clear_s=5.0)
    walk = Walk(1, 0, 9, lambda t: (0.5, 0.3 + 0.1 * t))
    assert play([rule], [walk], make_times(20), start_utc_ms=NOON_UTC_MS - 3000) == []
    assert len(play([rule], [walk], make_times(20), start_utc_ms=NOON_UTC_MS - 2000)) == 2


def test_mute_keeps_alerts_from_opening_until_its_end() -> None:
    engine = build_engine([RULE, replace(RULE, name="s")], (HALF,), (), UTC_ZONE)
    state, opens = mute(make_state(engine), "r", 10.0), []
    for t in make_times(15):
        state, changes = step(
            engine, state, [replace(make_track(1), seen_t=t)], t=t, utc_ms=NOON_UTC_MS
        )
        opens += [(each.rule_name, each.t) for each in changes if each.phase == "open"]
    assert opens == [("s", 0.5), ("r", 10.0)]


def test_mute_of_everything_leaves_open_alerts_to_their_close() -> None:
    engine = build_engine([RULE], (HALF,), (), UTC_ZONE)
    state, found = make_state(engine), []
    for t in make_times(9):
        if t == 2.0:
            state = mute(state, None, 100.0)
        tracks = [Walk(1, 0, 4).at(t)] if t < 4 else [Walk(2, 6, 9).at(t)] if t >= 6 else []
        state, changes = step(engine, state, tracks, t=t, utc_ms=NOON_UTC_MS)
        found += changes
    assert told(found) == [("open", 1, 0.5), ("close", 1, 5.0)]


def test_open_alert_goes_on_when_its_zone_is_redrawn_and_closes_when_it_is_removed() -> None:
    engine = build_engine([RULE], (HALF,), (), UTC_ZONE)
    state, found = make_state(engine), []
    wider = replace(HALF, points=((0.0, 0.0), (0.6, 0.0), (0.6, 1.0), (0.0, 1.0)))
    for t in make_times(6):
        if t == 2.0:
            engine = replace_zones(engine, (wider,), ())
        if t == 4.0:
            engine = replace_zones(engine, (), ())
        track = replace(make_track(1, (0.25 if t < 2 else 0.55, 0.5)), seen_t=t)
        state, changes = step(engine, state, [track], t=t, utc_ms=NOON_UTC_MS)
        found += changes
    assert told(found) == [("open", 1, 0.5), ("close", 1, 4.0)]
    assert found[-1].data["reason"] == "zone_removed"


def test_rule_does_nothing_when_none_of_its_zones_is_on_this_camera() -> None:
    assert play([IntrusionRule(zones=("elsewhere",))], [Walk(1, 0, 9)], make_times(10)) == []


def test_finish_closes_with_its_reason() -> None:
    engine = build_engine([RULE], (HALF,), (), UTC_ZONE)
    state = make_state(engine)
    for t in make_times(2):
        state, _ = step(engine, state, [replace(make_track(1), seen_t=t)], t=t, utc_ms=0)
    last = finish(engine, state, t=2.0, reason="source ended")
    assert told(last) == [("close", 1, 2.0)]
    assert last[0].data["reason"] == "source ended"


RULES: list[AnyRule] = [
    replace(RULE, alerts_per_hour=3, cooldown_s=5.0),
    IntrusionRule(name="all", clear_s=0.0, debounce_s=0.0, alerts_per_hour=60, cooldown_s=0.0),
    LineRule(name="l", cooldown_s=0.0, alerts_per_hour=4),
    LoiterRule(name="o", dwell_s=3.0, zones=("half",), labels=("person", "car")),
    replace(RULE, name="sched", schedule=(Schedule(start="12:00", end="12:01"),)),
]


@st.composite
def walks(draw: st.DrawFn) -> list[Walk]:
    made = []
    for track in range(1, draw(st.integers(1, 6)) + 1):
        start = draw(st.integers(0, 60))
        feet = draw(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=8))
        label = draw(st.sampled_from(["person", "car", "dog"]))

        def foot(t: float, start: int = start, feet: list[Point] = feet) -> Point:
            return feet[int((t - start) / 4) % len(feet)]

        made.append(Walk(track, start, start + draw(st.integers(1, 60)), foot, label))
    return made


frame_times = st.lists(st.sampled_from([0.1, 0.125, 0.2, 0.5, 2.0]), min_size=20, max_size=200).map(
    lambda gaps: [sum(gaps[:i]) for i in range(len(gaps))]
)


def check_order(changes: list[AlertChange]) -> None:
    """Each alert: one open, then updates, then one close; ordinals count from 1."""
    lives: dict[int, list[str]] = {}
    for change in changes:
        if change.phase != "limited":
            lives.setdefault(change.ordinal, []).append(change.phase)
    assert list(lives) == list(range(1, len(lives) + 1))
    for life in lives.values():
        assert life[0] == "open"
        assert life[-1] == "close"
        assert set(life[1:-1]) <= {"update"}


@settings(max_examples=60, deadline=None)
@given(walks(), frame_times)
def test_lives_are_ordered_limited_and_repeatable(people: list[Walk], times: list[float]) -> None:
    changes = play(RULES, people, times, start_utc_ms=NOON_UTC_MS - 30_000)
    assert changes == play(RULES, people, times, start_utc_ms=NOON_UTC_MS - 30_000)
    check_order(changes)
    assert [change.t for change in changes] == sorted(change.t for change in changes)
    for rule in RULES:
        opens = [c for c in changes if c.phase == "open" and c.rule_name == rule.name]
        assert len(opens) <= rule.alerts_per_hour
        for change in opens:
            assert change.data["label"] in rule.labels
            assert change.rule_name != "sched" or change.t >= 30


@settings(max_examples=60, deadline=None)
@given(walks(), frame_times)
def test_no_intrusion_opens_without_its_debounce(people: list[Walk], times: list[float]) -> None:
    rule = replace(RULE, debounce_s=1.0)
    for change in play([rule], people, times):
        if change.phase != "open":
            continue
        before = [t for t in times if change.t - 1.0 <= t <= change.t]
        reported = [walk for walk in people if walk.label in rule.labels]
        assert all(  # not one walk alone: a track that takes over another's place goes on with it
            any(
                walk.start_t <= t < walk.end_t and walk.at(t).foot[0] <= 0.5 + 1e-9
                for walk in reported
            )
            for t in before
        )
