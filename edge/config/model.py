"""The configuration as frozen dataclasses: every key, its type, its limits and its default.

Pure; `load.py` loads them from a file, docs/ref/config.md and docs/ref/rules.md explain them.
A field's `key` in its metadata is its name in TOML where that differs; `example` goes into the
fault when it is missing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import tzinfo
from typing import Annotated, ClassVar, Literal, TypeAlias

from edge.config.checks import (
    Check,
    OneOrMany,
    Variants,
    check_clock,
    check_days,
    check_listen,
    check_polygon,
    check_source,
    count_between,
    has_user,
    in_range,
    matches,
    one_of,
    parse_clock,
)
from edge.errors import Fault
from edge.model import LABELS, VEHICLE_LABELS

MIB = 1024 * 1024
TIB = 1024**4
CAMERAS_MAX = 64
"""As many eyes as one fork server makes; most of so many have `watch = false`."""
RING_BYTES = 15 * MIB
PRE_ROLL_S = POST_ROLL_S = 10.0
"""Defaults of a camera, also of one that is looked at without a configuration."""

Fraction: TypeAlias = Annotated[float, in_range(0, 1)]
Seconds: TypeAlias = Annotated[float, in_range(0, 3600, "s")]
RollSeconds: TypeAlias = Annotated[float, in_range(0, 60, "s")]
FractionPoint: TypeAlias = tuple[Fraction, Fraction]
Points: TypeAlias = Annotated[
    tuple[FractionPoint, ...], count_between(3, 100, "points"), Check(check_polygon)
]
Source: TypeAlias = Annotated[str, Check(check_source)]
PlainName: TypeAlias = Annotated[
    str, matches(r"[A-Za-z0-9_-]{1,32}", "1 to 32 of A-Z a-z 0-9 _ -, it names folders and routes")
]
"""Names folders and routes."""
Title: TypeAlias = Annotated[
    str, matches(r"[^\x00-\x1f\x7f]{1,64}", "1 to 64 characters on one line")
]
"""For people, in any script."""
FileName: TypeAlias = Annotated[
    str, matches(r"[^/\x00-\x1f\x7f]{1,255}", "the bare name of a file beside this one")
]
Severity: TypeAlias = Literal["critical", "major", "minor", "info"]
Labels: TypeAlias = Annotated[
    tuple[Annotated[str, one_of(LABELS)], ...], count_between(1, len(LABELS), "labels")
]

TRAFFIC_LABELS = ("person", "bicycle", *VEHICLE_LABELS)
"""What people send patrols for; animals and objects only where asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """Where the pole stands, WGS 84 degrees, and the height of its head above ground."""

    lat: Annotated[float, in_range(-90, 90, "degrees")] = field(metadata={"example": "lat = 29.7"})
    lon: Annotated[float, in_range(-180, 180, "degrees")] = field(
        metadata={"example": "lon = 106.6"}
    )
    height_m: Annotated[float, in_range(0, 1000, "m")] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pole:
    """Who this pole is."""

    id: Annotated[str, matches(r"[A-Za-z0-9._-]{1,64}", "1 to 64 of A-Z a-z 0-9 . _ -")] = field(
        metadata={"example": 'id = "SG-017"'}
    )
    name: Title | None = None
    gbid: Annotated[str, matches("[0-9]{20}", "exactly 20 digits, in quotes")] | None = None
    position: Position | None = None
    timezone: str = "UTC"


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """Which board profile describes the box."""

    profile: PlainName = "desk"


