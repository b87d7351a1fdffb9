"""A pole that does not answer for a minute is an alert of the station's own, one a site; pure.

Poles of a site that fall silent while its alert is open join it. Heard again, a pole stays in it
until everything that was missed is here. When all poles of several sites fall silent at once it is
most likely the station that is cut off: that is one alert, of no site.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from edge.model import Json
from edge.station.pulling.silence_alert import (
    OWN_LINK,
    Member,
    Silence,
    about_of,
    outline,
    read_silences,
    tell,
)
from edge.station.pulling.silence_pole import USUAL, Observed, Patience, follow, is_silent


@dataclass(frozen=True, slots=True)
class State:
    """All open ones by what they are about."""

    open: Mapping[str, Silence] = field(default_factory=dict)

    def has(self, pole: str) -> bool:
        """Whether a pole is in one of them."""
        return any(pole in silence.members for silence in self.open.values())


@dataclass(frozen=True, slots=True)
class Told:
    """What is to be told of an alert; `reason` where that ends it."""

    about: str
    data: Mapping[str, Json]
    reason: str = ""


def step(
    state: State,
    now_ms: int,
    observed: Sequence[Observed],
    patience: Patience = USUAL,
) -> tuple[State, list[Told]]:
    """Take note of what is known now.

    Args:
        state: as the last call returned it.
        now_ms: wall time; only told and compared with what it was in steps before.
        observed: every pole that is pulled, in any order.
        patience: how long to wait.

    Returns:
        The new state, and what is to be told, of each alert once at most.
    """
    known = {each.pole: each for each in observed}
    moved = _follow(state, known, now_ms, patience)
    moved = _leave_own_link(moved, known, now_ms, patience)
    moved = _join(moved, known, now_ms, patience)
    kept: dict[str, Silence] = {}
    told: list[Told] = []
    for about, silence in moved.items():
        ending = _ending(silence, now_ms, patience)
        if ending:
            told.append(Told(about, tell(silence), ending))
            continue
        data = tell(silence)
        if _is_due(silence, data, now_ms, patience):
            told.append(Told(about, data))
            silence = replace(silence, told=data, told_ms=now_ms)
        kept[about] = silence
    return State(kept), told


def rebuild(alerts: Iterable[Mapping[str, Json]], sites: Mapping[str, str | None]) -> State:
    """Make the state of a station that begins, from the data of its open alerts.

    Args:
        alerts: what each told last.
        sites: of each pole that is pulled now; others are let go of.
    """
    return State(read_silences(alerts, sites))


# Steps -----------------------------------------------------------------------------------------


def _follow(
    state: State, known: Mapping[str, Observed], now_ms: int, patience: Patience
) -> dict[str, Silence]:
    """Bring every member of every open alert up to now; poles that are not pulled are let go of."""
    return {
        about: replace(
            silence,
            members={
                name: follow(member, known[name], now_ms, patience)
                for name, member in silence.members.items()
                if name in known
            },
        )
        for about, silence in state.open.items()
    }


def _leave_own_link(
    open_: dict[str, Silence], known: Mapping[str, Observed], now_ms: int, patience: Patience
) -> dict[str, Silence]:
    """Once a pole is heard it is not the station that is cut off: who stays silent goes its way."""
    own = open_.get(OWN_LINK)
    if own is None:
        return open_
    back = [each.back_ms for each in own.members.values() if each.back_ms is not None]
    if not back or now_ms - min(back) < patience.silent_s * 1000:
        return open_
    staying = {name: each for name, each in own.members.items() if each.back_ms is not None}
    moved = {**open_, OWN_LINK: replace(own, members=staying)}
    for name, member in own.members.items():
        if name not in staying:
            _add(moved, replace(member, cause=known[name].cause), known[name].site)
    return moved


def _join(
    open_: dict[str, Silence], known: Mapping[str, Observed], now_ms: int, patience: Patience
) -> dict[str, Silence]:
    """Add those that have fallen silent to their site's alert, or to that of the own link."""
    there = {name for silence in open_.values() for name in silence.members}
    fallen = [each for each in known.values() if each.pole not in there]
    fallen = sorted((each for each in fallen if is_silent(each, patience)), key=_by_name)
    if not fallen:
        return open_
    moved = dict(open_)
    is_own = _is_own_link(known.values(), patience)
    for each in fallen:
        since_ms = each.heard_ms
        if since_ms is None:
            since_ms = now_ms - round(each.quiet_s * 1000)
        member = Member(each.pole, each.cause, each.detail, since_ms)
        if is_own:
            former = moved.get(OWN_LINK) or Silence(OWN_LINK, None, {})
            moved[OWN_LINK] = replace(former, members={**former.members, each.pole: member})
        else:
            _add(moved, member, each.site)
    return moved


def _by_name(each: Observed) -> str:
    return each.pole


def _is_own_link(observed: Iterable[Observed], patience: Patience) -> bool:
    """Whether nobody at all answers, and those who do not are too many for a chance."""
    sites_min = 3
    everyone = list(observed)
    sites = {about_of(each.pole, each.site) for each in everyone}
    return len(sites) >= sites_min and all(
        each.unanswered_s >= patience.quiet_s for each in everyone
    )


def _add(open_: dict[str, Silence], member: Member, site: str | None) -> None:
    about = about_of(member.pole, site)
    former = open_.get(about) or Silence(about, site, {})
    open_[about] = replace(former, members={**former.members, member.pole: member})


# What is told ----------------------------------------------------------------------------------


def _ending(silence: Silence, now_ms: int, patience: Patience) -> str:
    """Why an alert is over; empty while it is not."""
    members = silence.members.values()
    if not members:
        return "its poles are told of elsewhere, or pulled no longer"
    for each in members:
        if each.steady_ms is None or each.complete_ms is None:
            return ""
        if now_ms - each.steady_ms < patience.hold_s * 1000:
            return ""
    coming = sum(each.files_coming for each in members)
    return f"heard again; {coming} files still to come" if coming else "heard again; all is here"


def _is_due(silence: Silence, data: Mapping[str, Json], now_ms: int, patience: Patience) -> bool:
    """Whether there is news, and it is time for it."""
    if not silence.told:
        return True
    if data == silence.told:
        return False
    passed_ms = now_ms - silence.told_ms
    if passed_ms < 0:
        return True  # the clock was set back
    if outline(data) != outline(silence.told):
        wait_s = patience.news_s
    else:
        is_progress = any(data[key] != silence.told.get(key) for key in ("missed", "files_coming"))
        wait_s = patience.progress_s if is_progress else patience.cause_s
    return passed_ms >= 1000 * wait_s
