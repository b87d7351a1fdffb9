"""What an alert has come to at the station: a pole's records and desks' words folded; pure.

`edge.summary` says what a pole's own records mean. Here that is joined with what only the station
knows: when it came, how far its clock can be trusted, who at a desk has seen it, which files are
here. What a hostile pole may have written into a record is made harmless first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, get_args

import msgspec

from edge import summary as pole_summary
from edge.feeds import Draft, Severity
from edge.model import Json
from edge.serving.plain_text import plain_text
from edge.station.desk_alert import DeskAcked, DeskAlert, DeskMedia, Said, TransferState, Trust
from edge.summary import Resolved, ShownFile, Summary
from edge.wire import format_utc

LATE_MS = 60_000
"""What comes later than this after it happened is marked."""
CLOCK_OFF_MS = 60_000
"""A pole's clock that is off by more than this is no clock."""
NOTES_MAX = 100
NOTES_BYTES_MAX = 64 * 1024
"""The newest notes are shown; the records have all."""
MISSING_MAX = 8
"""Files shown that were never made; the oldest are left out."""
TEXT_MAX = 500
ID_MAX = 64
"""A ULID has 26; what is longer than this names no alert."""
FOLD_BYTES_MAX = 128 * 1024
"""Besides notes: an alert that is more is none of ours, and would make every list heavy."""
STATIONS_OWN = "station"
"""The rule type of the station's own alerts; a pole that calls one so is not believed."""
IN_OUR_NAME = "its pole tells it as an alert of the station's own, and it is none"
TOO_LONG = "more was told of it than can be shown; its records have all"
NO_BEGINNING = "its beginning never came: what is missing may be more than is shown"
OWN_WORDS = ("alert.seen", "alert.ack", "alert.note", "alert.resolve", "alert.hold")
"""What desks say of alerts; of a pole only ack and resolve are heeded."""
_OF_POLES = (
    "alert.open", "alert.update", "alert.close", "alert.ack", "alert.resolve", "media.ready",
    "media.gone",
)  # fmt: skip
_BOUNDED = {
    "alert.resolve": ("verdict", "note"),
    "alert.close": ("reason",),
}
"""What of a pole's words is shown as it is, up to `TEXT_MAX`; no pole of ours tells more."""
_NOT_OURS = "not-station"
_SEVERITIES = frozenset(get_args(Severity))
_DIGEST_DIGITS = 64
_HEX = frozenset("0123456789abcdef")


@dataclass(frozen=True, slots=True)
class Origin:
    """How a record came.

    Attributes:
        pole: the alert's pole, as configured; the station's id for its own alerts.
        site: of that pole.
        received_ms: when it came.
        is_own: it is the station's own record, also where it is about a pole's alert.
        token_name: what the pole calls our token; what it tells of that name is our own word.
        clock_ahead_ms: by how much the pole's clock is before the station's.
        pole_id: what the pole calls itself.
        flaw: why the record does not follow the one before it; empty where it does.
    """

    pole: str
    site: str | None
    received_ms: int
    is_own: bool = False
    token_name: str = ""
    clock_ahead_ms: int = 0
    pole_id: str = ""
    flaw: str = ""


@dataclass(frozen=True, slots=True)
class FileStand:
    """How far a file has come, and why no further."""

    state: TransferState
    reason: str = ""


_WAITING = FileStand("waiting")
_TO_COME = ("waiting", "held back")


@dataclass(frozen=True, slots=True)
class Missing:
    """A file that there will never be."""

    role: str
    reason: str


@dataclass(frozen=True, slots=True)
class DeskFold:
    """An alert as its records have made it; `show` gives what desks are shown.

    `acked` is the last ack that counted, that of `summary` the first; `own_verdict` is the last one
    said at a desk of ours; `is_stub` until its alert.open is here.
    """

    summary: Summary
    pole: str
    site: str | None
    received_ms: int
    late: bool
    trust: Trust
    acked: DeskAcked | None = None
    seen: Said | None = None
    notes: tuple[Said, ...] = ()
    hold: Said | None = None
    own_verdict: Resolved | None = None
    files: Mapping[str, FileStand] = field(default_factory=dict)
    missing: tuple[Missing, ...] = ()
    is_stub: bool = False
    flaw: str = ""
    refused: str = ""

    @property
    def is_open(self) -> bool:
        """Whether it is not yet closed and resolved."""
        return self.summary.state == "open"

    @property
    def is_new(self) -> bool:
        """Whether it is open and nobody has said that he knows of it as bad as it is."""
        return self.is_open and not self.is_acked and self.summary.resolved is None

    @property
    def is_acked(self) -> bool:
        """Whether somebody takes care of it as bad as it is."""
        return self.acked is not None and self.acked.covers(self.summary.severity)


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(DeskFold)