@dataclass(frozen=True, slots=True, kw_only=True)
class Zone:
    """A polygon the installer drew."""

    name: Title = field(metadata={"example": 'name = "kerb"'})
    points: Points = field(metadata={"example": "points = [[0.1, 0.6], [0.5, 0.6], [0.5, 0.9]]"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """An arrow the installer drew; crossing towards its right-hand side is `in`."""

    name: Title = field(metadata={"example": 'name = "gate"'})
    start: FractionPoint = field(metadata={"key": "from", "example": "from = [0.2, 0.5]"})
    end: FractionPoint = field(metadata={"key": "to", "example": "to = [0.8, 0.5]"})

    def own_fault(self) -> Fault | None:
        """Refuse a line without length."""
        if self.start == self.end:
            return Fault("", "the line has no length", "from and to are the same point; move one")
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Camera:
    """One source and what was drawn on its picture."""

    name: PlainName = field(metadata={"example": 'name = "road"'})
    kind: Literal["visible", "thermal", "both"] = "visible"
    watch: bool = True
    main: Source = field(metadata={"example": 'main = "rtsp://10.0.0.11/main"'})
    sub: Source | None = None
    credentials: FileName | None = None
    ring_bytes: Annotated[int, in_range(MIB, 1024 * MIB, "bytes")] = RING_BYTES
    pre_roll_s: RollSeconds = PRE_ROLL_S
    post_roll_s: RollSeconds = POST_ROLL_S
    ignore: Annotated[tuple[Points, ...], count_between(0, 64, "polygons")] = ()
    privacy: Annotated[tuple[Points, ...], count_between(0, 64, "polygons")] = ()
    zones: Annotated[tuple[Zone, ...], count_between(0, 64, "zones")] = ()
    lines: Annotated[tuple[Line, ...], count_between(0, 64, "lines")] = ()

    def own_fault(self) -> Fault | None:
        """Refuse a user inside an address beside credentials: only one can be meant."""
        for key, source in (("main", self.main), ("sub", self.sub)):
            if self.credentials and source and has_user(source):
                problem = "names a user, and so does credentials"
                return Fault(f".{key}", problem, "leave out what stands before @")
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """Days and hours when a rule is armed, in the pole's time zone; `end` is not included.

    A window with `end` before `start` runs over midnight and belongs to the day it starts on.
    """

    days: Annotated[str, Check(check_days)] = "mon-sun"
    start: Annotated[str, Check(check_clock)] = field(default="00:00", metadata={"key": "from"})
    end: Annotated[str, Check(check_clock)] = field(default="24:00", metadata={"key": "to"})

    def own_fault(self) -> Fault | None:
        """Refuse a window of no length, or one that starts at the day's end."""
        start, end = parse_clock(self.start), parse_clock(self.end)
        if start == end or start == parse_clock("24:00"):
            remedy = "leave both out for the whole day"
            return Fault("", f"from {self.start} to {self.end} is no span of time", remedy)
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What every rule type has; never used by itself."""

    type: str
    name: Title
    cameras: tuple[str, ...] = ()
    labels: Labels = TRAFFIC_LABELS
    severity: Severity = "minor"
    schedule: Annotated[tuple[Schedule, ...], OneOrMany(), count_between(0, 32, "windows")] = ()
    debounce_s: Seconds = 0.5
    clear_s: Seconds = 1.0
    cooldown_s: Seconds = 60.0
    alerts_per_hour: Annotated[int, in_range(1, 60)] = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class IntrusionRule(Rule):
    """Opens when something enters a zone."""

    type: Literal["intrusion"] = "intrusion"
    name: Title = "intrusion"
    severity: Severity = "major"
    zones: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LineRule(Rule):
    """Opens when something crosses a line.

    Its debounce is a distance, so `debounce_s` is 0 unless asked for; `clear_s` is how long the
    alert stays open after the crossing.
    """

    type: Literal["line"] = "line"
    name: Title = "line"
    lines: tuple[str, ...] = ()
    direction: Literal["in", "out", "both"] = "both"
    debounce_s: Seconds = 0.0
    clear_s: Seconds = 2.0
    cooldown_s: Seconds = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LoiterRule(Rule):
    """Opens when something stays in a zone for long."""

    type: Literal["loiter"] = "loiter"
    name: Title = "loiter"
    labels: Labels = ("person",)
    zones: tuple[str, ...] = ()
    dwell_s: Annotated[float, in_range(1, 86_400, "s")] = 60.0
    clear_s: Seconds = 5.0


AnyRule: TypeAlias = IntrusionRule | LineRule | LoiterRule
RULE_CLASSES: dict[str, type] = {
    "intrusion": IntrusionRule,
    "line": LineRule,
    "loiter": LoiterRule,
}
LATER_RULE_TYPES = (
    "fire", "temperature", "parking", "crowd", "left", "removed", "tamper", "help",
)  # fmt: skip
RuleTables: TypeAlias = Annotated[
    tuple[Annotated[AnyRule, Variants(RULE_CLASSES, LATER_RULE_TYPES)], ...],
    count_between(0, 128, "rules"),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Api:
    """Where the HTTP API listens; without `tls` an address decides: only loopback is plain."""

    LOOPBACK: ClassVar[tuple[str, ...]] = ("127.0.0.1", "localhost", "[::1]")

    listen: Annotated[str, Check(check_listen)] = "127.0.0.1:8470"
    tls: bool | None = None
    station_ca: FileName | None = None

    @property
    def has_tls(self) -> bool:
        """Whether connections are encrypted."""
        is_loopback = self.listen.rpartition(":")[0] in self.LOOPBACK
        return not is_loopback if self.tls is None else self.tls

    def own_fault(self) -> Fault | None:
        """Refuse plain HTTP on the network, and certificates where nobody shows one."""
        if self.tls is False and self.listen.rpartition(":")[0] not in self.LOOPBACK:
            remedy = "leave tls out, or listen on 127.0.0.1"
            return Fault(".tls", f"plain HTTP on {self.listen} is not offered", remedy)
        if self.station_ca is not None and not self.has_tls:
            return Fault(".station_ca", "means nothing without TLS", "leave it out, or set tls")
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """What the road to the station can carry; no budget means no limit."""

    budget_bytes_per_hour: Annotated[int, in_range(MIB, TIB, "bytes")] | None = None
    radio_after_s: Annotated[float, in_range(10, 86_400, "s")] = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """How much and how long; no quota means what the board's profile leaves."""

    quota_bytes: Annotated[int, in_range(64 * MIB, 1024 * TIB, "bytes")] | None = None
    media_days: Annotated[int, in_range(30, 400, "days")] = 30
    key_target: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """A siren, lamp or voice; has no keys in this version."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """Where updates come from; has no keys in this version."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """The whole configuration of one pole."""

    pole: Pole = field(metadata={"example": '[pole] with id = "SG-017"'})
    board: Board = Board()
    cameras: Annotated[tuple[Camera, ...], count_between(0, CAMERAS_MAX, "cameras")] = field(
        default=(), metadata={"key": "camera"}
    )
    rules: RuleTables = field(default=(), metadata={"key": "rule"})
    api: Api = Api()
    link: Link = Link()
    retention: Retention = Retention()
    outputs: tuple[Output, ...] = field(default=(), metadata={"key": "output"})
    update: Update = Update()


@dataclass(frozen=True, slots=True, kw_only=True)
class LoosePole(Pole):
    """A pole in a rules file: only its time zone matters."""

    id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LooseCamera(Camera):
    """A camera in a rules file: only what is drawn on it matters."""

    name: PlainName = ""
    main: Source = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LooseConfig(Config):
    """A rules file: bare (`zones`, `lines` … at the top), or shaped like a configuration."""

    pole: LoosePole = LoosePole()
    cameras: Annotated[tuple[LooseCamera, ...], count_between(0, CAMERAS_MAX, "cameras")] = field(
        default=(), metadata={"key": "camera"}
    )
    timezone: str | None = None
    ignore: Annotated[tuple[Points, ...], count_between(0, 64, "polygons")] = ()
    zones: Annotated[tuple[Zone, ...], count_between(0, 64, "zones")] = ()
    lines: Annotated[tuple[Line, ...], count_between(0, 64, "lines")] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraRules:
    """What one eye needs: what was drawn on its picture, the rules about it, the pole's time."""

    timezone: tzinfo
    ignore: tuple[Points, ...] = ()
    zones: tuple[Zone, ...] = ()
    lines: tuple[Line, ...] = ()
    rules: tuple[AnyRule, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What a camera asks for; the password never shows in a print-out."""

    user: Annotated[str, matches(r"[^\x00-\x1f\x7f]{1,255}", "one line")] = field(
        metadata={"example": 'user = "viewer"'}
    )
    password: str = field(repr=False, metadata={"example": 'password = "…"'})
