"""Whether the pole can be relied on now, part by part, with the reason where it can't; pure.

A pole is well only while every watched camera gives fresh pictures that differ, inference runs,
the disk takes records, and it is known what nobody has acknowledged yet.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from edge.agent.ports import EyeStatus, OldestUnacked
from edge.feeds import ClockReading
from edge.model import Json
from edge.wire import format_utc

FRAMES_AGE_S_MAX = 20.0
"""An eye tells every 10 s: nothing new two times is not fresh. Noise makes pictures differ."""
INFERENCE_AGE_S_MAX = 90.0
"""An idle eye looks at one keyframe a minute."""


@dataclass(frozen=True, slots=True)
class Part:
    """One thing that must work; `reason` is one line for people, empty while it does."""

    kind: str
    name: str
    is_well: bool
    reason: str = ""
    data: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Health:
    """All parts; well when every one of them is."""

    parts: tuple[Part, ...]

    @property
    def is_well(self) -> bool:
        """Whether all parts are."""
        return all(part.is_well for part in self.parts)


def judge(
    eyes: Sequence[EyeStatus], *, log_fault: str | None, tokens_fault: str | None,
    oldest: OldestUnacked | None, clock: ClockReading,
) -> Health:  # fmt: skip
    """Judge the pole.

    Args:
        eyes: every camera's.
        log_fault: why the disk takes no records; None while it does.
        tokens_fault: why the file of tokens is not heeded; None while it is.
        oldest: what nobody has acknowledged; None: it can't be known.
        clock: the clock's state, which makes nothing unwell: a pole without time still sees.
    """
    return Health(
        (
            *(_judge_eye(eye) for eye in eyes),
            Part("disk", "log", log_fault is None, log_fault or ""),
            Part("access", "tokens", tokens_fault is None, tokens_fault or ""),
            _judge_alerts(oldest),
            Part("clock", "system", is_well=True, data={"state": clock.state}),
        )
    )


def find_change(before: Health | None, now: Health) -> dict[str, Json] | None:
    """What a `state` record says when other parts are unwell than before; None: nothing new."""
    unwell = _unwell(now)
    if before is not None and unwell == _unwell(before):
        return None
    return {"ok": now.is_well, "unwell": list(unwell)}


def describe(health: Health) -> str:
    """Say in one line what is unwell, for the service manager's status."""
    unwell = ", ".join(_unwell(health))
    return f"unwell: {unwell}" if unwell else "all is well"


def _unwell(health: Health) -> tuple[str, ...]:
    return tuple(f"{part.kind} {part.name}" for part in health.parts if not part.is_well)


def _judge_eye(eye: EyeStatus) -> Part:
    data: dict[str, Json] = {
        "state": eye.state,
        "since": format_utc(eye.since_ms),
        "watched": eye.is_watched,
        "restarts": eye.restarts,
        "frames_age_s": _tenths(eye.frames_age_s),
        "inference_age_s": _tenths(eye.inference_age_s),
    }
    if eye.sight is not None:
        data |= {"awake": eye.sight.awake, "cpu_s": eye.sight.cpu_s, "rss_mb": eye.sight.rss_mb}
    if eye.clock_off_s is not None:
        data["clock_off_s"] = eye.clock_off_s
    if eye.source is not None:
        data["gop_s"] = eye.source.gop_s
    reason = _reason(eye)
    return Part("camera", eye.name, not reason, reason, data)


def _reason(eye: EyeStatus) -> str:
    """Why this eye can't be relied on; empty where it can."""
    if eye.state not in ("seeing", "dark"):
        return eye.reason or f"the camera is {eye.state}"
    if eye.frames_age_s is None or eye.frames_age_s > FRAMES_AGE_S_MAX:
        return "no new picture came"
    if not eye.is_watched:
        return ""
    if eye.inference_age_s is None or eye.inference_age_s > INFERENCE_AGE_S_MAX:
        return f"the detector has not run for {INFERENCE_AGE_S_MAX:.0f} s"
    return ""


def _judge_alerts(oldest: OldestUnacked | None) -> Part:
    if oldest is None:
        return Part("alerts", "log", is_well=False, reason="the log can't be read")
    if not oldest.seq:
        return Part("alerts", "log", is_well=True, data={"oldest_unacked": None})
    data: dict[str, Json] = {"seq": oldest.seq, "at": format_utc(oldest.at_ms)}
    return Part("alerts", "log", is_well=True, data={"oldest_unacked": data})


def _tenths(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 1)
