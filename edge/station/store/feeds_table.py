"""What was pulled: records by life and feed, where each feed stands, what poles have signed."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

import apsw
import msgspec

from edge.errors import EvidenceError
from edge.evidence import Link, SignedStatement
from edge.feeds import FEEDS, Cursor, Feed
from edge.station.desk_fold import ID_MAX, Origin
from edge.station.ports.vault import Batch, CheckedRecord, Identity, Kept
from edge.station.store.alerts_table import interrupt_alerts, take_in
from edge.station.store.files_table import note_files
from edge.station.store.schema import explained
from edge.station.store.store_file import StoreFile

SEQ_MAX = 2**53
UNREADABLE_MAX = 1000
"""Items that are no record, kept of each pole as witnesses; the oldest go."""
_HASH = "CAST(substr(body, -66, 64) AS TEXT)"
_SEQ = "SELECT r.seq FROM record r WHERE r.life = l.life AND r.feed = ?3 AND r.seq"
_NEAR = (
    f"SELECT ifnull(max(({_SEQ} > ?4 AND r.seq <= ?5 ORDER BY r.seq DESC LIMIT 1)),"
    f" min(({_SEQ} > ?5 AND r.seq < ?6 ORDER BY r.seq LIMIT 1)))"
    " FROM life l WHERE l.pole = ?1 AND l.epoch = ?2"
)
_NOBODY = Identity("", "", "", "")
_INSERT = (
    "INSERT INTO record (life, feed, seq, received_ms, about, alert, own_id, flaw, body)"
    " VALUES (?, ?, ?, ?, ?, ?, NULL, ?, ?)"
)


@dataclass(frozen=True, slots=True)
class _Place:
    """One feed of a life, and where it stands."""

    life: int
    branch: int
    link: Link
    start_seq: int


def keep_batch(file: StoreFile, batch: Batch) -> Kept:
    """Keep a page: its records, what they make of alerts, the files they name, its place.

    Raises:
        EvidenceError: a record stands there already with other bytes, or the page is of another
            life than the feed is in.
    """
    place = _find_place(file, batch)
    identity = load_identity(file.connection, batch.pole) or _NOBODY
    origin = Origin(
        batch.pole,
        file.site(batch.pole),
        batch.received_ms,
        token_name=identity.token_name,
        clock_ahead_ms=batch.clock_ahead_ms,
        pole_id=identity.pole_id,
    )
    new = [record for record in batch.records if _insert(file, batch, place, record)]
    for record in new:
        _fold(file, record, origin)
    for reason, body in batch.unreadable:
        _put_aside(file, batch, reason, body)
    file.connection.execute(
        "UPDATE place SET seq = ?1, hash = ?2 WHERE life = ?3 AND feed = ?4 AND seq <= ?1",
        (batch.place.seq, batch.place.hash, place.life, batch.place.feed),
    )
    if new and not place.link.hash:  # it began behind records that had left
        file.connection.execute(
            "UPDATE place SET start_hash = ? WHERE life = ? AND feed = ? AND start_hash = ''",
            (_prev(new[0]), place.life, batch.place.feed),
        )
    opened = sum(record.draft.kind == "alert.open" for record in new)
    return Kept(len(new), opened)


def load_identity(connection: apsw.Connection, pole: str) -> Identity | None:
    """Who a pole was when it was last met."""
    row = next(connection.execute("SELECT identity FROM pole WHERE name = ?", (pole,)), None)
    return msgspec.json.decode(row[0], type=Identity) if row is not None else None


def keep_identity(file: StoreFile, pole: str, identity: Identity) -> None:
    """Remember who a pole is."""
    file.connection.execute(
        "INSERT OR REPLACE INTO pole VALUES (?, ?)", (pole, msgspec.json.encode(identity))
    )


def kept_near(connection: apsw.Connection, pole: str, after: Link, *, before: int) -> list[Link]:
    """See `ports.Vault`; in each branch it is two steps along an index."""
    whose = (pole, after.epoch, after.feed)
    middle = (after.seq + before) // 2
    with explained():
        (seq,) = next(connection.execute(_NEAR, (*whose, after.seq, middle, before)))
        found = connection.execute(
            f"SELECT {_HASH} FROM life l JOIN record r USING (life)"
            " WHERE l.pole = ? AND l.epoch = ? AND r.feed = ? AND r.seq = ?",
            (*whose, seq),
        )
        return [Link(after.epoch, after.feed, seq, digest) for (digest,) in found]


def note_acked(file: StoreFile, pole: str, feed: Feed, upto: Cursor) -> None:
    """A pole has taken an ack."""
    file.connection.execute(
        "INSERT OR REPLACE INTO ack VALUES (?, ?, ?, ?)", (pole, feed, upto.epoch, upto.seq)
    )


def keep_statements(file: StoreFile, pole: str, signed: Sequence[SignedStatement]) -> list[str]:
    """Keep what a pole has signed of records that are here.

    What is beyond the newest of them is not kept: it will be told again, and held against the
    record then.

    Returns:
        A line for each that names another hash than the record that stands there.
    """
    lines = []
    for each in signed:
        said = each.statement
        for life, hash_here in _hashes_at(file.connection, pole, said.epoch, said.feed, said.seq):
            file.connection.execute(
                "INSERT OR IGNORE INTO statement VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    life, said.feed, said.seq, said.kind, said.pole, said.hash, said.at, each.key,
                    each.signature,
                ),
            )  # fmt: skip
            if hash_here != said.hash:
                lines.append(
                    f"{said.feed} {said.seq}: signed as {said.kind} is {said.hash[:16]}…,"
                    f" what was pulled is {hash_here[:16]}…"
                )
    return lines


def _hashes_at(
    connection: apsw.Connection, pole: str, epoch: str, feed: str, seq: int
) -> list[tuple[int, str]]:
    """The hash that stands at a place of the newest life of an epoch; empty where none does."""
    row = next(
        connection.execute(
            "SELECT p.life, p.start_seq, p.start_hash FROM place p JOIN life l USING (life)"
            " WHERE l.pole = ? AND l.epoch = ? AND p.feed = ? ORDER BY l.branch DESC LIMIT 1",
            (pole, epoch, feed),
        ),
        None,
    )
    if row is None:
        return []
    life, start_seq, start_hash = row
    if seq == start_seq and seq:
        return [(life, start_hash)] if start_hash else []  # not known where nothing has come yet
    found = connection.execute(
        f"SELECT {_HASH} FROM record WHERE life = ? AND feed = ? AND seq = ?",
        (life, feed, seq),
    )
    return [(life, str(digest)) for (digest,) in found]


def _find_place(file: StoreFile, batch: Batch) -> _Place:
    """The life that a page goes on, or begins."""
    assert batch.place.feed in FEEDS
    row = next(
        file.connection.execute(
            "SELECT p.life, l.branch, l.epoch, p.seq, p.hash, p.start_seq"
            " FROM place p JOIN life l USING (life)"
            " WHERE p.pole = ? AND p.feed = ? AND p.is_current",
            (batch.pole, batch.place.feed),
        ),
        None,
    )
    if row is None:
        return _begin_place(file, batch)
    life, branch, epoch, seq, digest, start_seq = row
    place = _Place(life, branch, Link(epoch, batch.place.feed, seq, digest), start_seq)
    if batch.is_new_life and not (place.link == batch.place and _are_here(file, batch, place)):
        begun = _begin_place(file, batch)
        if batch.place.feed == "alerts":
            is_fork = epoch == batch.place.epoch
            interrupt_alerts(
                file, batch.pole, at_ms=batch.received_ms, fork=begun.link if is_fork else None
            )
        return begun
    if epoch != batch.place.epoch:
        raise EvidenceError(f"{batch.place.feed}: it is in epoch {epoch}, not {batch.place.epoch}")
    return place


def _begin_place(file: StoreFile, batch: Batch) -> _Place:
    """Begin a life of a feed; a branch where its epoch has been there before."""
    pole, link = batch.pole, batch.place
    assert pole != file.station
    (newest,) = next(
        file.connection.execute(
            "SELECT max(l.branch) FROM life l JOIN place p USING (life)"
            " WHERE l.pole = ? AND l.epoch = ? AND p.feed = ?",
            (pole, link.epoch, link.feed),
        )
    )
    branch = 0 if newest is None else newest + 1
    file.connection.execute(
        "INSERT OR IGNORE INTO life (pole, epoch, branch) VALUES (?, ?, ?)",
        (pole, link.epoch, branch),
    )
    (life,) = next(
        file.connection.execute(
            "SELECT life FROM life WHERE pole = ? AND epoch = ? AND branch = ?",
            (pole, link.epoch, branch),
        )
    )
    file.connection.execute(
        "UPDATE place SET is_current = 0 WHERE pole = ? AND feed = ? AND is_current",
        (pole, link.feed),
    )
    start = _start(file, batch, life=life, branch=branch)
    file.connection.execute(
        "INSERT INTO place VALUES (?, ?, ?, 1, ?, ?, ?, ?, 0)",
        (life, link.feed, pole, start.seq, start.hash, start.seq, start.hash),
    )
    return _Place(life, branch, start, start.seq)


def _start(file: StoreFile, batch: Batch, *, life: int, branch: int) -> Link:
    """After which link the records of a new life begin: a branch, where it leaves its log."""
    link = batch.place
    place = _Place(life, branch, link, 0)
    shared: Link | None = None
    for record in batch.records:
        if not _is_in_older_branch(file, batch, place, record):
            seq = min(max(record.link.seq - 1, 0), SEQ_MAX)
            return shared or Link(link.epoch, link.feed, seq, _prev(record))
        shared = record.link
    return link


def _prev(record: CheckedRecord) -> str:
    """The hash of the record before it, as it says."""
    return str(msgspec.json.decode(record.body)["prev"])


def _insert(file: StoreFile, batch: Batch, place: _Place, record: CheckedRecord) -> bool:
    """Put a record into its life; false where it is there already, or was put aside."""
    link, draft = record.link, record.draft
    if not 0 < link.seq <= SEQ_MAX:
        _put_aside(file, batch, record.flaw or "its seq is none", record.body)
        return False
    if link.seq <= place.start_seq or _is_in_older_branch(file, batch, place, record):
        return False  # it has been here, and its time was over; or it is
    is_about = draft.alert is not None and len(draft.alert) <= ID_MAX
    try:
        file.connection.execute(
            _INSERT,
            (
                place.life,
                link.feed,
                link.seq,
                batch.received_ms,
                batch.pole if is_about else None,
                draft.alert if is_about else None,
                record.flaw,
                record.body,
            ),
        )
    except apsw.ConstraintError as exc:
        if _is_same(file.connection, place.life, record):
            return False
        if not record.flaw:
            raise EvidenceError(
                f"{link.feed} {link.seq}: another record stands there, the log has forked"
            ) from exc
        return _put_aside(file, batch, record.flaw, record.body)
    return True


def _are_here(file: StoreFile, batch: Batch, place: _Place) -> bool:
    """Whether a page that would begin a life has done so already: its commit was not told."""
    return all(
        _is_same(file.connection, place.life, record)
        or _is_in_older_branch(file, batch, place, record)
        for record in batch.records
    )


def _is_same(connection: apsw.Connection, life: int, record: CheckedRecord) -> bool:
    found = connection.execute(
        "SELECT body FROM record WHERE life = ? AND feed = ? AND seq = ?",
        (life, record.link.feed, record.link.seq),
    )
    return next(found, (b"",))[0] == record.body


def _is_in_older_branch(
    file: StoreFile, batch: Batch, place: _Place, record: CheckedRecord
) -> bool:
    """Whether a log that was put back had this record before it was."""
    if place.branch == 0:
        return False
    found = file.connection.execute(
        "SELECT r.body FROM life l JOIN record r USING (life)"
        " WHERE l.pole = ? AND l.epoch = ? AND l.branch < ? AND r.feed = ? AND r.seq = ?",
        (batch.pole, batch.place.epoch, place.branch, record.link.feed, record.link.seq),
    )
    return any(body == record.body for (body,) in found)


def _fold(file: StoreFile, record: CheckedRecord, origin: Origin) -> None:
    draft = record.draft
    if record.flaw:
        origin = replace(origin, flaw=record.flaw)
    if draft.feed in ("media", "captures"):
        note_files(file, origin.pole, draft, received_ms=origin.received_ms)
    if draft.feed in ("alerts", "media"):
        take_in(file, draft, origin)


def _put_aside(file: StoreFile, batch: Batch, reason: str, body: bytes) -> bool:
    """Keep what has no place in this log as a witness; false where it is kept already."""
    digest = hashlib.sha256(body).hexdigest()
    file.connection.execute(
        "INSERT OR IGNORE INTO unreadable (pole, feed, digest, received_ms, reason, body)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (batch.pole, batch.place.feed, digest, batch.received_ms, reason, body),
    )
    is_new = file.connection.changes() > 0
    file.connection.execute(
        "DELETE FROM unreadable WHERE pole = ?1 AND number <= ("
        " SELECT number FROM unreadable WHERE pole = ?1 ORDER BY number DESC LIMIT 1 OFFSET ?2)",
        (batch.pole, UNREADABLE_MAX),
    )
    return is_new
