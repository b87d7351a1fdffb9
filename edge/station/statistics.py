"""How alerts were answered: their times as tables by kind, place, hour, shift or person; pure.

An alert counts where and when it *came here*: poles' clocks may lie, and whoever was on duty then
had to answer it. Trials of a pole are counted apart and weigh in no other figure.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Literal, get_args

from edge.model import Json
from edge.station.ports.desk import Response

Grouping = Literal["rule", "pole", "site", "camera", "hour", "day", "shift", "person"]
GROUPINGS: tuple[Grouping, ...] = get_args(Grouping)
COLUMNS = (
    "key", "alerts", "critical", "major", "minor", "info", "trials",
    "seen", "seen_not_yet", "seen_median_s", "seen_p90_s", "seen_max_s",
    "acked", "acked_not_yet", "acked_median_s", "acked_p90_s", "acked_max_s",
    "resolved", "resolved_not_yet", "resolved_median_s", "resolved_p90_s", "resolved_max_s",
    "real", "false", "false_share",
)  # fmt: skip
"""Of the CSV, and the members of a row's JSON."""
_BY_TIME: tuple[Grouping, ...] = ("hour", "day", "shift")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""A cell that begins so is run as a formula by spreadsheets (OWASP, CSV Injection)."""
_P90 = 0.9


@dataclass(frozen=True, slots=True)
class Hours:
    """The station's time zone, and the times of day ("08:00") at which a shift begins."""

    zone: tzinfo
    shifts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Times:
    """How long something took from the moment an alert came; seconds, None where none has it.

    The median and p90 are times that were measured: half, and nine in ten, were not slower.
    """

    count: int
    not_yet: int
    median_s: float | None
    p90_s: float | None
    max_s: float | None


@dataclass(frozen=True, slots=True)
class Row:
    """One group; `by_severity` is critical, major, minor, info.

    `false_share` is false alarms among those judged `real` or `false`; None: none was judged.
    """

    key: str
    alerts: int
    by_severity: tuple[int, int, int, int]
    trials: int
    seen: Times
    acked: Times
    resolved: Times
    real: int
    false: int

    @property
    def false_share(self) -> float | None:
        """In 0..1, four digits."""
        judged = self.real + self.false
        return round(self.false / judged, 4) if judged else None


@dataclass(frozen=True, slots=True)
class Table:
    """Rows by time rise; others begin with the one that had the most alerts."""

    by: Grouping
    rows: tuple[Row, ...]
    total: Row


def tabulate(responses: Iterable[Response], by: Grouping, hours: Hours) -> Table:
    """Put alerts into groups.

    Args:
        responses: in any order.
        by: `rule` is type/name; `site` the pole where it has none; `camera` pole/camera; `hour` of
            the day, all 24; `day` a date; `shift` date and time of its beginning; `person` who
            acknowledged, empty: nobody.
        hours: by which hours, days and shifts go.
    """
    name = _namer(by, hours)
    groups: dict[str, list[Response]] = {}
    if by == "hour":
        groups = {f"{hour:02d}": [] for hour in range(24)}
    everything = list(responses)
    for response in everything:
        groups.setdefault(name(response), []).append(response)
    rows = [_make_row(key, group) for key, group in groups.items()]
    rows.sort(key=lambda row: row.key)
    if by not in _BY_TIME:
        rows.sort(key=lambda row: -row.alerts)
    return Table(by, tuple(rows), _make_row("total", everything))


def row_fields(row: Row) -> dict[str, Json]:
    """A row as JSON: `COLUMNS` in their order, null where there is no figure."""
    critical, major, minor, info = row.by_severity
    fields: dict[str, Json] = {
        "key": row.key, "alerts": row.alerts,
        "critical": critical, "major": major, "minor": minor, "info": info,
        "trials": row.trials,
    }  # fmt: skip
    for what, times in (("seen", row.seen), ("acked", row.acked), ("resolved", row.resolved)):
        fields |= {
            what: times.count,
            f"{what}_not_yet": times.not_yet,
            f"{what}_median_s": times.median_s,
            f"{what}_p90_s": times.p90_s,
            f"{what}_max_s": times.max_s,
        }
    return fields | {"real": row.real, "false": row.false, "false_share": row.false_share}


