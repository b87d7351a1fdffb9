"""Keeps each thing's identity from look to look: birth, following, occlusion, rest, end of tracks.

Between looks boxes come from optical flow; a look (an inference over part of the frame) corrects
them, begins new ones and ends those it should have seen and did not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from edge.box import area, iou, overlap_area
from edge.eye.association import is_mostly_within, pair, worth_by_place, worth_by_reach
from edge.eye.follow import Followed
from edge.eye.subject import (
    LIKELY_SCORE,
    YOUNG_HITS,
    Subject,
    begin,
    clip,
    confirm,
    has_left,
    is_out,
    is_stationary,
    move,
)
from edge.labels import group_of
from edge.model import Box, Detection, Track

BIRTH_SCORE = 0.3
"""Lowest score that begins a track on something that moves; a second look has to agree."""
BIRTH_SCORE_STILL = 0.5
"""The same for what only stands there: rocks and tripods score up to 0.5."""
HITS_MOVING = 2
"""Looks that must have found what moves, unless the first was sure: chance seldom finds twice."""
HITS_STILL = 3
"""The same for what only stands there: a false find there comes again and again."""
MISSES_TENTATIVE = 2
"""Looks in vain in a row that end what is no track yet; one alone is no proof."""
MISSES_MAX = 3
"""The same for a track that doesn't stand out from the background."""
MISSES_FOREGROUND_MAX = 5
"""Looks in vain at something that stands out from the background: bent, sitting, half hidden."""
MISSES_CROWDED_MAX = 2
"""The same where another track explains what stands out."""
CROWDED_SHARE = 0.4
"""Share of a track's box under another one's from which that one explains it; own, by eye."""
TENTATIVE_S_MAX = 2.5
"""Seconds that what stands out has to become a track: time for five looks, of which two suffice."""
SIGHT_MIN = 0.04
"""A box lower than this share of the look's height (12 of 300 px) may well be overlooked, and
what can't be missed can't be trusted either: nothing that small begins a track.
"""
SHOWN_SHARE = 0.95
"""Share of a track in a look that should show it; of what is cut off, the detector makes less."""
SAME_SHARE = 0.7
"""Share of the smaller box within the other one from which both are one thing; own, by eye."""
SWALLOWED_SIZE_MAX = 0.5
"""Area over that of the box around it, below which what lies within is a part: legs, a bonnet."""
DOUBLE, DOUBLE_MISSED = 0.7, 0.45
"""IoU above which the track seen longer ago is the same thing as the other one; less is needed
once a look has missed it.
"""


@dataclass(frozen=True, slots=True)
class TrackerState:
    """All subjects, and how many subjects and tracks there have been."""

    subjects: tuple[Subject, ...] = ()
    subject_count: int = 0
    track_count: int = 0
    t: float = 0.0


@dataclass(frozen=True, slots=True)
class Look:
    """One inference: the region looked at (fractions of the frame) and what was found there."""

    region: Box
    detections: tuple[Detection, ...]


@dataclass(frozen=True, slots=True)
class Sighting:
    """What one analysed frame brings, for each subject in order.

    `followed` says where flow took it, `foreground` the share (0..1) of its box that stands out.
    """

    followed: Sequence[Followed]
    foreground: Sequence[float]


def follow(state: TrackerState, sighting: Sighting, t: float) -> TrackerState:
    """Move every subject to where the picture says it is now, and end those that left.

    Args:
        state: as the last call returned it.
        sighting: one `followed` and one `foreground` share for each subject, in order.
        t: media time in seconds.
    """
    elapsed_s = max(t - state.t, 1e-3)
    moved = [
        move(subject, followed, share, t=t, elapsed_s=elapsed_s)
        for subject, followed, share in zip(
            state.subjects, sighting.followed, sighting.foreground, strict=True
        )
    ]
    here = [subject for subject in moved if not has_left(subject, t)]
    return replace(state, subjects=_without_doubles(here), t=t)


def learn(
    state: TrackerState, look: Look, t: float, *, stands_out: Sequence[float]
) -> TrackerState:
    """Correct, begin and end subjects by one look.

    Args:
        state: after `follow` for the same frame.
        look: the detections already placed in the frame.
        t: media time in seconds.
        stands_out: for each detection the share (0..1) of its box that differs from the background.
    """
    subjects = list(state.subjects)
    of_row = _pair(subjects, look)
    for row, subject in enumerate(subjects):
        if row in of_row:
            found = of_row[row]
            subjects[row] = confirm(subject, look.detections[found], stands_out[found], t=t)
        elif _should_show(subject, look.region):
            subjects[row] = replace(subject, misses=subject.misses + 1)
    born: list[Subject] = []
    taken = set(of_row.values())
    for column, found_one in enumerate(look.detections):
        is_free = column not in taken and not _is_known(found_one, subjects)
        is_large = _height_in(look.region, found_one.box) >= SIGHT_MIN
        if is_free and is_large and _may_begin(found_one, stands_out[column]):
            key = state.subject_count + len(born) + 1
            born.append(begin(key, found_one, t=t, share=stands_out[column]))
    alive = [subject for subject in subjects if not _is_given_up(subject, subjects, t)]
    kept = _without_doubles([*alive, *born])
    return _number(replace(state, subjects=kept, subject_count=state.subject_count + len(born)))


