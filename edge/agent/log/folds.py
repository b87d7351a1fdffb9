"""The tables that are folded from records: alerts as they are now, and which media there are.

They are written in the transaction of the record that changes them.
"""

from __future__ import annotations

from typing import Any

import apsw

from edge.feeds import Draft, Severity
from edge.summary import Summary, encode_summary, parse_summary, step

_RANKS: dict[Severity, int] = {"critical": 0, "major": 1, "minor": 2, "info": 3}
_SEQ_BITS = 48
"""Room for the seq within a rank: a record each microsecond for nine years."""
NOBODY = ""
"""The alert or the camera of a file that belongs to none; a part of a key can't be null."""


def fold(connection: apsw.Connection, draft: Draft, *, seq: int, pole: str) -> None:
    """Let a record change what is known of its alert and its media.

    Raises:
        apsw.Error: it could not be written.
    """
    if draft.feed == "media":
        _fold_media(connection, draft)
    if draft.feed in ("alerts", "media") and draft.alert is not None:
        _fold_alert(connection, draft, seq=seq, pole=pole)


def forget_alerts(connection: apsw.Connection, up_to: int) -> None:
    """Drop alerts that are done and whose first record has left; `up_to` is a seq of `alerts`."""
    connection.execute("DELETE FROM alert WHERE opened_seq <= ? AND NOT is_open", (up_to,))


def _fold_alert(connection: apsw.Connection, draft: Draft, *, seq: int, pole: str) -> None:
    row = next(connection.execute("SELECT body FROM alert WHERE id = ?", (draft.alert,)), None)
    before = parse_summary(row[0]) if row is not None else None
    after = step(before, draft, seq=seq, pole=pole)
    if after is None or after is before:
        return
    connection.execute(
        "INSERT OR REPLACE INTO alert VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            after.opened_seq,
            after.id,
            after.camera,
            _place(after),
            after.state == "open",
            after.closed_at is not None,
            after.acked is not None,
            after.resolved.verdict if after.resolved is not None else None,
            encode_summary(after),
        ),
    )


def _place(summary: Summary) -> int:
    """Worst first, then the newest."""
    return ((_RANKS[summary.severity] + 1) << _SEQ_BITS) - summary.opened_seq


def severity_of(place: int) -> Severity:
    """The severity of an alert by its `place` and `opened_seq` added up."""
    rank = (place >> _SEQ_BITS) - 1
    return next(severity for severity, each in _RANKS.items() if each == rank)


def _fold_media(connection: apsw.Connection, draft: Draft) -> None:
    if draft.kind == "media.gone":
        gone: Any = draft.data.get("sha256")
        connection.execute("DELETE FROM media_use WHERE sha256 = ?", (gone,))
        connection.execute("DELETE FROM media_ack WHERE sha256 = ?", (gone,))
        connection.execute("DELETE FROM media WHERE sha256 = ?", (gone,))
    for item in draft.media:
        sha256: Any = item["sha256"]
        size_bytes: Any = item["bytes"]
        connection.execute(
            "INSERT OR IGNORE INTO media VALUES (?, ?, ?, ?)",
            (sha256, size_bytes, str(item["type"]), draft.at_ms),
        )
        connection.execute(
            "INSERT OR IGNORE INTO media_use VALUES (?, ?, ?, ?)",
            (sha256, draft.alert or NOBODY, draft.camera or NOBODY, str(item["role"])),
        )
