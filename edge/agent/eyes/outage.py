"""A camera that is not seen for long is an alert of the pole's own, one for each outage; pure.

Whatever it is that keeps the picture away counts alike: the camera, its eye, the fork server. A
crash loop that shows a second of sight now and then is one outage: sight must hold to end it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from edge.agent.eyes.chronicle import CutOff, Pen
from edge.agent.ports import EyeState
from edge.clock import NS_PER_S
from edge.feeds import Draft
from edge.model import Json
from edge.wire import format_utc

UNSEEN: frozenset[EyeState] = frozenset({"starting", "lost", "silent", "down", "refused"})
EYE_AT_FAULT: frozenset[EyeState] = frozenset({"starting", "silent", "down"})
"""Here it is not the camera that is said to give nothing: its eye says nothing of it."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a camera may be unseen before it is an alert; how long sight must hold to end it."""

    open_after_s: float = 90.0
    hold_s: float = 15.0


@dataclass(frozen=True, slots=True)
class Seen:
    """What is known of a camera at one moment; `has_crashed`: its last eye did not end in order."""

    now_ns: int
    now_ms: int
    state: EyeState
    reason: str
    has_crashed: bool


@dataclass(frozen=True, slots=True)
class OpenOutage:
    """An outage that people have been told of."""

    alert: str
    rule: Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class Outage:
    """One camera's state.

    `unseen_ns`, `unseen_ms`: since when it has not been held in sight, None while it is.
    `seen_ns`: since when it is seen without a gap. `before`: what an agent before this one, or an
    outage of the same alert, left open.
    """

    camera: str
    unseen_ns: int | None = None
    unseen_ms: int = 0
    seen_ns: int | None = None
    told: OpenOutage | None = None
    before: tuple[CutOff, ...] = ()


def step(
    state: Outage, seen: Seen, pen: Pen, patience: Patience = Patience()
) -> tuple[Outage, list[Draft]]:
    """Take note of what is known now.

    Returns:
        The new state, and the record of an alert that opens or closes.
    """
    if seen.state in UNSEEN:
        return _miss(replace(state, seen_ns=None), seen, pen, patience)
    if state.unseen_ns is None:
        return state, []
    seen_ns = seen.now_ns if state.seen_ns is None else state.seen_ns
    if seen.now_ns - seen_ns < patience.hold_s * NS_PER_S:
        return replace(state, seen_ns=seen_ns), []
    drafts = [_close(state.camera, state.told, seen, pen)] if state.told is not None else []
    return Outage(state.camera), drafts


def _miss(state: Outage, seen: Seen, pen: Pen, patience: Patience) -> tuple[Outage, list[Draft]]:
    if state.unseen_ns is None:
        state = replace(state, unseen_ns=seen.now_ns, unseen_ms=seen.now_ms)
    assert state.unseen_ns is not None
    is_due = seen.now_ns - state.unseen_ns >= patience.open_after_s * NS_PER_S
    if state.told is not None or not is_due:
        return state, []
    is_eye = seen.state in EYE_AT_FAULT and seen.has_crashed
    rule: dict[str, Json] = {"type": "system", "name": "eye" if is_eye else "camera_lost"}
    data: dict[str, Json] = {
        "state": seen.state,
        "reason": seen.reason,
        "since": format_utc(state.unseen_ms),
    }
    former = next((each for each in state.before if each.rule == rule), None)
    if former is not None:
        data["continues"] = former.alert
    told = OpenOutage(pen.make_id(), rule)
    draft = Draft(
        "alerts", pen.make_id(), "alert.open", seen.now_ms, pen.clock,
        severity="major", camera=state.camera, alert=told.alert, rule=rule, data=data,
    )  # fmt: skip
    return replace(state, told=told, before=()), [draft]


def _close(camera: str, told: OpenOutage, seen: Seen, pen: Pen) -> Draft:
    return Draft(
        "alerts", pen.make_id(), "alert.close", seen.now_ms, pen.clock,
        severity="major", camera=camera, alert=told.alert, rule=told.rule,
        data={"reason": "the camera is seen again", "state": seen.state},
    )  # fmt: skip
