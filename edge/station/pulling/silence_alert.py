"""An alert of silent poles: who is in it, what it tells, and how that is read back; pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, get_args

import msgspec

from edge.feeds import FEEDS
from edge.model import Json
from edge.wire import format_utc, parse_utc

Cause = Literal["refused", "mains", "stopped", "link", "unknown", "own link"]
"""Why a pole does not answer, the most telling first; "own link" is the station's."""
_CAUSES: tuple[Cause, ...] = get_args(Cause)
OWN_LINK = "own link"
LISTED_MAX = 100
"""Poles told of in full in an alert; it says how many there are."""
POLES_BYTES_MAX = 96 * 1024
"""All poles in an alert's data as JSON: the store keeps no data of an alert over 128 KiB."""


@dataclass(frozen=True, slots=True)
class Member:
    """One pole in an alert; times are ms since 1970, None: not yet.

    `since_ms` is its last good answer; `steady_ms` since when it has answered whatever it was
    asked; `records_ms` when its records were all here; `complete_ms` when everything was;
    `over_ms` when nothing was waited for any more: silent anew, it is in an alert that is opened
    anew.
    """

    pole: str
    cause: Cause
    detail: str
    since_ms: int
    back_ms: int | None = None
    steady_ms: int | None = None
    records_ms: int | None = None
    complete_ms: int | None = None
    over_ms: int | None = None
    alerts: int = 0
    records: int = 0
    files: int = 0
    files_coming: int = 0
    feeds_coming: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Silence:
    """An open alert: `about` is no other open one's, `site` None where it has none."""

    about: str
    site: str | None
    members: Mapping[str, Member]
    opened_ms: int = 0
    told: Mapping[str, Json] = field(default_factory=dict)
    told_ms: int = 0

    @property
    def is_own_link(self) -> bool:
        """Whether it is most likely the station that is cut off."""
        return self.about.startswith(OWN_LINK)  # all others begin with "site" or "pole"

    @property
    def group(self) -> str:
        """What the first of its like is about."""
        if self.is_own_link:
            return OWN_LINK
        return self.about if self.site is None else f"site {self.site}"


def about_of(pole: str, site: str | None) -> str:
    """What the first alert of a pole is about; one that opens beside it has a number behind."""
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
        about, site = data.get("about"), data.get("site")
        if not isinstance(about, str) or not isinstance(data.get("poles"), Mapping):
            continue
        opened_ms = _read_opening(data)
        members = {each.pole: each for each in _read_members(data, opened_ms) if each.pole in sites}
        site = site if isinstance(site, str) else None
        kept[about] = Silence(about, site, members, opened_ms=opened_ms, told=dict(data))
    return _without_moved(kept)


def outline(data: Mapping[str, Json]) -> object:
    """Who is in it and how far each has come; `data` as `tell` gives it."""
    poles, others = data.get("poles"), data.get("others", {})
    assert isinstance(poles, Mapping)
    assert isinstance(others, Mapping)
    steps = ("back_at", "complete_at", "over_at")
    return (
        data.get("count"),
        {name: [entry.get(key) is None for key in steps] for name, entry in poles.items()},
        {name: [at is None for at in row[_TIMES]] for name, row in others.items()},
    )


def tell(silence: Silence) -> dict[str, Json]:
    """What is told of it: `LISTED_MAX` of its poles by name in full, and counts of all.

    `others` are the rest, for a station that begins (`_row`); whom `POLES_BYTES_MAX` leaves no room
    is in `count` alone, and would be silent anew.
    """
    members = sorted(silence.members.values(), key=lambda each: each.pole)
    cause: Cause = min((each.cause for each in members), key=_CAUSES.index, default="unknown")
    missed: dict[str, Json] = {
        "alerts": sum(each.alerts for each in members),
        "records": sum(each.records for each in members),
        "files": sum(each.files for each in members),
    }
    poles: dict[str, Json] = {each.pole: _entry(each) for each in members[:LISTED_MAX]}
    others = _tell_others(members[LISTED_MAX:], silence.opened_ms, poles)
    return {
        "about": silence.about,
        "site": silence.site,
        "opened_at": format_utc(silence.opened_ms),
        "cause": OWN_LINK if silence.is_own_link else cause,
        "count": len(members),
        "silent": sum(each.back_ms is None for each in members),
        "missed": missed,
        "files_coming": sum(each.files_coming for each in members),
        "poles": poles,
        "others": others,
    }


