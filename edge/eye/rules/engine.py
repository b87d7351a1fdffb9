"""All rules of one camera, frame by frame: tracks in, alert changes out; pure.

Makes subjects of tracks, asks each rule type for its cases and lets `alerts.py` tell them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import tzinfo
from typing import TypeAlias

from edge.config.model import AnyRule, IntrusionRule, Line, LineRule, LoiterRule, Zone
from edge.eye.rules import alerts, identity, intrusion, line, loiter
from edge.eye.rules.alerts import Ledger, Situation
from edge.eye.rules.cases import Case
from edge.eye.rules.identity import Known, Sighted
from edge.eye.rules.line import Crossings
from edge.eye.rules.presence import Place
from edge.eye.rules.schedule import Window, is_armed, make_windows
from edge.eye.rules.visits import Visiting
from edge.model import AlertChange, Track

Stage: TypeAlias = Visiting | Crossings


@dataclass(frozen=True, slots=True)
class Plan:
    """One rule with its schedule read, and the zones and lines of this camera that it names."""

    rule: AnyRule
    windows: tuple[Window, ...]
    places: tuple[Place, ...]
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Engine:
    """What doesn't change from frame to frame."""

    plans: tuple[Plan, ...]
    timezone: tzinfo


@dataclass(frozen=True, slots=True)
class Mute:
    """Nothing of a rule opens until a time; `rule_name` None means every rule."""

    rule_name: str | None
    until_t: float


@dataclass(frozen=True, slots=True)
class RuleState:
    """What is remembered of one rule."""

    stage: Stage
    ledger: Ledger


@dataclass(frozen=True, slots=True)
class EngineState:
    """What is remembered from frame to frame; `ordinal` is the last alert's."""

    rules: tuple[RuleState, ...]
    known: tuple[Known, ...] = ()
    mutes: tuple[Mute, ...] = ()
    ordinal: int = 0


def build_engine(
    rules: Sequence[AnyRule], zones: Sequence[Zone], lines: Sequence[Line], timezone: tzinfo
) -> Engine:
    """Build the engine of one camera.

    Args:
        rules: the rules about this camera; a rule none of whose zones is here does nothing.
        zones: drawn on this camera.
        lines: drawn on this camera.
        timezone: the pole's, for schedules.

    Returns:
        The engine; `make_state` gives its first state.
    """
    plans = tuple(
        Plan(rule, make_windows(rule.schedule), _places_of(rule, zones), _lines_of(rule, lines))
        for rule in rules
    )
    return Engine(plans, timezone)


def replace_zones(engine: Engine, zones: Sequence[Zone], lines: Sequence[Line]) -> Engine:
    """Give a running engine other zones and lines; the state stays and fits.

    What is open in a zone of the same name goes on; in one that went away it closes with reason
    `zone_removed` on the next step.
    """
    return build_engine([plan.rule for plan in engine.plans], zones, lines, engine.timezone)


def make_state(engine: Engine) -> EngineState:
    """Make the state before the first frame."""
    return EngineState(
        tuple(
            RuleState(Crossings() if isinstance(plan.rule, LineRule) else Visiting(), Ledger())
            for plan in engine.plans
        )
    )


def mute(state: EngineState, rule_name: str | None, until_t: float) -> EngineState:
    """Keep a rule from opening alerts for a while; what is open goes on to its close.

    Args:
        state: the current one.
        rule_name: None for every rule.
        until_t: seconds of media time, not included; a time gone by ends the mute.

    Returns:
        The new state; a new mute replaces the one before of the same name.
    """
    others = tuple(each for each in state.mutes if each.rule_name != rule_name)
    return replace(state, mutes=(*others, Mute(rule_name, until_t)))


def step(
    engine: Engine, state: EngineState, tracks: Sequence[Track], *, t: float, utc_ms: int
) -> tuple[EngineState, list[AlertChange]]:
    """Look at one analysed frame.

    Args:
        engine: the rules.
        state: what the last step returned.
        tracks: all live confirmed tracks; one that is missing has ended.
        t: seconds of media time, not before the last step's; no fixed rate is assumed.
        utc_ms: wall time of the frame, for schedules.

    Returns:
        The new state, and the changes in the order they are to be told.
    """
    known, seen = identity.step(state.known, tracks, t)
    mutes = tuple(each for each in state.mutes if each.until_t > t)
    ordinal = state.ordinal
    rules: list[RuleState] = []
    changes: list[AlertChange] = []
    for plan, before in zip(engine.plans, state.rules, strict=True):
        stage, cases = _find_cases(plan, before.stage, seen, t)
        situation = Situation(
            t=t,
            is_armed=is_armed(plan.windows, engine.timezone, utc_ms),
            is_muted=any(each.rule_name in (None, plan.rule.name) for each in mutes),
            ordinal=ordinal,
        )
        told = alerts.step(before.ledger, plan.rule, cases, situation)
        ordinal = told.ordinal
        rules.append(RuleState(stage, told.ledger))
        changes += told.changes
    return EngineState(tuple(rules), known, mutes, ordinal), changes


def finish(engine: Engine, state: EngineState, *, t: float, reason: str) -> list[AlertChange]:
    """Close what is open and report what was held back; the state is of no more use.

    Args:
        engine: the rules.
        state: what the last step returned.
        t: seconds of media time.
        reason: why the eye stops; goes into each close.

    Returns:
        The last changes.
    """
    changes: list[AlertChange] = []
    for plan, each in zip(engine.plans, state.rules, strict=True):
        changes += alerts.finish(each.ledger, plan.rule, t=t, reason=reason).changes
    return changes


def _find_cases(
    plan: Plan, stage: Stage, seen: Sequence[Sighted], t: float
) -> tuple[Stage, tuple[Case, ...]]:
    """Ask the rule's type."""
    if isinstance(plan.rule, LineRule):
        assert isinstance(stage, Crossings)
        return line.step(plan.rule, plan.lines, stage, seen=seen, t=t)
    assert isinstance(stage, Visiting)
    if isinstance(plan.rule, LoiterRule):
        return loiter.step(plan.rule, plan.places, stage, seen=seen, t=t)
    return intrusion.step(plan.rule, plan.places, stage, seen=seen, t=t)


def _places_of(rule: AnyRule, zones: Sequence[Zone]) -> tuple[Place, ...]:
    if not isinstance(rule, IntrusionRule | LoiterRule):
        return ()
    if not rule.zones:
        return (Place(),)
    return tuple(Place(zone.name, zone.points) for zone in zones if zone.name in rule.zones)


def _lines_of(rule: AnyRule, lines: Sequence[Line]) -> tuple[Line, ...]:
    if not isinstance(rule, LineRule):
        return ()
    return tuple(each for each in lines if not rule.lines or each.name in rule.lines)
