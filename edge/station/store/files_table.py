"""Which files poles have named, how far each has come, and which of them are needed."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from edge.feeds import Draft
from edge.station.desk_alert import TransferState
from edge.station.desk_fold import FileStand, named_files
from edge.station.ports.vault import Wanted
from edge.station.store.age import DAY_MS
from edge.station.store.alerts_table import put_file, received_of
from edge.station.store.store_file import StoreFile
from edge.station.urgency import rank_of

_TEXT_MAX = 200
REASON_MAX = 500


def note_files(file: StoreFile, pole: str, draft: Draft, *, received_ms: int) -> None:
    """Note what a record says of files: those that it names are wanted, one may be gone."""
    if draft.kind == "media.gone":
        gone = draft.data.get("sha256")
        reason = draft.data.get("reason")
        if isinstance(gone, str):
            why = reason if isinstance(reason, str) else ""
            _lose(file, pole, gone, FileStand("gone", why[:REASON_MAX]))
        return
    opened_ms = received_of(file, pole, draft.alert) or received_ms
    for item in named_files(draft):
        if draft.alert is not None:
            file.connection.execute(
                "INSERT OR IGNORE INTO file_use VALUES (?, ?, ?)",
                (pole, item["sha256"], draft.alert),
            )
        _want(file, pole, item, draft, opened_ms=opened_ms)


def keep_file(file: StoreFile, wanted: Wanted) -> None:
    """A file is in the folder: whatever was noted of it before, it is here now."""
    file.connection.execute(
        "UPDATE file SET state = 'here', reason = '', kept_age_ms = ?, is_acked = 0"
        " WHERE pole = ? AND sha256 = ? AND state <> 'here'",
        (file.keeper.age.now_ms(), wanted.pole, wanted.sha256),
    )
    put_file(file, wanted.pole, wanted.sha256, FileStand("here"))


def give_up_file(file: StoreFile, wanted: Wanted, stand: FileStand) -> None:
    """A file does not come, for now or for ever."""
    _lose(file, wanted.pole, wanted.sha256, FileStand(stand.state, stand.reason[:REASON_MAX]))


def note_try(file: StoreFile, wanted: Wanted) -> None:
    """A file could not be had this time."""
    file.connection.execute(
        "UPDATE file SET tries = tries + 1 WHERE pole = ? AND sha256 = ?",
        (wanted.pole, wanted.sha256),
    )


def note_files_acked(file: StoreFile, pole: str, hashes: Collection[str]) -> None:
    """The pole has been told that these are here."""
    file.connection.executemany(
        "UPDATE file SET is_acked = 1 WHERE pole = ? AND sha256 = ? AND state = 'here'",
        ((pole, sha256) for sha256 in hashes),
    )


def want_again(file: StoreFile, sha256: str) -> int:
    """A file that should be here is not: fetch it anew from whoever has it; how many have."""
    rows = file.connection.execute(
        "UPDATE file SET state = 'waiting', reason = '', tries = 0, is_acked = 0"
        " WHERE sha256 = ? AND state = 'here' RETURNING pole",
        (sha256,),
    )
    poles = [pole for (pole,) in rows]
    for pole in poles:
        put_file(file, pole, sha256, FileStand("waiting"))
    return len(poles)


@dataclass(frozen=True, slots=True)
class Expired:
    """A file whose time here is over for one pole; `is_last`: no other pole's record needs it."""

    pole: str
    sha256: str
    role: str
    camera: str | None
    alert: str | None
    is_last: bool


_EXPIRED = """
SELECT f.pole, f.sha256, f.role, f.camera, (
    SELECT u.alert FROM file_use u WHERE u.pole = f.pole AND u.sha256 = f.sha256 LIMIT 1
) FROM file f WHERE f.state = 'here' AND f.kept_age_ms < ? AND NOT EXISTS (
    SELECT 1 FROM file_use u JOIN alert a ON a.pole = u.pole AND a.id = u.alert
    WHERE u.pole = f.pole AND u.sha256 = f.sha256 AND a.is_held
) ORDER BY f.kept_age_ms LIMIT ?
"""


def expire(file: StoreFile, *, days: int, reason: str, limit: int) -> list[Expired]:
    """Let go of files that have been here for so many days and that no held alert has."""
    before_ms = file.keeper.age.now_ms() - days * DAY_MS
    gone = []
    for pole, sha256, role, camera, alert in list(
        file.connection.execute(_EXPIRED, (before_ms, limit))
    ):
        file.connection.execute(
            "UPDATE file SET state = 'expired', reason = ?, kept_age_ms = ?"
            " WHERE pole = ? AND sha256 = ?",
            (reason, file.keeper.age.now_ms(), pole, sha256),
        )
        put_file(file, pole, sha256, FileStand("expired", reason))
        is_last = not is_here(file, sha256)
        gone.append(Expired(pole, sha256, role, camera, alert, is_last))
    return gone


