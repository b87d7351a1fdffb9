"""A site may have several alerts of silence: who joins one that is open, and who opens another."""

from __future__ import annotations

from dataclasses import replace

import pytest

from edge.station.pulling.silence import State, step
from edge.station.pulling.silence_alert import OWN_LINK
from tests.support.silent_poles import (
    POLES,
    T0_MS,
    Watch,
    make_observed,
    make_quiet,
)  # fmt: skip


@pytest.mark.parametrize(
    ("at_s", "abouts"),
    [(220, ["site gate"]), (221, ["site gate (2)"]), (86_400, ["site gate (2)"])],
)
def test_a_pole_joins_the_alert_of_its_site_for_two_minutes_and_then_opens_another(
    at_s: float, abouts: list[str]
) -> None:
    watch = Watch()
    watch.look(100, make_quiet("P1"))

    told = watch.look(at_s, make_quiet("P1", at_s), make_quiet("P2"))

    assert [each.about for each in told] == abouts
    assert told[0].data["site"] == "gate"
    assert "P2" in told[0].data["poles"]  # type: ignore[operator]


def test_a_pole_opens_another_alert_when_the_clock_was_set_back_meanwhile() -> None:
    watch = Watch()
    watch.look(100, make_quiet("P1"))

    told = watch.look(99, make_quiet("P1"), make_quiet("P2"))

    assert "site gate (2)" in [each.about for each in told]


def test_alerts_of_a_site_end_each_for_itself() -> None:
    watch = Watch()
    watch.look(100, make_quiet("P1"))
    watch.look(500, make_quiet("P1", 460), make_quiet("P2"))
    watch.look(510, make_quiet("P1", 470))
    watch.look(515, make_quiet("P1", 475))

    told = watch.look(550, make_quiet("P1", 510))

    assert [(each.about, each.reason) for each in told] == [
        ("site gate (2)", "heard again; all is here")
    ]
    assert list(watch.state.open) == ["site gate"]


def test_a_site_whose_name_is_as_a_second_alert_has_alerts_of_its_own() -> None:
    sites = {"A": "gate", "B": "gate", "C": "gate (2)"}
    poles = {name: replace(make_quiet("P1"), pole=name, site=site) for name, site in sites.items()}
    state, _ = step(State(), T0_MS, [poles["A"]])

    state, _ = step(state, T0_MS + 500_000, [poles["A"], poles["B"]])
    state, told = step(state, T0_MS + 900_000, list(poles.values()))

    assert {each.data["site"]: list(each.data["poles"]) for each in told} == {  # type: ignore[arg-type]
        "gate (2)": ["C"]
    }
    assert len(state.open) == 3


def test_a_pole_that_is_over_opens_another_alert_when_it_falls_silent_anew() -> None:
    watch = Watch()
    watch.look(100, make_quiet("P1"), make_quiet("P2"))
    for at_s in (110, 130, 150):
        watch.look(at_s, make_quiet("P1", at_s))

    told = watch.look(400, make_quiet("P1", 400), make_quiet("P2"))

    assert [(each.about, list(each.data["poles"])) for each in told] == [  # type: ignore[arg-type]
        ("site gate", ["P1"]),
        ("site gate (2)", ["P2"]),
    ]


def test_a_pole_stays_in_its_alert_when_it_falls_silent_before_it_was_over() -> None:
    watch = Watch()
    watch.look(100, make_quiet("P1"), make_quiet("P2"))
    watch.look(110, make_quiet("P1", 70))
    watch.look(149, make_quiet("P1", 109))

    watch.look(400, make_quiet("P1", 400), make_quiet("P2"))

    assert list(watch.state.open) == ["site gate"]


def test_the_own_link_is_another_alert_when_it_goes_anew_while_one_pole_is_not_over() -> None:
    watch = Watch()
    watch.look(100, *(make_quiet(name) for name in POLES))
    behind = make_observed("P4", feeds_coming=("alerts",))
    for at_s in (110, 130, 150, 170):
        watch.look(at_s, behind)
    assert list(watch.state.open) == [OWN_LINK]

    told = watch.look(400, *(make_quiet(name) for name in POLES))

    assert {each.about: list(each.data["poles"]) for each in told} == {  # type: ignore[arg-type]
        "own link": ["P4"],
        "own link (2)": ["P1", "P2", "P3", "P5"],
    }
    assert {each.data["cause"] for each in told} == {"own link"}
