"""Armed or not: days, hours, midnight, and the two nights of the year that are different."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.config.model import Schedule
from edge.eye.rules.schedule import is_armed, make_windows

CHONGQING = ZoneInfo("Asia/Shanghai")
BERLIN = ZoneInfo("Europe/Berlin")
NIGHT = Schedule(days="mon-fri", start="22:00", end="06:00")
DAY = Schedule(days="mon-fri", start="07:00", end="19:30")


def ms(text: str, zone: ZoneInfo = CHONGQING) -> int:
    """Wall time in a zone (fold by `+hh:mm`) → milliseconds UTC; 2026-11-23 is a Monday."""
    moment = datetime.fromisoformat(text)
    moment = moment if moment.tzinfo else moment.replace(tzinfo=zone)
    return int(moment.astimezone(UTC).timestamp() * 1000)


@pytest.mark.parametrize(
    ("schedule", "wall", "expected"),
    [
        (DAY, "2026-11-23T06:59:59", False),
        (DAY, "2026-11-23T07:00:00", True),
        (DAY, "2026-11-23T19:29:59", True),
        (DAY, "2026-11-23T19:30:00", False),
        (DAY, "2026-11-22T12:00:00", False),
        (NIGHT, "2026-11-23T21:59:59", False),
        (NIGHT, "2026-11-23T22:00:00", True),
        (NIGHT, "2026-11-24T05:59:59", True),
        (NIGHT, "2026-11-24T06:00:00", False),
        (NIGHT, "2026-11-23T03:00:00", False),
        (NIGHT, "2026-11-28T03:00:00", True),
        (NIGHT, "2026-11-28T23:00:00", False),
        (Schedule(days="sun", start="22:00", end="06:00"), "2026-11-23T05:00:00", True),
        (Schedule(days="sat"), "2026-11-28T23:59:59", True),
        (Schedule(days="sat"), "2026-11-29T00:00:00", False),
    ],
)
def test_rule_is_armed_by_the_wall_clock_of_the_pole(
    schedule: Schedule, wall: str, expected: bool
) -> None:
    assert is_armed(make_windows([schedule]), CHONGQING, ms(wall)) is expected


def test_rule_is_armed_when_any_window_holds_or_there_is_none() -> None:
    windows = make_windows([NIGHT, Schedule(days="sat,sun")])
    assert is_armed(windows, CHONGQING, ms("2026-11-28T12:00:00"))
    assert not is_armed(windows, CHONGQING, ms("2026-11-27T12:00:00"))
    assert is_armed((), CHONGQING, ms("2026-11-27T12:00:00"))


def test_gap_of_summer_time_is_never_armed_and_ends_what_it_hides() -> None:
    inside_gap = make_windows([Schedule(start="02:10", end="02:50")])
    ends_in_gap = make_windows([Schedule(start="22:00", end="02:30")])
    before, after = ms("2026-03-29T01:59:59+01:00"), ms("2026-03-29T03:00:00+02:00")
    assert after - before == 1000
    assert [is_armed(inside_gap, BERLIN, each) for each in (before, after)] == [False, False]
    assert [is_armed(ends_in_gap, BERLIN, each) for each in (before, after)] == [True, False]


def test_hour_that_comes_twice_is_armed_twice() -> None:
    windows = make_windows([Schedule(start="02:00", end="03:00")])
    walls = ["01:59:59+02:00", "02:30:00+02:00", "02:30:00+01:00", "03:00:00+01:00"]
    found = [is_armed(windows, BERLIN, ms(f"2026-10-25T{wall}")) for wall in walls]
    assert found == [False, True, True, False]


clocks = st.integers(0, 24 * 60 - 1).map(lambda m: f"{m // 60:02}:{m % 60:02}")


@given(clocks, clocks, st.integers(0, 7 * 24 * 3600))
def test_a_window_and_its_complement_cover_the_week_once(start: str, end: str, second: int) -> None:
    if start == end:
        return
    utc_ms = ms("2026-11-23T00:00:00") + second * 1000
    there = is_armed(make_windows([Schedule(start=start, end=end)]), CHONGQING, utc_ms)
    back = is_armed(make_windows([Schedule(start=end, end=start)]), CHONGQING, utc_ms)
    assert there != back
