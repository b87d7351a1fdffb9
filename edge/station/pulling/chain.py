"""Whether what a pole gave of a feed follows what it gave before; pure.

Each fault is told in words of its own, and the walk goes on behind it: a broken chain must not keep
an alert from people. Signatures, which need a key, are `signed.py`'s.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from edge.errors import EvidenceError, Fault, ValidationError
from edge.evidence import Link, open_seal
from edge.feeds import ClockReading, ClockState, Draft, Feed, Severity
from edge.station.ports.vault import CheckedRecord
from edge.wire import parse_utc

RECORD_BYTES_MAX = 256 * 1024
"""A pole's own are below 70 KB: a line of an eye has at most 64 KiB."""
MEDIA_MAX = 64
UNKNOWN = ""
"""The hash of a place where it can't be known: behind a hole, or a record that was changed."""
_SEQ_MAX = 10**15
_AT_MS_MAX = 253_402_300_799_999
"""The end of the year 9999."""

_Ulid = Annotated[str, Meta(pattern=r"^[0-9A-HJKMNP-TV-Z]{26}$")]
_Short = Annotated[str, Meta(max_length=128)]
_Hash = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$")]


class _Clock(msgspec.Struct):
    state: ClockState
    boot: _Short
    mono_ms: int


class _Rule(msgspec.Struct):
    type: _Short
    name: _Short


class _Media(msgspec.Struct):
    role: _Short
    type: _Short
    bytes: Annotated[int, Meta(ge=0, le=2**53)]
    sha256: _Hash
    href: Annotated[str, Meta(max_length=512)]


class _Record(msgspec.Struct):
    """What of a record anything here relies on; other members may be added by a later pole."""

    feed: Feed
    id: _Ulid
    kind: _Short
    at: _Short
    clock: _Clock
    severity: Severity | None
    camera: _Short | None
    alert: _Ulid | None
    rule: _Rule | None
    data: dict[str, Any]
    where: dict[str, Any]
    media: Annotated[list[_Media], Meta(max_length=MEDIA_MAX)]
    test: bool


@dataclass(frozen=True, slots=True)
class CheckedPage:
    """A page that was walked over.

    `place` is behind its last record. `unreadable` are items that can't be kept as records of this
    feed, each with the reason. `flaws` is everything that was found wrong, in order.
    """

    records: tuple[CheckedRecord, ...]
    place: Link
    unreadable: tuple[tuple[str, bytes], ...]
    flaws: tuple[str, ...]


@dataclass(slots=True)
class _Walk:
    """Where a walk stands, and what it has found."""

    place: Link
    pole_id: str
    records: list[CheckedRecord] = field(default_factory=list)
    unreadable: list[tuple[str, bytes]] = field(default_factory=list)
    flaws: list[str] = field(default_factory=list)

    def take(self, body: bytes) -> None:
        """Go on by one item."""
        expected = f"{self.place.feed} {self.place.seq + 1}"
        if len(body) > RECORD_BYTES_MAX:
            self._pass_over(f"{expected}: longer than {RECORD_BYTES_MAX} bytes", body[:1024])
            return
        try:
            record = open_seal(body)
        except EvidenceError as exc:
            self._pass_over(f"{expected}: was changed: {exc}", body)
            return
        if stranger := self._whose(record):
            # It says nothing of this feed: whatever should stand here is still to come.
            self._note(f"{expected}: {stranger}", body)
            return
        seq = record.get("seq")
        if not isinstance(seq, int) or isinstance(seq, bool) or not 0 < seq <= _SEQ_MAX:
            self._pass_over(f"{expected}: what stands there has no place", body)
        elif seq <= self.place.seq:
            self._note(f"{self.place.feed} {seq}: {self._come_again(seq, body)}", body)
        else:
            self._go_to(seq, record, body)

    def _go_to(self, seq: int, record: Mapping[str, Any], body: bytes) -> None:
        """Take a record that stands where the next one should, or behind that."""
        last, flaw = self.place, ""
        if seq > last.seq + 1:
            flaw = f"{last.feed} {last.seq + 1} to {seq - 1}: missing; {seq} follows {last.seq}"
        elif last.hash not in (UNKNOWN, record.get("prev")):
            flaw = f"{last.feed} {seq}: does not follow {last.seq}: one of the two was replaced"
        self.place = Link(last.epoch, last.feed, seq, str(record["hash"]))
        if flaw:
            self.flaws.append(flaw)
        try:
            draft = read_draft(record)
        except ValidationError as exc:
            self._note(f"{last.feed} {seq}: is sealed and no record: {exc}", body)
            return
        self.records.append(CheckedRecord(self.place, draft, body, flaw))

    def _whose(self, record: Mapping[str, Any]) -> str:
        """Say that a record is not this feed's; empty where it is."""
        said = (record.get("pole"), record.get("epoch"), record.get("feed"))
        names = (self.pole_id, self.place.epoch, self.place.feed)
        for word, found, wanted in zip(("pole", "life", "feed"), said, names, strict=True):
            if found != wanted:
                return f"a record of another {word} stands there: {str(found)[:64]!r}"
        return ""

    def _come_again(self, seq: int, body: bytes) -> str:
        twin = next((each for each in self.records if each.link.seq == seq), None)
        if twin is None:
            return f"comes behind {self.place.seq}: moved, or put in between"
        return "comes twice" if twin.body == body else "comes twice, with different bytes"

    def _pass_over(self, flaw: str, body: bytes) -> None:
        """Count an item as the record that should stand there; its hash can't be known."""
        self._note(flaw, body)
        self.place = Link(self.place.epoch, self.place.feed, self.place.seq + 1, UNKNOWN)

    def _note(self, flaw: str, body: bytes) -> None:
        self.flaws.append(flaw)
        self.unreadable.append((flaw, body))


def check_page(place: Link, items: Iterable[bytes], *, pole_id: str) -> CheckedPage:
    """Walk over a page.

    Args:
        place: behind the last record that was looked at; its hash may be `UNKNOWN`.
        items: the records' bytes, as they came.
        pole_id: what the pole calls itself.
    """
    walk = _Walk(place, pole_id)
    for body in items:
        walk.take(body)
    return CheckedPage(tuple(walk.records), walk.place, tuple(walk.unreadable), tuple(walk.flaws))


def read_draft(record: Mapping[str, Any]) -> Draft:
    """Read what a record tells.

    Args:
        record: its fields, behind a good seal.

    Raises:
        ValidationError: a field that is relied on is missing or is something else.
    """
    try:
        said = msgspec.convert(record, type=_Record)
        at_ms = parse_utc(said.at)
    except (msgspec.ValidationError, OverflowError, RecursionError) as exc:
        raise ValidationError([Fault("record", str(exc)[:300])]) from exc
    if not 0 <= at_ms <= _AT_MS_MAX:
        raise ValidationError([Fault("record.at", "is no time that can be kept")])
    clock = said.clock
    return Draft(
        said.feed, said.id, said.kind, at_ms,
        ClockReading(clock.state, clock.boot, clock.mono_ms),
        severity=said.severity,
        camera=said.camera,
        alert=said.alert,
        rule=None if said.rule is None else {"type": said.rule.type, "name": said.rule.name},
        data=said.data,
        where=said.where,
        media=tuple(msgspec.structs.asdict(item) for item in said.media),
        is_test=said.test,
    )  # fmt: skip
