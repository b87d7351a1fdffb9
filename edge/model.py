"""Every value that crosses a border between two files; plain and frozen.

A property says what it holds in another way; nothing else is done here.

Boxes and points are fractions of the frame, origin top left. Media time counts 90 kHz ticks
from the first frame of the run; `t` is the same in seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

Box: TypeAlias = tuple[float, float, float, float]
"""(x_min, y_min, x_max, y_max)"""
Point: TypeAlias = tuple[float, float]
Polygon: TypeAlias = tuple[Point, ...]
Luma: TypeAlias = npt.NDArray[np.uint8]
"""(height, width) uint8"""
Json: TypeAlias = str | int | float | bool | list[Any] | dict[str, Any] | None

TICKS_PER_S = 90_000
"""Media time base, the RTP video clock (RFC 3551 §5)."""

LABELS = (
    "person", "car", "truck", "bus", "vehicle", "bicycle", "motorcycle",
    "dog", "cat", "animal", "object",
)  # fmt: skip
VEHICLE_LABELS = ("car", "truck", "bus", "vehicle", "motorcycle")

Phase = Literal["open", "update", "close"]
Role = Literal["snapshot", "clip", "thermal", "evidence"]
Sight = Literal["seeing", "dark", "blocked", "defocused", "frozen", "moved", "lost"]


@dataclass(frozen=True, slots=True)
class StreamFormat:
    """What a stream carries, as measured on its first packets.

    `fps` is packets a second; `gop_s` the longest distance between keyframes seen so far;
    `header` a fragmented-MP4 header (no samples) with the codec's parameter sets: the template
    for decoders and clips, usable after the input has closed. `start_code_sets` are the parameter
    sets where packets carry start codes (RTSP), empty where they carry lengths (MP4).
    """

    codec: Literal["h264", "hevc"]
    width: int
    height: int
    fps: float
    gop_s: float
    header: bytes
    start_code_sets: bytes = b""


@dataclass(frozen=True, slots=True)
class Packet:
    """One compressed unit as received; `pts_90k` and `dts_90k` already repaired and rebased.

    `wall_utc_ms` is when it was captured, as well as the pole can tell.
    """

    data: bytes
    pts_90k: int
    dts_90k: int
    is_keyframe: bool
    wall_utc_ms: int

    @property
    def t(self) -> float:
        """Seconds of media time."""
        return self.pts_90k / TICKS_PER_S


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One decoded picture as the decoder's planes, 4:2:0, read-only.

    `y` is (height, width) uint8, `u` and `v` are (height/2, width/2) uint8, rounded up.
    """

    pts_90k: int
    wall_utc_ms: int
    y: Luma
    u: Luma
    v: Luma

    @property
    def t(self) -> float:
        """Seconds of media time."""
        return self.pts_90k / TICKS_PER_S


@dataclass(frozen=True, slots=True)
class Detection:
    """One labelled box with a score (0..1) in one frame."""

    label: str
    score: float
    box: Box


@dataclass(frozen=True, slots=True)
class Track:
    """The same thing followed over frames.

    `seen_t` is when a detection or motion last supported it; between detections `box` follows.
    `is_stationary` is true once it has kept its place for some seconds; `is_hidden` while nothing
    of it can be seen and its box is a guess.
    """

    track: int
    label: str
    score: float
    box: Box
    is_stationary: bool
    first_t: float
    seen_t: float
    is_hidden: bool = False

    @property
    def foot(self) -> Point:
        """Where it stands: the middle of the box's lower edge."""
        return ((self.box[0] + self.box[2]) / 2, self.box[3])


@dataclass(frozen=True, slots=True)
class AlertChange:
    """One step in an alert's life, as a rule decided it.

    `ordinal` counts the alerts of one eye's run from 1; the eye turns it into the alert's id.
    `phase` "limited" reports alerts held back by the hourly limit and belongs to no alert.
    """

    phase: Literal["open", "update", "close", "limited"]
    ordinal: int
    rule_type: str
    rule_name: str
    severity: str
    t: float
    tracks: tuple[int, ...] = ()
    box: Box | None = None
    data: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Stamp:
    """What every line carries: whose, when in media time (seconds), when by the wall clock."""

    camera: str
    t: float
    utc_ms: int


@dataclass(frozen=True, slots=True)
class SightReport:
    """Proof of sight: counters since the start, and what the eye can see now."""

    frames: int
    distinct: int
    decoded: int
    inferences: int
    is_awake: bool
    state: Sight
    cpu_s: float
    rss_mb: float


@dataclass(frozen=True, slots=True)
class Command:
    """One line from whoever runs the eye; `id` comes back in the reply."""

    id: int
    name: str
    arguments: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MediaFile:
    """A finished file of an alert, or the news that it could not be made (`file` None)."""

    alert: str
    role: Role
    file: str | None
    mime: str
    from_t: float
    to_t: float
    size_bytes: int
    sha256: str | None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class KeptMedia:
    """A finished file under its hash, and the cameras whose alerts it belongs to."""

    sha256: str
    size_bytes: int
    type: str
    path: Path
    cameras: frozenset[str]
