"""What an alert of silent poles tells is enough for a station that begins."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given

from edge.station.pulling.silence import State, Told, rebuild
from edge.station.pulling.silence_alert import Silence
from edge.station.pulling.silence_pole import Observed
from tests.support.silent_poles import (
    PATIENCE,
    POLES,
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
