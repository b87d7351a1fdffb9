"""The station's own records: sealed, chained and signed as a pole's are, in the same tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

from edge.errors import EvidenceError
from edge.evidence import Link, Sealed, Statement, StatementKind, seal, sign
from edge.feeds import Draft, Life, make_record
from edge.model import Json
from edge.station.desk_fold import OWN_WORDS, TEXT_MAX, Origin
from edge.station.store.alerts_table import take_in
from edge.station.store.store_file import StoreFile
from edge.wire import format_utc

OWN_LIFE = 1
"""The station's own life is begun with the store."""
SIGNED_KINDS = ("alert.open", "alert.close", "alert.ack", "alert.resolve", "alert.hold")
"""With each of these the heads of all own feeds are signed, in the same commit."""
_ABOUT_POLES = (*OWN_WORDS, "media.gone")
_WORDS: dict[str, Literal["ack", "resolve"]] = {"alert.ack": "ack", "alert.resolve": "resolve"}


def append_own(file: StoreFile, drafts: Sequence[Draft], *, pass_on: bool = False) -> list[Sealed]:
    """Write own records, and what they make of alerts.

    One that is there already, the same to the byte, is not written again but returned: a disk may
    take a commit and say that it did not.

    Args:
        file: the store, in a group.
        drafts: in the order in which they are to stand in their feeds.
        pass_on: acks and verdicts on poles' alerts are for the poles as well.

    Raises:
        EvidenceError: a draft can't be sealed or kept.
    """
    sealed = [_append(file, draft, pass_on=pass_on) for draft in drafts]
    if any(draft.kind in SIGNED_KINDS for draft in drafts):
        sign_heads(file)
    return sealed


def sign_heads(file: StoreFile) -> None:
    """Sign the newest own record of each feed that has grown since it was last signed."""
    moved = file.connection.execute(
        "SELECT feed, seq, hash FROM place WHERE life = ? AND seq > signed", (OWN_LIFE,)
    )
    for feed, seq, digest in list(moved):
        keep_own_statement(
            file, "head", Link(file.epoch, feed, seq, digest), life=OWN_LIFE, pole=file.station
        )
    file.connection.execute("UPDATE place SET signed = seq WHERE life = ?", (OWN_LIFE,))


def keep_own_statement(
    file: StoreFile, kind: StatementKind, place: Link, *, life: int, pole: str
) -> None:
    """Sign what stands, or stood, at a place of any feed that is kept here."""
    at = format_utc(file.keeper.clock.utc_ms())
    signed = sign(
        Statement(kind, pole, place.epoch, place.feed, place.seq, place.hash, at), file.keeper.key
    )
    file.connection.execute(
        "INSERT OR REPLACE INTO statement VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (life, place.feed, place.seq, kind, pole, place.hash, at, signed.key, signed.signature),
    )


def about(file: StoreFile, draft: Draft) -> str:
    """Which pole's alert an own record concerns."""
    named = draft.data.get("pole")
    return named if draft.kind in _ABOUT_POLES and isinstance(named, str) else file.station


def _append(file: StoreFile, draft: Draft, *, pass_on: bool) -> Sealed:
    known = _find_own(file, draft)
    if known is not None:
        return known
    seq, prev = next(
        file.connection.execute(
            "SELECT seq, hash FROM place WHERE life = ? AND feed = ?", (OWN_LIFE, draft.feed)
        )
    )
    sealed = seal(_record(file, draft, seq=seq + 1, prev=prev))
    received_ms = file.keeper.clock.utc_ms()
    pole = about(file, draft)
    file.connection.execute(
        "INSERT INTO record (life, feed, seq, received_ms, about, alert, own_id, flaw, body)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, '', ?)",
        (
            OWN_LIFE,
            draft.feed,
            seq + 1,
            received_ms,
            pole if draft.alert is not None else None,
            draft.alert,
            draft.id,
            sealed.body,
        ),
    )
    file.connection.execute(
        "UPDATE place SET seq = ?, hash = ? WHERE life = ? AND feed = ?",
        (seq + 1, sealed.hash, OWN_LIFE, draft.feed),
    )
    if draft.feed == "alerts":
        take_in(file, draft, Origin(pole, _site(file, draft, pole), received_ms, is_own=True))
    if pass_on and pole != file.station and draft.kind in _WORDS:
        _put_in_outbox(file, draft, pole)
    return sealed


def _site(file: StoreFile, draft: Draft, pole: str) -> str | None:
    """Of an own alert the one that it names."""
    named = draft.data.get("site")
    return named if pole == file.station and isinstance(named, str) else file.site(pole)


def _record(file: StoreFile, draft: Draft, *, seq: int, prev: str) -> Mapping[str, Json]:
    return make_record(draft, Life(file.station, None, file.epoch), seq=seq, prev=prev)


def _find_own(file: StoreFile, draft: Draft) -> Sealed | None:
    """The record that is there already and is this one."""
    found = file.connection.execute(
        "SELECT feed, seq, body FROM record WHERE own_id = ?", (draft.id,)
    )
    row = next(found, None)
    if row is None:
        return None
    prev = msgspec.json.decode(row[2])["prev"]
    if row[0] == draft.feed:
        record = seal(_record(file, draft, seq=row[1], prev=prev))
        if record.body == row[2]:
            return record
    raise EvidenceError(f"{draft.kind}: another record has the id {draft.id}")


def _put_in_outbox(file: StoreFile, draft: Draft, pole: str) -> None:
    """Let a pole be told what a person has said; there the note names him."""
    by, note = draft.data.get("by"), draft.data.get("note")
    text = f"{by}: {note}" if note else str(by)
    body: dict[str, Json] = {"note": text if len(text) <= TEXT_MAX else f"{text[: TEXT_MAX - 1]}…"}
    if draft.kind == "alert.resolve":
        body["verdict"] = draft.data.get("verdict")
    file.connection.execute(
        "INSERT INTO word (pole, alert, what, body, is_waiting, refused)"
        " VALUES (?, ?, ?, ?, 1, '')",
        (pole, draft.alert, _WORDS[draft.kind], msgspec.json.encode(body)),
    )
