"""How much is decoded and analysed: nothing is missed while awake, little is spent while idle."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.eye import gate
from edge.eye.gate import GateState, Mode

AWAKE, IDLE = GateState(), GateState(is_awake=False)
HELD = GateState(is_awake=False, is_held_open=True)


@pytest.mark.parametrize(
    ("state", "gop_s", "mode"),
    [
        (AWAKE, 1.0, Mode.ALL),
        (AWAKE, 25.0, Mode.ALL),
        (IDLE, 1.0, Mode.KEYFRAMES),
        (IDLE, 2.0, Mode.KEYFRAMES),
        (IDLE, 2.1, Mode.ALL_SLOWLY),
        (IDLE, 25.0, Mode.ALL_SLOWLY),
        (HELD, 1.0, Mode.ALL),
        (HELD, 25.0, Mode.ALL),
    ],
)
def test_mode_follows_from_waking_and_keyframe_distance(
    state: GateState, gop_s: float, mode: Mode
) -> None:
    assert gate.mode(state, gop_s=gop_s) is mode


@pytest.mark.parametrize(
    ("fps", "stride"), [(1, 1), (5, 1), (10, 1), (15, 2), (20, 2), (25, 2), (30, 3), (60, 6)]
)
def test_stride_brings_the_rate_near_ten(fps: float, stride: int) -> None:
    assert gate.stride(fps) == stride


def analysed(state: GateState, *, fps: float, seconds: float) -> list[float]:
    """Times of the frames let through of a stream; something moves all the time."""
    times = []
    for index in range(round(seconds * fps)):
        t = index / fps
        if gate.is_due(state, t, fps=fps):
            times.append(t)
            state = gate.step(state, t=t, is_active=state.is_awake)
    return times


@given(st.floats(5, 120))
def test_at_least_five_a_second_are_analysed_while_awake_and_at_most_fifteen(fps: float) -> None:
    times = analysed(AWAKE, fps=fps, seconds=4.0)
    assert len(times) >= 4 * 5 - 1
    assert len(times) <= 4 * 15 + 1
    assert all(after - before <= 0.2 + 1e-6 for before, after in itertools.pairwise(times))


@given(st.floats(5, 120))
def test_every_nth_frame_is_analysed_exactly(fps: float) -> None:
    times = analysed(AWAKE, fps=fps, seconds=4.0)
    steps = {round((b - a) * fps) for a, b in itertools.pairwise(times)}
    assert steps == {gate.stride(fps)}


def test_rate_of_a_stream_that_says_nothing_of_it_is_no_fault() -> None:
    assert gate.is_due(AWAKE, 0.0, fps=0.0)
    assert gate.stride(0.0) == 1


def test_two_frames_a_second_are_analysed_while_idle() -> None:
    assert analysed(IDLE, fps=25, seconds=3.0) == pytest.approx(
        [0.0, 0.48, 0.96, 1.44, 1.92, 2.4, 2.88], abs=0.05
    )


def test_every_frame_is_analysed_while_held_open() -> None:
    assert len(analysed(HELD, fps=60, seconds=1.0)) == 60


def test_it_sleeps_after_three_quiet_seconds_and_not_before() -> None:
    state = gate.step(AWAKE, t=10.0, is_active=True)
    state = gate.step(state, t=12.9, is_active=False)
    assert state.is_awake
    state = gate.step(state, t=13.0, is_active=False)
    assert not state.is_awake


def test_activity_wakes_it_and_counts_from_then() -> None:
    state = gate.step(IDLE, t=20.0, is_active=True)
    assert state.is_awake
    assert gate.step(state, t=22.5, is_active=False).is_awake
    assert not gate.step(state, t=23.5, is_active=False).is_awake


@given(st.lists(st.tuples(st.floats(0.01, 2.9), st.booleans()), max_size=60))
def test_it_never_sleeps_while_something_is_active_nor_wakes_by_itself(
    steps: list[tuple[float, bool]],
) -> None:
    state, t, active_t = GateState(), 0.0, 0.0
    for elapsed_s, is_active in steps:
        before, t = state.is_awake, t + elapsed_s
        state = gate.step(state, t=t, is_active=is_active)
        active_t = t if is_active else active_t
        if is_active:
            assert state.is_awake
        elif not before:
            assert not state.is_awake
        else:
            assert state.is_awake == (t - active_t < 3.0)
