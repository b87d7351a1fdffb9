"""When a rule is armed: days and hours on the pole's wall; pure, the time zone comes in.

A window belongs to the day it starts on. Where summer time begins, wall times that don't exist
are never armed; where it ends, wall times that come twice are armed twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo

from edge.config.checks import parse_clock, parse_days
from edge.config.model import Schedule

SECONDS_PER_MINUTE = 60
DAYS_PER_WEEK = 7


@dataclass(frozen=True, slots=True)
class Window:
    """One schedule, read: days 0 = Monday, seconds since midnight on the wall, `end_s` open."""

    days: frozenset[int]
    start_s: int
    end_s: int


def make_windows(schedules: Sequence[Schedule]) -> tuple[Window, ...]:
    """Read schedules that the configuration has already checked."""
    return tuple(
        Window(
            days=parse_days(each.days),
            start_s=parse_clock(each.start) * SECONDS_PER_MINUTE,
            end_s=parse_clock(each.end) * SECONDS_PER_MINUTE,
        )
        for each in schedules
    )


def is_armed(windows: Sequence[Window], timezone: tzinfo, utc_ms: int) -> bool:
    """Tell whether one of the windows holds at an instant.

    Args:
        windows: none means always.
        timezone: the pole's.
        utc_ms: milliseconds since 1970, UTC.

    Returns:
        True from a window's start, included, to its end, not included.
    """
    if not windows:
        return True
    local = datetime.fromtimestamp(utc_ms / 1000, timezone)
    second = (local.hour * 60 + local.minute) * SECONDS_PER_MINUTE + local.second
    return any(_holds(window, local.weekday(), second) for window in windows)


def _holds(window: Window, day: int, second: int) -> bool:
    if window.start_s < window.end_s:
        return day in window.days and window.start_s <= second < window.end_s
    if second >= window.start_s:
        return day in window.days
    return second < window.end_s and (day - 1) % DAYS_PER_WEEK in window.days
