"""Rule type `line`: something labelled crosses a drawn line in a direction; pure.

A crossing counts once the foot stands clear of the line on the other side, and its path went
through the line between its ends an odd number of times: jitter on the line counts once, a
walk around its end not at all. While a track is hidden it takes no step.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from edge.config.model import Line, LineRule
from edge.eye.rules.cases import Case
from edge.eye.rules.identity import FORGET_S, Sighted
from edge.eye.rules.zones import crosses, distance_to, foot_of
from edge.model import Json, Point

MARGIN_MIN = 0.005
"""Clear of the line: 5 pixels of a picture 1000 high, what a still foot moves between frames."""
MARGIN_SHARE = 0.05
"""… or this share of the box's height; large boxes jitter more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Walker:
    """One subject's way past one line.

    `side` is where it last stood clear: 1 right, -1 left, 0 not yet; `is_odd` whether its path
    has gone through the line an odd number of times since; `over_t` since when it stands clear
    on the other side; `last_t` when it was last seen.
    """

    subject: int
    foot: Point
    side: int
    last_t: float
    is_odd: bool = False
    over_t: float | None = None


@dataclass(frozen=True, slots=True)
class Settled:
    """A walker after a decision, and the direction of the crossing if it was one."""

    walker: Walker
    direction: str | None = None


@dataclass(frozen=True, slots=True)
class Crossing:
    """A crossing that is still being told."""

    serial: int
    line: str
    direction: str
    seen: Sighted
    crossed_t: float


@dataclass(frozen=True, slots=True)
class LineState:
    """What is remembered of one line."""

    line: str
    walkers: tuple[Walker, ...] = ()


@dataclass(frozen=True, slots=True)
class Crossings:
    """What is remembered of all lines of a rule."""

    lines: tuple[LineState, ...] = ()
    crossings: tuple[Crossing, ...] = ()
    serial: int = 0


def step(
    rule: LineRule, lines: Sequence[Line], state: Crossings, *, seen: Sequence[Sighted], t: float
) -> tuple[Crossings, tuple[Case, ...]]:
    """Find the crossings on one frame: one case each, over after `clear_s`.

    Args:
        rule: its settings.
        lines: the rule's lines on this camera.
        state: what the last step returned.
        seen: all live tracks of this frame.
        t: seconds of media time, not before the last step's.

    Returns:
        The new state and the cases, ended ones first.
    """
    wanted = [
        each for each in seen if each.track.label in rule.labels and not each.track.is_hidden
    ]  # a guess crosses nothing; the next step that is seen goes through the line if it did
    live = {each.subject: each for each in wanted}
    told = [replace(each, seen=live.get(each.seen.subject, each.seen)) for each in state.crossings]
    before = {each.line: each.walkers for each in state.lines}
    serial = state.serial
    after = []
    for line in lines:
        walkers = _walk_all(before.get(line.name, ()), line, wanted, t)
        settled = [
            _settle(each, t - rule.debounce_s) if each.subject in live else Settled(each)
            for each in walkers
        ]
        after.append(LineState(line.name, tuple(each.walker for each in settled)))
        for each in settled:
            if each.direction is not None and rule.direction in (each.direction, "both"):
                serial += 1
                crosser = live[each.walker.subject]
                told.append(Crossing(serial, line.name, each.direction, crosser, t))
    cases = [_make_case(each, is_over=_is_over(each, rule, t)) for each in told]
    cases.sort(key=lambda case: case.ended is None)
    kept = tuple(each for each in told if not _is_over(each, rule, t))
    return Crossings(tuple(after), kept, serial), tuple(cases)


def _walk_all(
    walkers: Sequence[Walker], line: Line, wanted: Sequence[Sighted], t: float
) -> list[Walker]:
    """Move those who are seen; keep the others for a while, an id switch may bring them back."""
    known = {walker.subject: walker for walker in walkers}
    moved = [_walk(known.pop(each.subject, None), line, each, t) for each in wanted]
    return moved + [walker for walker in known.values() if t - walker.last_t <= FORGET_S]


def _walk(walker: Walker | None, line: Line, seen: Sighted, t: float) -> Walker:
    """Take one step of a subject's way."""
    foot, box = foot_of(seen.track), seen.track.box
    distance = distance_to(line.start, line.end, foot)
    is_clear = abs(distance) >= max(MARGIN_MIN, MARGIN_SHARE * (box[3] - box[1]))
    side = (1 if distance > 0 else -1) if is_clear else 0
    if walker is None or walker.side == 0:
        return Walker(subject=seen.subject, foot=foot, side=side, last_t=t)
    if side == walker.side:
        return replace(walker, foot=foot, last_t=t, is_odd=False, over_t=None)
    return replace(
        walker,
        foot=foot,
        last_t=t,
        is_odd=walker.is_odd != crosses((walker.foot, foot), line.start, line.end),
        over_t=t if walker.over_t is None and side != 0 else walker.over_t,
    )


def _settle(walker: Walker, over_before_t: float) -> Settled:
    """Decide about one who has stood clear on the other side for long enough."""
    if walker.over_t is None or walker.over_t > over_before_t:
        return Settled(walker)
    direction = ("in" if walker.side < 0 else "out") if walker.is_odd else None
    return Settled(replace(walker, side=-walker.side, is_odd=False, over_t=None), direction)


def _is_over(crossing: Crossing, rule: LineRule, t: float) -> bool:
    """Tell whether a crossing has been told for long enough; never on its first frame."""
    return t > crossing.crossed_t and t - crossing.crossed_t >= rule.clear_s


def _make_case(crossing: Crossing, *, is_over: bool) -> Case:
    track = crossing.seen.track
    data: dict[str, Json] = {
        "label": track.label,
        "line": crossing.line,
        "direction": crossing.direction,
    }
    return Case(
        place=crossing.line,
        serial=crossing.serial,
        subjects=(crossing.seen.subject,),
        tracks=(track.track,),
        label=track.label,
        box=track.box,
        last_t=crossing.crossed_t,
        ended="passed" if is_over else None,
        is_momentary=True,
        data=data,
    )
