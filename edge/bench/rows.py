"""The budgets of the bench and how figures are held against them. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal

from edge.model import SightReport

Verdict = Literal["met", "not met", "not measured"]
Name = Literal[
    "decode_quiet", "decode_busy", "idle", "idle_sub", "awake", "motion", "motion_sub",
    "awake_share", "looks_per_s", "start", "imports",
    "memory_one_mib", "memory_further_mib", "cpu_one", "cpu_each_of_many",
]  # fmt: skip
"""Figures: CPU seconds per second of video unless their name says otherwise."""


@dataclass(frozen=True, slots=True)
class Series:
    """One figure, once a round; without values `reason` says why there are none."""

    values: tuple[float, ...] = ()
    reason: str = ""

    @property
    def middle(self) -> float | None:
        """The median."""
        return median(self.values) if self.values else None


@dataclass(frozen=True, slots=True)
class Budget:
    """One row: `top` over `bottom` (over 1 where None) is at most, or at least, `must`."""

    row: str
    measure: str
    top: Name
    bottom: Name | None
    must: float
    reach: float
    is_least: bool = False


BUDGETS = (
    Budget("P1", "idle, main stream only / bare decode", "idle", "decode_quiet", 0.18, 0.14),
    Budget("P2", "idle by sub stream / bare decode", "idle_sub", "decode_quiet", 0.06, 0.045),
    Budget("P3", "awake without inference / bare decode", "awake", "decode_busy", 1.15, 0.85),
    Budget("P4 main", "motion / eye idle", "motion", "idle", 8.0, 10.0, is_least=True),
    Budget("P4 sub", "the same, by sub stream", "motion_sub", "idle_sub", 4.0, 5.0, is_least=True),
    Budget("P7", "share of a quiet clip spent awake", "awake_share", None, 0.03, 0.01),
    Budget("P8", "MiB (PSS) with one camera, ring full", "memory_one_mib", None, 220.0, 200.0),
    Budget("P9", "MiB (PSS) of each further camera", "memory_further_mib", None, 50.0, 45.0),
    Budget("P9 CPU", "one eye of several / one alone", "cpu_each_of_many", "cpu_one", 1.05, 1.0),
    Budget("P11", "looks (inferences) a second while awake", "looks_per_s", None, 2.25, 1.0),
    Budget("P14", "start to first line / imports alone", "start", "imports", 1.5, 1.2),
)
"""Bare decode is of the main stream; P11's 15 % of frames at 15 fps are 2.25 a second.

Source: the project's budgets.
"""


@dataclass(frozen=True, slots=True)
class Row:
    """A budget with what was got; `reason` says why nothing was."""

    budget: Budget
    got: float | None
    reason: str = ""

    @property
    def verdict(self) -> Verdict:
        """Whether the budget is kept."""
        if self.got is None:
            return "not measured"
        return "met" if _keeps(self.budget, self.got, self.budget.must) else "not met"

    @property
    def is_reached(self) -> bool:
        """Whether the aim beyond the budget is reached too."""
        return self.got is not None and _keeps(self.budget, self.got, self.budget.reach)


def make_rows(figures: Mapping[Name, Series]) -> list[Row]:
    """Hold the figures against all budgets.

    Args:
        figures: name → its values; one that is missing counts as not asked for.
    """
    return [_make_row(budget, figures) for budget in BUDGETS]


def awake_share(sights: Sequence[tuple[float, SightReport]], *, gop_frames: float) -> float | None:
    """Share of frames decoded beyond the keyframes, between the first sight line and the last.

    Args:
        sights: (media time in seconds, report), oldest first; the first is about 10 s in, when an
            eye that starts awake sleeps.
        gop_frames: frames from keyframe to keyframe.

    Returns:
        0 for an eye that slept throughout, 1 for one that decoded everything; None for fewer than
        two lines.
    """
    if len(sights) <= 1:
        return None
    first, last = sights[0][1], sights[-1][1]
    frames = last.frames - first.frames
    keyframes = frames / gop_frames
    if frames <= 0 or keyframes >= frames:
        return None
    share = (last.decoded - first.decoded - keyframes) / (frames - keyframes)
    return min(max(share, 0.0), 1.0)


def looks_per_s(sights: Sequence[tuple[float, SightReport]]) -> float | None:
    """Inferences a second between the first sight line and the last; None for fewer than two."""
    if len(sights) <= 1 or sights[-1][0] <= sights[0][0]:
        return None
    (first_t, first), (last_t, last) = sights[0], sights[-1]
    return (last.inferences - first.inferences) / (last_t - first_t)


def _make_row(budget: Budget, figures: Mapping[Name, Series]) -> Row:
    names = [budget.top] if budget.bottom is None else [budget.top, budget.bottom]
    series = [figures.get(name, Series((), "not asked for")) for name in names]
    missing = [each.reason or "no value" for each in series if not each.values]
    if missing:
        return Row(budget, None, missing[0])
    if len(series) == 1:
        return Row(budget, series[0].middle)
    pairs = list(zip(series[0].values, series[1].values, strict=False))
    if any(bottom <= 0 for _, bottom in pairs):
        return Row(budget, None, "the clip is too short to measure this")
    return Row(budget, median([top / bottom for top, bottom in pairs]))


def _keeps(budget: Budget, got: float, limit: float) -> bool:
    return got >= limit if budget.is_least else got <= limit
