"""What desks ask of the store: lists of alerts, as walks along an index; one alert; figures.

A page looks at a bounded number of rows. Where few of them are asked for it is short, and its
`next` says where to go on.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any

from edge.errors import Fault, ValidationError
from edge.station.ports import Asked, DeskPage, Response
from edge.station.store.reader import StoreReader
from edge.station.store.schema import explained
from edge.station.store.store_file import TALLIES

LOOK_MAX = 5000
"""Rows looked at for one page: some 4 ms."""
PAGE_MAX = 1000
_WORST = re.compile(r"w\.(0|[1-9][0-9]{0,17})")
_NEWEST = re.compile(r"n\.(0|[1-9][0-9]{0,15})\.(0|[1-9][0-9]{0,15})")
_MS_MAX = 10**16
_COLUMNS = "a.number, a.place, a.received_ms, a.pole, a.site, a.rule_type, a.rule_name"
_RESPONSE_FIELDS = [each.name for each in fields(Response)]
_RESPONSE = (
    "SELECT pole, site, camera, rule_type, rule_name, severity, opened_ms, received_ms, seen_ms,"
    " acked_ms, resolved_ms, mark, acked_by, is_test FROM alert"
    " WHERE received_ms >= ? AND received_ms < ? ORDER BY received_ms"
)


@dataclass(frozen=True, slots=True)
class _Row:
    """What lists look at."""

    number: int
    place: int
    received_ms: int
    pole: str
    site: str | None
    rule_type: str
    rule_name: str

    def is_asked(self, asked: Asked) -> bool:
        """Whether it is one of those that somebody wants, but for its state."""
        return (
            asked.pole in (None, self.pole)
            and asked.site in (None, self.site)
            and asked.rule in (None, self.rule_type, f"{self.rule_type}/{self.rule_name}")
            and (asked.since_ms is None or self.received_ms >= asked.since_ms)
            and (asked.until_ms is None or self.received_ms < asked.until_ms)
        )

    def place_in(self, asked: Asked) -> str:
        """Where a page that ends with it goes on."""
        if asked.newest_first:
            return f"n.{self.received_ms}.{self.number}"
        return f"w.{self.place}"


def list_alerts(reader: StoreReader, asked: Asked, *, after: str | None, limit: int) -> DeskPage:
    """Read alerts, worst first, then the newest; or the newest first.

    Args:
        reader: of the store.
        asked: which; its `rule` is a rule's type, or `type/name`.
        after: `next` of the page before.
        limit: 1 to `PAGE_MAX`.

    Raises:
        ValidationError: `after` is no place of such a list.
        StoreError: it can't be read.
    """
    assert 1 <= limit <= PAGE_MAX
    query, bound = (_newest if asked.newest_first else _worst)(asked, after)
    found: list[_Row] = []
    last: _Row | None = None
    looked = 0
    with reader.snapshot():
        for row in _rows(reader, query, bound):
            looked, last = looked + 1, row
            if row.is_asked(asked):
                found.append(row)
            if len(found) == limit or looked == LOOK_MAX:
                break
        bodies = tuple(_body(reader, row.number) for row in found)
        change = newest_change(reader)
    is_cut = last is not None and (len(found) == limit or looked == LOOK_MAX)
    return DeskPage(bodies, last.place_in(asked) if is_cut and last else None, change)


def read_alert(reader: StoreReader, pole: str, alert: str) -> bytes | None:
    """Read one alert as JSON."""
    with explained():
        row = next(
            reader.connection.execute(
                "SELECT b.body FROM alert a JOIN alert_body b USING (number)"
                " WHERE a.pole = ? AND a.id = ?",
                (pole, alert),
            ),
            None,
        )
    return row[0] if row is not None else None


def list_changed(reader: StoreReader, *, after: int, limit: int) -> DeskPage:
    """Read alerts that have changed after a change, in the order of their last one.

    `next` is the change to go on after, None where that was all.
    """
    with reader.snapshot():
        rows = list(
            reader.connection.execute(
                "SELECT a.change, b.body FROM alert a JOIN alert_body b USING (number)"
                " WHERE a.change > ? ORDER BY a.change LIMIT ?",
                (after, limit + 1),
            )
        )
        change = newest_change(reader)
    bodies = tuple(body for _, body in rows[:limit])
    return DeskPage(bodies, str(rows[limit - 1][0]) if len(rows) > limit else None, change)


def count_alerts(reader: StoreReader) -> dict[str, int]:
    """How many are open, how many of these new, and the new ones by severity."""
    with explained():
        rows = list(reader.connection.execute("SELECT name, count FROM tally"))
    return {name: count for name, count in rows if name in TALLIES and name != "change"}


def newest_change(reader: StoreReader) -> int:
    """The newest change of any alert."""
    with explained():
        row = next(reader.connection.execute("SELECT count FROM tally WHERE name = 'change'"))
    return int(row[0])


def read_records(reader: StoreReader, pole: str, alert: str) -> list[bytes]:
    """Read every record of an alert, of the pole and of the station, as they came."""
    with explained():
        rows = reader.connection.execute(
            "SELECT body FROM record WHERE alert = ? AND about = ? ORDER BY number", (alert, pole)
        )
        return [body for (body,) in rows]


def read_responses(reader: StoreReader, *, since_ms: int, until_ms: int) -> list[Response]:
    """Read the times of all alerts that came in a span; its end is open."""
    with explained():
        rows = reader.connection.execute(_RESPONSE, (since_ms, until_ms))
        return [_response(*row) for row in rows]


def _rows(reader: StoreReader, query: str, bound: tuple[Any, ...]) -> Iterator[_Row]:
    for row in reader.connection.execute(query, bound):
        yield _Row(*row)


def _response(*row: Any) -> Response:
    named = dict(zip(_RESPONSE_FIELDS, row, strict=True))
    return Response(**{**named, "is_test": bool(named["is_test"])})


def _body(reader: StoreReader, number: int) -> bytes:
    found = reader.connection.execute("SELECT body FROM alert_body WHERE number = ?", (number,))
    return bytes(next(found)[0])


def _worst(asked: Asked, after: str | None) -> tuple[str, tuple[Any, ...]]:
    """A walk from the worst alert on."""
    place = 0
    if after is not None:
        match = _WORST.fullmatch(after)
        if match is None:
            raise _no_place()
        place = int(match[1])
    index, condition = _WALKS[asked.state], _OF_STATE[asked.state]
    bound: tuple[Any, ...] = (place,)
    if asked.pole is not None and asked.state != "all":
        index, condition = "alert_open_of_pole", f"{condition} AND a.is_open AND a.pole = ?"
        bound = (place, asked.pole)
    return (
        f"SELECT {_COLUMNS} FROM alert a INDEXED BY {index} WHERE a.place > ?{condition}"
        " ORDER BY a.place",
        bound,
    )


def _newest(asked: Asked, after: str | None) -> tuple[str, tuple[Any, ...]]:
    """A walk from the newest alert back, along the index of what is asked for."""
    received_ms, number = _MS_MAX, 0
    if after is not None:
        match = _NEWEST.fullmatch(after)
        if match is None:
            raise _no_place()
        received_ms, number = int(match[1]), int(match[2])
    elif asked.until_ms is not None:
        received_ms = asked.until_ms
    index, condition = "alert_received", ""
    bound: tuple[str, ...] = ()
    for name, key, value in (
        ("alert_of_pole", "pole", asked.pole),
        ("alert_of_site", "site", asked.site),
        ("alert_of_rule", "rule_type", (asked.rule or "").partition("/")[0] or None),
    ):
        if value is not None:
            index, condition, bound = name, f" AND a.{key} = ?", (value,)
            break
    return (
        f"SELECT {_COLUMNS} FROM alert a INDEXED BY {index}"
        f" WHERE (a.received_ms, a.number) < (?, ?) AND a.received_ms >= ?{condition}"
        f"{_OF_STATE[asked.state]} ORDER BY a.received_ms DESC, a.number DESC",
        (received_ms, number, asked.since_ms or 0, *bound),
    )


_OF_STATE = {"open": " AND a.is_open", "new": " AND a.is_new", "all": ""}
_WALKS = {"open": "alert_open", "new": "alert_new", "all": "alert_place"}


def _no_place() -> ValidationError:
    return ValidationError(
        [Fault("after", "is no place in this list", "give the `next` of the page before")]
    )
