"""`polewatch station stats`: how many alerts there were, and how soon they were answered."""

from __future__ import annotations

import argparse
import json
import re
import sys
import unicodedata
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from edge.clock import SystemClock
from edge.commands.places import STATION_CONFIG_DEFAULT
from edge.commands.station_store import open_store
from edge.errors import Fault, ValidationError
from edge.exits import EXIT_GOOD
from edge.model import Json
from edge.station.config import StationConfig
from edge.station.load import load_station
from edge.station.ports.desk import Response
from edge.station.statistics import (
    GROUPINGS,
    Grouping,
    Hours,
    Row,
    Table,
    Times,
    table_csv,
    table_fields,
    tabulate,
)
from edge.station.store.desk_reader import read_responses
from edge.wire import format_utc

_DAYS_DEFAULT = 7
_DAY_MS = 86_400_000
_MINUTE_S, _HOUR_S = 60, 3600
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_HEADINGS = (
    "alerts", "critical", "major", "minor", "info", "trials", "seen", "median",
    "acked", "median", "p90", "longest", "resolved", "median", "real", "false", "false share",
)  # fmt: skip


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument(
        "--config", type=Path, metavar="FILE", default=STATION_CONFIG_DEFAULT,
        help=f"the station's configuration; default {STATION_CONFIG_DEFAULT}",
    )  # fmt: skip
    parser.add_argument(
        "--from", dest="since", metavar="T",
        help=f"alerts that came from then on: a date or RFC 3339; default {_DAYS_DEFAULT} days ago",
    )  # fmt: skip
    parser.add_argument(
        "--to", dest="until", metavar="T",
        help="alerts that came before: RFC 3339, or a date, which is counted in; default now",
    )  # fmt: skip
    parser.add_argument(
        "--by", action="append", choices=GROUPINGS, default=[],
        help="what to group by, may be repeated: kind (rule), place (pole, site, camera), time"
        " (hour of the day, day, shift) or who acknowledged (person); default rule",
    )  # fmt: skip
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--csv", action="store_true", help="CSV in place of a table; one --by")
    form.add_argument("--json", action="store_true", help="JSON in place of a table")


def run(args: argparse.Namespace) -> int:
    """Print the tables; see `add_arguments`.

    Returns:
        Exit code 0.

    Raises:
        ValidationError: the configuration or a time is wrong, or there is no store yet.
        StoreError: the store can't be read.
    """
    config = load_station(args.config)
    hours = Hours(ZoneInfo(config.station.timezone), config.station.shifts)
    since_ms, until_ms = _read_span(args, hours)
    groupings: list[Grouping] = list(dict.fromkeys(args.by)) or ["rule"]
    if args.csv and len(groupings) > 1:
        raise ValidationError([Fault("--by", "is given twice with --csv", "ask for one at a time")])
    responses = _read_responses(config, since_ms, until_ms)
    tables = [tabulate(responses, by, hours) for by in groupings]
    if args.csv:
        sys.stdout.write(table_csv(tables[0]))
    elif args.json:
        sys.stdout.write(_json(tables, since_ms, until_ms, config.station.timezone))
    else:
        sys.stdout.write("\n".join(map(_text, tables)))
    return EXIT_GOOD


def _read_span(args: argparse.Namespace, hours: Hours) -> tuple[int, int]:
    now_ms = SystemClock().utc_ms()
    faults: list[Fault] = []
    until_ms = _read_moment("--to", args.until, hours, faults)
    until_ms = now_ms if until_ms is None else until_ms
    since_ms = _read_moment("--from", args.since, hours, faults)
    since_ms = until_ms - _DAYS_DEFAULT * _DAY_MS if since_ms is None else since_ms
    if not faults and since_ms >= until_ms:
        faults.append(Fault("--from", "is not before --to", "give the earlier of the two"))
    if faults:
        raise ValidationError(faults)
    return since_ms, until_ms


def _read_moment(option: str, text: str | None, hours: Hours, faults: list[Fault]) -> int | None:
    """Read a moment (ms since 1970); a day at the end is counted in."""
    if text is None:
        return None
    try:
        if _DAY.fullmatch(text):
            day = date.fromisoformat(text) + timedelta(days=option == "--to")
            moment = datetime.combine(day, time(), hours.zone)
        else:
            moment = datetime.fromisoformat(text)
            moment = moment if moment.tzinfo else moment.replace(tzinfo=hours.zone)
        return round(moment.timestamp() * 1000)
    except (ValueError, OverflowError):
        remedy = "write 2026-11-22, or 2026-11-22T08:00 by the station's clock, or RFC 3339"
        faults.append(Fault(option, f"{text!r} is no time", remedy))
        return None


def _read_responses(config: StationConfig, since_ms: int, until_ms: int) -> list[Response]:
    with open_store(Path(config.store.path)) as reader:
        return read_responses(reader, since_ms=since_ms, until_ms=until_ms)


def _json(tables: Sequence[Table], since_ms: int, until_ms: int, timezone: str) -> str:
    fields: dict[str, Json] = {
        "since": format_utc(since_ms),
        "until": format_utc(until_ms),
        "timezone": timezone,
        "tables": [table_fields(table) for table in tables],
    }
    return json.dumps(fields, indent=2, ensure_ascii=False) + "\n"


def _text(table: Table) -> str:
    """A table for people: the times that matter most; CSV and JSON have all of them."""
    cells: list[tuple[str, ...]] = [(table.by, *_HEADINGS)]
    cells += [_cells(row) for row in (*table.rows, table.total)]
    widths = [max(map(_width, column)) for column in zip(*cells, strict=True)]
    lines = []
    for name, *figures in cells:
        padded = [
            " " * (width - _width(cell)) + cell
            for cell, width in zip(figures, widths[1:], strict=True)
        ]
        lines.append("  ".join((name + " " * (widths[0] - _width(name)), *padded)))
    return "\n".join(lines) + "\n"


def _cells(row: Row) -> tuple[str, ...]:
    share = "-" if row.false_share is None else f"{row.false_share:.0%}"
    return (
        _printable(row.key) or "-",
        str(row.alerts),
        *map(str, row.by_severity),
        str(row.trials),
        _done(row.seen),
        _span(row.seen.median_s),
        _done(row.acked),
        _span(row.acked.median_s),
        _span(row.acked.p90_s),
        _span(row.acked.max_s),
        _done(row.resolved),
        _span(row.resolved.median_s),
        str(row.real),
        str(row.false),
        share,
    )


def _done(times: Times) -> str:
    """How many of all."""
    return f"{times.count}/{times.count + times.not_yet}"


def _span(seconds: float | None) -> str:
    """Seconds as people read them: 8 s, 1:20, 2:05:00."""
    if seconds is None:
        return "-"
    whole = round(seconds)
    if whole < _MINUTE_S:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(whole, _MINUTE_S)
    if whole < _HOUR_S:
        return f"{minutes}:{rest:02d}"
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}"


def _width(text: str) -> int:
    """Columns on a terminal: Chinese takes two each."""
    return sum(2 if unicodedata.east_asian_width(each) in "WF" else 1 for each in text)


def _printable(text: str) -> str:
    """A name without what would move a terminal's cursor; names come from poles."""
    return "".join(each if each.isprintable() else "?" for each in text)