def encode_fold(fold: DeskFold) -> bytes:
    """Write it as it is stored."""
    return _encoder.encode(fold)


def parse_fold(body: bytes) -> DeskFold:
    """Read what `encode_fold` wrote."""
    return _decoder.decode(body)


def encode_alert(alert: DeskAlert) -> bytes:
    """Write it as the JSON that is served."""
    return _encoder.encode(alert)


def step(fold: DeskFold | None, draft: Draft, origin: Origin) -> DeskFold | None:
    """Take one record of an alert in.

    Args:
        fold: what the records before it made; None: nothing is known of the alert.
        draft: of feed `alerts` or `media`, naming the alert; of a pole it may hold anything.
        origin: how it came.

    Returns:
        The fold after it; the same object where it changes nothing. A pole's record of feed
        `alerts` that comes without the alert's beginning opens a stub, marked in `flaw`; its media
        do not, they may only be before it.
    """
    if draft.alert is None or len(draft.alert) > ID_MAX:
        return fold
    if origin.is_own and draft.kind in OWN_WORDS:
        return _say(fold, draft) if fold is not None else None
    if draft.kind not in _OF_POLES:
        return fold
    if fold is None:
        return _begin(_clean(draft, origin), origin)
    after = _of_pole(fold, _clean(draft, origin), origin)
    if origin.flaw and not after.flaw and after is not fold:
        return replace(after, flaw=origin.flaw[:TEXT_MAX])
    return after


def _begin(draft: Draft, origin: Origin) -> DeskFold | None:
    if draft.kind == "alert.open":
        return _open(draft, origin)
    return make_stub(draft, origin) if draft.feed == "alerts" else None


def make_stub(draft: Draft, origin: Origin) -> DeskFold:
    """Show an alert whose beginning never came by what is known of it from another record.

    How bad it is may be unknown: it is taken for major, so that somebody looks.
    """
    draft = _clean(draft, origin)
    opening = replace(
        draft, kind="alert.open", severity=draft.severity or "major", media=(), data={}
    )
    stub = replace(_open(opening, origin), is_stub=True, flaw=NO_BEGINNING)
    return _of_pole(stub, draft, origin)


def interrupt(fold: DeskFold, *, at_ms: int) -> DeskFold:
    """End an alert whose pole will never tell its end; the same object where it has ended."""
    own = fold.summary
    if own.closed_at is not None:
        return fold
    closed_at = format_utc(at_ms)
    ended = replace(
        own,
        updated_at=closed_at,
        closed_at=closed_at,
        close_reason="interrupted",
        state="done" if own.resolved is not None else "open",
    )
    return replace(fold, summary=ended)


def with_file(fold: DeskFold, sha256: str, stand: FileStand) -> DeskFold:
    """Note how far one of its files has come."""
    if fold.files.get(sha256) == stand or all(each.sha256 != sha256 for each in fold.summary.media):
        return fold
    return replace(fold, files={**fold.files, sha256: stand})


def cut_down(fold: DeskFold) -> DeskFold:
    """Leave out what a pole has told where that is too long to be shown; its records still have it.

    Returns:
        What is within `FOLD_BYTES_MAX` but for the notes, which have a bound of their own.
    """
    if len(encode_fold(replace(fold, notes=()))) <= FOLD_BYTES_MAX:
        return fold
    own = fold.summary
    rule = {key: str(own.rule.get(key, ""))[:ID_MAX] for key in ("type", "name")}
    small = replace(own, data={}, where={}, rule=rule, media=own.media[-4:])
    known = {each.sha256 for each in small.media}
    files = {sha256: stand for sha256, stand in fold.files.items() if sha256 in known}
    return replace(fold, summary=small, files=files, flaw=fold.flaw or TOO_LONG)


def show(fold: DeskFold, *, change: int) -> DeskAlert:
    """Give an alert as a desk sees it; `change` is the number of its last change."""
    own = fold.summary
    return DeskAlert(
        id=own.id,
        pole=fold.pole,
        pole_id=own.pole,
        site=fold.site,
        camera=own.camera,
        rule=own.rule,
        severity=own.severity,
        state=own.state,
        opened_at=own.opened_at,
        received_at=format_utc(fold.received_ms),
        updated_at=own.updated_at,
        closed_at=own.closed_at,
        close_reason=own.close_reason,
        late=fold.late,
        trust=fold.trust,
        seen=fold.seen,
        acked=fold.acked,
        resolved=own.resolved,
        notes=fold.notes,
        hold=fold.hold,
        data=own.data,
        where=own.where,
        media=_show_files(fold),
        test=own.test,
        flaw=fold.flaw,
        refused=fold.refused,
        change=change,
    )


