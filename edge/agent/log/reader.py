"""Reads the pole's log beside the one who writes it."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import apsw
import msgspec

from edge.agent.log.folds import NOBODY, severity_of
from edge.agent.log.log_file import LOG_NAME, NOUN, explained
from edge.agent.ports import AlertPage, AlertSummary, CameraSet, OldestUnacked, UnclosedAlert
from edge.agent.room.order import HeldFile
from edge.database import explain_damage, open_to_read
from edge.errors import Fault, LogDamaged, StoreError, ValidationError
from edge.evidence import Sealed, SignedStatement, Statement, has_own_hash
from edge.feeds import FEEDS, Feed, Head, Page, Placed
from edge.summary import parse_summary

PAGE_MAX = 1000
LOOK_MAX = 20_000
"""Rows looked at for one page of somebody who may see few cameras: some 20 ms."""
_HASH_FROM, _HASH_TO = -66, -2
_log = logging.getLogger(__name__)
_STATEMENT = (
    "SELECT s.kind, p.id, p.epoch, s.feed, s.seq, s.hash, s.at, s.key, s.signature"
    " FROM statement s, pole p"
)
_HELD = """
SELECT m.sha256, m.bytes, m.ready_ms, min(u.role),
    json_group_array(json_array(u.alert, u.camera)), min(a.place + a.opened_seq),
    (SELECT count(*) FROM media_ack k WHERE k.sha256 = m.sha256
        AND k.name IN (SELECT value FROM json_each(?)))
