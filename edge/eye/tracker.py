"""Keeps each thing's identity from look to look: birth, following, occlusion, rest, end of tracks.

Between looks boxes come from optical flow; a look (an inference over part of the frame) corrects
them, begins new ones and ends those it should have seen and did not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from edge.eye.association import is_mostly_within, pair
from edge.eye.follow import Followed
from edge.eye.postprocess import area, group_of, iou, overlap_area
from edge.model import Box, Detection, Track

BIRTH_SCORE = 0.45
"""Lowest score that begins a track on something that moves (own: 0.92 precise on the yard)."""
BIRTH_SCORE_STILL = 0.55
"""The same for what only stands there: rocks and tripods score up to 0.5."""
SURE_SCORE = 0.65
KEEP_SCORE = 0.25
HITS_MOVING = 2
HITS_STILL = 3
MISSES_TENTATIVE = 2
MISSES_MAX = 3
MISSES_FOREGROUND_MAX = 8
"""Looks in vain at something that stands out from the background: bent, sitting, half hidden."""
MISSES_CROWDED_MAX = 2
"""The same where another track explains what stands out."""
CROWDED_SHARE = 0.4
HIDDEN_S_MAX = 2.0
"""A walker behind a post is waited for this long."""
GONE_AT_EDGE_S = 0.3
EDGE = 0.01
FOREGROUND_SHARE = 0.12
SUPPORT_MIN = 0.3
STATIONARY_S = 5.0
STATIONARY_SHIFT = 0.25
"""Share of its size that a thing may sway and still keep its place."""
SIGHT_MIN = 0.07
"""A box lower than this share of the look's height (21 of 300 px) may well be overlooked."""
BOX_WEIGHT = 0.8
VELOCITY_WEIGHT = 0.4
SAME_SHARE = 0.7


