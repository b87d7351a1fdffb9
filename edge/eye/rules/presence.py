"""Who is in a place, with debounce and hysteresis, so that jitter at its border says nothing; pure.

Entering takes a foot inside on every frame for a time; leaving takes it outside, or the track
ended, for a time. Where a hidden track is guessed to be neither enters nor leaves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from edge.eye.rules.identity import Sighted
from edge.eye.rules.zones import foot_of, is_inside
from edge.model import Polygon

FRAMES_MIN = 2
"""One frame alone never counts, however long ago the one before it was."""


@dataclass(frozen=True, slots=True)
class Place:
    """A zone, or with neither name nor polygon the whole picture."""

    name: str | None = None
    polygon: Polygon | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What counts as being there: labels, seconds to enter, to leave, and to stay first."""

    labels: frozenset[str]
    debounce_s: float
    clear_s: float
    dwell_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Stay:
    """One subject in one place.

    `seen` is as it was last seen inside; `since_t` is its first frame there, `last_t` the latest,
    hidden or not, `out_t` the first frame outside since then (None while inside), `dwell_s` the
    time inside without gaps; `is_alive` tells whether its track still lives.
    """

    seen: Sighted
    since_t: float
    last_t: float
    frames: int = 1
    dwell_s: float = 0.0
    is_entered: bool = False
    out_t: float | None = None
    is_alive: bool = True


@dataclass(frozen=True, slots=True)
class Presence:
    """The stays after a step, and those that ended in it."""

    stays: tuple[Stay, ...] = ()
    ended: tuple[Stay, ...] = ()


def step(
    stays: Sequence[Stay], place: Place, terms: Terms, *, seen: Sequence[Sighted], t: float
) -> Presence:
    """Follow who is in a place.

    Args:
        stays: what the last step returned; empty at first.
        place: where.
        terms: what counts.
        seen: all live tracks of this frame.
        t: seconds of media time, not before the last step's.

    Returns:
        Stays in the order of entering, candidates included (`is_entered` False), and the
        entered ones that are over.
    """
    live = {each.subject for each in seen}
    hidden = {each.subject for each in seen if each.track.is_hidden}
    inside = {each.subject: each for each in seen if _is_there(place, terms, each)}
    kept: list[Stay] = []
    ended: list[Stay] = []
    for stay in stays:
        subject = stay.seen.subject
        if subject in inside:
            kept.append(_go_on(stay, inside.pop(subject), terms, t))
        elif subject in hidden and stay.out_t is None:
            kept.append(_hold(stay, t))
        elif stay.is_entered:
            away = _stay_away(stay, is_alive=subject in live, t=t)
            assert away.out_t is not None
            (ended if t - away.out_t >= terms.clear_s else kept).append(away)
    new = [Stay(seen=each, since_t=t, last_t=t) for each in inside.values()]
    return Presence((*kept, *new), tuple(ended))


def _is_there(place: Place, terms: Terms, seen: Sighted) -> bool:
    if seen.track.is_hidden or seen.track.label not in terms.labels:
        return False
    return place.polygon is None or is_inside(place.polygon, foot_of(seen.track))


def _go_on(stay: Stay, seen: Sighted, terms: Terms, t: float) -> Stay:
    frames = stay.frames + 1
    has_been = stay.out_t is None
    return replace(
        stay,
        seen=seen,
        last_t=t,
        frames=frames,
        dwell_s=stay.dwell_s + (t - stay.last_t if has_been else 0.0),
        is_entered=stay.is_entered
        or (frames >= FRAMES_MIN and t - stay.since_t >= terms.debounce_s),
        out_t=None,
        is_alive=True,
    )


def _hold(stay: Stay, t: float) -> Stay:
    """Let time go by for one who was inside and is hidden; enters nobody."""
    return replace(stay, last_t=t, dwell_s=stay.dwell_s + (t - stay.last_t))


def _stay_away(stay: Stay, *, is_alive: bool, t: float) -> Stay:
    """Keep the last frame inside as it was: its box is what the alert shows."""
    return replace(stay, out_t=t if stay.out_t is None else stay.out_t, is_alive=is_alive)
