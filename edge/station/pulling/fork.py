"""Where a pole's log leaves the one that was pulled before, when both are of one life."""

from __future__ import annotations

from edge.evidence import START_HASH, Link
from edge.feeds import Cursor, Feed
from edge.station.ports.vault import KeptLogs
from edge.station.pulling.chain import UNKNOWN, CheckedPage, check_page
from edge.station.pulling.ports import CursorGone, PoleClient

_END = 2**53
"""Behind any record."""


class ForkSearch:
    """Compares a pole's log with what is kept of it, a record at a time."""

    def __init__(self, pole: str, pole_id: str, client: PoleClient, kept: KeptLogs) -> None:
        """Nothing is asked yet."""
        self._pole, self._pole_id, self._client, self._kept = pole, pole_id, client, kept

    async def stands(self, place: Link, feed: Feed) -> bool:
        """Whether the pole still has the record at a place as it was pulled.

        Raises:
            PoleError: it can't be asked.
        """
        found = await self._ask(place, feed, place.seq)
        return found is not None and found.place.hash == place.hash

    async def find(self, place: Link, feed: Feed) -> Link:
        """Find the newest record that is kept and that the pole still has.

        Only these are compared: what was never pulled, or has been let go here, says nothing. With
        none it is the place before the pole's oldest record, `UNKNOWN` where others were before.
        Some twenty requests for a million records: between two that are the same there is none
        that differs, for each hash holds the one before.

        Args:
            place: where the feed stands here.
            feed: which.

        Raises:
            PoleError: the pole can't be asked.
            StoreError: the store can't.
        """
        same, other = await self._oldest(place, feed), _END
        while kept := await self._kept.kept_near(self._pole, same, before=other):
            found = await self._ask(place, feed, kept[0].seq)
            if found is not None and found.place in kept:
                same = found.place
            else:
                other = kept[0].seq
        return same

    async def _oldest(self, place: Link, feed: Feed) -> Link:
        """Before the oldest record that the pole still has."""
        start = Link(place.epoch, feed, 0, START_HASH)
        try:
            await self._client.page(feed, after=Cursor(place.epoch, 0), limit=1, wait_s=0)
        except CursorGone as gone:
            oldest = gone.oldest
            if oldest is not None and oldest.epoch == place.epoch and oldest.seq > 0:
                return Link(place.epoch, feed, min(oldest.seq, place.seq), UNKNOWN)
        return start

    async def _ask(self, place: Link, feed: Feed, seq: int) -> CheckedPage | None:
        """The record at a seq, alone; None where the pole has none that is whole."""
        before = Link(place.epoch, feed, seq - 1, UNKNOWN)
        try:
            page = await self._client.page(
                feed, after=Cursor(place.epoch, seq - 1), limit=1, wait_s=0
            )
        except CursorGone:
            return None
        found = check_page(before, page.items, pole_id=self._pole_id)
        is_whole = len(found.records) == 1 and not found.flaws and found.place.seq == seq
        return found if is_whole else None