def _pair(subjects: Sequence[Subject], look: Look) -> dict[int, int]:
    """Pair by place first; then what should show and was not found with what is left, by reach."""
    boxes = {row: clip(subject.box) for row, subject in enumerate(subjects)}
    groups = {row: group_of(subject.label) for row, subject in enumerate(subjects)}
    detections = dict(enumerate(look.detections))
    pairs = pair(boxes, groups, detections, worth=worth_by_place)
    lost = {
        row: box
        for row, box in boxes.items()
        if row not in pairs and _should_show(subjects[row], look.region)
    }
    taken = set(pairs.values())
    free = {column: item for column, item in detections.items() if column not in taken}
    return pairs | pair(lost, groups, free, worth=worth_by_reach)


def forget_scene(state: TrackerState) -> TrackerState:
    """The camera looks elsewhere: nothing is where it was. No id is given twice."""
    return replace(state, subjects=())


def tracks(state: TrackerState) -> list[Track]:
    """List the confirmed subjects as others see them, by track id."""
    return [
        Track(
            track=subject.track,
            label=subject.label,
            score=subject.score,
            box=clip(subject.box),
            is_stationary=is_stationary(subject, state.t),
            first_t=subject.first_t,
            seen_t=subject.visible_t,
            is_hidden=subject.visible_t < state.t,
        )
        for subject in sorted(state.subjects, key=lambda item: item.track)
        if subject.track
    ]


def _may_begin(found: Detection, share: float) -> bool:
    return found.score >= (BIRTH_SCORE if is_out(share) else BIRTH_SCORE_STILL)


def _is_known(found: Detection, subjects: Sequence[Subject]) -> bool:
    """A second box on a subject is the same thing, not a new one."""
    return any(
        group_of(found.label) == group_of(subject.label)
        and overlap_area(found.box, subject.box)
        > SAME_SHARE * min(area(found.box), area(subject.box))
        for subject in subjects
    )


def _should_show(subject: Subject, region: Box) -> bool:
    is_large = _height_in(region, subject.box) >= SIGHT_MIN
    return is_large and is_mostly_within(clip(subject.box), region, SHOWN_SHARE)


def _height_in(region: Box, box: Box) -> float:
    """Height of a box as a share of the look's height."""
    return (box[3] - box[1]) / (region[3] - region[1])


def _is_given_up(subject: Subject, subjects: Sequence[Subject], t: float) -> bool:
    if not subject.track:
        is_stale = subject.stood_out and t - subject.first_t > TENTATIVE_S_MAX
        return is_stale or subject.misses >= MISSES_TENTATIVE
    is_swallowed = subject.misses > 0 and any(
        group_of(other.label) == group_of(subject.label)
        and other.misses == 0
        and is_mostly_within(subject.box, other.box, SAME_SHARE)
        and area(subject.box) < SWALLOWED_SIZE_MAX * area(other.box)
        for other in subjects
    )
    if is_swallowed:
        return True
    if not subject.stood_out:
        return subject.misses >= MISSES_MAX
    is_crowded = any(
        other.key != subject.key
        and other.misses < subject.misses
        and overlap_area(other.box, subject.box) > CROWDED_SHARE * area(subject.box)
        for other in subjects
    )
    is_young = subject.hits <= YOUNG_HITS
    return subject.misses >= (
        MISSES_CROWDED_MAX if is_crowded or is_young else MISSES_FOREGROUND_MAX
    )


def _without_doubles(subjects: Sequence[Subject]) -> tuple[Subject, ...]:
    """Of two on the same spot the one seen longer ago goes; the younger goes on a tie."""
    kept: list[Subject] = []
    for subject in sorted(subjects, key=lambda item: (-item.detected_t, item.key)):
        is_double = any(
            group_of(other.label) == group_of(subject.label)
            and other.detected_t > subject.detected_t
            and iou(other.box, subject.box) > (DOUBLE_MISSED if subject.misses else DOUBLE)
            for other in kept
        )
        if not is_double:
            kept.append(subject)
    return tuple(sorted(kept, key=lambda item: item.key))


def _number(state: TrackerState) -> TrackerState:
    """Give a track id to each subject that has earned it."""
    count = state.track_count
    numbered = []
    for subject in state.subjects:
        if not subject.track and _is_earned(subject):
            count += 1
            numbered.append(replace(subject, track=count))
        else:
            numbered.append(subject)
    return replace(state, subjects=tuple(numbered), track_count=count)


def _is_earned(subject: Subject) -> bool:
    if subject.stood_out and subject.score >= LIKELY_SCORE:
        return subject.is_sure or subject.hits >= HITS_MOVING
    return subject.hits >= HITS_STILL and subject.score >= LIKELY_SCORE
