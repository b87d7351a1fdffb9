"""What desks ask of the store: lists of alerts, as walks along an index; one alert; figures.

A page looks at a bounded number of rows, and ends after `ANSWER_BYTES_MAX`. Where few rows are
asked for it is short, and its `next` says where to go on.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from typing import Any

import msgspec

from edge.errors import Fault, ValidationError
from edge.feeds import Severity
from edge.station.ports.desk import Asked, DeskPage, RecordPage, Response
from edge.station.store.reader import ANSWER_BYTES_MAX, StoreReader, cut
from edge.station.store.schema import explained
from edge.station.store.store_file import TALLIES

LOOK_MAX = 5000
"""Rows looked at for one page: some 3 ms."""
PAGE_MAX = 1000
RESPONSES_MAX = 500_000
"""Alerts in one statistics: a hundred days of 5,000, and some 400 MiB."""
_WORST = re.compile(r"w\.(0|[1-9][0-9]{0,17})")
_NEWEST = re.compile(r"n\.(0|[1-9][0-9]{0,15})\.(0|[1-9][0-9]{0,15})")
_MS_MAX = 10**16
_COLUMNS = "number, place, received_ms, pole, site, rule_type, rule_name"
_RESPONSE_FIELDS = [each.name for each in fields(Response)]
_RESPONSE = (
    "SELECT pole, site, camera, rule_type, rule_name, severity, opened_ms, received_ms, seen_ms,"
    " acked_ms, resolved_ms, mark, acked_by, is_test FROM alert"
    " WHERE received_ms >= ? AND received_ms < ? ORDER BY received_ms LIMIT ?"
)

_BY_RULES = ("alert.open", "alert.update", "alert.close")
"""Kinds that tell a severity; words of desks do not."""


class _Told(msgspec.Struct):
    kind: str
    severity: Severity | None


_told_decoder = msgspec.json.Decoder(_Told)


@dataclass(frozen=True, slots=True)
class _Walk:
    """A walk along one index: where it begins, in which order, and what it binds."""

    index: str
    condition: str
    order: str
    bound: tuple[Any, ...]

    def rows(self, columns: str, tail: str) -> str:
        """A query of its rows."""
        return (
            f"SELECT {columns} FROM alert INDEXED BY {self.index} WHERE {self.condition}"
            f" ORDER BY {self.order} {tail}"
        )


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
    walk = (_newest if asked.newest_first else _worst)(asked, after)
    filters, bound = _filters(asked)
    with reader.snapshot():
        rows = list(
            reader.connection.execute(
                f"SELECT number, place, received_ms FROM ({walk.rows(_COLUMNS, 'LIMIT ?')})"
                f"{filters} LIMIT ?",
                (*walk.bound, LOOK_MAX, *bound, limit),
            )
        )
        bodies = tuple(body for (body,) in cut(_body(reader, number) for number, _, _ in rows))
        is_full = len(bodies) == limit or len(bodies) < len(rows)
        last = rows[len(bodies) - 1] if is_full else _last_looked_at(reader, walk)
        change = newest_change(reader)
    if last is None:
        return DeskPage(bodies, None, change)
    number, place, received_ms = last
    is_newest = asked.newest_first
    return DeskPage(bodies, f"n.{received_ms}.{number}" if is_newest else f"w.{place}", change)


def _last_looked_at(reader: StoreReader, walk: _Walk) -> tuple[int, int, int] | None:
    """The row at which a walk has stopped; None where it came to its end."""
    found = reader.connection.execute(
        walk.rows("number, place, received_ms", f"LIMIT 1 OFFSET {LOOK_MAX - 1}"), walk.bound
    )
    return next(found, None)


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


def is_own_new(reader: StoreReader, alert: str) -> bool:
    """Whether an alert of the station's own is open and known to nobody."""
    with explained():
        found = reader.connection.execute(
            "SELECT is_new FROM alert WHERE pole = ? AND id = ?", (reader.station, alert)
        )
        return next(found, (0,))[0] == 1


def list_changed(reader: StoreReader, *, after: int, limit: int) -> DeskPage:
    """Read alerts that have changed after a change, in the order of their last one.

    `next` is the change to go on after, None where that was all.
    """
    with reader.snapshot():
        found = reader.connection.execute(
            "SELECT a.change, b.body FROM alert a JOIN alert_body b USING (number)"
            " WHERE a.change > ? ORDER BY a.change LIMIT ?",
            (after, limit),
        )
        rows = list(cut(found))
        change = newest_change(reader)
    has_more = bool(rows) and rows[-1][0] < change
    return DeskPage(tuple(body for _, body in rows), str(rows[-1][0]) if has_more else None, change)


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


