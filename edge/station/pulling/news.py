"""What a pole's records say of the pole itself, for whoever wonders why it is silent; pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress

import msgspec

from edge.errors import ValidationError
from edge.feeds import Draft
from edge.station.ports.vault import CheckedRecord
from edge.station.pulling.chain import read_draft
from edge.station.pulling.ports import Contact

_STOPPED = "agent stopped"
"""What an agent writes that was told to stop (edge/agent/main.py)."""


_MARKS = (b'"kind":"power"', b'"kind":"start"', b'"kind":"state"', b'"name":"mains"')
"""What stands in the bytes of a record that is news; the few that have it are read."""


def recall_news(contact: Contact, bodies: Iterable[bytes]) -> None:
    """Note what records said that an earlier process of the station has kept, in their order."""
    drafts = []
    for body in bodies:
        if any(mark in body for mark in _MARKS):
            with suppress(ValidationError):  # a pole's record may be of any shape
                drafts.append(read_draft(msgspec.json.decode(body)))
    for draft in sorted(drafts, key=lambda draft: draft.at_ms):
        _note_power(contact, draft)
        _note_end(contact, draft)


def note_news(contact: Contact, records: Sequence[CheckedRecord]) -> bool:
    """Note what records say of mains and of the agent's end.

    Returns:
        Whether any of them names a file.
    """
    for record in records:
        _note_power(contact, record.draft)
        _note_end(contact, record.draft)
    return any(record.draft.media for record in records)


def _note_power(contact: Contact, draft: Draft) -> None:
    mains = draft.data.get("mains")
    if draft.kind == "power" and isinstance(mains, bool):
        contact.noted_power(is_lost=not mains)
    elif draft.rule == {"type": "system", "name": "mains"}:
        if draft.kind == "alert.open":
            contact.noted_power(is_lost=True)
        elif draft.kind == "alert.close":
            contact.noted_power(is_lost=False)


def _note_end(contact: Contact, draft: Draft) -> None:
    unwell = draft.data.get("unwell")
    if draft.kind == "start":
        contact.noted_end(is_stopped=False)
    elif draft.kind == "state" and isinstance(unwell, list):
        contact.noted_end(is_stopped=_STOPPED in unwell)
