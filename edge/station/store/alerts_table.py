"""Alerts as desks see them, folded from records in the transaction that keeps these."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import apsw
import msgspec

from edge.evidence import Link
from edge.feeds import Draft
from edge.station.desk_alert import RANKS
from edge.station.desk_fold import (
    FOLD_BYTES_MAX,
    ID_MAX,
    DeskFold,
    FileStand,
    Origin,
    cut_down,
    encode_alert,
    encode_fold,
    interrupt,
    make_stub,
    parse_fold,
    show,
    step,
    with_file,
)
from edge.station.store.store_file import StoreFile
from edge.wire import parse_utc

NUMBER_BITS = 48
"""Room for an alert's number within its rank."""
EARLY_MAX = 32
"""Media records that wait for the beginning of one alert."""
ORPHAN_MS = 600_000
"""A pole's alerts are pulled before its media: after so long no beginning is on its way."""

_INSERT = (
    "INSERT INTO alert VALUES (:number, :pole, :id, :change, :place, :is_open, :is_new, :is_held,"
    " :site, :camera, :rule_type, :rule_name, :severity, :received_ms, :opened_ms, :seen_ms,"
    " :acked_ms, :resolved_ms, :mark, :acked_by, :is_test)"
)
_UPDATE = (
    "UPDATE alert SET change = :change, place = :place, is_open = :is_open, is_new = :is_new,"
    " is_held = :is_held, severity = :severity, seen_ms = :seen_ms, acked_ms = :acked_ms,"
    " resolved_ms = :resolved_ms, mark = :mark, acked_by = :acked_by WHERE number = :number"
)
_UPDATE_BEGINNING = (
    "UPDATE alert SET camera = :camera, rule_type = :rule_type, rule_name = :rule_name,"
    " opened_ms = :opened_ms, is_test = :is_test WHERE number = :number"
)
_draft_encoder = msgspec.json.Encoder()
_draft_decoder = msgspec.json.Decoder(Draft)


def take_in(file: StoreFile, draft: Draft, origin: Origin) -> None:
    """Let a record change its alert.

    Raises:
        apsw.Error: it could not be written.
    """
    if draft.alert is None or len(draft.alert) > ID_MAX:
        return
    number, before = _load(file, origin.pole, draft.alert)
    after = step(before, draft, origin)
    if after is None:
        if draft.feed == "media" and not origin.is_own:
            _keep_early(file, draft, origin)
        return
    if after is before:
        return
    if before is None:
        for early in _take_early(file, origin.pole, draft.alert):
            after = step(after, early, origin) or after
    _save(file, number, before, _with_stands(file, after))


def put_file(file: StoreFile, pole: str, sha256: str, stand: FileStand) -> None:
    """Let all alerts of a pole that have a file know how far it has come."""
    rows = file.connection.execute(
        "SELECT alert FROM file_use WHERE pole = ? AND sha256 = ?", (pole, sha256)
    )
    for (alert,) in list(rows):
        number, before = _load(file, pole, alert)
        if before is not None and (after := with_file(before, sha256, stand)) is not before:
            _save(file, number, before, after)


def put_refusal(file: StoreFile, pole: str, alert: str, reason: str) -> None:
    """Let an alert say why its pole will never take a word about it; empty: it took the last."""
    number, before = _load(file, pole, alert)
    if before is not None and before.refused != reason:
        _save(file, number, before, replace(before, refused=reason))


def open_orphans(file: StoreFile, *, before_ms: int) -> int:
    """Show the alerts of which nothing but media has come for long; how many there were."""
    rows = list(
        file.connection.execute(
            "SELECT DISTINCT pole, alert FROM orphan WHERE received_ms < ?", (before_ms,)
        )
    )
    for pole, alert in rows:
        (received_ms,) = next(
            file.connection.execute(
                "SELECT min(received_ms) FROM orphan WHERE pole = ? AND alert = ?", (pole, alert)
            )
        )
        origin = Origin(pole, file.site(pole), received_ms)
        drafts = list(_take_early(file, pole, alert))
        fold = make_stub(drafts[0], origin)
        for draft in drafts[1:]:
            fold = step(fold, draft, origin) or fold
        _save(file, None, None, _with_stands(file, fold))
    return len(rows)


