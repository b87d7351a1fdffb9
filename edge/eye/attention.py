"""Where to look next: inference is dear, so each call goes where it tells most.

A look is a square of the frame. Whole-frame looks find what stands still; between them crops go to
motion nobody has explained, to fresh tracks, to those not seen for longest, and with what is left
over of the budget step by step over the whole picture.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from edge.box import area, iou, overlap_area
from edge.eye.association import is_mostly_within
from edge.eye.preprocess import square_around
from edge.eye.subject import YOUNG_HITS, Subject, is_stationary
from edge.model import Box

LOOKS_PER_S = 2.1
"""Long-run rate while awake; budget P11 allows 2.25 (15 % of frames at 15 fps)."""
LOOKS_SAVED_MAX = 4.0
"""Looks that a quiet time leaves for the next busy moment: the whole frame and three crops."""
WHOLE_S = 10.0
"""Seconds between whole looks while awake: what stands still is found this late at the latest."""
WHOLE_IDLE_S = 60.0
"""The same while idle, where nothing moves; it also proves each minute that inference works."""
WHOLE_FORCED_S = 3.0
"""Seconds between whole looks that waking or a change of scene forces: a light that flickers would
take every look there is. No more than `gate.LINGER_S`, so that each waking has its own.
"""
CROP_PX_MIN = 160
"""Pixels of the frame. The detector takes 300: this is nearly doubled, and less would add blur."""
CROP_PER_SIZE = 4.4
"""Crop side over the thing's longer side. Chosen by tracks in whole runs, not by single crops: of
those (108 of the yard) boxes fit best at 3 to 3.5, mean IoU 0.80, and worse at 5. But a wider crop
holds neighbours and what has moved on: at 3.3 the yard's tracks fall from P 0.89 R 0.92 to P 0.84
R 0.86, means of four look rates.
"""
SMALL_FRAME_PX = 300
"""A frame this size is looked at whole: a crop of it would only be blown up."""
NEED_MOTION = 3.0
"""Needs are in seconds that a moving track has not been looked at. This is that of motion as large
as `MOTION_SIDE_FULL`; a speck comes last but is looked at too.
"""
MOTION_SIDE_FULL = 0.25
"""Share of the frame's side; own, by eye on the yard: a person near the camera."""
NEED_FRESH = 3.5
"""What has been found once comes before all motion: it needs a second look to become a track."""
FRESH_S = 0.2
"""A second look at the same picture would only agree with the first."""
NEED_MIN = 1.0
"""Below this no crop is made: a single well-known track is looked at once a second, no more."""
YOUNG_FACTOR = 1.5
"""A track seen only a few times is looked at sooner: its box and label are still guesses."""
NEED_URGENT = 1.4
"""Lower needs wait until `SPARE_TOKENS` looks are saved up: specks of motion, well-known tracks."""
SPARE_TOKENS = 2.0
"""Half of `LOOKS_SAVED_MAX`: what is urgent always finds a look or two left."""
STILL_DIVISOR = 8.0
"""What keeps still is looked at this many times less often than what moves; own, by eye."""
BARREN_SIDE_MIN = 0.08
"""Share of the look's side (24 of 300 px) below which the detector may well see nothing."""
BARREN_WITHIN = 0.9
"""Share of the motion that has to lie in a look which is to say something about it."""
BARREN_SAME = 0.4
"""IoU from which two motions are at one place; own, by eye on the yard."""
BARREN_NEAR = 0.04
"""Share of the frame: specks no further apart than this are at one place."""
BARREN_WAIT_S = 0.5
"""After the first look in vain, about the time of a look; it doubles with each further one."""
BARREN_WAIT_S_MAX = 16.0
"""Somebody who comes to stand before moving leaves waits no longer for a look."""
BARREN_FORGET_S = 60.0
"""Quiet for this long, a place is like any other again."""
CROP_WITHIN = 0.99
"""Share of a target that its crop must hold; what is left allows for rounding."""
SURVEY_S = 3.0
"""The survey takes its step this often, out of a full purse only."""
EXPLAINED_SHARE = 0.35
"""Share of a motion's box under tracks that makes it theirs: the rest is shadow, or the loose edge
of its box. Own, by eye on the yard.
"""


@dataclass(frozen=True, slots=True)
class Barren:
    """A place where motion was looked at and nothing was found, `count` times in a row."""

    box: Box
    count: int
    looked_t: float


@dataclass(frozen=True, slots=True)
class AttentionState:
    """Budget left, when the whole frame was last looked at, where looking was in vain.

    `forced_t` is when something last forced a whole look, `is_owed` that one was put off since.
    """

    tokens: float = LOOKS_SAVED_MAX
    t: float = 0.0
    whole_t: float | None = None
    forced_t: float = -math.inf
    is_owed: bool = False
    barren: tuple[Barren, ...] = ()
    survey: int = 0
    survey_t: float = 0.0


