"""Holds back a feed that brings more than it may, and tells of it."""

from __future__ import annotations

import logging

from edge.clock import NS_PER_S
from edge.feeds import Feed
from edge.station.pulling.one_pole import OnePole
from edge.station.pulling.pace import Allowance, Pace

HELD_S = 600.0
"""A feed that is held back for so long is an alert; days without a link may well end sooner."""
HELD_AGAIN_S = 1800.0
"""It is told again so often, so that its alert does not close as over."""

_log = logging.getLogger(__name__)


class FeedBrake:
    """Of one feed of one pole; what it has brought counts for as long as the station runs."""

    def __init__(self, pole: OnePole, feed: Feed, allowance: Allowance) -> None:
        """Nothing has come."""
        self._pole, self._feed = pole, feed
        self._pace = Pace(allowance)
        self._is_held = False
        self._told_ns: int | None = None

    def rest_s(self) -> float:
        """Seconds to leave the feed alone."""
        return self._pace.rest_s(self._now())

    async def take(self, size_bytes: int, life: str) -> None:
        """Take note of a page; tell that the feed is held back, and that it is no more.

        Args:
            size_bytes: of the page's records.
            life: the epoch of the pole's log.

        Raises:
            StoreError: it can't be told.
        """
        now_ns = self._now()
        self._pace.take(size_bytes, now_ns)
        held_s = self._pace.held_s(now_ns)
        if held_s is None:
            self._is_held, self._told_ns = False, None
            self._pole.contact.clear(f"rate {self._feed}")
            return
        detail = f"it tells more {self._feed} than it may: the rest waits at the pole"
        self._pole.contact.trouble(f"rate {self._feed}", detail)
        if not self._is_held:
            _log.warning("held back: pole=%s reason=%s", self._pole.name, detail)
        self._is_held = True
        is_due = self._told_ns is None or now_ns - self._told_ns >= HELD_AGAIN_S * NS_PER_S
        if held_s >= HELD_S and is_due:
            self._told_ns = now_ns
            await self._pole.flaws.note("chain", self._feed, life, [detail])

    def _now(self) -> int:
        return self._pole.passing.clock.monotonic_ns()
