"""The newest records of one feed in memory, so that who keeps up never waits for the disk."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice

from edge.agent.ports import CameraSet
from edge.feeds import Head, Page, Placed

COUNT_MAX = 2000
"""Two pages of the longest kind."""
BYTES_MAX = 2 * 2**20
"""Six feeds of records of 700 bytes: 12 MiB at most, 8 in practice."""


@dataclass(frozen=True, slots=True)
class _Kept:
    camera: str | None
    body: bytes


class Recent:
    """The end of one feed. No record is missing between its first and the feed's head."""

    def __init__(self, head: Head, newest: Iterable[Placed] = ()) -> None:
        """`newest` are the feed's last records, in order and up to its head."""
        self._head = Head(head.seq, head.hash, head.oldest)
        self._kept: deque[_Kept] = deque()
        self._bytes = 0
        for placed in newest:
            self._keep(placed)

    @property
    def head(self) -> Head:
        """Where the feed ends and begins."""
        return self._head

    def add(self, placed: Placed) -> None:
        """Take in the record that follows the head."""
        assert placed.seq == self._head.seq + 1
        self._head = Head(placed.seq, placed.sealed.hash, self._head.oldest)
        self._keep(placed)

    def page(self, *, after: int, limit: int, cameras: CameraSet = None) -> Page | None:
        """Give the records after a place.

        Args:
            after: the seq that the caller has looked at.
            limit: at least 1.
            cameras: of these only.

        Returns:
            The page, or None where records are wanted that are on disk only.
        """
        head, oldest = self._head.seq, self._head.oldest
        first = head - len(self._kept) + 1
        if after >= head:
            return Page((), after, has_more=False, oldest=oldest)
        if after + 1 < first:
            return None
        if cameras is None:
            begin = after + 1 - first
            bodies = [kept.body for kept in islice(self._kept, begin, begin + limit)]
            next_seq = after + len(bodies)
            return Page(tuple(bodies), next_seq, next_seq < head, oldest)
        return self._page_of(cameras, after=after, limit=limit)

    def _page_of(self, cameras: frozenset[str], *, after: int, limit: int) -> Page:
        head, next_seq = self._head.seq, after
        bodies: list[bytes] = []
        for kept in islice(self._kept, after - (head - len(self._kept)), None):
            if len(bodies) == limit:
                break
            next_seq += 1
            if kept.camera in cameras:
                bodies.append(kept.body)
        return Page(tuple(bodies), next_seq, next_seq < head, self._head.oldest)

    def _keep(self, placed: Placed) -> None:
        self._kept.append(_Kept(placed.camera, placed.sealed.body))
        self._bytes += len(placed.sealed.body)
        while len(self._kept) > COUNT_MAX or self._bytes > BYTES_MAX:
            self._bytes -= len(self._kept.popleft().body)
