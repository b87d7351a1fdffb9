"""Records whose time is over leave from the old end of their feed; a checkpoint of ours stays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from edge.evidence import Link
from edge.feeds import FEEDS, Feed
from edge.station.store.own_log import OWN_LIFE, keep_own_statement
from edge.station.store.reader import StoreReader
from edge.station.store.schema import explained
from edge.station.store.store_file import StoreFile
from edge.station.told_breaks import parse_told

DAYS: Mapping[Feed, int] = {
    "alerts": 400, "media": 0, "captures": 30, "measures": 400, "health": 180, "audit": 180,
}  # fmt: skip
"""How long records are kept; those of media as long as files are, and as any of their alert's."""
DROP_MAX = 1000
"""Records that leave in one commit."""
_HASH = "CAST(substr(body, -66, 64) AS TEXT)"
_IS_HELD = "SELECT 1 FROM alert WHERE pole = ? AND id = ? AND is_held"
_HAS_FILES = (
    "SELECT 1 FROM file_use u JOIN file f USING (pole, sha256) WHERE u.pole = ? AND u.alert = ?"
    " AND f.state IN ('here', 'waiting', 'held back')"
)
_IS_KEPT_BEFORE = (
    "SELECT 1 FROM place p JOIN life l USING (life)"
    " WHERE l.pole = ? AND l.epoch = ? AND p.feed = ? AND p.start_seq < ?"
)


@dataclass(frozen=True, slots=True)
class OldFeed:
    """A feed of a life whose oldest record may leave, as all may up to number `upto`."""

    life: int
    feed: Feed
    upto: int


def find_old(reader: StoreReader, upto: Mapping[Feed, int]) -> list[OldFeed]:
    """Find the feeds from which records may leave, of each those up to a number."""
    found = []
    for feed in FEEDS:
        with explained():
            rows = reader.connection.execute(
                "SELECT p.life FROM place p WHERE p.feed = ?1 AND (SELECT r.number"
                " FROM record r WHERE r.life = p.life AND r.feed = ?1 ORDER BY r.seq LIMIT 1"
                ") <= ?2",
                (feed, upto[feed]),
            )
            found += [OldFeed(life, feed, upto[feed]) for (life,) in rows]
    return found


def drop_old(file: StoreFile, old: OldFeed) -> int:
    """Let the oldest records of a feed go, up to `DROP_MAX`; how many went.

    The newest record of a feed always stays. They stop before one of a held alert, of media
    before one whose alert still has files here, and of our own alerts before one that tells of a
    hole in what is kept: without it nobody could say later who made that hole.
    """
    epoch, head = next(
        file.connection.execute(
            "SELECT l.epoch, p.seq FROM place p JOIN life l USING (life)"
            " WHERE p.life = ? AND p.feed = ?",
            (old.life, old.feed),
        )
    )
    rows = file.connection.execute(
        f"SELECT seq, number, about, alert, {_HASH}, body FROM record"
        " WHERE life = ? AND feed = ? AND seq < ? ORDER BY seq LIMIT ?",
        (old.life, old.feed, head, DROP_MAX),
    )
    last: Link | None = None
    count, body = 0, b""
    for seq, number, about, alert, digest, row_body in rows:
        if number > old.upto or _is_needed(file, old.feed, about, alert):
            break
        if (old.life, old.feed) == (OWN_LIFE, "alerts") and _tells_of_kept(file, row_body):
            break
        last, body, count = Link(epoch, old.feed, seq, digest), row_body, count + 1
    if last is None:
        return 0
    gone = (old.life, old.feed, last.seq)
    file.connection.execute("DELETE FROM statement WHERE life = ? AND feed = ? AND seq <= ?", gone)
    pole = str(msgspec.json.decode(body)["pole"])
    keep_own_statement(file, "checkpoint", last, life=old.life, pole=pole)
    file.connection.execute("DELETE FROM record WHERE life = ? AND feed = ? AND seq <= ?", gone)
    file.connection.execute(
        "UPDATE place SET start_seq = ?, start_hash = ? WHERE life = ? AND feed = ?",
        (last.seq, last.hash, old.life, old.feed),
    )
    return count


def _is_needed(file: StoreFile, feed: Feed, about: str | None, alert: str | None) -> bool:
    if alert is None:
        return False
    queries = (_IS_HELD, _HAS_FILES) if feed == "media" else (_IS_HELD,)
    return any(
        next(file.connection.execute(query, (about, alert)), None) is not None for query in queries
    )


def _tells_of_kept(file: StoreFile, body: bytes) -> bool:
    """Whether an own record tells of a break in a feed that still begins before it."""
    told = parse_told(body)
    if told is None:
        return False
    where = (told.pole, told.life, told.feed, told.end)
    return next(file.connection.execute(_IS_KEPT_BEFORE, where), None) is not None