def interrupt_alerts(file: StoreFile, pole: str, *, at_ms: int, fork: Link | None = None) -> None:
    """End what is still open of a pole whose log is over, or that is pulled no longer.

    Of a log that was put back it is what none of the records up to `fork` tells of.
    """
    epoch, seq = ("", 0) if fork is None else (fork.epoch, fork.seq)
    rows = file.connection.execute(
        "SELECT a.id FROM alert a WHERE a.pole = ?1 AND a.is_open AND NOT EXISTS ("
        " SELECT 1 FROM record r JOIN life l USING (life) WHERE r.alert = a.id AND r.about = ?1"
        " AND r.feed = 'alerts' AND r.seq <= ?3 AND l.pole = ?1 AND l.epoch = ?2)",
        (pole, epoch, seq),
    )
    for (alert,) in list(rows):
        number, before = _load(file, pole, alert)
        if before is not None and (after := interrupt(before, at_ms=at_ms)) is not before:
            _save(file, number, before, after)


def interrupt_unpulled(file: StoreFile) -> None:
    """End what is still open of poles that the configuration has no more."""
    pulled = {file.station, *file.keeper.settings.sites}
    rows = file.connection.execute("SELECT DISTINCT pole FROM alert WHERE is_open")
    for (pole,) in list(rows):
        if pole not in pulled:
            interrupt_alerts(file, pole, at_ms=file.keeper.clock.utc_ms())


def received_of(file: StoreFile, pole: str, alert: str | None) -> int | None:
    """When an alert came; None where it is not known."""
    found = file.connection.execute(
        "SELECT received_ms FROM alert WHERE pole = ? AND id = ?", (pole, alert)
    )
    row = next(found, None)
    return int(row[0]) if row is not None else None


def forget_alerts(file: StoreFile, *, upto: int, limit: int) -> int:
    """Drop alerts up to a number that are done and not held; how many.

    What was said of them goes with them, and what was noted of their files, but for files that
    are here or to come.
    """
    rows = list(
        file.connection.execute(
            "SELECT number, pole, id FROM alert WHERE number <= ? AND NOT is_open"
            " AND NOT is_held ORDER BY number LIMIT ?",
            (upto, limit),
        )
    )
    for number, pole, alert in rows:
        file.connection.execute("DELETE FROM alert WHERE number = ?", (number,))
        file.connection.execute(
            "DELETE FROM file WHERE pole = ?1 AND state IN ('gone', 'bad', 'expired')"
            " AND sha256 IN (SELECT sha256 FROM file_use WHERE pole = ?1 AND alert = ?2)",
            (pole, alert),
        )
        file.connection.execute("DELETE FROM word WHERE pole = ? AND alert = ?", (pole, alert))
        file.connection.execute("DELETE FROM file_use WHERE pole = ? AND alert = ?", (pole, alert))
    return len(rows)


def _load(file: StoreFile, pole: str, alert: str) -> tuple[int | None, DeskFold | None]:
    found = file.connection.execute(
        "SELECT a.number, b.fold FROM alert a JOIN alert_body b USING (number)"
        " WHERE a.pole = ? AND a.id = ?",
        (pole, alert),
    )
    row = next(found, None)
    return (row[0], parse_fold(row[1])) if row is not None else (None, None)