@dataclass(frozen=True, slots=True)
class Situation:
    """What there is to look at: `size_px` is (width, height) of the analysed frame.

    `has_woken` says that the scene is new: the eye has just woken, or everything changed at once.
    """

    t: float
    size_px: tuple[int, int]
    subjects: Sequence[Subject]
    motion: Sequence[Box]
    is_awake: bool
    has_woken: bool = False


@dataclass(frozen=True, slots=True)
class _Target:
    box: Box
    need: float


def step(state: AttentionState, now: Situation) -> tuple[AttentionState, list[Box]]:
    """Choose the regions to look at in this frame.

    Returns:
        The new state and none to two regions: squares in pixels, in fractions of the frame, that
        may reach beyond it. The whole frame comes first where it is due.
    """
    elapsed_s = max(now.t - state.t, 0.0)
    tokens = min(state.tokens + elapsed_s * LOOKS_PER_S, LOOKS_SAVED_MAX)
    fresh = [spot for spot in state.barren if now.t - spot.looked_t < BARREN_FORGET_S]
    state = replace(state, t=now.t, tokens=tokens, barren=tuple(fresh))
    state, looks = _look_at_whole(state, now)
    if now.is_awake and state.tokens >= 1:
        state, crops = _choose_crop(state, now)
        looks += crops
    return state, looks


def learn_barren(
    state: AttentionState, now: Situation, looked: Box, found: Sequence[Box]
) -> AttentionState:
    """Remember motion that a look did not explain, and forget places where it found something.

    Args:
        state: as `step` returned it.
        now: the same situation, with the subjects as they are after the look.
        looked: the region.
        found: what the look found there, even where it was too weak to begin a track.
    """
    spots = [spot for spot in state.barren if not _covers(found, spot.box)]
    for box in unexplained(now.motion, now.subjects):
        if not _could_tell(looked, box) or _covers(found, box):
            continue
        old = _barren_at(spots, box)
        if old is not None:
            spots.remove(old)
        spots.append(Barren(box, old.count + 1 if old else 1, now.t))
    return replace(state, barren=tuple(spots))


def forget_scene(state: AttentionState) -> AttentionState:
    """The camera looks elsewhere: other places are barren there. The budget stays."""
    return replace(state, barren=())


def is_barren(state: AttentionState, box: Box) -> bool:
    """Tell whether motion at this place has been looked at in vain more than once."""
    spot = _barren_at(state.barren, box)
    return spot is not None and spot.count > 1


def unexplained(motion: Sequence[Box], subjects: Sequence[Subject]) -> list[Box]:
    """Leave out motion that belongs to what is already followed."""
    boxes = [subject.box for subject in subjects]
    return [box for box in motion if not _covers(boxes, box)]


def whole_frame(size_px: tuple[int, int]) -> Box:
    """The square that holds the whole frame, letter-boxed."""
    return square_around((0.0, 0.0, 1.0, 1.0), side_px=max(size_px), size_px=size_px)


def _look_at_whole(state: AttentionState, now: Situation) -> tuple[AttentionState, list[Box]]:
    """Look at the whole frame where it is due, on credit if need be: of one look at most."""
    is_asked = now.has_woken or state.is_owed
    is_forced = is_asked and now.t - state.forced_t >= WHOLE_FORCED_S
    if not is_forced and not _is_whole_due(state, now):
        return replace(state, is_owed=is_asked), []
    after = replace(
        state,
        tokens=state.tokens - 1,
        whole_t=now.t,
        forced_t=now.t if is_forced else state.forced_t,
        is_owed=False,
    )
    return after, [whole_frame(now.size_px)]


def _is_whole_due(state: AttentionState, now: Situation) -> bool:
    if state.whole_t is None:
        return True
    return now.t - state.whole_t >= (WHOLE_S if now.is_awake else WHOLE_IDLE_S)


def _choose_crop(state: AttentionState, now: Situation) -> tuple[AttentionState, list[Box]]:
    targets = _targets(state, now)
    enough = NEED_MIN if state.tokens >= SPARE_TOKENS else NEED_URGENT
    if not targets or max(target.need for target in targets) < enough:
        return _survey(state, now)
    first = max(targets, key=lambda target: (target.need, target.box))
    crops = [_crop(first.box, now.size_px)]
    for other in targets:
        joined = (
            min(first.box[0], other.box[0]), min(first.box[1], other.box[1]),
            max(first.box[2], other.box[2]), max(first.box[3], other.box[3]),
        )  # fmt: skip
        crops.append(
            square_around(joined, side_px=_side_px(first.box, now.size_px), size_px=now.size_px)
        )
    best = max(crops, key=lambda crop: (_gain(crop, first, targets), crop))
    return replace(state, tokens=state.tokens - 1), [best]


