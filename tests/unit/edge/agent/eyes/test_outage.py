"""One alert for each outage, after 90 s, over when sight has held for 15 s."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.agent.eyes.chronicle import CutOff, Pen
from edge.agent.eyes.outage import Outage, Seen, step
from edge.agent.ports import EyeState
from edge.clock import NS_PER_S
from edge.feeds import ClockReading, Draft

START_MS = 1_700_000_000_000
RULE = {"type": "system", "name": "camera_lost"}


class Watch:
    """A camera looked at once a second."""

    def __init__(self, before: tuple[CutOff, ...] = ()) -> None:
        ids = itertools.count(1)
        self._pen = Pen(ClockReading("synced", "b00t", 5), lambda: f"R{next(ids)}")
        self._state = Outage("road", before=before)
        self.now_s = 0
        self.drafts: list[tuple[int, Draft]] = []

    def look(self, state: EyeState, seconds: int, *, has_crashed: bool = False) -> None:
        for _ in range(seconds):
            seen = Seen(
                self.now_s * NS_PER_S, START_MS + self.now_s * 1000, state, f"it is {state}",
                has_crashed,
            )  # fmt: skip
            self._state, drafts = step(self._state, seen, self._pen)
            self.drafts += [(self.now_s, draft) for draft in drafts]
            self.now_s += 1

    @property
    def kinds(self) -> list[tuple[int, str]]:
        return [(at_s, draft.kind) for at_s, draft in self.drafts]


def test_dead_camera_makes_exactly_one_alert_at_90_s() -> None:
    watch = Watch()
    watch.look("starting", 5)
    watch.look("lost", 3600)
    assert watch.kinds == [(90, "alert.open")]
    opened = watch.drafts[0][1]
    assert (opened.feed, opened.severity, opened.camera) == ("alerts", "major", "road")
    assert opened.rule == RULE
    assert opened.data == {
        "state": "lost", "reason": "it is lost", "since": "2023-11-14T22:13:20.000Z",
    }  # fmt: skip
    assert (opened.alert, opened.id) == ("R1", "R2")


def test_alert_closes_when_the_camera_has_been_seen_for_15_s() -> None:
    watch = Watch()
    watch.look("lost", 100)
    watch.look("seeing", 60)
    assert watch.kinds == [(90, "alert.open"), (115, "alert.close")]
    opened, closed = (draft for _, draft in watch.drafts)
    assert (closed.alert, closed.rule) == (opened.alert, opened.rule)
    assert closed.data == {"reason": "the camera is seen again", "state": "seeing"}


def test_second_outage_is_another_alert_counted_from_its_own_beginning() -> None:
    watch = Watch()
    watch.look("lost", 100)
    watch.look("seeing", 100)
    watch.look("lost", 100)
    assert watch.kinds == [(90, "alert.open"), (115, "alert.close"), (290, "alert.open")]
    assert watch.drafts[0][1].alert != watch.drafts[2][1].alert


@pytest.mark.parametrize("state", ["starting", "lost", "silent", "down", "refused"])
def test_whatever_keeps_the_picture_away_counts(state: EyeState) -> None:
    watch = Watch()
    watch.look(state, 91)
    assert watch.kinds == [(90, "alert.open")]


@pytest.mark.parametrize("state", ["seeing", "dark", "frozen", "blocked", "defocused", "moved"])
def test_camera_that_gives_pictures_is_no_outage(state: EyeState) -> None:
    watch = Watch()
    watch.look(state, 1000)
    assert watch.kinds == []


def test_crash_loop_with_a_second_of_sight_in_between_is_one_outage_of_the_eye() -> None:
    watch = Watch()
    while watch.now_s < 600:
        watch.look("seeing", 1)
        watch.look("down", 4, has_crashed=True)
        watch.look("starting", 2, has_crashed=True)
    assert [kind for _, kind in watch.kinds] == ["alert.open"]
    assert watch.drafts[0][1].rule == {"type": "system", "name": "eye"}


def test_camera_that_is_back_at_the_last_moment_makes_no_alert() -> None:
    watch = Watch()
    watch.look("lost", 89)
    watch.look("seeing", 100)
    assert watch.kinds == []


def test_eye_that_says_the_camera_is_lost_is_not_at_fault_after_a_crash() -> None:
    watch = Watch()
    watch.look("lost", 91, has_crashed=True)
    assert watch.drafts[0][1].rule == RULE


def test_outage_that_lasts_over_a_restart_names_the_alert_that_it_continues() -> None:
    watch = Watch((CutOff("OLD1", {"type": "system", "name": "eye"}, 1), CutOff("OLD2", RULE, 1)))
    watch.look("lost", 91)
    assert watch.drafts[0][1].data["continues"] == "OLD2"


def test_outage_after_the_camera_was_seen_continues_nothing() -> None:
    watch = Watch((CutOff("OLD", RULE, 1),))
    watch.look("starting", 2)
    watch.look("seeing", 60)
    watch.look("lost", 100)
    assert "continues" not in watch.drafts[0][1].data


@given(st.lists(st.tuples(st.sampled_from(["seeing", "lost", "down"]), st.integers(1, 60))))
def test_alerts_open_and_close_in_turn_whatever_happens(
    spans: list[tuple[EyeState, int]],
) -> None:
    watch = Watch()
    for state, seconds in spans:
        watch.look(state, seconds)
    kinds = [kind for _, kind in watch.kinds]
    assert kinds == (["alert.open", "alert.close"] * len(kinds))[: len(kinds)]
