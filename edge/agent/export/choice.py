"""Which records and files an evidence package holds; pure.

A stretch of a feed has no hole, so that its chain can be walked: records between those that were
asked for come along. Their pictures do not.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

import msgspec


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants: a span of time, inclusive, and of it all alerts or some.

    `from_ms` and `to_ms` None: from the oldest, to the newest record kept.
    """

    from_ms: int | None = None
    to_ms: int | None = None
    alerts: Collection[str] = ()

    def holds(self, at_ms: int) -> bool:
        """Whether a moment lies in its span."""
        is_after = self.from_ms is None or at_ms >= self.from_ms
        return is_after and (self.to_ms is None or at_ms <= self.to_ms)


@dataclass(frozen=True, slots=True)
class Seen:
    """Of a record what the choice needs."""

    seq: int
    at_ms: int
    alert: str | None


@dataclass(slots=True)
class Span:
    """The places and moments of what was chosen so far; empty while `first` is 0."""

    first: int = 0
    last: int = 0
    moments_ms: list[int] = field(default_factory=list)

    def take(self, seen: Seen) -> None:
        """Widen it to a record."""
        self.first = min(self.first, seen.seq) if self.first else seen.seq
        self.last = max(self.last, seen.seq)
        self.moments_ms.append(seen.at_ms)


class MediaItem(msgspec.Struct, frozen=True):
    """A file as a record names it."""

    sha256: str
    type: str
    bytes: int
    role: str = ""


class ReadRecord(msgspec.Struct, frozen=True):
    """A record as the package's maker reads it."""

    seq: int
    kind: str
    at: str
    clock: Mapping[str, str | int]
    media: list[MediaItem]
    data: Mapping[str, object]
    alert: str | None = None
    camera: str | None = None
    severity: str | None = None
    rule: Mapping[str, object] | None = None
    hash: str = ""


def choose(wish: Wish, records: Iterable[Seen]) -> Span:
    """Choose of one feed's records."""
    span = Span()
    for seen in records:
        if wish.holds(seen.at_ms) and (not wish.alerts or seen.alert in wish.alerts):
            span.take(seen)
    return span


def narrow(wish: Wish, spans: Iterable[Span]) -> Wish:
    """What else belongs to chosen alerts: all that happened while they lasted."""
    moments = [moment for span in spans for moment in span.moments_ms]
    if not wish.alerts or not moments:
        return Wish(wish.from_ms, wish.to_ms)
    return Wish(min(moments), max(moments))


def choose_files(wish: Wish, records: Iterable[ReadRecord]) -> dict[str, MediaItem]:
    """The files that chosen records of feed `media` name, by their hash."""
    return {
        item.sha256: item
        for record in records
        if not wish.alerts or record.alert in wish.alerts
        for item in record.media
    }
