"""What an alert has come to: its records folded into what /v1/alerts shows; pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import msgspec

from edge.feeds import Draft, Severity
from edge.model import Json
from edge.wire import format_utc

MEDIA_MAX = 16
"""Files shown with an alert: two snapshots and two clips are usual. The oldest are left out."""
DATA_KEYS_MAX = 64
"""A rule tells some ten things; more than this is an eye gone wrong, and its newest word counts."""


@dataclass(frozen=True, slots=True)
class Acked:
    """The first who said that he knows of it."""

    at: str
    by: str


@dataclass(frozen=True, slots=True)
class Resolved:
    """The last word on what it was."""

    at: str
    by: str
    verdict: str
    note: str | None


@dataclass(frozen=True, slots=True)
class ShownFile:
    """A finished file of the alert; from_t and to_t in seconds of its eye's media time."""

    role: str
    type: str
    bytes: int
    sha256: str
    href: str
    from_t: float | None
    to_t: float | None


@dataclass(frozen=True, slots=True)
class Summary:
    """An alert as its records have made it. The fields are those of its JSON, in this order."""

    id: str
    pole: str
    camera: str | None
    rule: dict[str, Any]
    severity: Severity
    state: Literal["open", "done"]
    opened_at: str
    opened_seq: int
    updated_at: str
    closed_at: str | None
    close_reason: str | None
    acked: Acked | None
    resolved: Resolved | None
    data: dict[str, Any]
    where: dict[str, Any]
    clock: dict[str, Any]
    media: tuple[ShownFile, ...]
    test: bool


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Summary)


def encode_summary(summary: Summary) -> bytes:
    """Write it as the JSON that is stored and served."""
    return _encoder.encode(summary)


def parse_summary(body: bytes) -> Summary:
    """Read what `encode_summary` wrote."""
    return _decoder.decode(body)


def step(summary: Summary | None, draft: Draft, *, seq: int, pole: str) -> Summary | None:
    """Take one record of an alert in.

    Args:
        summary: what the records before it made; None before its alert.open.
        draft: of feed `alerts` or `media`, naming this alert.
        seq: its place in its feed.
        pole: id of the pole.

    Returns:
        The summary after it; the same object where it changes nothing. What comes from another
        camera than the alert's changes nothing but for acks and verdicts, nor does news of an
        alert that was never opened.
    """
    if summary is None:
        return _open(draft, seq, pole) if draft.kind == "alert.open" else None
    change = _BY_ANYBODY.get(draft.kind)
    if change is None and draft.camera == summary.camera:
        change = _BY_ITS_CAMERA.get(draft.kind)
    return change(summary, draft) if change is not None else summary


def _open(draft: Draft, seq: int, pole: str) -> Summary:
    assert draft.alert is not None
    at = format_utc(draft.at_ms)
    clock = draft.clock
    return Summary(
        id=draft.alert,
        pole=pole,
        camera=draft.camera,
        rule=dict(draft.rule or {}),
        severity=draft.severity or "info",
        state="open",
        opened_at=at,
        opened_seq=seq,
        updated_at=at,
        closed_at=None,
        close_reason=None,
        acked=None,
        resolved=None,
        data=dict(draft.data),
        where=dict(draft.where),
        clock={"state": clock.state, "boot": clock.boot, "mono_ms": clock.mono_ms},
        media=(),
        test=draft.is_test,
    )


def _update(summary: Summary, draft: Draft) -> Summary:
    if summary.closed_at is not None:
        return summary
    at = format_utc(draft.at_ms)
    is_close = draft.kind == "alert.close"
    told = {key: value for key, value in draft.data.items() if not is_close or key != "reason"}
    merged = {**summary.data, **told}
    reason = draft.data.get("reason") if is_close else None
    updated = replace(
        summary,
        severity=draft.severity or summary.severity,
        updated_at=at,
        closed_at=at if is_close else None,
        close_reason=reason if isinstance(reason, str) else None,
        data=merged if len(merged) <= DATA_KEYS_MAX else told,
        where=dict(draft.where) or summary.where,
    )
    return _settle(updated)


def _acknowledge(summary: Summary, draft: Draft) -> Summary:
    if summary.acked is not None:
        return summary
    at = format_utc(draft.at_ms)
    return replace(summary, updated_at=at, acked=Acked(at, _text(draft.data, "by") or ""))


def _resolve(summary: Summary, draft: Draft) -> Summary:
    at = format_utc(draft.at_ms)
    resolved = Resolved(
        at,
        _text(draft.data, "by") or "",
        _text(draft.data, "verdict") or "",
        _text(draft.data, "note"),
    )
    return _settle(replace(summary, updated_at=at, resolved=resolved))


def _settle(summary: Summary) -> Summary:
    """An alert is open until it is closed and resolved."""
    is_done = summary.closed_at is not None and summary.resolved is not None
    return replace(summary, state="done" if is_done else "open")


def _add_media(summary: Summary, draft: Draft) -> Summary:
    """Show the newest snapshot, and every clip: a long alert has one around its close too."""
    files = [_shown(item, draft.data) for item in draft.media]
    roles = {file.role for file in files if file.role != "clip"}
    hashes = {file.sha256 for file in files}
    kept = [each for each in summary.media if each.role not in roles and each.sha256 not in hashes]
    media = (*kept, *files)[-MEDIA_MAX:]
    return replace(summary, updated_at=format_utc(draft.at_ms), media=media)


def _drop_media(summary: Summary, draft: Draft) -> Summary:
    gone = draft.data.get("sha256")
    if gone is None:
        return summary  # it was never made
    media = tuple(each for each in summary.media if each.sha256 != gone)
    return replace(summary, updated_at=format_utc(draft.at_ms), media=media)


def _shown(item: Mapping[str, Any], data: Mapping[str, Any]) -> ShownFile:
    return ShownFile(
        str(item["role"]),
        str(item["type"]),
        int(item["bytes"]),
        str(item["sha256"]),
        str(item["href"]),
        data.get("from_t"),
        data.get("to_t"),
    )


def _text(data: Mapping[str, Json], key: str) -> str | None:
    value = data.get(key)
    return value if isinstance(value, str) else None


_BY_ANYBODY = {"alert.ack": _acknowledge, "alert.resolve": _resolve}
_BY_ITS_CAMERA = {
    "alert.update": _update,
    "alert.close": _update,
    "media.ready": _add_media,
    "media.gone": _drop_media,
}
