"""Which breaks of poles' chains a station's own sealed alerts tell of: place by place.

A break that was told when it came is the pole's; any other has been made in the store.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable

import msgspec

from edge.database import explain_damage
from edge.errors import StoreError
from edge.station.desk_fold import STATIONS_OWN
from edge.station.store.chain_reader import KeptFeed
from edge.station.store.reader import StoreReader
from edge.station.store.schema import NOUN, explained
from edge.verify_feed import Break


class ToldPlaces:
    """The places that were told of one feed of one life."""

    def __init__(self, places: Iterable[tuple[int, int]]) -> None:
        """`places` are first and last seq that is missing; see `Break`."""
        self._joints: set[int] = set()
        self._spans: list[tuple[int, int]] = []
        for first, last in sorted(places):
            if last < first:
                self._joints.add(first)
            elif self._spans and first <= self._spans[-1][1] + 1:
                start, end = self._spans[-1]
                self._spans[-1] = (start, max(end, last))
            else:
                self._spans.append((first, last))

    def __contains__(self, found: Break) -> bool:
        """Whether a break was told, to its last record."""
        if found.last < found.first:
            return found.first in self._joints
        return self.covers(found.first, found.last)

    def covers(self, first: int, last: int) -> bool:
        """Whether all of these were told to be missing; `first` to `last` are one at least."""
        index = bisect_right(self._spans, first, key=lambda span: span[0]) - 1
        return first <= last and index >= 0 and last <= self._spans[index][1]


class _Rule(msgspec.Struct):
    type: str


class Told(msgspec.Struct, frozen=True):
    """What one record tells: of which feed of which epoch, and first and last of each break."""

    pole: str
    feed: str
    life: str
    breaks: list[tuple[int, int]]

    @property
    def end(self) -> int:
        """No break is behind this record: where the feed begins here or later, none is in it."""
        return max((max(each) for each in self.breaks), default=0)


class _Own(msgspec.Struct):
    kind: str
    rule: _Rule | None
    data: msgspec.Raw


_own_decoder = msgspec.json.Decoder(_Own)
_told_decoder = msgspec.json.Decoder(Told)


def parse_told(body: bytes) -> Told | None:
    """What an own record of the feed alerts tells of breaks; None where it tells of none."""
    try:
        record = _own_decoder.decode(body)
        is_station = record.rule is not None and record.rule.type == STATIONS_OWN
        if not is_station or record.kind == "alert.close":  # which only repeats
            return None
        return _told_decoder.decode(record.data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None  # the check of the chain names it, if it is no record


class ToldBreaks:
    """What the station's own records tell; reads them once."""

    def __init__(self, reader: StoreReader) -> None:
        """Read them.

        Raises:
            StoreError: the store can't be read.
        """
        self._reader = reader
        self._places: dict[tuple[str, ...], list[tuple[int, tuple[int, int]]]] = defaultdict(list)
        own = (each for each in reader.feeds() if each.pole == reader.station)
        alerts = next((each for each in own if each.start.feed == "alerts"), None)
        if alerts is None:
            raise StoreError(explain_damage(NOUN, "it does not say where its own alerts end"))
        for row in reader.chain(alerts):
            if (told := parse_told(row.body)) is not None:
                found = self._places[told.pole, told.life, told.feed]
                found += [(row.number, each) for each in told.breaks]

    def of(self, feed: KeptFeed) -> ToldPlaces:
        """What was told of a feed while its branch was the one that was pulled.

        Raises:
            StoreError: the store can't be read.
        """
        places = self._places.get((feed.pole, feed.start.epoch, feed.start.feed), [])
        if not places:
            return ToldPlaces(())
        after, before = self._span(feed)
        return ToldPlaces(each for number, each in places if after < number < before)

    def _span(self, feed: KeptFeed) -> tuple[int, float]:
        """Between which numbers: behind the older branches' last record, before a newer's first."""
        with explained():
            found = self._reader.connection.execute(
                "SELECT max(r.number) FILTER (WHERE l.branch < ?1),"
                " min(r.number) FILTER (WHERE l.branch > ?1)"
                " FROM life l JOIN record r USING (life)"
                " WHERE l.pole = ?2 AND l.epoch = ?3 AND r.feed = ?4",
                (feed.branch, feed.pole, feed.start.epoch, feed.start.feed),
            )
            older, newer = next(found)
        return older or 0, newer or float("inf")