def table_fields(table: Table) -> dict[str, Json]:
    """A table as JSON: `by`, `rows`, `total`."""
    rows: list[Json] = [row_fields(row) for row in table.rows]
    return {"by": table.by, "rows": rows, "total": row_fields(table.total)}


def table_csv(table: Table) -> str:
    """A table as CSV (RFC 4180) with a line of headings, its sum last; empty: no figure.

    The first column is called as what it groups by. A name that a spreadsheet would run as a
    formula gets a ' in front: names come from poles.
    """
    lines = [",".join((table.by, *COLUMNS[1:]))]
    lines += [
        ",".join(_cell(value) for value in row_fields(row).values())
        for row in (*table.rows, table.total)
    ]
    return "\r\n".join(lines) + "\r\n"


@dataclass(slots=True)
class _Rota:
    """Which shift a moment belongs to; a day's beginnings are worked out once."""

    hours: Hours
    days: dict[date, list[float]] = field(default_factory=dict)

    def shift(self, utc_ms: int) -> str:
        day = _local(utc_ms, self.hours.zone).date()
        for candidate in (day, day - timedelta(1), day - timedelta(2)):
            begun = self._beginnings(candidate)
            place = bisect_right(begun, utc_ms / 1000)
            if place:
                start = datetime.fromtimestamp(begun[place - 1], tz=self.hours.zone)
                return start.strftime("%Y-%m-%d %H:%M")
        return day.isoformat()  # no zone has such days

    def _beginnings(self, day: date) -> list[float]:
        """Seconds since 1970 at which shifts begin on a date.

        A time that comes twice is the first of the two, one that is left out counts by the clock
        before the change: as calendars have it (RFC 5545 §3.3.5).
        """
        if day not in self.days:
            self.days[day] = sorted(
                datetime.combine(day, time.fromisoformat(text), self.hours.zone).timestamp()
                for text in self.hours.shifts
            )
        return self.days[day]


def _namer(by: Grouping, hours: Hours) -> Callable[[Response], str]:
    rota, zone = _Rota(hours), hours.zone
    namers: dict[Grouping, Callable[[Response], str]] = {
        "rule": lambda each: f"{each.rule_type}/{each.rule_name}",
        "pole": lambda each: each.pole,
        "site": lambda each: each.site or each.pole,
        "camera": lambda each: f"{each.pole}/{each.camera}" if each.camera else each.pole,
        "hour": lambda each: f"{_local(each.received_ms, zone).hour:02d}",
        "day": lambda each: _local(each.received_ms, zone).date().isoformat(),
        "shift": lambda each: rota.shift(each.received_ms),
        "person": lambda each: each.by if each.acked_ms is not None else "",
    }
    return namers[by]


def _local(utc_ms: int, zone: tzinfo) -> datetime:
    return datetime.fromtimestamp(utc_ms / 1000, tz=UTC).astimezone(zone)


def _make_row(key: str, group: Sequence[Response]) -> Row:
    real = [each for each in group if not each.is_test and each.mark != "test"]
    marks = [each.mark for each in real]
    severities = [each.severity for each in real]
    return Row(
        key,
        len(real),
        (
            severities.count("critical"),
            severities.count("major"),
            severities.count("minor"),
            severities.count("info"),
        ),
        len(group) - len(real),
        _measure([(each.received_ms, each.seen_ms) for each in real]),
        _measure([(each.received_ms, each.acked_ms) for each in real]),
        _measure([(each.received_ms, each.resolved_ms) for each in real]),
        marks.count("real"),
        marks.count("false"),
    )


def _measure(spans: Sequence[tuple[int, int | None]]) -> Times:
    """What was done before the alert came here, at the pole itself, took no time here."""
    took_s = sorted(max(0, end - start) / 1000 for start, end in spans if end is not None)
    not_yet = len(spans) - len(took_s)
    if not took_s:
        return Times(0, not_yet, None, None, None)
    return Times(len(took_s), not_yet, _quantile(took_s, 0.5), _quantile(took_s, _P90), took_s[-1])


def _quantile(rising: Sequence[float], share: float) -> float:
    """The least value that this share of all does not exceed (nearest rank)."""
    return rising[math.ceil(share * len(rising)) - 1]


def _cell(value: Json) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        return str(value)
    text = f"'{value}" if value.startswith(_FORMULA) else value
    needs_quotes = any(mark in text for mark in ',"\r\n')
    return '"' + text.replace('"', '""') + '"' if needs_quotes else text
