"""Groups those who are in a place at the same time into one visit; pure.

People together are one case; people one after the other are a case each, however short the
pause. Used by the rule types that are about being somewhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from edge.eye.rules import presence
from edge.eye.rules.cases import Case, union_of
from edge.eye.rules.identity import Sighted
from edge.eye.rules.presence import Place, Stay, Terms
from edge.model import Box, Json

JITTER_S = 0.5
"""A live track that stepped out for less has not made room for the next visit."""
UNSEEN_S = 1.5
"""A moving track unseen for longer counts as gone when somebody else enters: what a tracker
holds on to after a visitor left must not swallow the next visit."""
SUBJECTS_MAX = 32
"""Named in one alert; a crowd names its newest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One case in the making: who took part, and what it will say of them."""

    serial: int
    subjects: tuple[int, ...] = ()
    tracks: tuple[int, ...] = ()
    count: int = 0
    dwell_s: float = 0.0
    last_t: float = 0.0
    label: str = ""
    box: Box = (0.0, 0.0, 0.0, 0.0)
    continues: int | None = None


@dataclass(frozen=True, slots=True)
class PlaceState:
    """What is remembered of one place."""

    place: str | None
    stays: tuple[Stay, ...] = ()
    visit: Visit | None = None
    serial: int = 0


@dataclass(frozen=True, slots=True)
class Visiting:
    """What is remembered of all places of a rule."""

    places: tuple[PlaceState, ...] = ()


def step(
    state: Visiting, places: Sequence[Place], terms: Terms, *, seen: Sequence[Sighted], t: float
) -> tuple[Visiting, tuple[Case, ...]]:
    """Follow the visits to all places of a rule.

    Args:
        state: what the last step returned.
        places: may differ from the last step's: a place that went away ends its visit.
        terms: what counts as being there.
        seen: all live tracks of this frame.
        t: seconds of media time, not before the last step's.

    Returns:
        The new state and the cases, ended ones first.
    """
    before = {each.place: each for each in state.places}
    cases: list[Case] = []
    after: list[PlaceState] = []
    for place in places:
        old = before.pop(place.name, PlaceState(place.name))
        found = presence.step(old.stays, place, terms, seen=seen, t=t)
        new, said = _follow(replace(old, stays=found.stays), found.ended, terms.dwell_s, t)
        after.append(new)
        cases += said
    for removed in before.values():
        if removed.visit is not None:
            cases.append(_make_case(removed.place, removed.visit, "zone_removed"))
    cases.sort(key=lambda case: case.ended is None)
    return Visiting(tuple(after)), tuple(cases)


def _follow(
    state: PlaceState, ended: Sequence[Stay], dwell_s: float, t: float
) -> tuple[PlaceState, list[Case]]:
    """Open, go on with, close or replace the visit to one place."""
    counting = [stay for stay in state.stays if stay.is_entered and stay.dwell_s >= dwell_s]
    visit = state.visit
    if visit is None:
        return _begin(state, [stay for stay in counting if _is_evident(stay, t)])
    members = [stay for stay in counting if stay.seen.subject in visit.subjects]
    others = [
        stay
        for stay in counting
        if stay.seen.subject not in visit.subjects and _is_evident(stay, t)
    ]
    lately = [stay for stay in ended if stay.seen.subject in visit.subjects]
    if others and not any(_were_together(m, o) for m in (*members, *lately) for o in others):
        over = _make_case(state.place, visit, "next")
        state, cases = _begin(replace(state, visit=None), others)
        return state, [over, *cases]
    if not members and not others:
        reason = "left" if any(stay.is_alive for stay in lately) else "gone"
        return replace(state, visit=None), [_make_case(state.place, visit, reason)]
    visit = _go_on(visit, [*members, *others], t)
    return replace(state, visit=visit), [_make_case(state.place, visit)]


def _begin(state: PlaceState, stays: Sequence[Stay]) -> tuple[PlaceState, list[Case]]:
    if not stays:
        return state, []
    serial = state.serial + 1
    visit = _go_on(Visit(serial=serial), stays, stays[0].last_t)
    return replace(state, visit=visit, serial=serial), [_make_case(state.place, visit)]


def _go_on(visit: Visit, stays: Sequence[Stay], t: float) -> Visit:
    """Bring a visit up to date; the longest stay leads."""
    here = [stay for stay in stays if stay.out_t is None]
    new = [stay.seen.subject for stay in stays if stay.seen.subject not in visit.subjects]
    tracks = [stay.seen.track.track for stay in stays]
    new_tracks = [track for track in tracks if track not in visit.tracks]
    switches = [stay.seen.continues for stay in stays if stay.seen.track.track in new_tracks]
    return replace(
        visit,
        subjects=(*visit.subjects, *new)[-SUBJECTS_MAX:],
        tracks=(*visit.tracks, *new_tracks)[-SUBJECTS_MAX:],
        count=max(visit.count, sum(_is_evident(stay, t) for stay in here)),
        dwell_s=max(visit.dwell_s, *(stay.dwell_s for stay in stays)),
        last_t=max(visit.last_t, *(_evidence_t(stay, 0.0) for stay in stays)),
        label=stays[0].seen.track.label,
        box=union_of([stay.seen.track.box for stay in here]) or visit.box,
        continues=next((old for old in switches if old is not None), visit.continues),
    )


def _is_evident(stay: Stay, t: float) -> bool:
    """Tell whether somebody is inside now and not only remembered by the tracker."""
    track = stay.seen.track
    return stay.out_t is None and (track.is_stationary or t - track.seen_t <= UNSEEN_S)


def _evidence_t(stay: Stay, unseen_s: float) -> float:
    """Tell until when somebody was surely inside, allowing for a time unseen."""
    track = stay.seen.track
    return stay.last_t if track.is_stationary else min(stay.last_t, track.seen_t + unseen_s)


def _were_together(member: Stay, other: Stay) -> bool:
    """Tell whether the other entered while the member was still there."""
    has_stepped_out = member.is_alive and member.out_t is not None
    grace_s = JITTER_S if has_stepped_out else 0.0
    return other.since_t <= _evidence_t(member, UNSEEN_S) + grace_s


def _make_case(place: str | None, visit: Visit, ended: str | None = None) -> Case:
    data: dict[str, Json] = {
        "label": visit.label,
        "count": visit.count,
        "zone": place,
        "dwell_s": round(visit.dwell_s, 1),
    }
    if visit.continues is not None:
        data["continues_track"] = visit.continues
    return Case(
        place=place,
        serial=visit.serial,
        subjects=visit.subjects,
        tracks=visit.tracks,
        label=visit.label,
        box=visit.box,
        last_t=visit.last_t,
        ended=ended,
        data=data,
    )