def _open(draft: Draft, origin: Origin) -> DeskFold:
    opened = pole_summary.step(None, draft, seq=0, pole=origin.pole_id or origin.pole)
    assert opened is not None
    trust = _judge_clock(draft, origin)
    flaw = origin.flaw
    if draft.rule is not None and draft.rule.get("type") == _NOT_OURS:
        flaw = flaw or IN_OUR_NAME
    is_late = trust in ("synced", "holdover") and origin.received_ms - draft.at_ms > LATE_MS
    return DeskFold(
        opened,
        origin.pole,
        origin.site,
        origin.received_ms,
        late=is_late,
        trust=trust,
        flaw=flaw[:TEXT_MAX],
    )


def _judge_clock(draft: Draft, origin: Origin) -> Trust:
    is_ahead = draft.at_ms - origin.received_ms > CLOCK_OFF_MS
    if is_ahead or abs(origin.clock_ahead_ms) > CLOCK_OFF_MS:
        return "wrong"
    return draft.clock.state if draft.clock.state in get_args(Trust) else "unset"


def _of_pole(fold: DeskFold, draft: Draft, origin: Origin) -> DeskFold:
    if draft.kind == "alert.open":
        return _heal(fold, draft, origin) if fold.is_stub else fold
    if draft.kind == "media.gone":
        return _lose_file(fold, draft) if draft.camera == fold.summary.camera else fold
    if draft.kind in ("alert.ack", "alert.resolve"):
        return _hear_pole(fold, draft, origin)
    after = pole_summary.step(fold.summary, draft, seq=0, pole="")
    if after is None or after is fold.summary:
        return fold
    told_anew = {item["sha256"] for item in draft.media}
    known = {each.sha256 for each in after.media} - told_anew
    files = {sha256: stand for sha256, stand in fold.files.items() if sha256 in known}
    return replace(fold, summary=after, files=files)


def _hear_pole(fold: DeskFold, draft: Draft, origin: Origin) -> DeskFold:
    """What somebody has said, as a pole tells it.

    What it tells of our own words may be older than what it told before; who said them is known
    here only.
    """
    is_ack = draft.kind == "alert.ack"
    own = fold.acked if is_ack else fold.own_verdict
    if own is not None and draft.data.get("by") == origin.token_name:
        return fold if is_ack else _take_echo(fold, draft)
    named = replace(draft, data={**draft.data, "by": _name_at_pole(draft, origin)})
    if is_ack:
        return _acknowledge(fold, named)
    after = pole_summary.step(fold.summary, named, seq=0, pole="")
    assert after is not None
    return replace(fold, summary=after)


def _acknowledge(fold: DeskFold, draft: Draft) -> DeskFold:
    """The first ack counts, and the first since an alert has become worse than was known."""
    if fold.is_acked:
        return fold
    after = pole_summary.step(fold.summary, draft, seq=0, pole="")
    assert after is not None
    at = format_utc(draft.at_ms)
    known = DeskAcked(at, _text(draft.data, "by") or "", after.severity)
    return replace(fold, summary=replace(after, updated_at=at), acked=known)


def _name_at_pole(draft: Draft, origin: Origin) -> str:
    """Whom a pole names, in a form that no user of ours can have: their names have no @."""
    name = plain_text((_text(draft.data, "by") or "")[:ID_MAX])
    return f"{name}@{origin.pole}"


def _heal(stub: DeskFold, draft: Draft, origin: Origin) -> DeskFold:
    """Join a beginning that came late with what had come before it."""
    begun = _open(draft, origin)
    known = stub.summary
    joined = replace(
        begun.summary,
        updated_at=known.updated_at,
        closed_at=known.closed_at,
        close_reason=known.close_reason,
        acked=known.acked,
        resolved=known.resolved,
        state=known.state,
        data={**begun.summary.data, **known.data},
        media=known.media,
    )
    flaw = origin.flaw if stub.flaw == NO_BEGINNING else stub.flaw
    return replace(
        stub, summary=joined, late=begun.late, trust=begun.trust, is_stub=False, flaw=flaw
    )


