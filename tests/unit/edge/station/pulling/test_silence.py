"""When silent poles are an alert, which one, and when it is over."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.station.pulling.silence import State, Told, rebuild, step
from edge.station.pulling.silence_alert import OWN_LINK
from edge.station.pulling.silence_pole import Observed
from tests.support.silent_poles import (
    PATIENCE,
    POLES,
    T0_MS,
    Watch,
    looks,
    make_observed,
    make_quiet,
)


def data_of(told: list[Told]) -> dict[str, Any]:
    (only,) = told
    return dict(only.data)


@pytest.mark.parametrize(
    ("observed", "is_told"),
    [
        (make_quiet("P3", 59.9), False),
        (make_quiet("P3", 60.0), True),
        (replace(make_quiet("P3", 100.0), has_failed=False), False),
        (replace(make_quiet("P3", 120.0), has_failed=False), True),
        (replace(make_quiet("P3", 60.0), heard_ms=None), True),
    ],
    ids=["not yet", "a minute", "nobody asked it", "nobody asked it for long", "never heard"],
)
def test_a_pole_is_told_of_when_it_was_quiet_for_a_minute(
    observed: Observed, is_told: bool
) -> None:
    told = Watch().look(100, observed)

    assert [each.about for each in told] == (["pole P3"] if is_told else [])


def test_what_is_told_names_site_cause_and_time_when_a_pole_is_silent() -> None:
    data = data_of(Watch().look(100, make_quiet("P4", cause="mains")))

    assert (data["about"], data["site"], data["cause"], data["silent"]) == (
        "site quay", "quay", "mains", 1,
    )  # fmt: skip
    assert data["poles"]["P4"]["since"] == "2026-11-22T17:33:05.000Z"
    assert data["poles"]["P4"]["detail"] == "no route"


def test_poles_of_a_site_are_one_alert_when_they_fall_silent_one_after_the_other() -> None:
    watch = Watch()
    watch.look(100, make_quiet("P1"))
    assert watch.look(101, make_quiet("P1"), make_quiet("P2", 59)) == []

    data = data_of(watch.look(110, make_quiet("P1", 70), make_quiet("P2", cause="mains")))

    assert (data["about"], data["cause"], list(data["poles"])) == (
        "site gate",
        "mains",
        ["P1", "P2"],
    )


def test_a_silence_is_told_once_when_nothing_changes() -> None:
    watch = Watch()
    for at_s in range(100, 400):
        watch.look(at_s, make_quiet("P1", at_s - 40))

    assert len(watch.told) == 1


def test_all_poles_are_one_alert_of_no_site_when_nobody_answers() -> None:
    watch = Watch()
    watch.look(100, make_quiet("P1"), *(make_quiet(name, 40) for name in ("P2", "P3", "P4", "P5")))
    watch.look(130, *(make_quiet(name, 80) for name in POLES))

    assert {each.about for each in watch.told} == {OWN_LINK}
    data = dict(watch.told[-1].data)
    assert (data["site"], data["cause"], data["count"]) == (None, "own link", 5)


def test_sites_are_told_apart_when_one_pole_still_answers() -> None:
    watch = Watch()
    watch.look(100, *(make_quiet(name) for name in ("P1", "P2", "P3", "P4")))

    assert [each.about for each in watch.told] == ["site gate", "pole P3", "site quay"]


def test_who_stays_silent_is_told_of_by_site_when_the_own_link_is_back() -> None:
    watch = Watch()
    watch.look(100, *(make_quiet(name) for name in POLES))
    watch.look(105, make_quiet("P4", 65))
    watch.look(164, make_quiet("P4", 124))
    assert {each.about for each in watch.told} == {OWN_LINK}

    told = watch.look(166, make_quiet("P4", 126))

    assert [(each.about, bool(each.reason)) for each in told] == [
        (OWN_LINK, True), ("site quay", False),
    ]  # fmt: skip


def test_alert_closes_with_what_was_missed_when_all_is_here() -> None:
    watch = Watch()
    watch.look(100, make_quiet("P4"))
    behind = make_observed("P4", feeds_coming=("captures",), missed_alerts=2, missed_records=30)
    assert data_of(watch.look(110, behind))["poles"]["P4"]["back_at"] is not None
    watch.look(130, replace(behind, feeds_coming=(), files_waiting=3, missed_files=1))
    watch.look(149, replace(behind, feeds_coming=(), missed_files=4))

    (last,) = watch.look(150, replace(behind, feeds_coming=(), missed_files=4))

    assert last.reason == "heard again; all is here"
    assert last.data["missed"] == {"alerts": 2, "records": 30, "files": 4}
    assert watch.state.open == {}


def test_alert_closes_and_says_how_many_files_are_coming_when_they_take_too_long() -> None:
    watch = Watch()
    watch.look(100, make_quiet("P4"))
    slow = make_observed("P4", files_waiting=12)
    watch.look(110, slow)
    watch.look(110 + PATIENCE.files_s - 1, slow)
    assert "site quay" in watch.state.open

    (last,) = watch.look(110 + PATIENCE.files_s, slow)

    assert last.reason == "heard again; 12 files still to come"


def test_alert_closes_and_names_the_feeds_that_never_came() -> None:
    watch = Watch()
    watch.look(100, make_quiet("P4"))
    never = make_observed("P4", feeds_coming=("media", "captures"), files_waiting=2)
    watch.look(110, never)
    watch.look(110 + PATIENCE.records_s - 1, never)
    assert "site quay" in watch.state.open

    (last,) = watch.look(110 + PATIENCE.records_s, never)

    assert last.reason == "heard again; records of media, captures and 2 files still to come"
    assert last.data["poles"]["P4"]["complete_at"] is None  # type: ignore[index, call-overload]


def test_alert_stays_open_when_a_pole_answers_now_and_then() -> None:
    watch = Watch()
    for at_s in range(100, 1000):
        quiet_s = at_s % 70
        watch.look(at_s, make_quiet("P4", quiet_s) if quiet_s else make_observed("P4"))

    assert [each.reason for each in watch.told if each.reason] == []
    assert list(watch.state.open) == ["site quay"]


def test_a_cause_that_changes_is_told_when_five_minutes_have_passed() -> None:
    watch = Watch()
    watch.look(100, make_quiet("P4"))
    assert watch.look(399, make_quiet("P4", 359, cause="refused")) == []

    data = data_of(watch.look(400, make_quiet("P4", 360, cause="refused")))

    assert data["cause"] == "refused"


def test_a_link_that_fails_in_turns_in_two_ways_is_no_news_for_a_day() -> None:
    watch = Watch()
    for at_s in range(100, 86_400, 10):
        quiet = make_quiet("P4", at_s)
        watch.look(at_s, replace(quiet, detail="no route" if at_s % 20 else "timed out"))

    assert len(watch.told) == 1


def test_alert_goes_on_when_the_station_was_started_anew() -> None:
    before = Watch()
    before.look(100, make_quiet("P1"), make_quiet("P4"))
    sites = {name: site for name, site in POLES.items() if name != "P4"}

    after = Watch(rebuild([each.data for each in before.told], sites))
    still = replace(make_quiet("P1", 5.0), heard_ms=None)
    told = after.look(200, still)

    assert [(each.about, each.reason) for each in told] == [
        ("site quay", "its poles are told of elsewhere, or pulled no longer")
    ]
    assert list(after.state.open) == ["site gate"]
    assert data_of(after.look(210))["poles"]["P1"]["back_at"] is not None


@given(looks)
def test_every_alert_is_open_or_closed_and_no_pole_is_in_two(
    some: list[tuple[float, list[Observed]]],
) -> None:
    watch, at_s = Watch(), 0.0
    open_: set[str] = set()
    for passed_s, changed in some:
        at_s += passed_s
        told = watch.look(at_s, *changed)
        assert len({each.about for each in told}) == len(told)
        for each in told:
            if each.reason:
                assert each.about in open_
                open_.discard(each.about)
            else:
                open_.add(each.about)
        assert set(watch.state.open) == open_
        members = [name for each in watch.state.open.values() for name in each.members]
        assert len(set(members)) == len(members)


@given(looks, st.randoms(use_true_random=False))
def test_what_is_told_does_not_depend_on_the_order_of_poles(
    some: list[tuple[float, list[Observed]]], random: Any
) -> None:
    one, other = State(), State()
    at_ms = T0_MS
    for passed_s, changed in some:
        at_ms += round(passed_s * 1000)
        one, told = step(one, at_ms, changed)
        shuffled = list(changed)
        random.shuffle(shuffled)
        other, told_shuffled = step(other, at_ms, shuffled)
        assert sorted(told, key=about) == sorted(told_shuffled, key=about)


def about(told: Told) -> str:
    return told.about


@pytest.mark.parametrize("back_s", [3600, 86_400 * 365 * 74])
def test_a_silence_ends_in_time_when_the_clock_is_set_back_meanwhile(back_s: float) -> None:
    watch = Watch()
    watch.look(100, make_quiet("P3"))
    watch.look(110, make_observed("P3", files_waiting=1))
    for at_s in range(111, 200):
        watch.look(at_s - back_s, make_observed("P3"))

    assert watch.told[-1].reason == "heard again; all is here"


def test_poles_that_stay_silent_are_told_by_site_when_the_clock_is_set_back_meanwhile() -> None:
    watch = Watch()
    watch.look(100, *(make_quiet(name) for name in POLES))
    silent = [make_quiet("P4", 100)]
    watch.look(110, *silent)
    for at_s in range(111, 180):
        watch.look(at_s - 3600, *silent)

    assert [each.about for each in watch.told if not each.reason][-1] == "site quay"
