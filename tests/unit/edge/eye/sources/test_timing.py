"""Whatever a camera stamps on its packets, media time goes on steadily."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.eye.sources.timing import (
    GAP_S_MAX,
    REORDER_S_MAX,
    RawTime,
    fill_start,
    make_timing,
    step,
)
from edge.model import TICKS_PER_S

FRAME = 9000
GAP = round(GAP_S_MAX * TICKS_PER_S)


def place(raws: list[RawTime], *, start_90k: int = 0, fps: float = 10.0) -> list[tuple[int, int]]:
    """Place packets one after the other; gives (pts, dts) of each."""
    state = make_timing(start_90k=start_90k, fps=fps)
    placed = []
    for raw in raws:
        state, times = step(state, raw)
        placed.append(times)
    return placed


def at(*dts: int | None) -> list[RawTime]:
    """Packets of a file, shown when decoded."""
    return [RawTime(each, each) for each in dts]


def decoded(raws: list[RawTime], **kwargs: int) -> list[int]:
    return [dts for _, dts in place(raws, **kwargs)]


def test_good_stamps_keep_their_distances_when_rebased() -> None:
    assert decoded(at(1_000_000, 1_009_000, 1_021_000), start_90k=500) == [500, 9500, 21500]


def test_missing_stamps_go_on_by_a_nominal_frame() -> None:
    assert decoded(at(None, None, None)) == [0, FRAME, 2 * FRAME]


@pytest.mark.parametrize("second", [-5_000_000, 0, 90_000, 90_000 + GAP + 1, 10**12])
def test_backward_stuck_and_jumping_stamps_cost_one_frame_only(second: int) -> None:
    raws = at(90_000, second, second + FRAME, second + 2 * FRAME)
    assert decoded(raws) == [0, FRAME, 2 * FRAME, 3 * FRAME]


@pytest.mark.parametrize("fps", [0.0, -5.0, 5e-324, 90_000.0])
def test_senseless_rate_counts_as_25_a_second(fps: float) -> None:
    assert [dts for _, dts in place(at(None, None), fps=fps)] == [0, 3600]


def test_pause_within_the_limit_is_kept() -> None:
    assert decoded(at(0, GAP)) == [0, GAP]


def test_first_picture_has_time_zero_when_it_is_decoded_earlier() -> None:
    raws = [RawTime(1000, -8000), RawTime(28_000, 1000), RawTime(10_000, 10_000)]
    assert place(raws) == [(0, -FRAME), (27_000, 0), (FRAME, FRAME)]


def test_decoding_does_not_step_back_when_a_stream_goes_on() -> None:
    assert place([RawTime(1000, -8000)], start_90k=70_000) == [(79_000, 70_000)]


@pytest.mark.parametrize("lead", [-1, round(REORDER_S_MAX * TICKS_PER_S) + 1, 10**12])
def test_senseless_presentation_time_falls_on_decoding(lead: int) -> None:
    assert place([RawTime(lead, 0)], start_90k=5) == [(5, 5)]


def test_stuck_stamps_of_a_camera_follow_the_arrival() -> None:
    """A camera of 5 a second that claims 10 must not make time run at double speed."""
    raws = [RawTime(0, 0, arrived_90k=1_000_000 + index * 18_000) for index in range(6)]
    assert decoded(raws) == [index * 18_000 for index in range(6)]


def test_untimed_packets_arriving_in_a_burst_are_spread_and_caught_up() -> None:
    arrivals = [0, 0, 0, 0, 36_000]
    raws = [RawTime(None, None, arrived_90k=each) for each in arrivals]
    assert decoded(raws) == [0, 2250, 4500, 6750, 36_000]


def test_jumped_clock_of_a_camera_costs_the_time_that_passed() -> None:
    raws = [
        RawTime(0, 0, 0),
        RawTime(FRAME, FRAME, FRAME),
        RawTime(10**10, 10**10, FRAME + 45_000),
        RawTime(10**10 + FRAME, 10**10 + FRAME, 2 * FRAME + 45_000),
    ]
    assert decoded(raws) == [0, FRAME, FRAME + 45_000, 2 * FRAME + 45_000]


STAMPS = st.none() | st.integers(-(2**33), 2**33) | st.integers(0, 200_000)


@given(
    st.lists(st.builds(RawTime, STAMPS, STAMPS, st.none() | st.integers(0, 2**40)), max_size=40),
    st.integers(0, 2**40),
    st.floats(0, 1e6),
)
def test_whatever_comes_in_what_goes_out_is_in_order(
    raws: list[RawTime], start_90k: int, fps: float
) -> None:
    placed = place(raws, start_90k=start_90k, fps=fps)
    for pts, dts in placed:
        assert dts <= pts <= dts + REORDER_S_MAX * TICKS_PER_S
    for (_, before), (_, after) in pairwise(placed):
        assert before < after <= before + GAP


@given(st.lists(st.integers(1, GAP), min_size=1, max_size=30), st.integers(0, 2**40))
def test_sane_stamps_are_never_bent(deltas: list[int], start_90k: int) -> None:
    stamps = [0]
    for delta in deltas:
        stamps.append(stamps[-1] + delta)
    assert decoded(at(*stamps), start_90k=start_90k) == [start_90k + each for each in stamps]


def test_start_without_times_is_filled_backwards_as_rtsp_needs_it() -> None:
    """As FFmpeg gives I P B B over RTSP: times that are not yet known stay out."""
    raws = [RawTime(None, None), RawTime(27_000, None), RawTime(9000, 9000)]
    assert fill_start(raws, frame_90k=FRAME) == [
        RawTime(0, -9000),
        RawTime(27_000, 0),
        RawTime(9000, 9000),
    ]


def test_start_is_left_alone_when_times_are_known_or_never_come() -> None:
    known = [RawTime(5, 5)]
    never = [RawTime(None, None), RawTime(7, None)]
    assert fill_start(known, frame_90k=FRAME) == known
    assert fill_start(never, frame_90k=FRAME) == never


@given(st.integers(1, 10), st.integers(-(2**33), 2**33), st.integers(1, 90_000))
def test_filled_start_rises_frame_by_frame(count: int, anchor: int, frame_90k: int) -> None:
    raws = [RawTime(None, None)] * count + [RawTime(anchor, anchor)]
    filled = fill_start(raws, frame_90k=frame_90k)
    times = [raw.dts_90k for raw in filled if raw.dts_90k is not None]
    assert len(times) == count + 1
    assert all(b - a == frame_90k for a, b in pairwise(times))
    assert all((raw.pts_90k or 0) >= (raw.dts_90k or 0) for raw in filled)
