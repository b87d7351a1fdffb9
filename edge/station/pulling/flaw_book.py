"""What was found wrong with a pole's records: told once for each feed, with a count, and ended.

Somebody who sends a thousand bad records gets one alert that says "a thousand", not a thousand.
What is new is on disk before its page is; `verify` finds each break in what was told.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Literal

from edge.clock import NS_PER_S, Clock
from edge.feeds import Feed
from edge.model import Json
from edge.station.own_alerts import OwnAlerts
from edge.station.pulling.ports import Contact

SAY_EVERY_S = 30.0
"""Counts that rise are told so often."""
TURN_S = 5.0
"""Between two pages of a feed with something new wrong: who never ends fills no log of ours."""
CLEAN_S = 3600.0
"""After so long without another one the alert is closed; the next one is a new alert."""
DETAIL_CHARS = 300
SORTS_MAX = 20
"""Sorts of faults that are news in one alert: a hostile pole may have ever another."""
RESET = "log"
"""What an alert is about that tells of another log; it is none of a feed."""
ANOTHER = "another was found after it was acknowledged"

Kind = Literal["chain", "fork", "signature"]
KINDS: tuple[Kind, ...] = ("chain", "fork", "signature")
Place = tuple[int, int]
"""First and last seq that is missing; last before first: none is, and first does not follow."""
_Key = tuple[Kind, str]
_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Line:
    """One kind of fault of one feed: how many, the newest of them, of which sorts, and when."""

    count: int
    data: dict[str, Json]
    seen_ns: int
    said_ns: int | None = None
    said_count: int = 0
    sorts: set[str] = field(default_factory=set)

    def find_new(self, flaws: Sequence[str]) -> dict[str, str]:
        """Of each sort that is new here the newest one."""
        new = {sort: flaw for flaw in flaws if (sort := _sort(flaw)) not in self.sorts}
        return dict(islice(new.items(), SORTS_MAX - len(self.sorts)))


class FlawBook:
    """Of one pole; for one event loop."""

    def __init__(self, pole: str, own: OwnAlerts, contact: Contact, clock: Clock) -> None:
        """What is open of before is gone on with."""
        self._pole, self._own, self._contact, self._clock = pole, own, contact, clock
        self._lines: dict[_Key, _Line] = {}
        for kind in KINDS:
            for about, told in own.of_pole(kind, pole).items():
                count, now_ns = told.get("count"), self._now()
                line = _Line(count if isinstance(count, int) else 1, dict(told), now_ns)
                line.data.pop("breaks", None)  # those were told
                line.sorts = {_sort(str(told.get(each, ""))) for each in ("first", "detail")}
                line.said_ns, line.said_count = now_ns, line.count
                self._lines[kind, about] = line
                contact.trouble(self._what((kind, about)), str(told.get("detail", "")))

    def turn_s(self, kind: Kind, feed: Feed) -> float:
        """Seconds until what is new in a feed may be told; its page waits for that."""
        line = self._lines.get((kind, self._about(feed)))
        if line is None or line.said_ns is None:
            return 0.0
        return max(0.0, TURN_S - (self._now() - line.said_ns) / NS_PER_S)

    async def note(
        self,
        kind: Kind,
        feed: Feed,
        life: str,
        flaws: Sequence[str],
        *,
        breaks: Sequence[Place] = (),
    ) -> None:
        """Tell what was found in a feed; a break, a fork or a sort that is new at once.

        Args:
            kind: `chain`: missing, changed, moved; `fork`: another log of the same life;
                `signature`: not the pole's.
            feed: which.
            life: the epoch of its log.
            flaws: in words, the newest last; none: nothing is told.
            breaks: what of the chain will be missing here, of one page.

        Raises:
            StoreError: it could not be written; `settle` tells the count later, no breaks.
        """
        if flaws:
            data: dict[str, Json] = {"feed": feed, "life": life}
            if breaks:
                data["breaks"] = [list(each) for each in breaks]
            is_event = bool(breaks) or kind == "fork"
            await self._add((kind, self._about(feed)), data, flaws, is_event=is_event)

    async def note_reset(self, life: str, flaw: str) -> None:
        """Tell that the pole has begun another log, once for each.

        Raises:
            StoreError: it could not be written; note it again.
        """
        key: _Key = ("chain", self._about(RESET))
        line = self._lines.get(key)
        if line is not None and line.data.get("life") == life and line.said_count == line.count:
            line.seen_ns = self._now()
            return
        await self._add(key, {"feed": "alerts", "life": life}, [flaw], is_event=True)

    async def settle(self) -> None:
        """Tell counts that have risen since, and end what has been over for long.

        Raises:
            StoreError: it could not be written; ask again.
        """
        for key, line in list(self._lines.items()):
            if self._is_due(line):
                await self._say(key, line)
            if self._now() - line.seen_ns >= CLEAN_S * NS_PER_S:
                await self._own.over(*key, "no more of it was found")
                del self._lines[key]
                self._contact.clear(self._what(key))

    async def _add(
        self, key: _Key, data: dict[str, Json], flaws: Sequence[str], *, is_event: bool
    ) -> None:
        """Count what was found; tell what is news, in a new alert where the old one is known."""
        line = self._lines.get(key) or _begin(flaws)
        if (is_event or line.find_new(flaws)) and await self._own.is_known(*key):
            await self._own.over(*key, ANOTHER)
            line = _begin(flaws)
        self._lines[key], new = line, line.find_new(flaws)
        line.count += len(flaws)
        line.seen_ns = self._now()
        more = {"breaks": data.pop("breaks")} if "breaks" in data else {}
        line.data |= {**data, "detail": flaws[-1][:DETAIL_CHARS]}
        self._contact.trouble(self._what(key), flaws[-1])
        if new or is_event or self._is_due(line):
            await self._say(key, line, more)
        for sort, flaw in new.items():
            line.sorts.add(sort)
            _log.error("%s broken: pole=%s reason=%s", key[0], self._pole, flaw)

    def _is_due(self, line: _Line) -> bool:
        if line.said_ns is None or line.count == line.said_count:
            return line.said_ns is None
        return self._now() - line.said_ns >= SAY_EVERY_S * NS_PER_S

    async def _say(self, key: _Key, line: _Line, more: Mapping[str, Json] | None = None) -> None:
        said: dict[str, Json] = {"pole": self._pole, "count": line.count, **(more or {})}
        await self._own.say(*key, {**line.data, **said})
        line.said_ns, line.said_count = self._now(), line.count

    def _what(self, key: _Key) -> str:
        """A trouble's name: the kind, and of what."""
        return f"{key[0]} {key[1].removeprefix(self._pole + ' ')}"

    def _about(self, what: str) -> str:
        return f"{self._pole} {what}"

    def _now(self) -> int:
        return self._clock.monotonic_ns()


def _sort(flaw: str) -> str:
    """A fault's words without its numbers."""
    return re.sub(r"\d+", "", flaw)[:DETAIL_CHARS]


def _begin(flaws: Sequence[str]) -> _Line:
    return _Line(0, {"first": flaws[0][:DETAIL_CHARS]}, 0)
