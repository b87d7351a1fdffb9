"""The end of the log as the event loop knows it: newest records, heads, and who waits for more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from edge.agent.log.recent import Recent
from edge.agent.ports import CameraSet
from edge.feeds import FEEDS, Feed, Head, Page, Placed
from edge.waiters import Waiters


class Tail:
    """What has been published of all feeds; belongs to one event loop."""

    def __init__(self, recent: Mapping[Feed, Recent]) -> None:
        """`recent` is the end of every feed as it is on disk."""
        self._recent = recent
        self._waiters = {feed: Waiters() for feed in FEEDS}

    def take_in(self, placed: Sequence[Placed]) -> None:
        """Publish records that are on disk now, in the order of their feeds; wake who waits."""
        for each in placed:
            if each.seq > self.head(each.feed).seq:  # else it was there before
                self._recent[each.feed].add(each)
        for feed in {each.feed for each in placed}:
            self._waiters[feed].wake(self.head(feed).seq)

    def head(self, feed: Feed) -> Head:
        """Where a feed ends and begins."""
        return self._recent[feed].head

    def page(self, feed: Feed, *, after: int, limit: int, cameras: CameraSet) -> Page | None:
        """Give the records after a place; None where they are on disk only."""
        return self._recent[feed].page(after=after, limit=limit, cameras=cameras)

    async def wait_for_more(self, feed: Feed, *, after: int, timeout_s: float) -> bool:
        """Wait until a feed has records after a place; false: not in this time, or it ends."""
        if self.head(feed).seq > after:
            return True
        return await self._waiters[feed].wait(after=after, timeout_s=timeout_s)

    def let_go(self) -> None:
        """Nothing more will come: let go of all who wait."""
        for waiters in self._waiters.values():
            waiters.let_go()
