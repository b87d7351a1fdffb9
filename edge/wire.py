"""Model to JSON lines and back (design §3.1); a reply's own fields are named where it is made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from edge.errors import Fault, ValidationError
from edge.model import (
    AlertChange,
    Box,
    Command,
    Detection,
    Json,
    MediaFile,
    Phase,
    SightReport,
    Stamp,
    StreamFormat,
    Track,
)

COMMAND_BYTES_MAX = 64 * 1024
COMMAND_ID_MAX = 2**53 - 1
"""What every JSON reader keeps exact (RFC 8259 §6)."""
_BOX_DIGITS = 4
"""A ten-thousandth of the frame: below half a pixel of a 4K picture."""
_encoder = msgspec.json.Encoder()


def encode_source(stamp: Stamp, stream: StreamFormat, *, thermal: bool) -> bytes:
    """Say what the analysed camera delivers."""
    return _line(
        "source",
        stamp,
        {
            "width": stream.width,
            "height": stream.height,
            "fps": stream.fps,
            "codec": stream.codec,
            "gop_s": stream.gop_s,
            "thermal": thermal,
        },
    )


def encode_motion(stamp: Stamp, boxes: Sequence[Box]) -> bytes:
    """Say what moves."""
    return _line("motion", stamp, {"boxes": [_box(box) for box in boxes]})


def encode_detection(stamp: Stamp, found: Detection) -> bytes:
    """Say what one look found."""
    fields = {"label": found.label, "score": round(found.score, 3), "box": _box(found.box)}
    return _line("detection", stamp, fields)


def encode_track(stamp: Stamp, phase: Phase, track: Track) -> bytes:
    """Say where a track is now."""
    fields = {
        "phase": phase,
        "track": track.track,
        "label": track.label,
        "box": _box(track.box),
        "stationary": track.is_stationary,
    }
    return _line("track", stamp, fields)


def encode_alert(stamp: Stamp, change: AlertChange, alert: str | None) -> bytes:
    """Say one step of an alert; `alert` is its id, None for "limited"."""
    fields: dict[str, Json] = {
        "phase": change.phase,
        "alert": alert,
        "rule": {"type": change.rule_type, "name": change.rule_name},
        "severity": change.severity,
        "tracks": list(change.tracks),
        "data": dict(change.data),
        "where": {"box": _box(change.box)} if change.box else {},
    }
    return _line("alert", stamp, fields)


def encode_media(stamp: Stamp, media: MediaFile) -> bytes:
    """Announce a finished file, or that there is none."""
    fields: dict[str, Json] = {
        "alert": media.alert,
        "role": media.role,
        "file": media.file,
        "type": media.mime,
        "from_t": round(media.from_t, 3),
        "to_t": round(media.to_t, 3),
        "bytes": media.size_bytes,
        "sha256": media.sha256,
    }
    if media.reason is not None:
        fields["reason"] = media.reason
    return _line("media", stamp, fields)


def encode_sight(stamp: Stamp, sight: SightReport) -> bytes:
    """Give proof of sight."""
    return _line(
        "sight",
        stamp,
        {
            "frames": sight.frames,
            "distinct": sight.distinct,
            "decoded": sight.decoded,
            "inferences": sight.inferences,
            "awake": sight.is_awake,
            "state": sight.state,
            "cpu_s": round(sight.cpu_s, 2),
            "rss_mb": round(sight.rss_mb, 1),
        },
    )


def parse_sight(line: bytes) -> tuple[float, SightReport] | None:
    """Read a sight line back.

    Returns:
        Its media time in seconds and the report; None for a line of another kind.

    Raises:
        ValidationError: the line is not JSON, or lacks a part.
    """
    try:
        raw = msgspec.json.decode(line)
        if raw["kind"] != "sight":
            return None
        report = SightReport(
            frames=raw["frames"],
            distinct=raw["distinct"],
            decoded=raw["decoded"],
            inferences=raw["inferences"],
            is_awake=raw["awake"],
            state=raw["state"],
            cpu_s=raw["cpu_s"],
            rss_mb=raw["rss_mb"],
        )
        return float(raw["t"]), report
    except (msgspec.DecodeError, KeyError, TypeError, ValueError) as exc:
        raise ValidationError([Fault("sight", f"not such a line: {exc!r}")]) from exc


def encode_reply(stamp: Stamp, command_id: int | None, fields: Mapping[str, Json]) -> bytes:
    """Answer a command; `fields` hold `ok` and what belongs to it."""
    return _line("reply", stamp, {"id": command_id, **fields})


def encode_end(stamp: Stamp, reason: str) -> bytes:
    """Say that this is the last line, and why."""
    return _line("end", stamp, {"reason": reason})


def encode_still(name: str, found: Sequence[Detection]) -> bytes:
    """Say what is in a still picture; faces and plates are null: not looked for."""
    objects = [
        {"label": item.label, "score": round(item.score, 3), "box": _box(item.box)}
        for item in found
    ]
    fields = {"kind": "still", "file": name, "objects": objects, "faces": None, "plates": None}
    return _encoder.encode(fields) + b"\n"


def parse_command(line: bytes) -> Command:
    """Understand one line of standard input.

    Args:
        line: a JSON object with `kind` (or `command`), an integer `id`, and the command's own keys.

    Raises:
        ValidationError: it has no id that a reply could carry. Nothing is said about whether there
            is such a command; one without a name has the name "".
    """
    if len(line) > COMMAND_BYTES_MAX:
        raise ValidationError([Fault("command", f"longer than {COMMAND_BYTES_MAX} bytes")])
    try:
        raw = msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
        raise ValidationError([Fault("command", f"not JSON: {exc}")]) from exc
    if not isinstance(raw, dict):
        raise ValidationError([Fault("command", "not a JSON object")])
    names = [raw.pop(key) for key in ("kind", "command", "cmd") if key in raw]
    command_id = raw.pop("id", None)
    is_whole = isinstance(command_id, int) and not isinstance(command_id, bool)
    if not is_whole or not 0 <= command_id <= COMMAND_ID_MAX:
        raise ValidationError([Fault("id", f"missing or no whole number 0..{COMMAND_ID_MAX}")])
    is_named = len(names) == 1 and isinstance(names[0], str)
    return Command(command_id, names[0] if is_named else "", raw)


def format_utc(utc_ms: int) -> str:
    """Write wall time as RFC 3339 UTC with milliseconds."""
    seconds, millis = divmod(utc_ms, 1000)
    moment = datetime.fromtimestamp(seconds, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{millis:03d}Z"


def parse_utc(text: str) -> int:
    """Read RFC 3339 into milliseconds since 1970.

    Raises:
        ValidationError: not a time with its offset.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as exc:
        raise ValidationError([Fault("time", f"{text!r} is not RFC 3339")]) from exc
    if moment.tzinfo is None:
        raise ValidationError([Fault("time", f"{text!r} lacks its offset", "end it with Z")])
    return round(moment.timestamp() * 1000)


def _line(kind: str, stamp: Stamp, fields: Mapping[str, Any]) -> bytes:
    head = {
        "kind": kind,
        "camera": stamp.camera,
        "t": round(stamp.t, 3),
        "at": format_utc(stamp.utc_ms),
    }
    return _encoder.encode({**head, **fields}) + b"\n"


def _box(box: Box) -> list[float]:
    return [round(value, _BOX_DIGITS) for value in box]
