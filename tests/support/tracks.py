"""Builders of tracks and a driver that plays them to the rules, frame by frame."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from edge.config.model import AnyRule, Line, Zone
from edge.eye.rules.engine import EngineState, build_engine, finish, make_state, step
from edge.model import AlertChange, Box, Point, Track

NOON_UTC_MS = int(datetime(2026, 11, 23, 12, tzinfo=UTC).timestamp() * 1000)
"""A Monday."""
HALF = Zone(name="half", points=((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0)))
"""The left half of the picture."""
GATE = Line(name="gate", start=(0.2, 0.5), end=(0.8, 0.5))
"""An arrow to the right; `in` is downwards."""


def make_box(foot: Point, *, width: float = 0.1, height: float = 0.2) -> Box:
    """Make a box that stands on a foot."""
    return foot[0] - width / 2, foot[1] - height, foot[0] + width / 2, foot[1]


def make_track(track: int, foot: Point = (0.25, 0.5), *, label: str = "person") -> Track:
    """Make a moving track that was seen just now, at t = 0."""
    return Track(track, label, 0.9, make_box(foot), is_stationary=False, first_t=0.0, seen_t=0.0)


@dataclass(frozen=True)
class Walk:
    """One track from `start_t` to `end_t` (not included), its foot a function of time.

    From `hides[0]` to `hides[1]` (not included) nothing of it is seen and `foot` is a guess.
    """

    track: int
    start_t: float
    end_t: float
    foot: Callable[[float], Point] = lambda t: (0.25, 0.5)
    label: str = "person"
    hides: tuple[float, float] = (math.inf, math.inf)

    def at(self, t: float) -> Track:
        """The track on one frame."""
        made = make_track(self.track, self.foot(t), label=self.label)
        is_hidden = self.hides[0] <= t < self.hides[1]
        seen_t = self.hides[0] if is_hidden else t
        return replace(made, first_t=self.start_t, seen_t=seen_t, is_hidden=is_hidden)


def make_times(end_t: float, *, fps: float = 8.0) -> list[float]:
    """Make frame times from 0 to an end, not included."""
    return [index / fps for index in range(round(end_t * fps))]


def play(
    rules: Sequence[AnyRule],
    walks: Iterable[Walk],
    times: Iterable[float],
    *,
    start_utc_ms: int = NOON_UTC_MS,
    timezone: str = "UTC",
) -> list[AlertChange]:
    """Play walks to rules about HALF and GATE and give every change, finish included."""
    engine = build_engine(rules, (HALF,), (GATE,), ZoneInfo(timezone))
    state: EngineState = make_state(engine)
    walks, changes, t = list(walks), [], 0.0
    for t in times:
        tracks = [walk.at(t) for walk in walks if walk.start_t <= t < walk.end_t]
        utc_ms = start_utc_ms + round(t * 1000)
        state, found = step(engine, state, tracks, t=t, utc_ms=utc_ms)
        changes += found
    return changes + finish(engine, state, t=t, reason="end")


def told(changes: Iterable[AlertChange]) -> list[tuple[str, int, float]]:
    """Give phase, ordinal and time of each change."""
    return [(change.phase, change.ordinal, change.t) for change in changes]
