"""The pole's log: six feeds of records, each a hash chain, on disk before anyone is told.

One connection writes, on the thread that owns it; any number read. A record that has been
returned by `append` survives a power cut: SQLite in WAL mode with synchronous=FULL.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType

import apsw
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge.agent.feeds import FEEDS, Draft, Feed, Head, Page
from edge.agent.schema import bring_up
from edge.errors import StoreError
from edge.evidence import (
    START_HASH,
    Link,
    Sealed,
    SignedStatement,
    Statement,
    StatementKind,
    seal,
    sign,
)
from edge.model import Json
from edge.wire import format_utc

LOG_NAME = "log.db"
PAGE_MAX = 1000
_EPOCH_BYTES = 5
_BUSY_MS = 5000
_HASH_FROM, _HASH_TO = -66, -2
"""Where a sealed record holds its own hash."""
_PRAGMAS = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
PRAGMA foreign_keys = ON;
PRAGMA trusted_schema = OFF;
PRAGMA cache_size = -4096;
"""


class Records:
    """The log, opened for writing; belongs to one thread."""

    def __init__(self, folder: Path, *, pole: str, gbid: str | None, begun_ms: int) -> None:
        """Open the log of a data folder, or begin one.

        Args:
            folder: exists already.
            pole: its id, as each record names it.
            gbid: its 20 digits in GB/T 28181, if it has any.
            begun_ms: wall time, noted where a new log begins.

        Raises:
            StoreError: it can't be opened or written, is damaged or made by a newer version.
        """
        self._pole, self._gbid = pole, gbid
        try:
            self._connection = apsw.Connection(str(folder / LOG_NAME))
            self._connection.set_busy_timeout(_BUSY_MS)
            self._connection.execute(_PRAGMAS)
            bring_up(self._connection)
            self.epoch = self._begin(begun_ms)
        except apsw.Error as exc:
            raise _explain(exc) from exc

    def __enter__(self) -> Records:
        """Close at the end of the block."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """See `close`."""
        self.close()

    def close(self) -> None:
        """Give the file back; what has been returned is on disk already."""
        self._connection.close()

    def append(self, drafts: Sequence[Draft]) -> list[Sealed]:
        """Write records, all in one commit or none.

        Args:
            drafts: in the order in which they are to stand in their feeds.

        Returns:
            The records as they are stored, in the same order; on disk.

        Raises:
            StoreError: nothing was written.
            EvidenceError: a draft holds what can't be sealed; nothing was written.
        """
        try:
            with self._connection:
                heads = {feed: self._head(feed) for feed in {draft.feed for draft in drafts}}
                sealed = []
                for draft in drafts:
                    head = heads[draft.feed]
                    record = seal(self._record(draft, head))
                    heads[draft.feed] = Head(head.seq + 1, record.hash, head.oldest)
                    self._insert(draft, head.seq + 1, record)
                    sealed.append(record)
                for feed, head in heads.items():
                    self._connection.execute(
                        "UPDATE head SET seq = ?, hash = ? WHERE feed = ?",
                        (head.seq, head.hash, feed),
                    )
        except apsw.Error as exc:
            raise _explain(exc) from exc
        return sealed

    def sign_head(self, feed: Feed, key: Ed25519PrivateKey, *, at_ms: int) -> None:
        """Sign the newest record of a feed; nothing where there is none.

        Raises:
            StoreError: it could not be kept.
        """
        head = self.head(feed)
        if head.seq:
            place = Link(self.epoch, feed, head.seq, head.hash)
            self._keep_statement("head", place, key, at_ms=at_ms)

    def evict(self, feed: Feed, *, up_to: int, key: Ed25519PrivateKey, at_ms: int) -> int:
        """Let the oldest records of a feed go, leaving a signed checkpoint.

        Args:
            feed: the feed.
            up_to: the newest seq that goes; the head always stays.
            key: the pole's own.
            at_ms: wall time now.

        Returns:
            How many have gone.

        Raises:
            StoreError: none has gone.
        """
        head = self.head(feed)
        up_to = min(up_to, head.seq - 1)
        if up_to < head.oldest:
            return 0
        try:
            with self._connection:
                row = next(
                    self._connection.execute(
                        f"SELECT body FROM feed_{feed} WHERE seq = ?", (up_to,)
                    )
                )
                digest = row[0][_HASH_FROM:_HASH_TO].decode()
                place = Link(self.epoch, feed, up_to, digest)
                self._keep_statement("checkpoint", place, key, at_ms=at_ms)
                self._connection.execute(f"DELETE FROM feed_{feed} WHERE seq <= ?", (up_to,))
                self._connection.execute(
                    "UPDATE head SET oldest = ? WHERE feed = ?", (up_to + 1, feed)
                )
        except apsw.Error as exc:
            raise _explain(exc) from exc
        return up_to - head.oldest + 1

    def head(self, feed: Feed) -> Head:
        """Where a feed ends and begins.

        Raises:
            StoreError: it can't be read.
        """
        try:
            return self._head(feed)
        except apsw.Error as exc:
            raise _explain(exc) from exc

    def _begin(self, begun_ms: int) -> str:
        row = next(self._connection.execute("SELECT id, epoch FROM pole"), None)
        if row is not None:
            if row[0] != self._pole:
                raise StoreError(
                    f"the data folder is that of pole {row[0]}, not {self._pole};"
                    " give it back its id, or take another folder"
                )
            return str(row[1])
        epoch = secrets.token_hex(_EPOCH_BYTES)
        with self._connection:
            self._connection.execute(
                "INSERT INTO pole VALUES (1, ?, ?, ?)", (self._pole, epoch, begun_ms)
            )
            for feed in FEEDS:
                self._connection.execute("INSERT INTO head VALUES (?, 0, ?, 1)", (feed, START_HASH))
        return epoch

    def _head(self, feed: Feed) -> Head:
        found = self._connection.execute(
            "SELECT seq, hash, oldest FROM head WHERE feed = ?", (feed,)
        )
        return Head(*next(found))

    def _record(self, draft: Draft, head: Head) -> dict[str, Json]:
        return {
            "feed": draft.feed,
            "seq": head.seq + 1,
            "id": draft.id,
            "pole": self._pole,
            "gbid": self._gbid,
            "epoch": self.epoch,
            "kind": draft.kind,
            "severity": draft.severity,
            "camera": draft.camera,
            "at": format_utc(draft.at_ms),
            "clock": {
                "state": draft.clock.state,
                "boot": draft.clock.boot,
                "mono_ms": draft.clock.mono_ms,
            },
            "alert": draft.alert,
            "rule": dict(draft.rule) if draft.rule is not None else None,
            "data": dict(draft.data),
            "where": dict(draft.where),
            "media": [dict(item) for item in draft.media],
            "test": draft.is_test,
            "prev": head.hash,
        }

    def _insert(self, draft: Draft, seq: int, record: Sealed) -> None:
        self._connection.execute(
            f"INSERT INTO feed_{draft.feed} VALUES (?, ?, ?, ?, ?, ?)",
            (seq, draft.id, draft.kind, draft.camera, draft.at_ms, record.body),
        )

    def _keep_statement(
        self, kind: StatementKind, place: Link, key: Ed25519PrivateKey, *, at_ms: int
    ) -> None:
        at = format_utc(at_ms)
        statement = Statement(kind, self._pole, place.epoch, place.feed, place.seq, place.hash, at)
        signed = sign(statement, key)
        self._connection.execute(
            "INSERT OR REPLACE INTO statement VALUES (?, ?, ?, ?, ?, ?, ?)",
            (place.feed, kind, place.seq, place.hash, at, signed.key, signed.signature),
        )


class Reader:
    """Reads the log beside its writer; belongs to one thread."""

    def __init__(self, folder: Path) -> None:
        """Open a log that `Records` has begun.

        Raises:
            StoreError: there is none, or it can't be read.
        """
        try:
            self._connection = apsw.Connection(
                str(folder / LOG_NAME), flags=apsw.SQLITE_OPEN_READONLY
            )
            self._connection.set_busy_timeout(_BUSY_MS)
            self.pole, self.epoch = next(self._connection.execute("SELECT id, epoch FROM pole"))
        except apsw.Error as exc:
            raise _explain(exc) from exc

    def close(self) -> None:
        """Give the file back."""
        self._connection.close()

    def page(self, feed: Feed, *, after: int, limit: int) -> Page:
        """Read the records of a feed that come after a place.

        Args:
            feed: the feed.
            after: the seq that the caller has looked at, from 0.
            limit: 1 to `PAGE_MAX`.

        Raises:
            StoreError: it can't be read.
        """
        assert 1 <= limit <= PAGE_MAX
        try:
            with self._connection:
                head, oldest = next(
                    self._connection.execute("SELECT seq, oldest FROM head WHERE feed = ?", (feed,))
                )
                rows = list(
                    self._connection.execute(
                        f"SELECT seq, body FROM feed_{feed} WHERE seq > ? ORDER BY seq LIMIT ?",
                        (after, limit),
                    )
                )
        except apsw.Error as exc:
            raise _explain(exc) from exc
        next_seq = rows[-1][0] if rows else after
        return Page(tuple(body for _, body in rows), next_seq, next_seq < head, oldest)

    def chain(self, feed: Feed) -> Iterator[bytes]:
        """Give every record of a feed that is still kept, in order.

        Raises:
            StoreError: it can't be read on.
        """
        try:
            for (body,) in self._connection.execute(f"SELECT body FROM feed_{feed} ORDER BY seq"):
                yield body
        except apsw.Error as exc:
            raise _explain(exc) from exc

    def head(self, feed: Feed) -> Head:
        """Where a feed ends and begins.

        Raises:
            StoreError: it can't be read.
        """
        try:
            found = self._connection.execute(
                "SELECT seq, hash, oldest FROM head WHERE feed = ?", (feed,)
            )
            return Head(*next(found))
        except apsw.Error as exc:
            raise _explain(exc) from exc

    def statements(self) -> list[SignedStatement]:
        """Everything that was signed of this log.

        Raises:
            StoreError: it can't be read.
        """
        try:
            rows = list(
                self._connection.execute(
                    "SELECT s.kind, p.id, p.epoch, s.feed, s.seq, s.hash, s.at, s.key, s.signature"
                    " FROM statement s, pole p ORDER BY s.feed, s.seq, s.kind"
                )
            )
        except apsw.Error as exc:
            raise _explain(exc) from exc
        return [SignedStatement(Statement(*row[:7]), row[7], row[8]) for row in rows]


def _explain(exc: apsw.Error) -> StoreError:
    """Turn what SQLite raises into one line that says what to do."""
    if isinstance(exc, apsw.FullError):
        return StoreError("the log takes no record: the disk is full; make room")
    if isinstance(exc, apsw.ReadOnlyError | apsw.CantOpenError | apsw.PermissionsError):
        return StoreError(f"the log can't be opened or written ({exc}); check the folder's mode")
    if isinstance(exc, apsw.CorruptError | apsw.NotADBError):
        return StoreError(f"the log is damaged ({exc}); run polewatch verify, keep the file")
    return StoreError(f"the log can't be used ({exc}); check the disk")