def _with_stands(file: StoreFile, fold: DeskFold) -> DeskFold:
    """Note of each file that is new to an alert how far it has come already."""
    for each in fold.summary.media:
        if each.sha256 not in fold.files:
            found = file.connection.execute(
                "SELECT state, reason FROM file WHERE pole = ? AND sha256 = ?",
                (fold.pole, each.sha256),
            )
            row = next(found, None)
            if row is not None and row[0] != "waiting":
                fold = with_file(fold, each.sha256, FileStand(*row))
    return fold


def _save(file: StoreFile, number: int | None, before: DeskFold | None, after: DeskFold) -> None:
    stored = encode_fold(after)
    if len(stored) > FOLD_BYTES_MAX:
        after = cut_down(after)
        stored = encode_fold(after)
    change = file.add_to_tally("change", 1)
    was, now = _counted(before), _counted(after)
    for name in was ^ now:
        file.add_to_tally(name, 1 if name in now else -1)
    row_number = number if number is not None else _next_number(file.connection)
    columns = _columns(after, number=row_number, change=change)
    bodies = (stored, encode_alert(show(after, change=change)))
    if number is None:
        file.connection.execute(_INSERT, columns)
        file.connection.execute("INSERT INTO alert_body VALUES (?, ?, ?)", (row_number, *bodies))
        return
    file.connection.execute(_UPDATE, columns)
    if before is not None and before.is_stub != after.is_stub:
        file.connection.execute(_UPDATE_BEGINNING, columns)
    file.connection.execute(
        "UPDATE alert_body SET fold = ?, body = ? WHERE number = ?", (*bodies, row_number)
    )


def _next_number(connection: apsw.Connection) -> int:
    found = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'alert'")
    row = next(found, None)
    return int(row[0]) + 1 if row is not None else 1


def _counted(fold: DeskFold | None) -> set[str]:
    """The tallies that an alert is counted in."""
    names = {"open"} if fold is not None and fold.is_open else set()
    if fold is not None and fold.is_new:
        names |= {"new", f"new_{fold.summary.severity}"}
    return names


def _columns(fold: DeskFold, *, number: int, change: int) -> dict[str, Any]:
    own = fold.summary
    return {
        "number": number,
        "pole": fold.pole,
        "id": own.id,
        "change": change,
        "place": ((RANKS[own.severity] + 1) << NUMBER_BITS) - number,
        "is_open": fold.is_open,
        "is_new": fold.is_new,
        "is_held": fold.hold is not None,
        "site": fold.site,
        "camera": own.camera,
        "rule_type": _text(own.rule.get("type")),
        "rule_name": _text(own.rule.get("name")),
        "severity": own.severity,
        "received_ms": fold.received_ms,
        "opened_ms": parse_utc(own.opened_at),
        "seen_ms": parse_utc(fold.seen.at) if fold.seen is not None else None,
        "acked_ms": parse_utc(own.acked.at) if own.acked is not None else None,
        "resolved_ms": parse_utc(own.resolved.at) if own.resolved is not None else None,
        "mark": own.resolved.verdict if own.resolved is not None else "",
        "acked_by": own.acked.by if own.acked is not None else "",
        "is_test": own.test,
    }


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _keep_early(file: StoreFile, draft: Draft, origin: Origin) -> None:
    """Let a media record wait for the beginning of its alert: the two feeds are pulled apart."""
    file.connection.execute(
        "INSERT INTO orphan (pole, alert, received_ms, draft) SELECT ?1, ?2, ?3, ?4 WHERE"
        " (SELECT count(*) FROM orphan WHERE pole = ?1 AND alert = ?2) < ?5",
        (origin.pole, draft.alert, origin.received_ms, _draft_encoder.encode(draft), EARLY_MAX),
    )


def _take_early(file: StoreFile, pole: str, alert: str) -> Iterator[Draft]:
    rows = list(
        file.connection.execute(
            "DELETE FROM orphan WHERE pole = ? AND alert = ? RETURNING number, draft",
            (pole, alert),
        )
    )
    for _, draft in sorted(rows):
        yield _draft_decoder.decode(draft)
