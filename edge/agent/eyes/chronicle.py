"""What is worth a record of what an eye says; pure.

An alert is open until it is closed; when its eye dies it closes as interrupted, and one that opens
soon after by the same rule names it as what it continues. Of sight every change is worth a record
and, while nothing changes, one in five minutes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from edge.agent.eyes.eye_lines import (
    Alert,
    AlertId,
    Digest,
    EyeLine,
    Media,
    MediaType,
    SightProof,
    Source,
)
from edge.agent.ports import UnclosedAlert
from edge.feeds import ClockReading, Draft, Severity
from edge.model import Json, Role

SIGHT_EVERY_MS = 300_000
CONTINUES_MS_MAX = 60_000
"""Within this time of its end by force an alert of the same rule goes on with it."""
KNOWN_MAX = 4_096
"""Alerts of one eye whose files may still come; by the hourly limits those of a day at least."""


@dataclass(frozen=True, slots=True)
class OpenAlert:
    """What closing an alert for its dead eye needs to know."""

    severity: Severity
    rule: Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class CutOff:
    """An alert that was closed for its dead eye, when the clock since boot read `mono_ms`."""

    alert: str
    rule: Mapping[str, Json]
    mono_ms: int


@dataclass(frozen=True, slots=True)
class AlertFile:
    """A file of an alert, or the news that there is none (`sha256` None), and why.

    `from_t` and `to_t` are seconds of its eye's media time, None where the eye has not told.
    """

    alert: AlertId
    role: Role
    type: MediaType
    at_ms: int
    size_bytes: int = 0
    sha256: Digest | None = None
    from_t: float | None = None
    to_t: float | None = None
    reason: str | None = None
    is_recovered: bool = False


@dataclass(frozen=True, slots=True)
class Chronicle:
    """One camera's state: its alerts, and what was last recorded of its sight and source.

    `known` are the newest alerts that were opened, open or not, the oldest first. `clock_off_s`
    is how far the camera's own clock is ahead, None while it is right or not known.
    """

    camera: str
    open: Mapping[str, OpenAlert] = field(default_factory=dict)
    known: tuple[str, ...] = ()
    cut_off: tuple[CutOff, ...] = ()
    sight: str | None = None
    sight_ms: int = 0
    source: Mapping[str, Json] | None = None
    clock_off_s: float | None = None


@dataclass(frozen=True, slots=True)
class Pen:
    """What every record needs besides: the clock's state now, and a fresh id."""

    clock: ClockReading
    make_id: Callable[[], str]


def step(state: Chronicle, line: EyeLine, pen: Pen) -> tuple[Chronicle, list[Draft]]:
    """Take in one line.

    Args:
        state: as the last call returned it.
        line: of this camera. A file that it names has been taken over already.
        pen: for the records that come of it.

    Returns:
        The new state and the records to write, in order.
    """
    if isinstance(line, Alert):
        return _take_alert(state, line, pen)
    if isinstance(line, Media):
        return state, [write_file(state.camera, make_file(line), pen)]
    if isinstance(line, SightProof):
        return _take_sight(state, line, pen)
    if isinstance(line, Source):
        return _take_source(state, line, pen)
    return state, []


def doubt(state: Chronicle, line: EyeLine) -> str | None:
    """Say why a sound line can't be believed beside what the eye has said before; None: it can."""
    if isinstance(line, Alert) and line.phase == "open" and line.alert in state.known:
        return "it opens an alert again"
    if isinstance(line, Media) and line.alert not in state.known:
        return "a file of an alert that it never opened"
    return None


def interrupt(state: Chronicle, at_ms: int, pen: Pen) -> tuple[Chronicle, list[Draft]]:
    """Close what is open: the eye is gone, whatever it was looking at."""
    cut = [
        UnclosedAlert(name, state.camera, alert.severity, alert.rule)
        for name, alert in sorted(state.open.items())
    ]
    newest = [CutOff(each.id, each.rule, pen.clock.mono_ms) for each in cut]
    cut_off = (*state.cut_off, *newest)[-KNOWN_MAX:]
    return replace(state, open={}, sight=None, cut_off=cut_off), close_cut_off(cut, at_ms, pen)


def recall(camera: str, unclosed: Iterable[UnclosedAlert], mono_ms: int) -> Chronicle:
    """Begin with what an agent before this one left open; it is closed by `close_cut_off`."""
    mine = [each for each in unclosed if each.camera == camera]
    return Chronicle(camera, cut_off=tuple(CutOff(each.id, each.rule, mono_ms) for each in mine))


