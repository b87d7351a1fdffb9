"""A pole that does not answer for a minute is an alert of the station's own; pure.

Poles of a site that fall silent within two minutes are one alert. Who follows later opens another:
the first may be acknowledged, and would take the later one in unheard. Heard again, a pole stays in
its alert until everything that was missed is here, or was waited for long enough. When all poles of
several sites fall silent at once it is most likely the station that is cut off: that is one alert,
of no site.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from edge.feeds import FEEDS
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
from edge.station.pulling.silence_pole import (
    USUAL,
    Observed,
    Patience,
    follow,
    is_silent,
    is_silent_anew,
)


@dataclass(frozen=True, slots=True)
class State:
    """All open ones by what they are about."""

    open: Mapping[str, Silence] = field(default_factory=dict)

    def find(self, pole: str) -> str | None:
        """What the alert that a pole is in is about; None: it is in none."""
        return next((name for name, each in self.open.items() if pole in each.members), None)


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
        ending = _ending(silence)
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
    """Bring every member of every open alert up to now; who is gone or silent anew is let go of."""
    return {
        about: replace(
            silence,
            members={
                name: follow(member, known[name], now_ms, patience)
                for name, member in silence.members.items()
                if name in known and not is_silent_anew(member, known[name], patience)
            },
        )
        for about, silence in state.open.items()
    }


def _leave_own_link(
    open_: dict[str, Silence], known: Mapping[str, Observed], now_ms: int, patience: Patience
) -> dict[str, Silence]:
    """Once a pole is heard it is not the station that is cut off: who stays silent goes its way."""
    moved, leaving = dict(open_), _Newcomers()
    for about, own in open_.items():
        back = [each.back_ms for each in own.members.values() if each.back_ms is not None]
        if not own.is_own_link or not back or now_ms - min(back) < patience.silent_s * 1000:
            continue
        staying = {name: each for name, each in own.members.items() if each.back_ms is not None}
        moved[about] = replace(own, members=staying)
        for name, member in own.members.items():
            if name not in staying:
                site = known[name].site
                leaving.add(about_of(name, site), site, replace(member, cause=known[name].cause))
    return _take_in(moved, leaving, now_ms, patience)


def _join(
    open_: dict[str, Silence], known: Mapping[str, Observed], now_ms: int, patience: Patience
) -> dict[str, Silence]:
    """Add those that have fallen silent to an alert of their site, or of the own link."""
    there = {name for silence in open_.values() for name in silence.members}
    fallen = [each for each in known.values() if each.pole not in there]
    fallen = sorted((each for each in fallen if is_silent(each, patience)), key=_by_name)
    is_own = bool(fallen) and _is_own_link(known.values(), patience)
    joining = _Newcomers()
    for each in fallen:
        since_ms = each.heard_ms
        if since_ms is None:
            since_ms = now_ms - round(each.quiet_s * 1000)
        member = Member(each.pole, each.cause, each.detail, since_ms)
        if is_own:
            joining.add(OWN_LINK, None, member)
        else:
            joining.add(about_of(each.pole, each.site), each.site, member)
    return _take_in(open_, joining, now_ms, patience)


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


class _Newcomers:
    """Who is to be in an alert, by what its first one is about, and the site of that."""

    def __init__(self) -> None:
        self.groups: dict[tuple[str, str | None], dict[str, Member]] = {}

    def add(self, group: str, site: str | None, member: Member) -> None:
        self.groups.setdefault((group, site), {})[member.pole] = member


def _take_in(
    open_: Mapping[str, Silence], newcomers: _Newcomers, now_ms: int, patience: Patience
) -> dict[str, Silence]:
    """Add them to the alert that their like has just opened; else open one beside what is open."""
    moved = dict(open_)
    newest = {each.group: each for each in sorted(open_.values(), key=_by_opening)}
    for (group, site), members in newcomers.groups.items():
        former = newest.get(group)
        # After a clock was set back too: rather two alerts than none.
        if former is None or not 0 <= now_ms - former.opened_ms <= 1000 * patience.together_s:
            former = Silence(_free_about(moved, group), site, {}, opened_ms=now_ms)
        moved[former.about] = replace(former, members={**former.members, **members})
    return moved


def _by_opening(each: Silence) -> int:
    return each.opened_ms


def _free_about(open_: Collection[str], group: str) -> str:
    """What a new alert is about: the group, with a number where that is taken."""
    about, number = group, 1
    while about in open_:
        number += 1
        about = f"{group} ({number})"
    return about


# What is told ----------------------------------------------------------------------------------


def _ending(silence: Silence) -> str:
    """Why an alert is over; empty while it is not."""
    members = silence.members.values()
    if not members:
        return "its poles are told of elsewhere, or pulled no longer"
    if any(each.over_ms is None for each in members):
        return ""
    feeds = [feed for feed in FEEDS if any(feed in each.feeds_coming for each in members)]
    files = sum(each.files_coming for each in members)
    coming = [f"records of {', '.join(feeds)}"] if feeds else []
    coming += [f"{files} files"] if files else []
    if not coming:
        return "heard again; all is here"
    return f"heard again; {' and '.join(coming)} still to come"


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