def _take_echo(fold: DeskFold, draft: Draft) -> DeskFold:
    """Our word has come after another station's at the pole: it is the last one there as well."""
    own = fold.own_verdict
    assert own is not None
    if draft.data.get("verdict") != own.verdict or fold.summary.resolved == own:
        return fold
    return replace(fold, summary=replace(fold.summary, resolved=own))


def _lose_file(fold: DeskFold, draft: Draft) -> DeskFold:
    """The pole has a file no more, or never had one; what is kept here stays."""
    reason = (_text(draft.data, "reason") or "")[:TEXT_MAX]
    gone = draft.data.get("sha256")
    if gone is None:
        missing = Missing((_text(draft.data, "role") or "")[:ID_MAX], reason)
        if missing in fold.missing:
            return fold
        return replace(fold, missing=(*fold.missing, missing)[-MISSING_MAX:])
    if not isinstance(gone, str) or fold.files.get(gone, _WAITING).state not in _TO_COME:
        return fold
    return with_file(fold, gone, FileStand("gone", reason))


def _say(fold: DeskFold, draft: Draft) -> DeskFold:
    """What somebody at a desk has said."""
    said = Said(format_utc(draft.at_ms), _text(draft.data, "by") or "")
    if draft.kind == "alert.seen":
        return fold if fold.seen is not None else replace(fold, seen=said)
    own = replace(fold.summary, updated_at=said.at)
    if draft.kind == "alert.note":
        note = replace(said, text=_text(draft.data, "text") or "")
        return replace(fold, summary=own, notes=_newest((*fold.notes, note)))
    if draft.kind == "alert.hold":
        case = _text(draft.data, "case")
        return replace(fold, summary=own, hold=replace(said, text=case) if case else None)
    if draft.kind == "alert.ack":
        return _acknowledge(fold, draft)
    after = pole_summary.step(fold.summary, draft, seq=0, pole="")
    assert after is not None
    return replace(fold, summary=after, own_verdict=after.resolved)


def _newest(notes: tuple[Said, ...]) -> tuple[Said, ...]:
    """The newest notes that there is room for."""
    kept = notes[-NOTES_MAX:]
    while len(_encoder.encode(kept)) > NOTES_BYTES_MAX:
        kept = kept[1:]
    return kept


def _show_files(fold: DeskFold) -> tuple[DeskMedia, ...]:
    shown = [_show_file(fold, each) for each in fold.summary.media]
    shown += [
        DeskMedia(each.role, "", 0, "", "", None, None, "gone", each.reason)
        for each in fold.missing
    ]
    return tuple(shown)


def _show_file(fold: DeskFold, file: ShownFile) -> DeskMedia:
    stand = fold.files.get(file.sha256, _WAITING)
    return DeskMedia(
        file.role,
        file.type,
        file.bytes,
        file.sha256,
        f"/v1/media/{fold.pole}/{file.sha256}",
        file.from_t,
        file.to_t,
        stand.state,
        stand.reason,
    )


def _clean(draft: Draft, origin: Origin) -> Draft:
    """Leave out what no pole of ours writes and what could not be read again."""
    rule = draft.rule
    if not origin.is_own and rule is not None and rule.get("type") == STATIONS_OWN:
        rule = {**rule, "type": _NOT_OURS}
    data = dict(draft.data)
    for key in ("from_t", "to_t"):
        if not isinstance(data.get(key), int | float) or isinstance(data.get(key), bool):
            data[key] = None
    return replace(
        draft,
        rule=rule,
        severity=draft.severity if draft.severity in _SEVERITIES else None,
        media=named_files(draft) if draft.kind == "media.ready" else (),
        data=data if draft.feed == "media" else _bound_words(draft),
    )


def _bound_words(draft: Draft) -> dict[str, Json]:
    keys = _BOUNDED.get(draft.kind, ())
    return {
        key: value[:TEXT_MAX] if key in keys and isinstance(value, str) else value
        for key, value in draft.data.items()
    }


def named_files(draft: Draft) -> list[Mapping[str, Any]]:
    """The files that a record names, of those that can be meant."""
    return [item for item in draft.media if _is_file(item)][: pole_summary.MEDIA_MAX]


def _is_file(item: Mapping[str, Any]) -> bool:
    size, sha256 = item.get("bytes"), item.get("sha256")
    if not all(isinstance(item.get(key), str) for key in ("role", "type", "href")):
        return False
    if not isinstance(size, int) or isinstance(size, bool) or size < 0:
        return False
    return isinstance(sha256, str) and len(sha256) == _DIGEST_DIGITS and _HEX.issuperset(sha256)


def _text(data: Mapping[str, Json], key: str) -> str | None:
    value = data.get(key)
    return value if isinstance(value, str) else None