def _could_tell(looked: Box, box: Box) -> bool:
    """A look in which the thing is a speck says nothing about it."""
    side = max((box[axis + 2] - box[axis]) / (looked[axis + 2] - looked[axis]) for axis in (0, 1))
    return side >= BARREN_SIDE_MIN and is_mostly_within(box, looked, BARREN_WITHIN)


def _survey(state: AttentionState, now: Situation) -> tuple[AttentionState, list[Box]]:
    if state.tokens < LOOKS_SAVED_MAX - 1 or now.t - state.survey_t < SURVEY_S:
        return state, []
    tiles = _survey_tiles(now.size_px)
    tile = tiles[state.survey % len(tiles)]
    after = replace(state, survey=state.survey + 1, survey_t=now.t, tokens=state.tokens - 1)
    return after, [tile]


def _targets(state: AttentionState, now: Situation) -> list[_Target]:
    targets = []
    for subject in now.subjects:
        unseen_s = now.t - subject.detected_t
        if not subject.track:
            need = NEED_FRESH if unseen_s > FRESH_S else 0.0
        elif is_stationary(subject, now.t):
            need = unseen_s / STILL_DIVISOR
        else:
            need = unseen_s * (YOUNG_FACTOR if subject.hits <= YOUNG_HITS else 1.0)
        targets.append(_Target(subject.box, need))
    for box in unexplained(now.motion, now.subjects):
        spot = _barren_at(state.barren, box)
        wait_s = 0.0
        if spot is not None:
            doublings = min(spot.count - 1, 6)  # more would only make a number too large
            wait_s = min(BARREN_WAIT_S * 2.0**doublings, BARREN_WAIT_S_MAX)
        if spot is None or now.t - spot.looked_t >= wait_s:
            fullness = min(max(box[2] - box[0], box[3] - box[1]) / MOTION_SIDE_FULL, 1.0)
            targets.append(_Target(box, NEED_MIN + (NEED_MOTION - NEED_MIN) * fullness))
    return targets


def _gain(crop: Box, first: _Target, targets: Sequence[_Target]) -> float:
    """What a crop would serve; one that loses its first target serves nothing."""
    if not is_mostly_within(first.box, crop, CROP_WITHIN):
        return 0.0
    return sum(target.need for target in targets if is_mostly_within(target.box, crop, CROP_WITHIN))


def _crop(box: Box, size_px: tuple[int, int]) -> Box:
    return square_around(box, side_px=_side_px(box, size_px), size_px=size_px)


def _side_px(box: Box, size_px: tuple[int, int]) -> float:
    if max(size_px) <= SMALL_FRAME_PX:
        return float(max(size_px))
    longer_px = max((box[2] - box[0]) * size_px[0], (box[3] - box[1]) * size_px[1])
    side_px = max(longer_px * CROP_PER_SIZE, CROP_PX_MIN)
    return float(min(side_px, max(size_px)))


def _survey_tiles(size_px: tuple[int, int]) -> list[Box]:
    """Squares of half the longer side, overlapping by half, row by row."""
    side_px = max(size_px) / 2 if max(size_px) > SMALL_FRAME_PX else max(size_px)
    tiles = []
    for row in range(3):
        for column in range(3):
            centre = (column / 2, row / 2)
            point = (centre[0], centre[1], centre[0], centre[1])
            tiles.append(square_around(point, side_px=side_px, size_px=size_px))
    return sorted(set(tiles))


def _covers(boxes: Sequence[Box], box: Box) -> bool:
    """Tell whether boxes together cover enough of another one to explain it."""
    return sum(overlap_area(each, box) for each in boxes) >= EXPLAINED_SHARE * area(box)


def _barren_at(spots: Sequence[Barren], box: Box) -> Barren | None:
    """Motion that grew or went on is other motion: only the same spot stays barren."""
    for spot in spots:
        if iou(spot.box, box) > BARREN_SAME or _is_near_speck(spot.box, box):
            return spot
    return None


def _is_near_speck(first: Box, second: Box) -> bool:
    """Specks flicker in shape and size: theirs is the same place when they are close."""
    sides = [box[axis + 2] - box[axis] for box in (first, second) for axis in (0, 1)]
    away = [
        abs(first[axis] + first[axis + 2] - second[axis] - second[axis + 2]) / 2 for axis in (0, 1)
    ]
    return max(sides) <= 2 * BARREN_NEAR and max(away) <= BARREN_NEAR


def everywhere(now: Situation) -> list[Box]:
    """List looks that leave nothing out: the whole frame and overlapping crops of it."""
    return [whole_frame(now.size_px), *_survey_tiles(now.size_px)]