@dataclass(frozen=True, slots=True)
class Subject:
    """One thing followed; it becomes a track for others once `track` is above 0.

    `misses` counts looks in a row that should have shown it; `visible_t` is when a detection or
    the foreground last vouched for it; `anchor` is where it came to rest at `anchor_t`.
    """

    key: int
    box: Box
    votes: tuple[tuple[str, float], ...]
    score: float
    first_t: float
    detected_t: float
    visible_t: float
    anchor: Box
    anchor_t: float
    track: int = 0
    hits: int = 1
    misses: int = 0
    velocity: tuple[float, float] = (0.0, 0.0)
    stood_out: bool = False

    @property
    def label(self) -> str:
        """The label with most votes."""
        return max(self.votes, key=lambda vote: vote[1])[0]


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
    """What one analysed frame brings, for each subject in order: where flow took it, and the share
    (0..1) of its box that stands out from the background.
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
        _move(subject, followed, share, t=t, elapsed_s=elapsed_s)
        for subject, followed, share in zip(
            state.subjects, sighting.followed, sighting.foreground, strict=True
        )
    ]
    return replace(state, subjects=tuple(s for s in moved if not _has_left(s, t)), t=t)


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
    pairs = pair(
        [subject.box for subject in subjects],
        [group_of(subject.label) for subject in subjects],
        look.detections,
    )
    of_row = dict(pairs)
    for row, subject in enumerate(subjects):
        if row in of_row:
            found = of_row[row]
            subjects[row] = _confirm(subject, look.detections[found], stands_out[found], t=t)
        elif _should_show(subject, look.region):
            subjects[row] = replace(subject, misses=subject.misses + 1)
    born: list[Subject] = []
    taken = set(of_row.values())
    for column, found_one in enumerate(look.detections):
        is_free = column not in taken and not _is_known(found_one, subjects)
        if is_free and _may_begin(found_one, stands_out[column]):
            key = state.subject_count + len(born) + 1
            born.append(_begin(key, found_one, t=t, stood_out=_is_out(stands_out[column])))
    alive = [subject for subject in subjects if not _is_given_up(subject, subjects)]
    kept = _without_doubles([*alive, *born], t)
    return _number(replace(state, subjects=kept, subject_count=state.subject_count + len(born)))


def tracks(state: TrackerState) -> list[Track]:
    """List the confirmed subjects as others see them, by track id."""
    return [
        Track(
            track=subject.track,
            label=subject.label,
            score=subject.score,
            box=_clip(subject.box),
            is_stationary=is_stationary(subject, state.t),
            first_t=subject.first_t,
            seen_t=subject.visible_t,
        )
        for subject in sorted(state.subjects, key=lambda item: item.track)
        if subject.track
    ]


def is_stationary(subject: Subject, t: float) -> bool:
    """Tell whether it has kept its place for `STATIONARY_S`."""
    return t - subject.anchor_t >= STATIONARY_S


def _move(
    subject: Subject, followed: Followed, share: float, *, t: float, elapsed_s: float
) -> Subject:
    is_out = _is_out(share)
    if followed.support >= SUPPORT_MIN and (is_out or not subject.stood_out):
        box = followed.box
    else:
        box = _shift(subject.box, subject.velocity, elapsed_s)
    velocity = _blend_velocity(subject, box, elapsed_s)
    is_visible = is_out or (not subject.stood_out and followed.support >= SUPPORT_MIN)
    anchor, anchor_t = (subject.anchor, subject.anchor_t)
    if _has_shifted(anchor, box):
        anchor, anchor_t = box, t
    return replace(
        subject,
        box=box,
        velocity=velocity,
        visible_t=t if is_visible else subject.visible_t,
        stood_out=subject.stood_out or is_out,
        anchor=anchor,
        anchor_t=anchor_t,
    )


def _blend_velocity(subject: Subject, box: Box, elapsed_s: float) -> tuple[float, float]:
    vx = (box[0] + box[2] - subject.box[0] - subject.box[2]) / 2 / elapsed_s
    vy = (box[1] + box[3] - subject.box[1] - subject.box[3]) / 2 / elapsed_s
    keep = 1.0 - VELOCITY_WEIGHT
    old_x, old_y = subject.velocity
    return (old_x * keep + vx * VELOCITY_WEIGHT, old_y * keep + vy * VELOCITY_WEIGHT)


def _has_left(subject: Subject, t: float) -> bool:
    unseen_s = t - subject.visible_t
    box = _clip(subject.box)
    if area(box) < 0.3 * area(subject.box):
        return True
    is_at_edge = box[0] < EDGE or box[1] < EDGE or box[2] > 1 - EDGE or box[3] > 1 - EDGE
    return unseen_s > (GONE_AT_EDGE_S if is_at_edge else HIDDEN_S_MAX)


def _confirm(subject: Subject, found: Detection, share: float, *, t: float) -> Subject:
    box = _mix(found.box, subject.box, BOX_WEIGHT)
    votes = dict(subject.votes)
    votes[found.label] = votes.get(found.label, 0.0) + found.score
    return replace(
        subject,
        box=box,
        votes=tuple(sorted(votes.items())),
        score=0.7 * subject.score + 0.3 * found.score,
        detected_t=t,
        visible_t=t,
        hits=subject.hits + 1,
        misses=0,
        stood_out=subject.stood_out or _is_out(share),
        anchor=box if _has_shifted(subject.anchor, box) else subject.anchor,
        anchor_t=t if _has_shifted(subject.anchor, box) else subject.anchor_t,
    )


def _begin(key: int, found: Detection, *, t: float, stood_out: bool) -> Subject:
    return Subject(
        key=key,
        box=found.box,
        votes=((found.label, found.score),),
        score=found.score,
        first_t=t,
        detected_t=t,
        visible_t=t,
        anchor=found.box,
        anchor_t=t,
        stood_out=stood_out,
    )


def _may_begin(found: Detection, share: float) -> bool:
    return found.score >= (BIRTH_SCORE if _is_out(share) else BIRTH_SCORE_STILL)


def _is_known(found: Detection, subjects: Sequence[Subject]) -> bool:
    """A second box on a subject is the same thing, not a new one."""
    return any(
        group_of(found.label) == group_of(subject.label)
        and overlap_area(found.box, subject.box)
        > SAME_SHARE * min(area(found.box), area(subject.box))
        for subject in subjects
    )


def _should_show(subject: Subject, region: Box) -> bool:
    height = (subject.box[3] - subject.box[1]) / (region[3] - region[1])
    return height >= SIGHT_MIN and is_mostly_within(subject.box, region, 0.95)


def _is_given_up(subject: Subject, subjects: Sequence[Subject]) -> bool:
    if not subject.track:
        return subject.misses >= MISSES_TENTATIVE
    if not subject.stood_out:
        return subject.misses >= MISSES_MAX
    is_crowded = any(
        other.key != subject.key
        and other.misses < subject.misses
        and overlap_area(other.box, subject.box) > CROWDED_SHARE * area(subject.box)
        for other in subjects
    )
    return subject.misses >= (MISSES_CROWDED_MAX if is_crowded else MISSES_FOREGROUND_MAX)


def _without_doubles(subjects: list[Subject], t: float) -> tuple[Subject, ...]:
    """Of two on the same spot the one not seen by this look goes; the older stays on a tie."""
    kept: list[Subject] = []
    for subject in sorted(subjects, key=lambda item: (item.detected_t != t, item.key)):
        is_double = subject.detected_t != t and any(
            group_of(other.label) == group_of(subject.label)
            and iou(other.box, subject.box) > SAME_SHARE
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
    if subject.stood_out:
        return subject.score >= SURE_SCORE or subject.hits >= HITS_MOVING
    return subject.hits >= HITS_STILL


def _is_out(share: float) -> bool:
    return share >= FOREGROUND_SHARE


def _has_shifted(anchor: Box, box: Box) -> bool:
    size = min(anchor[2] - anchor[0], anchor[3] - anchor[1])
    away_x = abs(anchor[0] + anchor[2] - box[0] - box[2]) / 2
    away_y = abs(anchor[3] - box[3])
    return max(away_x, away_y) > STATIONARY_SHIFT * size


def _shift(box: Box, velocity: tuple[float, float], elapsed_s: float) -> Box:
    dx, dy = velocity[0] * elapsed_s, velocity[1] * elapsed_s
    return (box[0] + dx, box[1] + dy, box[2] + dx, box[3] + dy)


def _mix(first: Box, second: Box, share: float) -> Box:
    x_min, y_min, x_max, y_max = (
        a * share + b * (1 - share) for a, b in zip(first, second, strict=True)
    )
    return (x_min, y_min, x_max, y_max)


def _clip(box: Box) -> Box:
    return (max(box[0], 0.0), max(box[1], 0.0), min(box[2], 1.0), min(box[3], 1.0))