_FORGET = """
DELETE FROM file WHERE rowid IN (
    SELECT f.rowid FROM file f
    WHERE f.state IN ('gone', 'bad', 'expired') AND f.is_alert = ? AND f.kept_age_ms < ?
    AND NOT EXISTS (SELECT 1 FROM file_use u WHERE u.pole = f.pole AND u.sha256 = f.sha256)
    AND NOT EXISTS (
        SELECT 1 FROM life l JOIN place p USING (life) JOIN record r USING (life, feed, seq)
        WHERE l.pole = f.pole AND feed IN ('captures', 'media')
        AND instr(CAST(r.body AS TEXT), f.sha256)
    ) LIMIT ?
) RETURNING 1
"""
"""The newest record of a feed never leaves: what is noted of its files stays with it."""


def forget_files(file: StoreFile, *, is_alert: bool, days: int, limit: int) -> int:
    """Drop what is noted of files that ended so many days ago and that no alert has; how many."""
    before_ms = file.keeper.age.now_ms() - days * DAY_MS
    return len(list(file.connection.execute(_FORGET, (is_alert, before_ms, limit))))


def is_here(file: StoreFile, sha256: str) -> bool:
    """Whether any pole's record has this file here."""
    found = file.connection.execute(
        "SELECT 1 FROM file WHERE sha256 = ? AND state = 'here' LIMIT 1", (sha256,)
    )
    return next(found, None) is not None


def noted(file: StoreFile, digits: str) -> list[str]:
    """Hashes that are noted to be here, of those that begin with some digits."""
    rows = file.connection.execute(
        "SELECT DISTINCT sha256 FROM file WHERE sha256 >= ? AND sha256 < ? AND state = 'here'",
        (digits, f"{digits}g"),
    )
    return [sha256 for (sha256,) in rows]


def is_wanted(file: StoreFile, sha256: str) -> bool:
    """Whether a file of this hash is still to come from any pole."""
    found = file.connection.execute(
        "SELECT 1 FROM file WHERE sha256 = ? AND state IN ('waiting', 'held back') LIMIT 1",
        (sha256,),
    )
    return next(found, None) is not None


def settle(file: StoreFile, sha256: str, *, size_bytes: int) -> bool:
    """Note a file that got its name just before a kill; false where nobody waits for it.

    It is not taken in for a pole that says another length of it: what that gives will be wrong.
    """
    rows = file.connection.execute(
        "UPDATE file SET state = 'here', reason = '', kept_age_ms = ?, is_acked = 0"
        " WHERE sha256 = ? AND bytes = ? AND state IN ('waiting', 'held back') RETURNING pole",
        (file.keeper.age.now_ms(), sha256, size_bytes),
    )
    poles = [pole for (pole,) in rows]
    for pole in poles:
        put_file(file, pole, sha256, FileStand("here"))
    return bool(poles)


def _want(
    file: StoreFile, pole: str, item: Mapping[str, Any], draft: Draft, *, opened_ms: int
) -> None:
    """Note a file; one that another pole has brought already is here, a hash has one content."""
    is_alert = draft.alert is not None
    role = str(item["role"])[:_TEXT_MAX]
    state = _state_elsewhere(file, item)
    kept_age_ms = file.keeper.age.now_ms() if state == "here" else None
    file.connection.execute(
        "INSERT INTO file VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, '', ?, 0)"
        " ON CONFLICT (pole, sha256) DO UPDATE SET state = excluded.state, reason = '', tries = 0,"
        " kept_age_ms = excluded.kept_age_ms, is_acked = 0"
        " WHERE state IN ('gone', 'bad', 'expired')",
        (
            pole,
            item["sha256"],
            item["bytes"],
            str(item["type"])[:_TEXT_MAX],
            role,
            draft.camera,
            is_alert,
            opened_ms,
            rank_of(role, is_alert=is_alert),
            state,
            kept_age_ms,
        ),
    )


def _state_elsewhere(file: StoreFile, item: Mapping[str, Any]) -> TransferState:
    found = file.connection.execute(
        "SELECT 1 FROM file WHERE sha256 = ? AND state = 'here' AND bytes = ? LIMIT 1",
        (item["sha256"], item["bytes"]),
    )
    return "here" if next(found, None) is not None else "waiting"


def _lose(file: StoreFile, pole: str, sha256: str, stand: FileStand) -> None:
    changed = file.connection.execute(
        "UPDATE file SET state = ?1, reason = ?2, kept_age_ms = ?5 WHERE pole = ?3 AND sha256 = ?4"
        " AND state IN ('waiting', 'held back') AND (state, reason) <> (?1, ?2) RETURNING 1",
        (stand.state, stand.reason, pole, sha256, file.keeper.age.now_ms()),
    ).get
    if changed is not None:
        put_file(file, pole, sha256, stand)
