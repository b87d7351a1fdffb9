"""What an eye's lines say, checked: an eye decodes hostile streams, so its lines are not trusted.

Each line is one JSON object (docs/ref/lines.md). Numbers have bounds, names have an alphabet, files
are plain names in the eye's own folder.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

import msgspec
from msgspec import Meta, Struct

from edge.errors import EvidenceError, Fault, ValidationError
from edge.evidence import canonical_json
from edge.model import Json, Role, Sight
from edge.wire import parse_utc

LINE_BYTES_MAX = 64 * 1024
DATA_BYTES_MAX = 1536
"""What a rule may say of an alert as it goes on."""
OPENING_BYTES_MAX = 1250
"""What a line that opens an alert brings into its record: with all else that is below 2 KB."""
AT_MS_MAX = 4_102_444_800_000
"""The year 2100: a later wall time is no time. A pole without one begins in 1970."""

Name: TypeAlias = Annotated[str, Meta(min_length=1, max_length=128)]
Text: TypeAlias = Annotated[str, Meta(max_length=2000)]
Label: TypeAlias = Annotated[str, Meta(pattern=r"^[a-z_]{1,32}$")]
AlertId: TypeAlias = Annotated[str, Meta(pattern=r"^[0-9A-HJKMNP-TV-Z]{26}$")]
FileName: TypeAlias = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$")]
Digest: TypeAlias = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$")]
MediaType: TypeAlias = Annotated[str, Meta(pattern=r"^[a-z]{1,20}/[a-z0-9.+-]{1,40}$")]
Seconds: TypeAlias = Annotated[float, Meta(ge=-60.0, le=1e9)]
Count: TypeAlias = Annotated[int, Meta(ge=0, le=2**53)]
Share: TypeAlias = Annotated[float, Meta(ge=-1.0, le=2.0)]
Box: TypeAlias = tuple[Share, Share, Share, Share]
Tracks: TypeAlias = Annotated[tuple[Count, ...], Meta(max_length=256)]


class _Line(Struct, frozen=True, tag_field="kind"):
    """What every line begins with; `at` is RFC 3339."""

    camera: Name
    t: Seconds
    at: Annotated[str, Meta(max_length=40)]

    @property
    def at_ms(self) -> int:
        """Wall time in milliseconds since 1970."""
        return parse_utc(self.at)


class Source(_Line, frozen=True, tag="source"):
    """What the camera delivers."""

    width: Annotated[int, Meta(ge=1, le=16_384)]
    height: Annotated[int, Meta(ge=1, le=16_384)]
    fps: Annotated[float, Meta(ge=0, le=1000)]
    codec: Literal["h264", "hevc"]
    gop_s: Annotated[float, Meta(ge=0, le=1e6)]
    thermal: bool


class TrackSeen(_Line, frozen=True, tag="track"):
    """Where a track is now."""

    phase: Literal["open", "update", "close"]
    track: Count
    label: Label
    box: Box
    stationary: bool


class RuleName(Struct, frozen=True):
    """Which rule it was."""

    type: Label
    name: Name


class Where(Struct, frozen=True):
    """Where it was, in the picture."""

    box: Box | None = None


class Alert(_Line, frozen=True, tag="alert"):
    """One step of an alert; `alert` is null for "limited"."""

    phase: Literal["open", "update", "close", "limited"]
    alert: AlertId | None
    rule: RuleName
    severity: Literal["critical", "major", "minor", "info"]
    tracks: Tracks
    data: dict[Name, Any]
    where: Where


class Media(_Line, frozen=True, tag="media"):
    """A finished file, or why there is none."""

    alert: AlertId
    role: Role
    file: FileName | None
    type: MediaType
    from_t: Seconds
    to_t: Seconds
    bytes: Count
    sha256: Digest | None
    reason: Text | None = None


class SightProof(_Line, frozen=True, tag="sight"):
    """What the eye can see."""

    frames: Count
    distinct: Count
    decoded: Count
    inferences: Count
    awake: bool
    state: Sight
    cpu_s: Annotated[float, Meta(ge=0)]
    rss_mb: Annotated[float, Meta(ge=0)]


class Reply(_Line, frozen=True, tag="reply"):
    """The answer to a command; what belongs to it besides differs and is read where it is asked."""

    id: Count | None
    ok: bool
    error: Text | None = None
    file: FileName | None = None
    bytes: Count | None = None
    sha256: Digest | None = None
    type: Text | None = None
    from_t: Seconds | None = None
    to_t: Seconds | None = None
    frame_t: Seconds | None = None
    until_t: Seconds | None = None


class End(_Line, frozen=True, tag="end"):
    """The last line, and why."""

    reason: Text


EyeLine: TypeAlias = Source | TrackSeen | Alert | Media | SightProof | Reply | End

_decoder: msgspec.json.Decoder[EyeLine] = msgspec.json.Decoder(EyeLine)
_kind_decoder = msgspec.json.Decoder(dict[str, Any])
_KINDS_PASSED = ("motion", "detection")
"""For people who develop rules; the agent asks for none of them."""


def parse_eye_line(line: bytes) -> EyeLine | None:
    """Understand one line of an eye.

    Args:
        line: without or with its newline.

    Returns:
        What it says; None for a kind that the agent has no use for.

    Raises:
        ValidationError: it is too long, no JSON, of no known kind, or a part of it is missing or
            out of bounds.
    """
    if len(line) > LINE_BYTES_MAX:
        raise ValidationError([Fault("line", f"longer than {LINE_BYTES_MAX} bytes")])
    try:
        found = _decoder.decode(line)
        _check(found)
    except (msgspec.DecodeError, EvidenceError, UnicodeDecodeError, RecursionError) as exc:
        if _is_passed(line):
            return None
        raise ValidationError([Fault("line", str(exc))]) from exc
    return found


def _check(line: EyeLine) -> None:
    """What a type can't say."""
    if not 0 <= parse_utc(line.at) <= AT_MS_MAX:
        raise msgspec.ValidationError("`at` is outside 1970 to 2100")
    if isinstance(line, Alert):
        if (line.alert is None) != (line.phase == "limited"):
            raise msgspec.ValidationError(f"`{line.phase}` with alert {line.alert}")
        if len(canonical_json(line.data)) > DATA_BYTES_MAX:
            raise msgspec.ValidationError(f"data of more than {DATA_BYTES_MAX} bytes")
        said: list[Json] = [
            line.rule.name,
            line.data,
            list(line.tracks),
            list(line.where.box or ()),
        ]
        if line.phase == "open" and len(canonical_json(said)) > OPENING_BYTES_MAX:
            raise msgspec.ValidationError(f"an opening of more than {OPENING_BYTES_MAX} bytes")
    if isinstance(line, Media) and (line.file is None) != (line.sha256 is None):
        raise msgspec.ValidationError("a file without its hash, or a hash without a file")


def _is_passed(line: bytes) -> bool:
    try:
        return _kind_decoder.decode(line).get("kind") in _KINDS_PASSED
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