def read_records(reader: StoreReader, pole: str, alert: str, *, after: int) -> RecordPage:
    """Read the records of an alert, of the pole and of the station, as they came after a number."""
    with explained():
        found = reader.connection.execute(
            "SELECT number, body FROM record WHERE alert = ? AND about = ? AND number > ?"
            " ORDER BY number",
            (alert, pole, after),
        )
        rows = list(cut(found))
    bodies = tuple(body for _, body in rows)
    is_cut = sum(map(len, bodies)) >= ANSWER_BYTES_MAX
    return RecordPage(bodies, rows[-1][0] if is_cut else None)


def read_severity(reader: StoreReader, pole: str, alert: str, *, before: int) -> Severity | None:
    """Read what an alert's severity was before a record, by the newest that told one."""
    with explained():
        for (body,) in reader.connection.execute(
            "SELECT body FROM record WHERE alert = ? AND about = ? AND number < ?"
            " ORDER BY number DESC",
            (alert, pole, before),
        ):
            told = _told_decoder.decode(body)
            if told.kind in _BY_RULES and told.severity is not None:
                return told.severity
    return None


def read_responses(reader: StoreReader, *, since_ms: int, until_ms: int) -> list[Response]:
    """Read the times of all alerts that came in a span; its end is open.

    Raises:
        ValidationError: there are more than `RESPONSES_MAX`.
        StoreError: it can't be read.
    """
    with explained():
        rows = reader.connection.execute(_RESPONSE, (since_ms, until_ms, RESPONSES_MAX + 1))
        found = [_response(*row) for row in rows]
    if len(found) > RESPONSES_MAX:
        problem = f"more than {RESPONSES_MAX} alerts came in this span"
        raise ValidationError([Fault("since", problem, "ask for a shorter one")])
    return found


def _response(*row: Any) -> Response:
    named = dict(zip(_RESPONSE_FIELDS, row, strict=True))
    return Response(**{**named, "is_test": bool(named["is_test"])})


def _body(reader: StoreReader, number: int) -> tuple[bytes]:
    found = reader.connection.execute("SELECT body FROM alert_body WHERE number = ?", (number,))
    return (bytes(next(found)[0]),)


def _filters(asked: Asked) -> tuple[str, tuple[Any, ...]]:
    """The conditions that a walk does not see to by itself."""
    rule_type, _, rule_name = (asked.rule or "").partition("/")
    wanted = (
        ("pole = ?", asked.pole),
        ("site = ?", asked.site),
        ("rule_type = ?", rule_type or None),
        ("rule_name = ?", rule_name or None),
        ("received_ms >= ?", asked.since_ms),
        ("received_ms < ?", asked.until_ms),
    )
    told = [(condition, value) for condition, value in wanted if value is not None]
    if not told:
        return "", ()
    return f" WHERE {' AND '.join(each for each, _ in told)}", tuple(value for _, value in told)


def _worst(asked: Asked, after: str | None) -> _Walk:
    """A walk from the worst alert on."""
    place = 0
    if after is not None:
        match = _WORST.fullmatch(after)
        if match is None:
            raise _no_place()
        place = int(match[1])
    state = _OF_STATE[asked.state]
    if asked.pole is not None and asked.state != "all":
        condition = f"pole = ? AND place > ? AND is_open{state}"
        return _Walk("alert_open_of_pole", condition, "place", (asked.pole, place))
    return _Walk(_WALKS[asked.state], f"place > ?{state}", "place", (place,))


def _newest(asked: Asked, after: str | None) -> _Walk:
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
            index, condition, bound = name, f"{key} = ? AND ", (value,)
            break
    condition += "(received_ms, number) < (?, ?) AND received_ms >= ?"
    return _Walk(
        index,
        f"{condition}{_OF_STATE[asked.state]}",
        "received_ms DESC, number DESC",
        (*bound, received_ms, number, asked.since_ms or 0),
    )


_OF_STATE = {"open": " AND is_open", "new": " AND is_new", "all": ""}
_WALKS = {"open": "alert_open", "new": "alert_new", "all": "alert_place"}


def _no_place() -> ValidationError:
    return ValidationError(
        [Fault("after", "is no place in this list", "give the `next` of the page before")]
    )
