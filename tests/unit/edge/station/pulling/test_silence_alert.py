"""What an alert of silent poles tells is enough for a station that begins."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.station.config import POLES_MAX
from edge.station.desk_fold import FOLD_BYTES_MAX
from edge.station.pulling.silence import State, Told, rebuild
from edge.station.pulling.silence_alert import LISTED_MAX, Member, Silence, tell
from edge.station.pulling.silence_pole import Observed
from tests.support.silent_poles import (
    PATIENCE,
    POLES,
    T0_MS,
    Watch,
    looks,
    make_quiet,
)  # fmt: skip


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"about": 3, "poles": {}},
        {"about": "site gate", "poles": []},
        {"about": "site gate", "poles": {"P1": 7, "P2": {"cause": "magic"}}},
        {"about": "site gate", "poles": {"P1": {"cause": "link", "since": "yesterday"}}},
        {"about": "site gate", "poles": {"P1": {"cause": "link", "since": None, "missed": 3}}},
        {"about": "site gate", "opened_at": "soon", "poles": {}, "others": {"P1": 7, "P2": []}},
        {"about": "site gate", "poles": {}, "others": {"P1": ["magic", 0], "P2": ["link", "x"]}},
        {"about": "site gate", "poles": {}, "others": [["P1", "link", 0]]},
    ],
)
def test_what_cannot_be_understood_is_passed_over_when_the_state_is_rebuilt(
    data: dict[str, Any],
) -> None:
    state = rebuild([data], POLES)

    assert all(silence.members == {} for silence in state.open.values())


def test_counts_that_are_none_count_as_nothing_when_the_state_is_rebuilt() -> None:
    entry = {"cause": "link", "since": "2026-11-22T17:33:05Z", "missed": {"files": "x"}}

    state = rebuild([{"about": "site gate", "poles": {"P1": entry}}], POLES)

    assert state.open["site gate"].members["P1"].files == 0


AT_ONCE = replace(PATIENCE, news_s=0, progress_s=0, cause_s=0)


@given(looks)
def test_a_rebuilt_state_is_the_same_when_everything_was_told(
    some: list[tuple[float, list[Observed]]],
) -> None:
    watch, at_s = Watch(patience=AT_ONCE), 0.0
    last: dict[str, Told] = {}
    for passed_s, changed in some:
        at_s += passed_s
        for each in watch.look(at_s, *changed):
            last[each.about] = each
    told = [each.data for name, each in last.items() if name in watch.state.open]

    again = rebuild(told, POLES)

    assert remembered(again) == remembered(watch.state)


def remembered(state: State) -> dict[str, Silence]:
    """What outlasts a start: all but how long a pole has been steady, and when was told."""
    return {
        about: replace(
            silence,
            told_ms=0,
            members={name: replace(each, steady_ms=None) for name, each in silence.members.items()},
        )
        for about, silence in state.open.items()
    }


times = st.integers(-(10**9), 10**9).map(lambda passed_ms: T0_MS + passed_ms)
members = st.builds(
    Member,
    st.just("P"),
    st.sampled_from(["link", "refused", "mains"]),
    st.just(""),
    times,
    back_ms=st.none() | times,
    records_ms=st.none() | times,
    complete_ms=st.none() | times,
    over_ms=st.none() | times | st.just(T0_MS),
    alerts=st.integers(0, 9),
    files_coming=st.integers(0, 500),
    feeds_coming=st.sampled_from([(), ("alerts", "captures")]),
)


@given(st.lists(members, max_size=4))
def test_what_is_told_of_more_than_a_hundred_is_read_back_the_same(some: list[Member]) -> None:
    first = [Member(f"A{number:03d}", "link", "", T0_MS) for number in range(LISTED_MAX)]
    behind = [replace(each, pole=f"P{number}") for number, each in enumerate(some)]
    named = {each.pole: each for each in (*first, *behind)}
    silence = Silence("site gate", "gate", named, opened_ms=T0_MS)
    data = tell(silence)

    again = rebuild([data], dict.fromkeys(named, "gate")).open["site gate"]

    assert again == replace(silence, told=data)


def test_data_of_thousands_stays_small_enough_to_be_kept() -> None:
    names = [f"{number:04d}{'x' * 60}" for number in range(POLES_MAX)]
    some = {name: Member(name, "link", "no route" * 37, T0_MS) for name in names}

    data = tell(Silence("own link", None, some, opened_ms=T0_MS))

    encoded = len(msgspec.json.encode(data))
    assert encoded < FOLD_BYTES_MAX - 16 * 1024
    assert data["count"] == POLES_MAX
    others = data["others"]
    assert isinstance(others, dict)
    assert len(others) > 300


def test_a_pole_is_in_its_last_alert_when_its_leaving_was_not_yet_told() -> None:
    watch = Watch()
    watch.look(100, make_quiet("P1"), make_quiet("P2"))
    (before,) = watch.told
    for at_s in (110, 130, 150, 400):
        watch.look(at_s, make_quiet("P1", at_s), *([make_quiet("P2")] if at_s == 400 else []))
    after = watch.told[-1]
    assert (before.about, after.about) == ("site gate", "site gate (2)")

    for told in ([before.data, after.data], [after.data, before.data]):
        again = rebuild(told, POLES)
        assert {name: list(each.members) for name, each in again.open.items()} == {
            "site gate": ["P1"],
            "site gate (2)": ["P2"],
        }
