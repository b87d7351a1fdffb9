"""What was found wrong with a pole's records: told once for each feed, with a count, and ended.

Somebody who sends a thousand bad records gets one alert that says "a thousand", not a thousand.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from edge.clock import NS_PER_S, Clock
from edge.feeds import FEEDS, Feed
from edge.model import Json
from edge.station.pulling.own_alerts import OwnAlerts
from edge.station.pulling.ports import Contact

SAY_EVERY_S = 30.0
"""Counts that rise are told so often."""
CLEAN_S = 3600.0
"""After so long without another one the alert is closed; the next one is a new alert."""
DETAIL_CHARS = 300

Kind = Literal["chain", "fork", "signature"]
KINDS: tuple[Kind, ...] = ("chain", "fork", "signature")
_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Line:
    """One kind of fault of one feed: how many, the newest of them, and when."""

    count: int
    data: dict[str, Json]
    seen_ns: int
    said_ns: int | None = None
    said_count: int = 0


class FlawBook:
    """Of one pole; for one event loop."""

    def __init__(self, pole: str, own: OwnAlerts, contact: Contact, clock: Clock) -> None:
        """What is open of before is gone on with."""
        self._pole, self._own, self._contact, self._clock = pole, own, contact, clock
        self._lines: dict[tuple[Kind, Feed], _Line] = {}
        for kind in KINDS:
            for feed in FEEDS:
                told = own.find(kind, self._about(feed))
                if told is not None:
                    count = told.get("count")
                    line = _Line(count if isinstance(count, int) else 1, dict(told), self._now())
                    line.said_ns, line.said_count = line.seen_ns, line.count
                    self._lines[kind, feed] = line
                    contact.trouble(f"{kind} {feed}", str(told.get("detail", "")))

    async def note(self, kind: Kind, feed: Feed, life: str, flaws: Sequence[str]) -> None:
        """Tell what was found in a feed.

        Args:
            kind: `chain`: missing, changed, moved; `fork`: another log of the same life;
                `signature`: not the pole's.
            feed: which.
            life: the epoch of its log.
            flaws: in words, the newest last; none: nothing is told.

        Raises:
            StoreError: it could not be written; `settle` tells it later.
        """
        if not flaws:
            return
        line = self._lines.get((kind, feed))
        if line is None:
            line = self._lines[kind, feed] = _Line(0, {"first": flaws[0][:DETAIL_CHARS]}, 0)
            _log.error("%s broken: pole=%s reason=%s", kind, self._pole, flaws[0])
        line.count += len(flaws)
        line.seen_ns = self._now()
        line.data |= {"life": life, "detail": flaws[-1][:DETAIL_CHARS]}
        self._contact.trouble(f"{kind} {feed}", flaws[-1])
        await self._say(kind, feed, line)

    async def settle(self) -> None:
        """Tell counts that have risen since, and end what has been over for long.

        Raises:
            StoreError: it could not be written; ask again.
        """
        for (kind, feed), line in list(self._lines.items()):
            await self._say(kind, feed, line)
            if self._now() - line.seen_ns >= CLEAN_S * NS_PER_S:
                await self._own.over(kind, self._about(feed), "no more of it was found")
                del self._lines[kind, feed]
                self._contact.clear(f"{kind} {feed}")

    async def _say(self, kind: Kind, feed: Feed, line: _Line) -> None:
        now_ns = self._now()
        is_due = line.said_ns is None or now_ns - line.said_ns >= SAY_EVERY_S * NS_PER_S
        if line.count == line.said_count or not is_due:
            return
        said: dict[str, Json] = {"pole": self._pole, "feed": feed, "count": line.count}
        await self._own.say(kind, self._about(feed), {**line.data, **said})
        line.said_ns, line.said_count = now_ns, line.count

    def _about(self, feed: Feed) -> str:
        return f"{self._pole} {feed}"

    def _now(self) -> int:
        return self._clock.monotonic_ns()
