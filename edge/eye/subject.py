"""One thing that is followed: how it moves, is confirmed, hides, rests and leaves."""

from __future__ import annotations

from dataclasses import dataclass, replace

from edge.box import area
from edge.eye.follow import Followed
from edge.model import Box, Detection

SURE_SCORE, SURE_SCORE_CLEAR = 0.55, 0.4
"""One look is enough from here on; less where the whole box stands out from the background."""
CLEAR_SHARE = 0.6
"""Share of a box that stands out when all of the thing does: it fills about so much of its box."""
LIKELY_SCORE = 0.35
"""Lowest mean score of a track that is told to others."""
HIDDEN_S_MIN, HIDDEN_S_MAX = 0.5, 2.0
"""A walker behind a post is waited for this long; what moves fast is out of hiding sooner."""
GONE_AT_EDGE_S = 0.3
"""Unseen for this long at the frame's edge, three analysed frames, it has gone over it."""
LEFT_SHARE = 0.12
"""With less than this share of its box still in the frame it has left."""
EDGE = 0.01
"""Share of the frame: a box this near to its side is at the edge, and may be going over it."""
BORDER = 0.004
"""Share of the frame, 2 px of a luma picture 480 wide: a side this near is cut by the border."""
BORDER_S = 0.7
"""So long after a look a box may be stretched from the border; then only a look may say so."""
FOREGROUND_SHARE = 0.12
"""Share of its box that differs from the background when a thing stands out; own, by eye on the
yard: low, since clothes may be like the wall behind.
"""
SUPPORT_MIN = 0.3
"""Share of a box's points, 11 of 36, that flow must have followed to be believed; own, by eye."""
STATIONARY_S = 5.0
"""Seconds at one place that make a thing stationary; own: who stops to look about is not yet."""
STATIONARY_SHIFT = 0.25
"""Share of its size that a thing may sway and still keep its place."""
BOX_SCORE_LOW, BOX_SCORE_FULL = 0.2, 0.5
"""A weak detection often spans two people: it keeps a track alive but hardly moves its box."""
SCORE_WEIGHT = 0.3
"""Of the newest detection in a track's running score: one weak look says little; own, by eye."""
VELOCITY_WEIGHT = 0.4
"""Of the newest step in a running velocity; own: it turns in three frames and jitters little."""
HIDDEN_SIZES = 2.0
"""Own sizes that a hidden thing may pass before it is given up: a post or a walker is no wider."""
YOUNG_HITS = 3
"""Up to so many detections a track's box and label are guesses, and it may be a false one."""


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
    is_sure: bool = False

    @property
    def label(self) -> str:
        """The label with most votes."""
        return max(self.votes, key=lambda vote: vote[1])[0]


def begin(key: int, found: Detection, *, t: float, share: float) -> Subject:
    """Begin with a first detection; `share` is how much of its box stands out, 0..1."""
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
        stood_out=is_out(share),
        is_sure=found.score >= (SURE_SCORE_CLEAR if share >= CLEAR_SHARE else SURE_SCORE),
    )


def move(
    subject: Subject, followed: Followed, share: float, *, t: float, elapsed_s: float
) -> Subject:
    """Take it to where flow found it, or on by its own velocity while it is hidden."""
    stands_out = is_out(share)
    if followed.support >= SUPPORT_MIN and (stands_out or not subject.stood_out):
        is_fresh = t - subject.detected_t < BORDER_S
        box = _keep_to_border(subject.box, followed.box) if is_fresh else followed.box
    else:
        box = _shift(subject.box, subject.velocity, elapsed_s)
    velocity = _blend_velocity(subject, box, elapsed_s)
    is_visible = stands_out or (not subject.stood_out and followed.support >= SUPPORT_MIN)
    anchor, anchor_t = (subject.anchor, subject.anchor_t)
    if _has_shifted(anchor, box):
        anchor, anchor_t = box, t
    return replace(
        subject,
        box=box,
        velocity=velocity,
        visible_t=t if is_visible else subject.visible_t,
        stood_out=subject.stood_out or stands_out,
        anchor=anchor,
        anchor_t=anchor_t,
    )