def close_cut_off(unclosed: Iterable[UnclosedAlert], at_ms: int, pen: Pen) -> list[Draft]:
    """Close alerts whose eye, or whose agent, has ended before them."""
    return [
        Draft(
            "alerts", pen.make_id(), "alert.close", at_ms, pen.clock,
            severity=alert.severity, camera=alert.camera, alert=alert.id, rule=alert.rule,
            data={"reason": "interrupted"},
        )
        for alert in unclosed
    ]  # fmt: skip


def make_file(line: Media) -> AlertFile:
    """What an eye says of a file."""
    return AlertFile(
        line.alert, line.role, line.type, line.at_ms, line.bytes, line.sha256,
        line.from_t, line.to_t, line.reason,
    )  # fmt: skip


def write_file(camera: str, file: AlertFile, pen: Pen) -> Draft:
    """Record a file of a camera's alert that has been taken over, or that there is none."""
    said: dict[str, Json] = {"from_t": file.from_t, "to_t": file.to_t, "reason": file.reason}
    data: dict[str, Json] = {"role": file.role}
    data |= {key: value for key, value in said.items() if value is not None}
    if file.is_recovered:
        data["recovered"] = True
    media: list[dict[str, Json]] = []
    if file.sha256 is not None:
        media.append(
            {
                "role": file.role,
                "type": file.type,
                "bytes": file.size_bytes,
                "sha256": file.sha256,
                "href": f"/v1/media/{file.sha256}",
            }
        )
    return Draft(
        "media", pen.make_id(), "media.ready" if media else "media.gone", file.at_ms, pen.clock,
        camera=camera, alert=file.alert, data=data, media=media,
    )  # fmt: skip


def _take_alert(state: Chronicle, line: Alert, pen: Pen) -> tuple[Chronicle, list[Draft]]:
    rule: dict[str, Json] = {"type": line.rule.type, "name": line.rule.name}
    still_open = dict(state.open)
    continued: CutOff | None = None
    if line.phase == "open" and line.alert is not None:
        still_open[line.alert] = OpenAlert(line.severity, rule)
        continued = _find_continued(state, rule, pen.clock.mono_ms)
        known = (*state.known, line.alert)[-KNOWN_MAX:]
        cut_off = tuple(each for each in state.cut_off if each is not continued)
        state = replace(state, known=known, cut_off=cut_off)
    elif line.alert is not None and still_open.pop(line.alert, None) is None:
        return state, []  # of an alert that was closed for this eye, or never opened
    elif line.phase == "update" and line.alert is not None:
        still_open[line.alert] = OpenAlert(line.severity, rule)
    box = line.where.box
    data: dict[str, Json] = {**line.data, "tracks": list(line.tracks)}
    if continued is not None:
        data["continues"] = continued.alert
    if state.clock_off_s is not None:
        data["camera_clock_off_s"] = state.clock_off_s
    draft = Draft(
        "alerts", pen.make_id(), f"alert.{line.phase}", line.at_ms, pen.clock,
        severity=line.severity, camera=state.camera, alert=line.alert, rule=rule,
        data=data,
        where={"box": list(box)} if box is not None else {},
    )  # fmt: skip
    return replace(state, open=still_open), [draft]


def _find_continued(state: Chronicle, rule: Mapping[str, Json], mono_ms: int) -> CutOff | None:
    """The newest alert of this rule that was cut off a short while ago."""
    young = [each for each in state.cut_off if mono_ms - each.mono_ms <= CONTINUES_MS_MAX]
    return next((each for each in reversed(young) if each.rule == rule), None)


def _take_sight(state: Chronicle, line: SightProof, pen: Pen) -> tuple[Chronicle, list[Draft]]:
    is_due = abs(line.at_ms - state.sight_ms) >= SIGHT_EVERY_MS
    if line.state == state.sight and not is_due:
        return state, []
    data: dict[str, Json] = {
        "state": line.state,
        "awake": line.awake,
        "frames": line.frames,
        "distinct": line.distinct,
        "decoded": line.decoded,
        "inferences": line.inferences,
        "cpu_s": line.cpu_s,
        "rss_mb": line.rss_mb,
    }
    draft = Draft(
        "health", pen.make_id(), "sight", line.at_ms, pen.clock, camera=state.camera, data=data
    )
    return replace(state, sight=line.state, sight_ms=line.at_ms), [draft]


def _take_source(state: Chronicle, line: Source, pen: Pen) -> tuple[Chronicle, list[Draft]]:
    data: dict[str, Json] = {
        "width": line.width,
        "height": line.height,
        "fps": line.fps,
        "codec": line.codec,
        "gop_s": line.gop_s,
        "thermal": line.thermal,
    }
    if data == state.source:
        return state, []
    draft = Draft(
        "health", pen.make_id(), "camera", line.at_ms, pen.clock, camera=state.camera, data=data
    )
    return replace(state, source=data), [draft]
