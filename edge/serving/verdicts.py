"""What people say of an alert: whether it is worth a record; pure."""

from __future__ import annotations

import unicodedata
from typing import Literal

import msgspec

from edge.errors import Fault, ValidationError

NOTE_CHARACTERS_MAX = 500
Verdict = Literal["real", "false", "test"]
_REFUSED = ("Cc", "Cs", "Zl", "Zp")
_BIDI = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""They turn what is read on a screen around (CVE-2021-42574)."""


class Ack(msgspec.Struct, forbid_unknown_fields=True):
    """The body of an ack: somebody has seen it."""

    note: str | None = None


class Resolve(msgspec.Struct, forbid_unknown_fields=True):
    """The body of a resolve: what it was."""

    verdict: Verdict
    note: str | None = None


class _Said(msgspec.Struct):
    verdict: str
    note: str | None = None


class _Summary(msgspec.Struct):
    resolved: _Said | None = None


_summaries = msgspec.json.Decoder(_Summary)


def check_note(note: str | None) -> None:
    """Refuse a note that is too long, or that could do more than be read.

    Raises:
        ValidationError: why, and what would be right.
    """
    if note is not None:
        check_line(note, "note")


def check_line(text: str, name: str, *, characters_max: int = NOTE_CHARACTERS_MAX) -> None:
    """Refuse a text that is too long, or that could do more than be read.

    Args:
        text: what somebody has written.
        name: of the member that holds it.
        characters_max: how long it may be.

    Raises:
        ValidationError: why, and what would be right.
    """
    if len(text) > characters_max:
        fault = Fault(name, f"longer than {characters_max} characters", "shorten it")
        raise ValidationError([fault])
    if any(unicodedata.category(each) in _REFUSED or each in _BIDI for each in text):
        raise ValidationError([Fault(name, "control characters in it", "write it on one line")])


def says_more(resolve: Resolve, summary: bytes) -> bool:
    """Whether a resolve says anything that an alert's summary does not say yet.

    The same verdict again does not, unless it comes with another note.
    """
    said = _summaries.decode(summary).resolved
    if said is None or said.verdict != resolve.verdict:
        return True
    return resolve.note is not None and resolve.note != said.note