def confirm(subject: Subject, found: Detection, share: float, *, t: float) -> Subject:
    """Correct it by a detection; `share` is how much of the detection's box stands out, 0..1."""
    trust = (found.score - BOX_SCORE_LOW) / (BOX_SCORE_FULL - BOX_SCORE_LOW)
    box = _mix(found.box, subject.box, min(max(trust, 0.0), 1.0))
    votes = dict(subject.votes)
    votes[found.label] = votes.get(found.label, 0.0) + found.score
    return replace(
        subject,
        box=box,
        votes=tuple(sorted(votes.items())),
        score=(1.0 - SCORE_WEIGHT) * subject.score + SCORE_WEIGHT * found.score,
        detected_t=t,
        visible_t=t if found.score >= LIKELY_SCORE else subject.visible_t,
        hits=subject.hits + 1,
        misses=0,
        stood_out=subject.stood_out or is_out(share),
        anchor=box if _has_shifted(subject.anchor, box) else subject.anchor,
        anchor_t=t if _has_shifted(subject.anchor, box) else subject.anchor_t,
    )


def has_left(subject: Subject, t: float) -> bool:
    """Tell whether it has left the frame, or has been hidden for too long."""
    unseen_s = t - subject.visible_t
    box = clip(subject.box)
    if area(box) < LEFT_SHARE * area(subject.box):
        return True
    is_at_edge = box[0] < EDGE or box[1] < EDGE or box[2] > 1 - EDGE or box[3] > 1 - EDGE
    return unseen_s > (GONE_AT_EDGE_S if is_at_edge else _patience_s(subject))


def is_stationary(subject: Subject, t: float) -> bool:
    """Tell whether it has kept its place for `STATIONARY_S`."""
    return t - subject.anchor_t >= STATIONARY_S


def is_out(share: float) -> bool:
    """Tell whether a share of foreground (0..1) means that a box stands out."""
    return share >= FOREGROUND_SHARE


def clip(box: Box) -> Box:
    """The part within the frame; of nothing, an empty box at the border."""
    x_min, y_min = min(max(box[0], 0.0), 1.0), min(max(box[1], 0.0), 1.0)
    return (x_min, y_min, max(min(box[2], 1.0), x_min), max(min(box[3], 1.0), y_min))


def _keep_to_border(before: Box, after: Box) -> Box:
    """What comes in over the frame's border shows more of itself: that side stays at the border."""
    x_min, y_min, x_max, y_max = after
    if before[0] <= BORDER < x_min:
        x_min = before[0]
    if before[1] <= BORDER < y_min:
        y_min = before[1]
    if before[2] >= 1 - BORDER > x_max:
        x_max = before[2]
    if before[3] >= 1 - BORDER > y_max:
        y_max = before[3]
    return (x_min, y_min, x_max, y_max)


def _blend_velocity(subject: Subject, box: Box, elapsed_s: float) -> tuple[float, float]:
    vx = (box[0] + box[2] - subject.box[0] - subject.box[2]) / 2 / elapsed_s
    vy = (box[1] + box[3] - subject.box[1] - subject.box[3]) / 2 / elapsed_s
    keep = 1.0 - VELOCITY_WEIGHT
    old_x, old_y = subject.velocity
    return (old_x * keep + vx * VELOCITY_WEIGHT, old_y * keep + vy * VELOCITY_WEIGHT)


def _patience_s(subject: Subject) -> float:
    """Seconds that a hidden thing is waited for: the time in which it passes `HIDDEN_SIZES`."""
    size = max(subject.box[2] - subject.box[0], subject.box[3] - subject.box[1])
    speed = max(abs(subject.velocity[0]), abs(subject.velocity[1]), 1e-6)
    return min(max(HIDDEN_SIZES * size / speed, HIDDEN_S_MIN), HIDDEN_S_MAX)


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
