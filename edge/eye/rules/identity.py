"""Who is who when a tracker changes its mind: a **subject** outlasts an id switch; pure.

A track that starts where another has just ended is the same subject, named by its first track.
Who it is as a person is nobody's business here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from edge.box import overlap_share
from edge.labels import group_of
from edge.model import Track

SWITCH_S = 1.0
"""A new track starts at most this long after the old one ended."""
UNSEEN_S = 2.0
"""… and this long after the old one was last seen, when it was moving: trackers hold on to
what they lost, and the next visitor may come through the same door."""
FORGET_S = 5.0
"""A track may be confirmed, and so first told, some time after it started."""
OVERLAP_MIN = 0.3
"""Share of the smaller box; half a body's width of movement in 1 s keeps more."""


@dataclass(frozen=True, slots=True)
class Sighted:
    """A live track on this frame; `continues` is the track before an id switch."""

    subject: int
    track: Track
    continues: int | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """A subject as last seen; `ended_t` is when its track was first missing."""

    seen: Sighted
    ended_t: float | None = None


def step(
    known: Sequence[Known], tracks: Sequence[Track], t: float
) -> tuple[tuple[Known, ...], tuple[Sighted, ...]]:
    """Give each live track its subject.

    Args:
        known: what the last step returned; empty at first.
        tracks: all live confirmed tracks of this frame.
        t: seconds of media time.

    Returns:
        The new state, and the live tracks with their subjects in the order given.
    """
    live = {track.track for track in tracks}
    by_track = {each.seen.track.track: each for each in known}
    gone = [
        each if each.ended_t is not None else replace(each, ended_t=t)
        for each in known
        if each.seen.track.track not in live
    ]
    seen = []
    for track in tracks:
        before = by_track.get(track.track)
        if before is not None:
            seen.append(Sighted(before.seen.subject, track, before.seen.continues))
            continue
        old = _find_predecessor(gone, track)
        if old is None:
            seen.append(Sighted(track.track, track))
        else:
            gone.remove(old)
            seen.append(Sighted(old.seen.subject, track, old.seen.track.track))
    recent = [each for each in gone if each.ended_t is not None and t - each.ended_t <= FORGET_S]
    return (*(Known(each) for each in seen), *recent), tuple(seen)


def _find_predecessor(gone: Sequence[Known], track: Track) -> Known | None:
    """Find the ended track that this new one goes on from, by the largest overlap."""
    fitting = [each for each in gone if _fits(each, track)]
    return max(
        fitting, key=lambda each: overlap_share(each.seen.track.box, track.box), default=None
    )


def _fits(known: Known, track: Track) -> bool:
    old, ended_t = known.seen.track, known.ended_t
    assert ended_t is not None
    unseen_s = track.first_t - old.seen_t
    return (
        track.first_t - ended_t <= SWITCH_S
        and unseen_s >= -SWITCH_S
        and (unseen_s <= UNSEEN_S or old.is_stationary)
        and _is_alike(old.label, track.label)
        and overlap_share(old.box, track.box) >= OVERLAP_MIN
    )


def _is_alike(first: str, second: str) -> bool:
    return group_of(first) == group_of(second) or "object" in (first, second)
