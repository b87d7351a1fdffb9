"""What is worth a record of what an eye says; pure.

An alert is open until it is closed; when its eye dies it closes as interrupted. Of sight every
change is worth a record and, while nothing changes, one in five minutes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from edge.agent.eye_lines import Alert, EyeLine, Media, SightProof, Source
from edge.agent.feeds import ClockReading, Draft, Severity
from edge.model import Json

SIGHT_EVERY_MS = 300_000


@dataclass(frozen=True, slots=True)
class OpenAlert:
    """What closing an alert for its dead eye needs to know."""

    severity: Severity
    rule: Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class Chronicle:
    """One camera's state: its open alerts, and what was last recorded of its sight and source."""

    camera: str
    open: Mapping[str, OpenAlert] = field(default_factory=dict)
    sight: str | None = None
    sight_ms: int = 0
    source: Mapping[str, Json] | None = None


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
        return state, [_write_media(state, line, pen)]
    if isinstance(line, SightProof):
        return _take_sight(state, line, pen)
    if isinstance(line, Source):
        return _take_source(state, line, pen)
    return state, []


def interrupt(state: Chronicle, at_ms: int, pen: Pen) -> tuple[Chronicle, list[Draft]]:
    """Close what is open: the eye is gone, whatever it was looking at."""
    drafts = [
        Draft(
            "alerts", pen.make_id(), "alert.close", at_ms, pen.clock,
            severity=alert.severity, camera=state.camera, alert=name, rule=alert.rule,
            data={"reason": "interrupted"},
        )
        for name, alert in sorted(state.open.items())
    ]  # fmt: skip
    return replace(state, open={}, sight=None), drafts


def _take_alert(state: Chronicle, line: Alert, pen: Pen) -> tuple[Chronicle, list[Draft]]:
    rule: dict[str, Json] = {"type": line.rule.type, "name": line.rule.name}
    still_open = dict(state.open)
    if line.phase == "open" and line.alert is not None:
        still_open[line.alert] = OpenAlert(line.severity, rule)
    elif line.alert is not None and still_open.pop(line.alert, None) is None:
        return state, []  # of an alert that was closed for this eye, or never opened
    elif line.phase == "update" and line.alert is not None:
        still_open[line.alert] = OpenAlert(line.severity, rule)
    box = line.where.box
    draft = Draft(
        "alerts", pen.make_id(), f"alert.{line.phase}", line.at_ms, pen.clock,
        severity=line.severity, camera=state.camera, alert=line.alert, rule=rule,
        data={**line.data, "tracks": list(line.tracks)},
        where={"box": list(box)} if box is not None else {},
    )  # fmt: skip
    return replace(state, open=still_open), [draft]


def _write_media(state: Chronicle, line: Media, pen: Pen) -> Draft:
    data: dict[str, Json] = {"role": line.role, "from_t": line.from_t, "to_t": line.to_t}
    if line.reason is not None:
        data["reason"] = line.reason
    media: list[dict[str, Json]] = []
    if line.sha256 is not None:
        media.append(
            {
                "role": line.role,
                "type": line.type,
                "bytes": line.bytes,
                "sha256": line.sha256,
                "href": f"/v1/media/{line.sha256}",
            }
        )
    return Draft(
        "media", pen.make_id(), "media.ready" if media else "media.gone", line.at_ms, pen.clock,
        camera=state.camera, alert=line.alert, data=data, media=media,
    )  # fmt: skip


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
