"""Reads the store beside the one who writes it: what pulling, those outside and checks ask."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from edge.database import open_to_read
from edge.errors import StoreError
from edge.evidence import Link
from edge.feeds import Cursor, Feed
from edge.station.ports.arrivals import Arrival
from edge.station.ports.vault import Identity, Wanted, Word
from edge.station.store.chain_reader import ChainReader, KeptFile
from edge.station.store.feeds_table import load_identity
from edge.station.store.schema import STORE_NAME, explained

ANSWER_BYTES_MAX = 4 * 2**20
"""So many bytes of records end an answer, which is at most one record longer."""
_HASH = "CAST(substr(r.body, -66, 64) AS TEXT)"
_WANTED = (
    "SELECT pole, sha256, bytes, type, role, camera, is_alert, opened_ms, tries FROM file"
    " WHERE pole = ? AND state IN ('waiting', 'held back')"
    " ORDER BY rank, tries, opened_ms DESC, sha256 LIMIT ?"
)
_NEWEST = (
    "SELECT r.body FROM place p JOIN record r ON r.life = p.life AND r.feed = p.feed"
    " WHERE p.pole = ? AND p.feed = ? AND p.is_current AND r.seq > p.seq - ? ORDER BY r.seq"
)
_ARRIVALS = (
    "SELECT r.number, l.pole, r.received_ms, r.body FROM record r JOIN life l USING (life)"
    " WHERE r.feed = ? AND r.number > ? ORDER BY r.number LIMIT ?"
)


class StoreReader(ChainReader):
    """Reads the store; used by one thread at a time."""

    def identity(self, pole: str) -> Identity | None:
        """Who a pole was when it was last met."""
        with explained():
            return load_identity(self.connection, pole)

    def places(self, pole: str) -> dict[Feed, Link]:
        """Where each feed of a pole stands."""
        rows = self._rows(
            "SELECT p.feed, l.epoch, p.seq, p.hash FROM place p JOIN life l USING (life)"
            " WHERE p.pole = ? AND p.is_current",
            pole,
        )
        return {feed: Link(epoch, feed, seq, digest) for feed, epoch, seq, digest in rows}

    def newest(self, pole: str, feed: Feed, *, limit: int) -> list[bytes]:
        """The last records of a feed of a pole's present life, in order."""
        return [bytes(body) for (body,) in self._rows(_NEWEST, pole, feed, limit)]

    def acked(self, pole: str) -> dict[Feed, Cursor]:
        """What a pole has confirmed that we have."""
        rows = self._rows("SELECT feed, epoch, seq FROM ack WHERE pole = ?", pole)
        return {feed: Cursor(epoch, seq) for feed, epoch, seq in rows}

    def signed_to(self, pole: str, feed: Feed) -> Link | None:
        """The newest place of a feed's present life that a statement bears out."""
        rows = self._rows(
            "SELECT l.epoch, s.seq, s.hash FROM place p JOIN life l USING (life)"
            " JOIN statement s ON s.life = p.life AND s.feed = p.feed"
            " LEFT JOIN record r ON r.life = p.life AND r.feed = p.feed AND r.seq = s.seq"
            " WHERE p.pole = ? AND p.feed = ? AND p.is_current AND s.hash ="
            f" CASE WHEN s.seq = p.start_seq THEN p.start_hash ELSE {_HASH} END"
            " ORDER BY s.seq DESC LIMIT 1",
            pole,
            feed,
        )
        return next((Link(epoch, feed, seq, digest) for epoch, seq, digest in rows), None)

    def wanted(self, pole: str, *, limit: int) -> list[Wanted]:
        """Files to be fetched, in the order of `pulling.urgency.place`."""
        return [
            Wanted(
                whose,
                sha256,
                size_bytes,
                type=kind,
                role=role,
                camera=camera,
                is_alert=bool(is_alert),
                opened_ms=opened_ms,
                tries=tries,
            )
            for whose, sha256, size_bytes, kind, role, camera, is_alert, opened_ms, tries in (
                self._rows(_WANTED, pole, limit)
            )
        ]

    def unacked_files(self, pole: str, *, limit: int) -> list[str]:
        """Hashes that are here and that the pole has not been told of."""
        rows = self._rows(
            "SELECT sha256 FROM file WHERE pole = ? AND state = 'here' AND NOT is_acked"
            " ORDER BY kept_age_ms LIMIT ?",
            pole,
            limit,
        )
        return [sha256 for (sha256,) in rows]

    def words_to_send(self, pole: str, *, limit: int) -> list[Word]:
        """What a pole has not been told yet, oldest first."""
        rows = self._rows(
            "SELECT number, pole, alert, what, body FROM word WHERE pole = ? AND is_waiting"
            " ORDER BY number LIMIT ?",
            pole,
            limit,
        )
        return [
            Word(number, whose, alert, what, msgspec.json.decode(body))
            for number, whose, alert, what, body in rows
        ]

    def arrivals(self, *, after: int, feeds: Sequence[Feed], limit: int) -> list[Arrival]:
        """Records of some feeds after a number, in the order in which they were kept.

        They end at `limit` or after `ANSWER_BYTES_MAX`; none are given only where none are left.
        """
        with self.snapshot():
            return [Arrival(*row) for row in self._arriving(after, feeds, limit)]

    def _arriving(self, after: int, feeds: Sequence[Feed], limit: int) -> Iterator[Any]:
        """Read feeds side by side, a row of each ahead: a body that is not given is not kept."""
        rows = [
            self.connection.execute(_ARRIVALS, (feed, after, limit))
            for feed in dict.fromkeys(feeds)
        ]
        return cut(itertools.islice(heapq.merge(*rows), limit))

    def told_to(self, webhook: str) -> int | None:
        """Up to which number somebody has been told."""
        rows = self._rows("SELECT number FROM told WHERE webhook = ?", webhook)
        return rows[0][0] if rows else None

    def newest_number(self) -> int:
        """The number of the newest record that was ever kept; 0 before the first."""
        rows = self._rows("SELECT seq FROM sqlite_sequence WHERE name = 'record'")
        return rows[0][0] if rows else 0

    def file_of(self, pole: str, sha256: str) -> KeptFile | None:
        """A file that a pole's records name and that is here; not whether it still is."""
        rows = self._rows(
            "SELECT sha256, bytes, type FROM file WHERE pole = ? AND sha256 = ? AND state = 'here'",
            pole,
            sha256,
        )
        return KeptFile(*rows[0]) if rows else None

    def count_held_back(self, poles: Collection[str]) -> int:
        """How many files of these poles wait for want of room."""
        rows = self._rows("SELECT pole, count(*) FROM file WHERE state = 'held back' GROUP BY pole")
        return sum(int(count) for pole, count in rows if pole in poles)


def cut(rows: Iterable[Any]) -> Iterator[Any]:
    """Give rows until their bodies, which stand last in them, come to `ANSWER_BYTES_MAX`."""
    size_bytes = 0
    for row in rows:
        yield row
        size_bytes += len(row[-1])
        if size_bytes >= ANSWER_BYTES_MAX:
            return


def open_store_reader(folder: Path) -> StoreReader:
    """Open a store that a station has begun, running or not.

    Raises:
        StoreError: there is none, or it can't be read.
    """
    with explained():
        connection = open_to_read(folder / STORE_NAME)
    try:
        return StoreReader(connection)
    except StoreError:
        connection.close()
        raise
