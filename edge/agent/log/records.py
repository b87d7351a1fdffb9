"""The pole's log: six feeds of records, each a hash chain, on disk before anyone is told.

One connection writes, on the thread that owns it; any number read. A record that has been
returned by `append` survives a power cut: SQLite in WAL mode with synchronous=FULL.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import apsw
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge.agent.log.folds import fold, forget_alerts
from edge.agent.log.log_file import LOG_NAME, NOUN, explained
from edge.agent.log.schema import STEPS
from edge.clock import Clock
from edge.config.model import Pole
from edge.database import bring_up, open_to_write
from edge.errors import EvidenceError, StoreError
from edge.evidence import (
    START_HASH,
    Link,
    Statement,
    StatementKind,
    key_id,
    open_seal,
    seal,
    sign,
)
from edge.feeds import FEEDS, Draft, Feed, Head, Life, Placed, make_record
from edge.model import Json
from edge.wire import format_utc

SIGNED_KINDS = ("alert.open", "alert.close", "alert.ack", "alert.resolve")
"""With each of these the heads of all feeds are signed, in the same commit."""
_UNFIT = (LookupError, TypeError, ValueError, ArithmeticError, OSError, RecursionError)
"""What a draft of the wrong shape raises: it must not end the thread that writes all others."""
_EPOCH_BYTES = 5
_IS_ULID = "length(id) = 26 AND id < '8' AND id NOT GLOB '*[^0-9A-HJKMNP-TV-Z]*'"
_HASH_FROM, _HASH_TO = -66, -2
"""Where a sealed record holds its own hash."""


class Records:
    """The log, opened for writing; belongs to one thread.

    `newest_id` is the highest id that it had when it was opened; None: it had no record.
    """

    def __init__(
        self,
        folder: Path,
        pole: Pole,
        *,
        key: Ed25519PrivateKey,
        clock: Clock,
        epoch: str | None = None,
    ) -> None:
        """Open the log of a data folder, or begin one.

        Args:
            folder: exists already.
            pole: whose log it is.
            key: the pole's own, which signs heads and checkpoints.
            clock: says when something was signed.
            epoch: the life it must be of; None: any, and one is begun where there is none.

        Raises:
            StoreError: it can't be opened or written, is damaged, made by a newer version, or
                another pole's.
        """
        self._pole, self._key, self._clock = pole, key, clock
        self._path = folder / LOG_NAME
        with explained():
            self._connection = open_to_write(self._path, may_begin=epoch is None)
            try:
                self.epoch = self._take_up(epoch)
                self.newest_id = _find_newest_id(self._connection)
            except (apsw.Error, StoreError):
                self._connection.close()
                raise
        self._file = _find_file(self._path)

    def __enter__(self) -> Records:
        """Close at the end of the block."""
        return self

    def __exit__(self, *_exc: object) -> None:
        """See `close`."""
        self.close()

    def close(self) -> None:
        """Give the file back; what has been returned is on disk already."""
        self._connection.close()

    @contextmanager
    def group(self) -> Iterator[None]:
        """Put everything that is done in the block into one commit.

        Raises:
            StoreError: nothing of it was written; or the file has been taken away, which SQLite
                does not notice: it would go on writing to where nobody finds it.
        """
        _check_place(self._path, self._file)
        with explained(), self._connection:
            yield

    def append(self, drafts: Sequence[Draft]) -> list[Placed]:
        """Write records, all in one commit or none.

        One that is there already, the same to the byte, is not written again but returned: a disk
        may take a commit and say that it did not.

        Args:
            drafts: in the order in which they are to stand in their feeds.

        Returns:
            The records as they are stored, in the same order; on disk, unless in a `group`, which
            then puts them there.

        Raises:
            StoreError: nothing was written.
            EvidenceError: a draft can't be sealed or kept, or has the id of another record;
                nothing was written.
        """
        with explained(), self._connection:
            heads = {feed: self._head(feed) for feed in {draft.feed for draft in drafts}}
            placed = []
            for draft in drafts:
                each = self._place(draft, heads[draft.feed])
                placed.append(each)
                if each.seq > heads[draft.feed].seq:
                    heads[draft.feed] = Head(each.seq, each.sealed.hash, heads[draft.feed].oldest)
            self._move_heads(heads)
            if any(draft.kind in SIGNED_KINDS for draft in drafts):
                self.sign_heads()
        return placed

    def sign_heads(self) -> None:
        """Sign the newest record of each feed that has grown since it was last signed.

        Raises:
            StoreError: it could not be kept.
        """
        with explained(), self._connection:
            moved = self._connection.execute("SELECT feed, seq, hash FROM head WHERE seq > signed")
            for feed, seq, digest in list(moved):
                self._keep_statement("head", Link(self.epoch, feed, seq, digest))
            self._connection.execute("UPDATE head SET signed = seq WHERE seq > signed")

    def evict(self, feed: Feed, *, up_to: int) -> int:
        """Let the oldest records of a feed go, leaving a signed checkpoint.

        Args:
            feed: the feed.
            up_to: the newest seq that goes; the head always stays.

        Returns:
            How many have gone.

        Raises:
            StoreError: none has gone.
        """
        with explained(), self._connection:
            head = self._head(feed)
            up_to = min(up_to, head.seq - 1)
            if up_to < head.oldest:
                return 0
            found = self._connection.execute(
                f"SELECT body FROM feed_{feed} WHERE seq = ?", (up_to,)
            )
            digest = next(found)[0][_HASH_FROM:_HASH_TO].decode()
            self._connection.execute(
                "DELETE FROM statement WHERE feed = ? AND seq <= ?", (feed, up_to)
            )
            self._keep_statement("checkpoint", Link(self.epoch, feed, up_to, digest))
            self._connection.execute(f"DELETE FROM feed_{feed} WHERE seq <= ?", (up_to,))
            self._connection.execute("UPDATE head SET oldest = ? WHERE feed = ?", (up_to + 1, feed))
            if feed == "alerts":
                forget_alerts(self._connection, up_to)
        return up_to - head.oldest + 1

    def ack(self, name: str, feed: Feed, seq: int) -> int:
        """Note how far a token's owner has a feed; it never goes back.

        Returns:
            What counts now.

        Raises:
            StoreError: it could not be kept.
        """
        with explained(), self._connection:
            counted = self._connection.execute(
                "INSERT INTO ack VALUES (?, ?, ?) ON CONFLICT (feed, name)"
                " DO UPDATE SET seq = max(seq, excluded.seq) RETURNING seq",
                (feed, name, seq),
            ).get
        return int(counted)

    def ack_media(self, name: str, hashes: Collection[str]) -> list[str]:
        """Note that a token's owner has these files; return those that there are none of.

        Raises:
            StoreError: it could not be kept.
        """
        with explained(), self._connection:
            unknown = [sha256 for sha256 in hashes if not self._has_media(sha256)]
            self._connection.executemany(
                "INSERT OR IGNORE INTO media_ack VALUES (?, ?)",
                ((sha256, name) for sha256 in set(hashes) - set(unknown)),
            )
        return unknown

    def probe(self) -> None:
        """Write a little, to learn whether the disk takes it, and whether the file is still ours.

        Raises:
            StoreError: it does not, or the file has been taken away.
        """
        with explained(), self._connection:
            self._connection.execute(
                "INSERT OR REPLACE INTO probe VALUES (1, ?)", (self._clock.utc_ms(),)
            )
        _check_place(self._path, self._file)

    def _take_up(self, epoch: str | None) -> str:
        """Bring the log to this version; begin it, or see that it is the right one."""
        bring_up(self._connection, STEPS, noun=NOUN)
        row = next(self._connection.execute("SELECT id, epoch, key FROM pole"), None)
        if row is None and epoch is None:
            return self._begin()
        found_id, found_epoch, found_key = row or ("none", "none", "none")
        if found_id != self._pole.id:
            raise StoreError(
                f"the data folder is that of pole {found_id}, not {self._pole.id};"
                " give it back its id, or take another folder"
            )
        if found_key != key_id(self._key.public_key()):
            raise StoreError(
                f"the log is signed by the key {found_key}, device.key is another;"
                " put the pole's own back, or take another folder"
            )
        if epoch not in (None, found_epoch):
            raise StoreError(f"another log stands at {self._path}; put back that of {epoch}")
        return str(found_epoch)

    def _begin(self) -> str:
        epoch = secrets.token_hex(_EPOCH_BYTES)
        key = key_id(self._key.public_key())
        with self._connection:
            self._connection.execute(
                "INSERT INTO pole VALUES (1, ?, ?, ?, ?)",
                (self._pole.id, epoch, key, self._clock.utc_ms()),
            )
            self._connection.executemany(
                "INSERT INTO head VALUES (?, 0, ?, 1, 0)", ((feed, START_HASH) for feed in FEEDS)
            )
        return epoch

    def _head(self, feed: Feed) -> Head:
        found = self._connection.execute(
            "SELECT seq, hash, oldest FROM head WHERE feed = ?", (feed,)
        )
        return Head(*next(found))

    def _move_heads(self, heads: dict[Feed, Head]) -> None:
        self._connection.executemany(
            "UPDATE head SET seq = ?, hash = ? WHERE feed = ?",
            ((head.seq, head.hash, feed) for feed, head in heads.items()),
        )

    def _has_media(self, sha256: str) -> bool:
        found = self._connection.execute("SELECT 1 FROM media WHERE sha256 = ?", (sha256,))
        return next(found, None) is not None

    def _record(self, draft: Draft, head: Head) -> dict[str, Json]:
        life = Life(self._pole.id, self._pole.gbid, self.epoch)
        return make_record(draft, life, seq=head.seq + 1, prev=head.hash)

    def _place(self, draft: Draft, head: Head) -> Placed:
        """Put a record behind the head of its feed, or find where it stands already."""
        try:
            record = seal(self._record(draft, head))
            self._connection.execute(
                f"INSERT INTO feed_{draft.feed} VALUES (?, ?, ?, ?, ?, ?)",
                (head.seq + 1, draft.id, draft.kind, draft.camera, draft.at_ms, record.body),
            )
            fold(self._connection, draft, seq=head.seq + 1, pole=self._pole.id)
        except apsw.ConstraintError as exc:
            return self._find_same(draft, exc)
        except EvidenceError:
            raise
        except _UNFIT as exc:
            raise EvidenceError(f"{draft.kind}: can't be kept ({exc})") from exc
        return Placed(draft.feed, head.seq + 1, draft.camera, record)

    def _find_same(self, draft: Draft, refused: apsw.ConstraintError) -> Placed:
        """Find a record that is there already and is this one."""
        found = self._connection.execute(
            f"SELECT seq, body FROM feed_{draft.feed} WHERE id = ?", (draft.id,)
        )
        seq, body = next(found, (0, b""))
        if body:
            head = Head(seq - 1, str(open_seal(body)["prev"]), 1)
            record = seal(self._record(draft, head))
            if record.body == body:
                return Placed(draft.feed, seq, draft.camera, record)
        raise EvidenceError(f"{draft.kind}: {draft.id} can't be kept ({refused})") from refused

    def _keep_statement(self, kind: StatementKind, place: Link) -> None:
        at = format_utc(self._clock.utc_ms())
        statement = Statement(
            kind, self._pole.id, place.epoch, place.feed, place.seq, place.hash, at
        )
        signed = sign(statement, self._key)
        self._connection.execute(
            "INSERT OR REPLACE INTO statement VALUES (?, ?, ?, ?, ?, ?, ?)",
            (place.feed, place.seq, kind, place.hash, at, signed.key, signed.signature),
        )


def _find_file(path: Path) -> int | None:
    """Which file stands at a path, by its inode; None where none can be seen."""
    try:
        return path.stat().st_ino
    except OSError:
        return None


def _check_place(path: Path, file: int | None) -> None:
    """See that a file still stands where it was opened; raises StoreError."""
    if file is None or _find_file(path) != file:
        raise StoreError(f"{path} was taken away; put it back, or start anew")


def _find_newest_id(connection: apsw.Connection) -> str | None:
    """The highest id of a log; one that is none, for it was spoilt on the disk, does not count."""
    highest = [
        newest
        for feed in FEEDS
        for (newest,) in connection.execute(
            f"SELECT id FROM feed_{feed} WHERE {_IS_ULID} ORDER BY id DESC LIMIT 1"
        )
    ]
    return max(highest, default=None)
