"""Tells people of a disk that is full or takes nothing: an alert of its own, and a part of health.

While the disk takes nothing the alert waits in memory with all others; see `PoleLog.waiting`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from edge.agent.eyes.chronicle import Pen
from edge.agent.health import Part
from edge.clock import NS_PER_S
from edge.feeds import Draft
from edge.model import Json

OPEN_AFTER_S = 10.0
"""The log tries again after a second: what has passed by then wakes nobody."""
HOLD_S = 30.0
"""A disk that comes and goes is one alert."""
LIVES_ON_RESERVE = "the disk is full, records go into its reserve; make room"
_RULE: dict[str, Json] = {"type": "system", "name": "disk"}


@dataclass(frozen=True, slots=True)
class Disk:
    """How the disk stands: `fault` is why it takes no record, None while it does."""

    fault: str | None
    has_reserve: bool
    media_bytes: int | None
    quota_bytes: int | None

    @property
    def reason(self) -> str:
        """What is wrong, in one line; empty where nothing is."""
        return self.fault or ("" if self.has_reserve else LIVES_ON_RESERVE)


@dataclass(frozen=True, slots=True)
class DiskWatch:
    """Since when it has been as it is now, by the monotonic clock, and the alert that is open."""

    is_bad: bool = False
    since_ns: int = 0
    alert: str | None = None


def step(watch: DiskWatch, disk: Disk, pen: Pen, *, now_ns: int, now_ms: int) -> tuple[
    DiskWatch, list[Draft]
]:  # fmt: skip
    """Take in how the disk stands now; the record of an alert that opens or closes, if any."""
    is_bad = bool(disk.reason)
    if is_bad != watch.is_bad:
        watch = replace(watch, is_bad=is_bad, since_ns=now_ns)
    lasted_s = (now_ns - watch.since_ns) / NS_PER_S
    if is_bad and watch.alert is None and lasted_s >= OPEN_AFTER_S:
        alert = pen.make_id()
        draft = _draft("open", alert, {"reason": disk.reason}, pen, now_ms)
        return replace(watch, alert=alert), [draft]
    if not is_bad and watch.alert is not None and lasted_s >= HOLD_S:
        data: dict[str, Json] = {"reason": "the disk takes records and has room"}
        return replace(watch, alert=None), [_draft("close", watch.alert, data, pen, now_ms)]
    return watch, []


def make_part(disk: Disk) -> Part:
    """The part of health that tells of the room for media, and of the reserve."""
    data: dict[str, Json] = {"media_bytes": disk.media_bytes, "quota_bytes": disk.quota_bytes}
    reason = "" if disk.has_reserve else LIVES_ON_RESERVE
    return Part("disk", "room", disk.has_reserve, reason, data)


def _draft(phase: str, alert: str, data: dict[str, Json], pen: Pen, now_ms: int) -> Draft:
    return Draft(
        "alerts", pen.make_id(), f"alert.{phase}", now_ms, pen.clock,
        severity="major", alert=alert, rule=_RULE, data=data,
    )  # fmt: skip
