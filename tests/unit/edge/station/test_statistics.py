"""Response times as tables: by kind, place, hour, day, shift and person."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.station.ports.desk import Response
from edge.station.statistics import (
    COLUMNS,
    GROUPINGS,
    Grouping,
    Hours,
    Row,
    Times,
    row_fields,
    table_csv,
    table_fields,
    tabulate,
)

CHONGQING = Hours(ZoneInfo("Asia/Shanghai"), ("08:00", "20:00"))
BERLIN = Hours(ZoneInfo("Europe/Berlin"), ("02:30", "14:30"))


def utc_ms(text: str) -> int:
    return int(datetime.fromisoformat(text).astimezone(UTC).timestamp() * 1000)


CAME_MS = utc_ms("2026-11-22T17:33:05Z")


def make_response(**fields: Any) -> Response:
    given: dict[str, Any] = {
        "pole": "SG-017", "site": "north", "camera": "yard", "rule_type": "fire",
        "rule_name": "yard-east", "severity": "major", "opened_ms": CAME_MS - 500,
        "received_ms": CAME_MS, "seen_ms": None, "acked_ms": None, "resolved_ms": None,
        "mark": "", "by": "", "is_test": False, **fields,
    }  # fmt: skip
    return Response(**given)


def keys(by: Grouping, *responses: Response, hours: Hours = CHONGQING) -> list[str]:
    return [row.key for row in tabulate(responses, by, hours).rows]


@pytest.mark.parametrize(
    ("by", "key"),
    [
        ("rule", "fire/yard-east"),
        ("pole", "SG-017"),
        ("site", "north"),
        ("camera", "SG-017/yard"),
        ("day", "2026-11-23"),
        ("shift", "2026-11-22 20:00"),
        ("person", ""),
    ],
)
def test_alert_is_counted_under_its_name(by: Grouping, key: str) -> None:
    assert keys(by, make_response()) == [key]


def test_what_has_no_site_or_camera_is_the_pole_itself() -> None:
    response = make_response(site=None, camera=None)
    assert (keys("site", response), keys("camera", response)) == (["SG-017"], ["SG-017"])


def test_person_is_the_one_who_acknowledged() -> None:
    acked = make_response(acked_ms=CAME_MS + 1000, by="chen")
    assert keys("person", acked, make_response(by="chen"), acked) == ["chen", ""]


def test_hours_are_all_there_and_local() -> None:
    rows = tabulate([make_response()], "hour", CHONGQING).rows
    assert [row.key for row in rows] == [f"{hour:02d}" for hour in range(24)]
    assert [row.key for row in rows if row.alerts] == ["01"]


def test_groups_by_name_begin_with_the_most_alerts_those_by_time_with_the_first() -> None:
    early = make_response(pole="a", received_ms=CAME_MS - 86_400_000)
    late = [make_response(pole="b"), make_response(pole="b")]
    assert keys("pole", early, *late) == ["b", "a"]
    assert keys("day", *late, early) == ["2026-11-22", "2026-11-23"]


def test_times_are_of_what_was_done_and_count_what_was_not() -> None:
    took_s = (10, 20, 30, 40, 50, 60, 70, 80, 90, 1000)
    responses = [make_response(seen_ms=CAME_MS + each * 1000) for each in took_s]
    total = tabulate([*responses, make_response()], "rule", CHONGQING).total
    assert total.seen == Times(10, 1, 50.0, 90.0, 1000.0)
    assert total.acked == Times(0, 11, None, None, None)


def test_ack_at_the_pole_before_the_alert_came_took_no_time_here() -> None:
    total = tabulate([make_response(acked_ms=CAME_MS - 5000)], "rule", CHONGQING).total
    assert total.acked.max_s == 0


def test_false_share_is_of_those_that_were_judged() -> None:
    marks = ["false", "real", "real", "real", "", "", "test"]
    total = tabulate([make_response(mark=mark) for mark in marks], "rule", CHONGQING).total
    assert (total.real, total.false, total.false_share, total.trials) == (3, 1, 0.25, 1)
    assert tabulate([make_response()], "rule", CHONGQING).total.false_share is None


def test_trials_weigh_in_no_other_figure() -> None:
    trial = make_response(is_test=True, acked_ms=CAME_MS + 9000, mark="false")
    total = tabulate([trial, make_response(severity="critical")], "rule", CHONGQING).total
    assert (total.alerts, total.trials, total.by_severity) == (1, 1, (1, 0, 0, 0))
    assert (total.acked.count, total.false) == (0, 0)


@pytest.mark.parametrize(
    ("at", "shift"),
    [
        ("2026-11-22T23:59:59.999+00:00", "2026-11-22 20:00"),
        ("2026-11-23T00:00:00+00:00", "2026-11-23 08:00"),
        ("2026-11-23T11:59:59+00:00", "2026-11-23 08:00"),
        ("2026-11-23T12:00:00+00:00", "2026-11-23 20:00"),
    ],
)
def test_shift_begins_at_its_time_and_night_belongs_to_the_day_before(at: str, shift: str) -> None:
    assert keys("shift", make_response(received_ms=utc_ms(at))) == [shift]


@pytest.mark.parametrize(
    ("at", "shift"),
    [  # 25 October 2026, 03:00 summer time: clocks go back to 02:00
        ("2026-10-25T00:29:59+00:00", "2026-10-24 14:30"),
        ("2026-10-25T00:30:00+00:00", "2026-10-25 02:30"),
        ("2026-10-25T01:10:00+00:00", "2026-10-25 02:30"),
        ("2026-10-25T13:29:59+00:00", "2026-10-25 02:30"),
        ("2026-10-25T13:30:00+00:00", "2026-10-25 14:30"),
        # 29 March 2026, 02:00 winter time: clocks go on to 03:00, there is no 02:30
        ("2026-03-29T01:29:59+00:00", "2026-03-28 14:30"),
        ("2026-03-29T01:30:00+00:00", "2026-03-29 03:30"),
        ("2026-03-29T12:29:59+00:00", "2026-03-29 03:30"),
        ("2026-03-29T12:30:00+00:00", "2026-03-29 14:30"),
    ],
)
def test_shift_is_right_when_clocks_change(at: str, shift: str) -> None:
    assert keys("shift", make_response(received_ms=utc_ms(at)), hours=BERLIN) == [shift]


def test_csv_quotes_and_runs_no_formula() -> None:
    table = tabulate([make_response(pole='=HYPERLINK("x"),1')], "pole", CHONGQING)
    rows = list(csv.reader(io.StringIO(table_csv(table), newline="")))
    assert rows[0] == ["pole", *COLUMNS[1:]]
    assert [row[0] for row in rows[1:]] == ['\'=HYPERLINK("x"),1', "total"]
    assert {len(row) for row in rows} == {len(COLUMNS)}


def test_json_has_every_column_and_null_for_no_figure() -> None:
    fields: Any = table_fields(tabulate([make_response()], "rule", CHONGQING))
    assert fields["by"] == "rule"
    assert tuple(fields["rows"][0]) == COLUMNS
    assert fields["total"]["acked_median_s"] is None
    assert fields["total"]["alerts"] == 1


responses = st.builds(
    make_response,
    pole=st.sampled_from("ab"),
    severity=st.sampled_from(["critical", "major", "minor", "info"]),
    received_ms=st.integers(0, 4_000_000_000_000),
    acked_ms=st.none() | st.integers(0, 4_000_000_000_000),
    mark=st.sampled_from(["", "real", "false", "test"]),
    is_test=st.booleans(),
)


@given(st.lists(responses), st.sampled_from(GROUPINGS), st.sampled_from([CHONGQING, BERLIN]))
def test_nothing_is_lost_or_counted_twice(
    given_ones: list[Response], by: Grouping, hours: Hours
) -> None:
    table = tabulate(given_ones, by, hours)
    assert len({row.key for row in table.rows}) == len(table.rows)

    def total(count: Any) -> int:
        return sum(count(row) for row in table.rows)

    counts: list[Any] = [
        lambda row: row.alerts, lambda row: row.trials, lambda row: sum(row.by_severity),
        lambda row: row.acked.count, lambda row: row.acked.not_yet,
        lambda row: row.real, lambda row: row.false,
    ]  # fmt: skip
    assert [total(count) for count in counts] == [count(table.total) for count in counts]
    assert table.total.alerts + table.total.trials == len(given_ones)


@given(st.lists(st.integers(0, 10_000), min_size=1))
def test_quantiles_are_times_that_were_measured_and_rise(took_ms: list[int]) -> None:
    given_ones = [make_response(seen_ms=CAME_MS + each) for each in took_ms]
    seen = tabulate(given_ones, "rule", CHONGQING).total.seen
    measured = sorted(each / 1000 for each in took_ms)
    assert seen.median_s is not None
    assert seen.p90_s is not None
    assert {seen.median_s, seen.p90_s, seen.max_s} <= set(measured)
    assert sum(each <= seen.median_s for each in measured) >= len(measured) / 2
    assert sum(each <= seen.p90_s for each in measured) >= len(measured) * 0.9
    assert seen.max_s == measured[-1]


@given(st.integers(0, 4_000_000_000_000), st.sampled_from([CHONGQING, BERLIN]))
def test_shift_of_a_later_alert_is_never_an_earlier_one(moment_ms: int, hours: Hours) -> None:
    (earlier,) = keys("shift", make_response(received_ms=moment_ms), hours=hours)
    (later,) = keys("shift", make_response(received_ms=moment_ms + 3_600_000), hours=hours)
    assert earlier <= later


def test_row_of_nothing_has_no_figures() -> None:
    nothing = Times(0, 0, None, None, None)
    row = Row("total", 0, (0, 0, 0, 0), 0, nothing, nothing, nothing, 0, 0)
    assert tabulate([], "pole", CHONGQING).total == row
    assert row_fields(row)["false_share"] is None
