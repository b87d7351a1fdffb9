"""Ratios, verdicts and what sight lines tell."""

from __future__ import annotations

import pytest

from edge.bench.rows import BUDGETS, Name, Row, Series, awake_share, looks_per_s, make_rows
from edge.model import SightReport


def make_sight(frames: int, decoded: int, inferences: int = 0) -> SightReport:
    return SightReport(
        frames=frames, distinct=0, decoded=decoded, inferences=inferences, is_awake=False,
        state="seeing", cpu_s=0.0, rss_mb=0.0,
    )  # fmt: skip


def row_of(name: str, figures: dict[Name, Series]) -> Row:
    return next(row for row in make_rows(figures) if row.budget.row == name)


def test_ratio_is_the_median_of_each_round_s_own_ratio() -> None:
    figures: dict[Name, Series] = {
        # The third round met twice the load; its ratio is as good as the others.
        "idle": Series((0.010, 0.014, 0.024)),
        "decode_quiet": Series((0.100, 0.100, 0.200)),
    }
    assert row_of("P1", figures).got == pytest.approx(0.12)


@pytest.mark.parametrize(
    ("idle", "verdict", "is_reached"),
    [(0.014, "met", True), (0.018, "met", False), (0.0181, "not met", False)],
)
def test_ceiling_holds_up_to_its_value(idle: float, verdict: str, is_reached: bool) -> None:
    row = row_of("P1", {"idle": Series((idle,)), "decode_quiet": Series((0.1,))})
    assert (row.verdict, row.is_reached) == (verdict, is_reached)


@pytest.mark.parametrize(
    ("motion", "verdict", "is_reached"),
    [(0.1, "met", True), (0.08, "met", False), (0.079, "not met", False)],
)
def test_floor_holds_down_to_its_value(motion: float, verdict: str, is_reached: bool) -> None:
    row = row_of("P4 main", {"motion": Series((motion,)), "idle": Series((0.01,))})
    assert (row.verdict, row.is_reached) == (verdict, is_reached)


def test_row_is_not_measured_and_says_why_when_a_figure_is_missing() -> None:
    figures: dict[Name, Series] = {
        "idle": Series((0.01,)),
        "decode_quiet": Series((), "ffmpeg is not installed"),
    }
    row = row_of("P1", figures)
    assert (row.got, row.verdict, row.reason) == (None, "not measured", "ffmpeg is not installed")
    assert row_of("P2", figures).reason == "not asked for"


def test_row_is_not_measured_when_the_longer_clip_cost_no_more_than_the_short_one() -> None:
    row = row_of("P4 main", {"motion": Series((0.1,)), "idle": Series((-0.001,))})
    assert row.verdict == "not measured"
    assert "too short" in row.reason


def test_single_figure_is_held_against_its_budget() -> None:
    row = row_of("P8", {"memory_one_mib": Series((230.0,))})
    assert (row.got, row.verdict) == (230.0, "not met")


def test_every_budget_s_aim_is_at_least_as_hard_as_its_must() -> None:
    for budget in BUDGETS:
        assert budget.reach >= budget.must if budget.is_least else budget.reach <= budget.must
    assert len({budget.row for budget in BUDGETS}) == len(BUDGETS)


def test_awake_share_leaves_keyframes_and_the_start_out() -> None:
    # Awake at first: 100 of 150 decoded. Then 600 frames, of which 20 keyframes.
    asleep = [(10.0, make_sight(150, 100)), (50.0, make_sight(750, 120))]
    assert awake_share(asleep, gop_frames=30) == 0.0
    woken = [(10.0, make_sight(150, 100)), (50.0, make_sight(750, 178))]
    assert awake_share(woken, gop_frames=30) == pytest.approx(0.1)
    awake = [(10.0, make_sight(150, 100)), (50.0, make_sight(750, 700))]
    assert awake_share(awake, gop_frames=30) == 1.0


def test_sight_lines_tell_nothing_when_there_are_too_few() -> None:
    one = [(10.0, make_sight(150, 100, 3))]
    assert awake_share(one, gop_frames=30) is None
    assert looks_per_s(one) is None
    assert awake_share([one[0], (20.0, make_sight(300, 250))], gop_frames=1) is None


def test_looks_a_second_are_counted_between_first_and_last_line() -> None:
    sights = [(10.0, make_sight(150, 150, 9)), (30.0, make_sight(450, 450, 33))]
    assert looks_per_s(sights) == pytest.approx(1.2)


def test_series_gives_its_median() -> None:
    assert Series((3.0, 1.0, 2.0)).middle == 2.0
    assert Series((), "why").middle is None
