"""The life of a rule's alerts: which cases are told, how often, and how they end; pure.

A case is told as soon as it may be: armed, not muted, not cooling down, within the hourly
limit; one that lasts is told when it becomes possible. Every open has exactly one close.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from edge.config.model import Rule
from edge.eye.rules.cases import Case
from edge.model import AlertChange, Json

_Phase: TypeAlias = Literal["open", "update", "close", "limited"]
HOUR_S = 3600.0
UPDATE_EVERY_S = 10.0
UPDATE_PAUSE_S = 1.0
"""News within this time of the last is told together, so that a crowd entering is no flood."""
UNSURE_LABELS = ("vehicle", "animal", "object")
"""Labels a tracker may refine; the change is news."""


@dataclass(frozen=True, slots=True)
class Life:
    """One case and what was told of it: the alert's `ordinal` while it is open, else None."""

    case: Case
    ordinal: int | None = None
    is_passed_over: bool = False
    told_t: float = 0.0
    told: Case | None = None


@dataclass(frozen=True, slots=True)
class Cooldown:
    """A subject that may not open another alert at a place until a time."""

    place: str | None
    subject: int
    until_t: float


@dataclass(frozen=True, slots=True)
class Ledger:
    """What is remembered of a rule's alerts: the live cases, the last hour, what was held back."""

    lives: tuple[Life, ...] = ()
    opened_t: tuple[float, ...] = ()
    held_back: int = 0
    cooldowns: tuple[Cooldown, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """One frame as a rule sees it; `ordinal` is that of the last alert opened by any rule."""

    t: float
    is_armed: bool
    is_muted: bool
    ordinal: int


@dataclass(frozen=True, slots=True)
class Told:
    """What a step gives: the new ledger, the changes in order, the last ordinal used."""

    ledger: Ledger
    changes: tuple[AlertChange, ...]
    ordinal: int


def step(ledger: Ledger, rule: Rule, cases: Sequence[Case], situation: Situation) -> Told:
    """Decide what is told of a rule's cases on one frame.

    Args:
        ledger: what the last step returned.
        rule: its settings.
        cases: all cases of this frame; those that ended are marked and come once more.
        situation: the time, and what is allowed.

    Returns:
        Changes: closes first, then `limited`, updates and opens.
    """
    desk = _Desk(ledger, rule, situation)
    live = [case for case in cases if case.ended is None]
    for case in cases:
        if case.ended is not None:
            desk.end(case, case.ended)
    if not situation.is_armed:
        desk.close_all("schedule")
    desk.report_held(is_last=False)
    for case in live:
        desk.go_on(case)
    return desk.result()


def finish(ledger: Ledger, rule: Rule, *, t: float, reason: str) -> Told:
    """Close what is open and report what was held back: the eye stops.

    Args:
        ledger: what the last step returned.
        rule: its settings.
        t: seconds of media time.
        reason: goes into each close.

    Returns:
        The last changes; the ledger is empty of open alerts.
    """
    desk = _Desk(ledger, rule, Situation(t=t, is_armed=False, is_muted=False, ordinal=0))
    desk.close_all(reason)
    desk.report_held(is_last=True)
    return desk.result()


class _Desk:
    """Works on one ledger for one step."""

    def __init__(self, ledger: Ledger, rule: Rule, situation: Situation) -> None:
        self._rule = rule
        self._situation = situation
        self._t = situation.t
        self._lives = {life.case.key: life for life in ledger.lives}
        self._opened_t = [t for t in ledger.opened_t if self._t - t < HOUR_S]
        self._held_back = ledger.held_back
        self._cooldowns = [each for each in ledger.cooldowns if each.until_t > self._t]
        self._ordinal = situation.ordinal
        self._changes: list[AlertChange] = []

    def result(self) -> Told:
        """Give the new ledger and what was said."""
        ledger = Ledger(
            lives=tuple(self._lives.values()),
            opened_t=tuple(self._opened_t),
            held_back=self._held_back,
            cooldowns=tuple(self._cooldowns),
        )
        return Told(ledger, tuple(self._changes), self._ordinal)

    def end(self, case: Case, reason: str) -> None:
        """Forget a case, closing its alert."""
        life = self._lives.pop(case.key, None)
        if life is not None:
            self._close(replace(life, case=case), reason)

    def close_all(self, reason: str) -> None:
        """Close every open alert; their cases go on untold."""
        for key, life in self._lives.items():
            self._lives[key] = self._close(life, reason)

    def report_held(self, *, is_last: bool) -> None:
        """Report what the hourly limit held back, once an alert may open again."""
        if self._held_back and (is_last or len(self._opened_t) < self._rule.alerts_per_hour):
            self._say("limited", None, 0, {"held_back": self._held_back})
            self._held_back = 0

    def go_on(self, case: Case) -> None:
        """Update a case's alert, or open it if it may be told."""
        is_new = case.key not in self._lives
        life = replace(self._lives.get(case.key, Life(case)), case=case)
        if life.ordinal is not None:
            life = self._update(life, life.ordinal)
        elif (is_new or not case.is_momentary) and self._may_be_told(case.subjects, case.place):
            life = self._open(life)
        self._lives[case.key] = life

    def _may_be_told(self, subjects: Iterable[int], place: str | None) -> bool:
        if not self._situation.is_armed or self._situation.is_muted:
            return False
        cooling = {
            each.subject
            for each in self._cooldowns
            if each.place == place and each.until_t > self._t
        }
        return any(subject not in cooling for subject in subjects)

    def _open(self, life: Life) -> Life:
        """Open an alert, or count it as held back, once."""
        limit = self._rule.alerts_per_hour
        if len(self._opened_t) >= limit:
            self._held_back += not life.is_passed_over
            return replace(life, is_passed_over=True)
        self._opened_t.append(self._t)
        self._ordinal += 1
        data = dict(life.case.data)
        if len(self._opened_t) == limit:
            data["limit_reached"] = True
        self._say("open", life.case, self._ordinal, data)
        return replace(life, ordinal=self._ordinal, told_t=self._t, told=life.case)

    def _update(self, life: Life, ordinal: int) -> Life:
        assert life.told is not None
        passed_s = self._t - life.told_t
        has_news = _has_news(life.told, life.case) and passed_s >= UPDATE_PAUSE_S
        is_due = passed_s >= UPDATE_EVERY_S and not life.case.is_momentary
        if not has_news and not is_due:
            return life
        self._say("update", life.case, ordinal, dict(life.case.data))
        return replace(life, told_t=self._t, told=life.case)

    def _close(self, life: Life, reason: str) -> Life:
        """Close an alert if it was told, and let those in it cool down."""
        if life.ordinal is None:
            return life
        data = {**life.case.data, "reason": reason, "last_t": round(life.case.last_t, 3)}
        self._say("close", life.case, life.ordinal, data)
        until_t = self._t + self._rule.cooldown_s
        self._cooldowns += [Cooldown(life.case.place, each, until_t) for each in life.case.subjects]
        return replace(life, ordinal=None)

    def _say(self, phase: _Phase, case: Case | None, ordinal: int, data: dict[str, Json]) -> None:
        self._changes.append(
            AlertChange(
                phase=phase,
                ordinal=ordinal,
                rule_type=self._rule.type,
                rule_name=self._rule.name,
                severity=self._rule.severity,
                t=self._t,
                tracks=case.tracks if case else (),
                box=case.box if case else None,
                data=data,
            )
        )


def _has_news(told: Case, case: Case) -> bool:
    """Tell whether somebody new takes part, or the label has become more exact."""
    is_refined = told.label in UNSURE_LABELS and case.label not in UNSURE_LABELS
    return is_refined or told.tracks != case.tracks
