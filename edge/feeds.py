"""What a record is made of before it is sealed, a page of records, and places in a feed; pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

from edge.evidence import Sealed
from edge.model import Json
from edge.wire import format_utc

Feed = Literal["alerts", "media", "captures", "measures", "health", "audit"]
FEEDS: tuple[Feed, ...] = get_args(Feed)
Severity = Literal["critical", "major", "minor", "info"]
ClockState = Literal["synced", "holdover", "unset"]
_CURSOR = re.compile(r"([0-9a-z]{1,32})\.(0|[1-9][0-9]{0,15})")
"""Sixteen digits: no feed gets that far, and every database holds it."""


@dataclass(frozen=True, slots=True)
class ClockReading:
    """How far a record's time can be trusted: `mono_ms` of boot `boot` was its moment."""

    state: ClockState
    boot: str
    mono_ms: int


@dataclass(frozen=True, slots=True)
class Draft:
    """A record to be: what its maker knows; the log gives it its place, its hash and the pole.

    `id` is a ULID; `at_ms` is when it happened, not when it is written.
    """

    feed: Feed
    id: str
    kind: str
    at_ms: int
    clock: ClockReading
    severity: Severity | None = None
    camera: str | None = None
    alert: str | None = None
    rule: Mapping[str, Json] | None = None
    data: Mapping[str, Json] = field(default_factory=dict)
    where: Mapping[str, Json] = field(default_factory=dict)
    media: Sequence[Mapping[str, Json]] = ()
    is_test: bool = False


@dataclass(frozen=True, slots=True)
class Placed:
    """A record that is on disk: where it stands, whose it is, and its bytes."""

    feed: Feed
    seq: int
    camera: str | None
    sealed: Sealed


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place in a feed: everything up to `seq` has been looked at. Written `epoch.seq`."""

    epoch: str
    seq: int

    def __str__(self) -> str:
        """As it stands in addresses and answers."""
        return f"{self.epoch}.{self.seq}"


@dataclass(frozen=True, slots=True)
class Head:
    """The newest record of a feed, and the oldest one still kept (seq; one more if none is)."""

    seq: int
    hash: str
    oldest: int


@dataclass(frozen=True, slots=True)
class Page:
    """Some records of a feed as their stored bytes, in order.

    `next_seq` is the last one looked at; `has_more` says that newer ones are there already.
    """

    bodies: tuple[bytes, ...]
    next_seq: int
    has_more: bool
    oldest: int


@dataclass(frozen=True, slots=True)
class Life:
    """Whose log it is, and which life of it."""

    pole: str
    gbid: str | None
    epoch: str


def make_record(draft: Draft, life: Life, *, seq: int, prev: str) -> dict[str, Json]:
    """Make a record of a draft, ready to be sealed.

    Args:
        draft: what its maker knows.
        life: of the log that it goes into.
        seq: its place in its feed, from 1.
        prev: hash of the record before it, `START_HASH` for the first.
    """
    return {
        "feed": draft.feed,
        "seq": seq,
        "id": draft.id,
        "pole": life.pole,
        "gbid": life.gbid,
        "epoch": life.epoch,
        "kind": draft.kind,
        "severity": draft.severity,
        "camera": draft.camera,
        "at": format_utc(draft.at_ms),
        "clock": {
            "state": draft.clock.state,
            "boot": draft.clock.boot,
            "mono_ms": draft.clock.mono_ms,
        },
        "alert": draft.alert,
        "rule": dict(draft.rule) if draft.rule is not None else None,
        "data": dict(draft.data),
        "where": dict(draft.where),
        "media": [dict(item) for item in draft.media],
        "test": draft.is_test,
        "prev": prev,
    }


def parse_cursor(text: str) -> Cursor | None:
    """Understand `epoch.seq`; None where it is none.

    Leading zeros are refused, so that a place has one name.
    """
    found = _CURSOR.fullmatch(text)
    return Cursor(found[1], int(found[2])) if found else None
