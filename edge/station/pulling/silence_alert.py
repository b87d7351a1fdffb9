"""An alert of silent poles: who is in it, what it tells, and how that is read back; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

from edge.model import Json
from edge.wire import format_utc, parse_utc

Cause = Literal["refused", "mains", "stopped", "link", "unknown", "own link"]
"""Why a pole does not answer, the most telling first; "own link" is the station's."""
_CAUSES: tuple[Cause, ...] = get_args(Cause)
OWN_LINK = "own link"
LISTED_MAX = 100
"""Poles named in an alert; it says how many there are."""


@dataclass(frozen=True, slots=True)
class Member:
    """One pole in an alert; times are ms since 1970, None: not yet.

    `since_ms` is its last good answer; `steady_ms` since when it has answered whatever it was
    asked; `records_ms` when its records were all here.
    """

    pole: str
    cause: Cause
    detail: str
    since_ms: int
    back_ms: int | None = None
    steady_ms: int | None = None
    records_ms: int | None = None
    complete_ms: int | None = None
    alerts: int = 0
    records: int = 0
    files: int = 0
    files_coming: int = 0


@dataclass(frozen=True, slots=True)
class Silence:
    """An open alert: `about` is its site or pole, `site` None where it has none."""

    about: str
    site: str | None
    members: Mapping[str, Member]
    told: Mapping[str, Json] = field(default_factory=dict)
    told_ms: int = 0


def about_of(pole: str, site: str | None) -> str:
    """What the alert of a pole is about."""
    return f"site {site}" if site is not None else f"pole {pole}"


def read_silences(
    alerts: Iterable[Mapping[str, Json]], sites: Mapping[str, str | None]
) -> dict[str, Silence]:
    """Make open alerts of what they told last, by what they are about.

    Args:
        alerts: the data of each; what is not as `tell` does it is passed over.
        sites: of each pole that is pulled now; others are let go of.
    """
    kept: dict[str, Silence] = {}
    for data in alerts:
        about, site, poles = data.get("about"), data.get("site"), data.get("poles")
        if not isinstance(about, str) or not isinstance(poles, Mapping):
            continue
        read = (_read_member(name, entry) for name, entry in poles.items() if name in sites)
        members = {each.pole: each for each in read if each is not None}
        kept[about] = Silence(about, site if isinstance(site, str) else None, members, dict(data))
    return kept


def outline(data: Mapping[str, Json]) -> object:
    """Who is in it and how far each has come; `data` as `tell` gives it."""
    poles = data.get("poles")
    assert isinstance(poles, Mapping)
    return data.get("count"), {
        name: (entry.get("back_at") is None, entry.get("complete_at") is None)
        for name, entry in poles.items()
    }


def tell(silence: Silence) -> dict[str, Json]:
    """What is told of it: `LISTED_MAX` of its poles by name, and counts of all."""
    members = sorted(silence.members.values(), key=lambda each: each.pole)
    cause: Cause = min((each.cause for each in members), key=_CAUSES.index, default="unknown")
    missed: dict[str, Json] = {
        "alerts": sum(each.alerts for each in members),
        "records": sum(each.records for each in members),
        "files": sum(each.files for each in members),
    }
    return {
        "about": silence.about,
        "site": silence.site,
        "cause": OWN_LINK if silence.about == OWN_LINK else cause,
        "count": len(members),
        "silent": sum(each.back_ms is None for each in members),
        "missed": missed,
        "files_coming": sum(each.files_coming for each in members),
        "poles": {each.pole: _entry(each) for each in members[:LISTED_MAX]},
    }


def _entry(member: Member) -> dict[str, Json]:
    return {
        "cause": member.cause,
        "detail": member.detail,
        "since": format_utc(member.since_ms),
        "back_at": _time(member.back_ms),
        "records_at": _time(member.records_ms),
        "complete_at": _time(member.complete_ms),
        "missed": {
            "alerts": member.alerts,
            "records": member.records,
            "files": member.files,
        },
        "files_coming": member.files_coming,
    }


def _time(at_ms: int | None) -> str | None:
    return None if at_ms is None else format_utc(at_ms)


def _read_member(name: str, entry: Json) -> Member | None:
    """Read what `_entry` wrote; None where it is something else."""
    if not isinstance(entry, Mapping) or entry.get("cause") not in _CAUSES:
        return None
    missed = entry.get("missed")
    counts = missed if isinstance(missed, Mapping) else {}
    try:
        times = {key: _read_time(entry.get(key)) for key in _TIMES}
    except ValueError:
        return None
    since_ms = times["since"]
    if since_ms is None:
        return None
    return Member(
        name,
        entry["cause"],
        str(entry.get("detail", "")),
        since_ms,
        back_ms=times["back_at"],
        records_ms=times["records_at"],
        complete_ms=times["complete_at"],
        alerts=_read_count(counts.get("alerts")),
        records=_read_count(counts.get("records")),
        files=_read_count(counts.get("files")),
    )


_TIMES = ("since", "back_at", "records_at", "complete_at")


def _read_count(value: Json) -> int:
    return value if isinstance(value, int) else 0


def _read_time(text: Json) -> int | None:
    return parse_utc(text) if isinstance(text, str) else None