FROM media m LEFT JOIN media_use u ON u.sha256 = m.sha256 LEFT JOIN alert a ON a.id = u.alert
GROUP BY m.sha256
"""
_ALERT = "SELECT id, camera, is_open, is_acked, verdict, body FROM alert"


@dataclass(frozen=True, slots=True)
class FiledMedia:
    """What is noted of a file: not where it is, nor whether it still is."""

    size_bytes: int
    type: str
    cameras: frozenset[str]


class Reader:
    """Reads the log; used by one thread at a time."""

    def __init__(self, connection: apsw.Connection) -> None:
        """`connection` is closed with it; see `open_reader`.

        Raises:
            StoreError: it holds no log that can be read.
        """
        self._connection = connection
        with explained():
            row = next(connection.execute("SELECT id, epoch, key FROM pole"), None)
        if row is None:
            raise StoreError("the log has not been begun; start polewatch run once")
        self.pole, self.epoch, self.key = row

    def __enter__(self) -> Reader:
        """Close at the end of the block."""
        return self

    def __exit__(self, *_exc: object) -> None:
        """See `close`."""
        self.close()

    def close(self) -> None:
        """Give the file back."""
        self._connection.close()

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """See one state of the log throughout the block, whatever is written meanwhile.

        Raises:
            StoreError: it can't be read.
        """
        with explained():
            self._connection.execute("BEGIN")
            try:
                yield
            finally:  # a commit of a log that is damaged fails once more
                self._connection.execute("ROLLBACK")

    def page(
        self, feed: Feed, *, after: int, up_to: int, limit: int, cameras: CameraSet = None
    ) -> Page:
        """Read the records of a feed that come after a place.

        One whose bytes have changed on the disk is left out, and said in the log of the agent.

        Args:
            feed: the feed.
            after: the seq that the caller has looked at, from 0.
            up_to: the newest seq that the caller may be told of.
            limit: 1 to `PAGE_MAX`.
            cameras: of these only; at most `LOOK_MAX` rows are looked at.

        Raises:
            StoreError: it can't be read.
        """
        assert 1 <= limit <= PAGE_MAX
        last = up_to if cameras is None else min(up_to, after + LOOK_MAX)
        of_cameras, wanted = _among(cameras)
        with explained(), self._connection:
            oldest = self._head(feed).oldest
            rows = list(
                self._connection.execute(
                    f"SELECT seq, body FROM feed_{feed} WHERE seq > ? AND seq <= ?{of_cameras}"
                    " ORDER BY seq LIMIT ?",
                    (after, last, *wanted, limit),
                )
            )
        next_seq = rows[-1][0] if len(rows) == limit else max(after, last)
        bodies = tuple(body for seq, body in rows if _is_sound(feed, seq, body))
        return Page(bodies, next_seq, next_seq < up_to, oldest)

    def newest(self, feed: Feed, *, count: int) -> list[Placed]:
        """Read the newest records of a feed, in order; none before one that has changed on disk.

        Raises:
            StoreError: it can't be read.
        """
        with explained():
            rows = list(
                self._connection.execute(
                    f"SELECT seq, camera, body FROM feed_{feed} ORDER BY seq DESC LIMIT ?",
                    (count,),
                )
            )
            head = self._head(feed).seq
        sound = [
            Placed(feed, seq, camera, Sealed(body, body[_HASH_FROM:_HASH_TO].decode()))
            for number, (seq, camera, body) in enumerate(rows)
            if seq == head - number and _is_sound(feed, seq, body)
        ]
        whole = (placed for number, placed in enumerate(sound) if placed.seq == head - number)
        return list(whole)[::-1]

    def chain(self, feed: Feed, *, after: int = 0) -> Iterator[bytes]:
        """Give every record of a feed that is still kept, in order.

        Raises:
            StoreError: it can't be read on.
        """
        with explained():
            for (body,) in self._connection.execute(
                f"SELECT CAST(body AS BLOB) FROM feed_{feed} WHERE seq > ? ORDER BY seq", (after,)
            ):
                yield body or b""  # null only where somebody has put it there

    def heads(self) -> dict[Feed, Head]:
        """Where every feed ends and begins.

        Raises:
            StoreError: it can't be read.
        """
        with explained():
            return {feed: self._head(feed) for feed in FEEDS}

    def statements(
        self, feed: Feed, *, after: int = 0, limit: int | None = None
    ) -> list[SignedStatement]:
        """What was signed of a feed's places after one, in order; all of it without `limit`.

        Raises:
            StoreError: it can't be read.
        """
        with explained():
            rows = list(
                self._connection.execute(
                    f"{_STATEMENT} WHERE s.feed = ? AND s.seq > ? ORDER BY s.seq, s.kind LIMIT ?",
                    (feed, after, -1 if limit is None else limit),
                )
            )
        return [SignedStatement(Statement(*row[:7]), row[7], row[8]) for row in rows]

    def alerts(
        self, *, only_open: bool, after: str | None, limit: int, cameras: CameraSet
    ) -> AlertPage:
        """Read alerts, worst first, then the newest.

        Raises:
            StoreError: it can't be read.
            ValidationError: there is no alert `after`.
        """
        of_cameras, wanted = _among(cameras)
        of_state = " AND is_open" if only_open else ""
        with explained(), self._connection:
            place = self._place(after) if after is not None else 0
            rows = [
                _alert(row)
                for row in self._connection.execute(
                    f"{_ALERT} WHERE place > ?{of_state}{of_cameras} ORDER BY place LIMIT ?",
                    (place, *wanted, limit + 1),
                )
            ]
        shown = tuple(rows[:limit])
        return AlertPage(shown, shown[-1].id if len(rows) > limit else None)

    def alert(self, alert: str) -> AlertSummary | None:
        """Read one alert.

        Raises:
            StoreError: it can't be read.
        """
        with explained():
            row = next(self._connection.execute(f"{_ALERT} WHERE id = ?", (alert,)), None)
        return _alert(row) if row is not None else None

    def unclosed_alerts(self) -> list[UnclosedAlert]:
        """Read the alerts that have no close, the oldest first.

        Raises:
            StoreError: it can't be read.
        """
        with explained():
            rows = list(
                self._connection.execute(
                    "SELECT body FROM alert WHERE NOT is_closed ORDER BY opened_seq"
                )
            )
        found = [parse_summary(body) for (body,) in rows]
        return [UnclosedAlert(each.id, each.camera, each.severity, each.rule) for each in found]

    def media(self, sha256: str) -> FiledMedia | None:
        """Read what is noted of a file.

        Raises:
            StoreError: it can't be read.
        """
        with explained(), self._connection:
            row = next(
                self._connection.execute(
                    "SELECT bytes, type FROM media WHERE sha256 = ?", (sha256,)
                ),
                None,
            )
            uses = self._connection.execute(
                "SELECT DISTINCT camera FROM media_use WHERE sha256 = ? AND camera <> ?",
                (sha256, NOBODY),
            )
            cameras = frozenset(camera for (camera,) in uses)
        return FiledMedia(row[0], row[1], cameras) if row is not None else None

    def media_bytes(self) -> int:
        """How many bytes the files have together that are noted.

        Raises:
            StoreError: it can't be read.
        """
        with explained():
            (total,) = next(self._connection.execute("SELECT total(bytes) FROM media"))
        return int(total)

    def held_media(self, keepers: Collection[str]) -> Iterator[HeldFile]:
        """Read what is noted of every file; without keepers none is kept elsewhere.

        Raises:
            StoreError: it can't be read.
        """
        with explained():
            for row in self._connection.execute(_HELD, (_names(keepers),)):
                yield _held(row, len(keepers))

    def acks(self, feed: Feed) -> dict[str, int]:
        """Read how far each token's owner has a feed.

        Raises:
            StoreError: it can't be read.
        """
        with explained():
            return dict(
                self._connection.execute("SELECT name, seq FROM ack WHERE feed = ?", (feed,))
            )

    def oldest_unacked(self, keepers: Collection[str], *, up_to: int) -> OldestUnacked:
        """Find the oldest record of `alerts` that not every keeper has; without keepers nobody has.

        Raises:
            StoreError: it can't be read.
        """
        acked = self.acks("alerts")
        have = min((acked.get(name, 0) for name in keepers), default=0)
        with explained():
            row = next(
                self._connection.execute(
                    "SELECT seq, at_ms FROM feed_alerts WHERE seq > ? AND seq <= ?"
                    " ORDER BY seq LIMIT 1",
                    (have, up_to),
                ),
                (0, 0),
            )
        return OldestUnacked(*row)

    def _head(self, feed: Feed) -> Head:
        found = self._connection.execute(
            "SELECT seq, hash, oldest FROM head WHERE feed = ?", (feed,)
        )
        row = next(found, None)
        if row is None:
            raise LogDamaged(explain_damage(NOUN, f"it does not say where {feed} ends"))
        return Head(*row)

    def _place(self, alert: str) -> int:
        row = next(self._connection.execute("SELECT place FROM alert WHERE id = ?", (alert,)), None)
        if row is None:
            fault = Fault("after", "no alert of this id is kept", "begin without `after`")
            raise ValidationError([fault])
        return int(row[0])


def open_reader(folder: Path) -> Reader:
    """Open a log that `Records` has begun.

    Raises:
        StoreError: there is none, or it can't be read.
    """
    with explained():
        connection = open_to_read(folder / LOG_NAME)
    try:
        return Reader(connection)
    except StoreError:
        connection.close()
        raise


def _is_sound(feed: Feed, seq: int, body: object) -> bool:
    """Whether a record is what was written: a bit of it may have tipped on the disk."""
    if isinstance(body, bytes) and has_own_hash(body):
        return True
    _log.error("record spoilt, not served: feed=%s seq=%d; run polewatch verify", feed, seq)
    return False


def _names(names: Collection[str]) -> str:
    return msgspec.json.encode(sorted(names)).decode()


def _held(row: tuple[Any, ...], keepers: int) -> HeldFile:
    sha256, size_bytes, ready_ms, role, uses, place, acks = row
    found = tuple(
        (alert or None, camera or None)
        for alert, camera in msgspec.json.decode(uses)
        if alert is not None
    )
    severity = None if place is None else severity_of(place)
    is_kept = 0 < keepers == acks
    return HeldFile(sha256, size_bytes, role or "", ready_ms, found, severity, is_kept)


def _among(cameras: CameraSet) -> tuple[str, tuple[str, ...]]:
    """The condition that a row is of these cameras, and what it binds."""
    if cameras is None:
        return "", ()
    return " AND camera IN (SELECT value FROM json_each(?))", (_names(cameras),)


def _alert(row: tuple[str, str | None, int, int, str | None, bytes]) -> AlertSummary:
    return AlertSummary(row[0], row[1], bool(row[2]), bool(row[3]), row[4], row[5])
