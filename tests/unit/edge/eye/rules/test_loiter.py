"""Loiter: time adds up over short gaps and starts anew after long ones."""

from __future__ import annotations

from dataclasses import replace

from edge.config.model import LoiterRule
from edge.model import Point
from tests.support.tracks import Walk, make_times, play, told

RULE = LoiterRule(name="r", zones=("half",), dwell_s=20.0)


def test_alert_opens_after_the_dwell_and_tells_how_long() -> None:
    changes = play([RULE], [Walk(1, 1, 45)], make_times(55))
    assert told(changes) == [
        ("open", 1, 21.0),
        ("update", 1, 31.0),
        ("update", 1, 41.0),
        ("close", 1, 50.0),
    ]
    assert [change.data["dwell_s"] for change in changes] == [20.0, 30.0, 40.0, 43.9]
    assert changes[0].severity == "minor"


def test_nothing_opens_when_the_stay_is_short_or_the_label_another() -> None:
    assert play([RULE], [Walk(1, 1, 20)], make_times(30)) == []
    assert play([RULE], [Walk(1, 1, 60, label="car")], make_times(70)) == []


def test_time_adds_up_over_short_gaps_without_counting_them() -> None:
    def gap(t: float) -> Point:
        return (0.25 if not 10 <= t < 14 else 0.75, 0.5)

    changes = play([RULE], [Walk(1, 0, 40, gap)], make_times(50))
    assert told(changes)[0] == ("open", 1, 24.125)


def test_time_starts_anew_after_a_long_gap() -> None:
    def gap(t: float) -> Point:
        return (0.25 if not 10 <= t < 16 else 0.75, 0.5)

    changes = play([RULE], [Walk(1, 0, 40, gap)], make_times(50))
    assert told(changes)[0] == ("open", 1, 36.0)


def test_time_goes_on_when_the_tracker_switches_ids() -> None:
    changes = play([RULE], [Walk(1, 0, 10), Walk(2, 10.5, 40)], make_times(50))
    assert told(changes)[0] == ("open", 1, 20.625)
    assert changes[0].data["continues_track"] == 1


def test_a_second_loiterer_joins_the_alert_of_the_first() -> None:
    walks = [Walk(1, 0, 60), Walk(2, 5, 60, lambda t: (0.4, 0.9))]
    changes = play([RULE], walks, make_times(26))
    assert told(changes) == [("open", 1, 20.0), ("update", 1, 25.0), ("close", 1, 25.875)]
    assert changes[1].data["count"] == 2


def test_dwell_of_whole_picture_is_counted_when_no_zone_is_named() -> None:
    changes = play([replace(RULE, zones=())], [Walk(1, 0, 30, lambda t: (0.9, 0.9))], [*range(40)])
    assert told(changes)[0] == ("open", 1, 20.0)
    assert changes[0].data["zone"] is None