def _tell_others(
    members: Sequence[Member], opened_ms: int, poles: Mapping[str, Json]
) -> dict[str, Json]:
    others: dict[str, Json] = {}
    room_bytes = POLES_BYTES_MAX - len(msgspec.json.encode(poles)) if members else 0
    for each in members:
        row = _row(each, opened_ms)
        room_bytes -= len(msgspec.json.encode({each.pole: row}))
        if room_bytes < 0:
            break
        others[each.pole] = row
    return others


def _row(member: Member, opened_ms: int) -> list[Json]:
    """All of it but `detail`, in few bytes: times in ms after the opening, nothing at the end."""
    times = (member.since_ms, member.back_ms, member.records_ms, member.complete_ms, member.over_ms)
    counts = (member.alerts, member.records, member.files, member.files_coming)
    row: list[Json] = [member.cause, *(None if at is None else at - opened_ms for at in times)]
    row += [count or None for count in counts]
    row.append(list(member.feeds_coming) or None)
    while row[-1] is None:
        row.pop()
    return row


_TIMES = slice(1, 6)
_COUNTS = slice(6, 10)
_ROW_LENGTH = 11


def _entry(member: Member) -> dict[str, Json]:
    return {
        "cause": member.cause,
        "detail": member.detail,
        "since": format_utc(member.since_ms),
        "back_at": _time(member.back_ms),
        "records_at": _time(member.records_ms),
        "complete_at": _time(member.complete_ms),
        "over_at": _time(member.over_ms),
        "missed": {
            "alerts": member.alerts,
            "records": member.records,
            "files": member.files,
        },
        "files_coming": member.files_coming,
        "feeds_coming": list(member.feeds_coming),
    }


def _time(at_ms: int | None) -> str | None:
    return None if at_ms is None else format_utc(at_ms)


# What was told, read back ----------------------------------------------------------------------


def _without_moved(read: dict[str, Silence]) -> dict[str, Silence]:
    """Keep a pole in the last one only: that it had left another may not have been told."""
    by_opening = sorted(read.values(), key=lambda each: each.opened_ms)
    last = {name: silence.about for silence in by_opening for name in silence.members}
    return {
        about: replace(
            silence,
            members={name: each for name, each in silence.members.items() if last[name] == about},
        )
        for about, silence in read.items()
    }


def _read_opening(data: Mapping[str, Json]) -> int:
    try:
        return _read_time(data.get("opened_at")) or 0
    except ValueError:
        return 0


def _read_members(data: Mapping[str, Json], opened_ms: int) -> Iterator[Member]:
    poles, others = data.get("poles"), data.get("others")
    for name, entry in poles.items() if isinstance(poles, Mapping) else ():
        row = _row_of(entry)
        if (member := _read_row(name, row, 0)) is not None:
            yield replace(member, detail=str(entry.get("detail", "")))
    for name, row in others.items() if isinstance(others, Mapping) else ():
        if (member := _read_row(name, row, opened_ms)) is not None:
            yield member


def _row_of(entry: Json) -> Json:
    """Make a row of what `_entry` wrote; its times are whole. None where it is something else."""
    if not isinstance(entry, Mapping):
        return None
    missed = entry.get("missed")
    counts = missed if isinstance(missed, Mapping) else {}
    keys = ("since", "back_at", "records_at", "complete_at", "over_at")
    try:
        times = [_read_time(entry.get(key)) for key in keys]
    except ValueError:
        return None
    numbers = [counts.get(key) for key in ("alerts", "records", "files")]
    coming = [entry.get("files_coming"), entry.get("feeds_coming")]
    return [entry.get("cause"), *times, *numbers, *coming]


def _read_row(name: str, row: Json, opened_ms: int) -> Member | None:
    """Read what `_row` wrote; None where it is something else."""
    if not isinstance(row, list) or not row or row[0] not in _CAUSES:
        return None
    row = (row + [None] * _ROW_LENGTH)[:_ROW_LENGTH]
    since, back, records, complete, over = (
        opened_ms + at if isinstance(at, int) else None for at in row[_TIMES]
    )
    if since is None:
        return None
    alerts, missed, files, coming = (
        count if isinstance(count, int) else 0 for count in row[_COUNTS]
    )
    feeds = row[-1] if isinstance(row[-1], list) else []
    return Member(
        name, row[0], "", since,
        back_ms=back, records_ms=records, complete_ms=complete, over_ms=over,
        alerts=alerts, records=missed, files=files, files_coming=coming,
        feeds_coming=tuple(feed for feed in FEEDS if feed in feeds),
    )  # fmt: skip


def _read_time(text: Json) -> int | None:
    return parse_utc(text) if isinstance(text, str) else None
