"""Opens the store to read it, and walks what verification looks at: chains, signatures, files."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Self

import apsw

from edge.errors import StoreError
from edge.evidence import Link, SignedStatement, Statement
from edge.station.store.schema import explained


@dataclass(frozen=True, slots=True)
class KeptFeed:
    """One feed of one life, as it is kept: its records follow `start` and end at `head`."""

    pole: str
    life: int
    branch: int
    is_current: bool
    start: Link
    head: Link


@dataclass(frozen=True, slots=True)
class KeptRow:
    """A record, and why it does not follow the one before it; empty where it does.

    `number` rises in the order in which all records came.
    """

    number: int
    seq: int
    flaw: str
    body: bytes


@dataclass(frozen=True, slots=True)
class KeptFile:
    """A file that is here."""

    sha256: str
    size_bytes: int
    type: str


class ChainReader:
    """Reads the store; used by one thread at a time."""

    def __init__(self, connection: apsw.Connection) -> None:
        """`connection` is closed with it; see `open_store_reader`.

        Raises:
            StoreError: it holds no store that can be read.
        """
        self.connection = connection
        with explained():
            row = next(connection.execute("SELECT id, epoch, key FROM station"), None)
        if row is None:
            raise StoreError("the store has not been begun; start polewatch station run once")
        self.station, self.epoch, self.key = row

    def __enter__(self) -> Self:
        """Close at the end of the block."""
        return self

    def __exit__(self, *_exc: object) -> None:
        """See `close`."""
        self.close()

    def close(self) -> None:
        """Give the file back."""
        self.connection.close()

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """See one state of the store throughout the block, whatever is written meanwhile.

        Raises:
            StoreError: it can't be read.
        """
        with explained():
            self.connection.execute("BEGIN")
            try:
                yield
            finally:  # a commit of a file that is damaged fails once more
                self.connection.execute("ROLLBACK")

    def feeds(self) -> list[KeptFeed]:
        """Every feed of every life, the station's own first."""
        rows = self._rows(
            "SELECT l.pole, p.life, l.branch, p.is_current, l.epoch, p.feed, p.start_seq,"
            " p.start_hash, p.seq, p.hash FROM place p JOIN life l USING (life)"
            " ORDER BY p.life <> 1, l.pole, p.life, p.feed"
        )
        return [
            KeptFeed(
                pole, life, branch, bool(is_current),
                Link(epoch, feed, start_seq, start_hash), Link(epoch, feed, seq, digest),
            )
            for pole, life, branch, is_current, epoch, feed, start_seq, start_hash, seq, digest
            in rows
        ]  # fmt: skip

    def chain(self, feed: KeptFeed) -> Iterator[KeptRow]:
        """Every record of a feed that is still kept, in order."""
        with explained():
            for number, seq, flaw, body in self.connection.execute(
                "SELECT number, seq, flaw, CAST(body AS BLOB) FROM record"
                " WHERE life = ? AND feed = ? ORDER BY seq",
                (feed.life, feed.start.feed),
            ):
                yield KeptRow(number, seq, flaw, body or b"")

    def statements(self, feed: KeptFeed) -> list[SignedStatement]:
        """What was signed of a feed's places, in order; checkpoints of ours have our key."""
        rows = self._rows(
            "SELECT kind, pole, ?, feed, seq, hash, at, key, signature FROM statement"
            " WHERE life = ? AND feed = ? ORDER BY seq, kind",
            feed.start.epoch,
            feed.life,
            feed.start.feed,
        )
        return [SignedStatement(Statement(*row[:7]), row[7], row[8]) for row in rows]

    def files(self) -> Iterator[KeptFile]:
        """Every file that is here by what is noted, each hash once."""
        with explained():
            for row in self.connection.execute(
                "SELECT sha256, max(bytes), max(type) FROM file WHERE state = 'here'"
                " GROUP BY sha256 ORDER BY sha256"
            ):
                yield KeptFile(*row)

    def _rows(self, query: str, *bound: object) -> list[Any]:
        with explained():
            return list(self.connection.execute(query, bound))
