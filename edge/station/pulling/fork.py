"""Where a pole's log leaves the one that was pulled before, when both are of one life."""

from __future__ import annotations

from edge.errors import EvidenceError
from edge.evidence import START_HASH, Link
from edge.feeds import Cursor, Feed
from edge.station.ports.vault import Batch, Vault
from edge.station.pulling.chain import UNKNOWN, CheckedPage, check_page
from edge.station.pulling.ports import CursorGone, PoleClient


class ForkSearch:
    """Compares a pole's log with what is kept of it, a record at a time."""

    def __init__(self, pole: str, pole_id: str, client: PoleClient, vault: Vault) -> None:
        """Nothing is asked yet."""
        self._pole, self._pole_id, self._client, self._vault = pole, pole_id, client, vault

    async def stands(self, place: Link, feed: Feed) -> bool:
        """Whether the pole still has the record at a place as it was pulled.

        Raises:
            PoleError: it can't be asked.
        """
        found = await self._ask(place, feed, place.seq)
        return found is not None and found.place.hash == place.hash

    async def find(self, place: Link, feed: Feed, *, received_ms: int) -> Link:
        """Find the newest place at which the pole's log is the one that is kept.

        What has left the pole can't be compared and is taken for the same; its hash is `UNKNOWN`.
        Some twenty requests for a million records: between two places that are the same there is
        none that differs, for each hash holds the one before.

        Args:
            place: where the feed stands here.
            feed: which.
            received_ms: now.

        Raises:
            PoleError: the pole can't be asked.
            StoreError: the store can't.
        """
        same, other = await self._oldest(place, feed), place.seq + 1
        while other - same.seq > 1:
            middle = (same.seq + other) // 2
            found = await self._ask(place, feed, middle)
            if found is not None and await self._is_kept(found, place, received_ms):
                same = found.place
            else:
                other = middle
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

    async def _is_kept(self, found: CheckedPage, place: Link, received_ms: int) -> bool:
        """Whether a record is kept to the byte: keeping it again must change nothing."""
        try:
            await self._vault.keep(Batch(self._pole, place, found.records, received_ms))
        except EvidenceError:
            return False
        return True
