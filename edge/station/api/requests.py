"""What people say of alerts at a desk: bodies, checks, and which records they make; pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

import msgspec
from msgspec import Meta

from edge.errors import Fault, ValidationError
from edge.feeds import Severity
from edge.model import Json
from edge.serving.verdicts import Ack, Resolve, check_line, check_note, says_more
from edge.station.desk_alert import DeskAcked

SEEN_MAX = 100
"""Alerts in one /v1/seen: more are on no screen."""
CASE_CHARACTERS_MAX = 100


class Note(msgspec.Struct, forbid_unknown_fields=True):
    """The body of a note."""

    text: str


class Hold(msgspec.Struct, forbid_unknown_fields=True):
    """The body of a hold: for which case; null ends it."""

    case: str | None


class SeenAlert(msgspec.Struct, forbid_unknown_fields=True):
    """One alert by its pole and id."""

    pole: str
    id: str


class Seen(msgspec.Struct, forbid_unknown_fields=True):
    """The body of /v1/seen."""

    alerts: Annotated[list[SeenAlert], Meta(max_length=SEEN_MAX)]


class _Text(msgspec.Struct):
    text: str = ""


class Known(msgspec.Struct):
    """Of an alert what decides whether a word about it is news."""

    id: str
    pole: str
    camera: str | None
    severity: Severity
    acked: DeskAcked | None = None
    seen: msgspec.Raw = msgspec.Raw(b"null")
    hold: _Text | None = None

    @property
    def is_acked(self) -> bool:
        """Whether somebody has said that he knows of it as bad as it is."""
        return self.acked is not None and self.acked.covers(self.severity)

    @property
    def is_seen(self) -> bool:
        """Whether somebody who can act has had it before his eyes."""
        return bytes(self.seen) != b"null"


@dataclass(frozen=True, slots=True)
class Spoken:
    """A record to be: its kind and what it says besides who said it of which pole's alert."""

    kind: str
    data: Mapping[str, Json]


_known = msgspec.json.Decoder(Known)


def read_known(alert: bytes) -> Known:
    """Read an alert as it is served."""
    return _known.decode(alert)


def hear_ack(ack: Ack, alert: bytes) -> list[Spoken]:
    """An ack counts once, and again once the alert is worse; a further one's note is kept as one.

    Raises:
        ValidationError: the note is none.
    """
    check_note(ack.note)
    if not read_known(alert).is_acked:
        return [Spoken("alert.ack", {"note": ack.note})]
    return [Spoken("alert.note", {"text": ack.note})] if ack.note else []


def hear_resolve(resolve: Resolve, alert: bytes) -> list[Spoken]:
    """A verdict counts where it says more than the one before it.

    Raises:
        ValidationError: the note is none.
    """
    check_note(resolve.note)
    if not says_more(resolve, alert):
        return []
    return [Spoken("alert.resolve", {"verdict": resolve.verdict, "note": resolve.note})]


def hear_note(note: Note, _alert: bytes) -> list[Spoken]:
    """Every note counts.

    Raises:
        ValidationError: there is nothing in it, or what could do more than be read.
    """
    check_line(note.text, "text")
    _require_text(note.text, "text")
    return [Spoken("alert.note", {"text": note.text})]


def hear_hold(hold: Hold, alert: bytes) -> list[Spoken]:
    """A hold counts where it is for another case than before.

    Raises:
        ValidationError: the case is none.
    """
    if hold.case is not None:
        check_line(hold.case, "case", characters_max=CASE_CHARACTERS_MAX)
        _require_text(hold.case, "case")
    known = read_known(alert).hold
    before = known.text if known is not None else None
    return [] if hold.case == before else [Spoken("alert.hold", {"case": hold.case})]


def _require_text(text: str, name: str) -> None:
    if not text.strip():
        raise ValidationError([Fault(name, "nothing in it", "write something")])
