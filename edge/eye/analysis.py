"""One stream's frames in, what is seen in them out: motion, detections, tracks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from edge.eye import attention, motion, tracker
from edge.eye.attention import AttentionState, Situation
from edge.eye.follow import Lead, follow
from edge.eye.motion import Held, Ignored, Motion, MotionState
from edge.eye.ports import Detector
from edge.eye.postprocess import THRESHOLDS, above_thresholds, place, suppress
from edge.eye.preprocess import cut_square, shrink_luma
from edge.eye.subject import Subject, is_stationary
from edge.eye.tracker import Look, Sighting, TrackerState
from edge.labels import group_of
from edge.model import Box, Detection, Frame, Luma, Polygon, Track

HELD_S = 60.0
"""A thing at rest this long may become background; until then its place is held: learns nothing."""
HELD_GUESS_S = 1.0
"""What has not become a track by then may: else a weak detection holds its place for ever."""
HELD_MARGIN = 0.15
"""Share of its size by which a track's held place is wider: shadows, a blurred edge."""
DARK_LUMA = 22.0
"""Mean luma below which nothing can be told (limited-range black is 16)."""


@dataclass(frozen=True, slots=True, eq=False)
class Glance:
    """A frame compared with the background, not yet taken in."""

    frame: Frame
    luma: Luma
    motion: Motion
    after: MotionState
    is_suspicious: bool


@dataclass(frozen=True, slots=True)
class Seen:
    """What one analysed frame showed.

    `inferences` counts the detector calls made for it; `is_active` says that something moves.
    """

    frame: Frame
    luma: Luma
    motion: tuple[Box, ...]
    detections: tuple[Detection, ...]
    tracks: tuple[Track, ...]
    inferences: int
    is_active: bool
    is_dark: bool


@dataclass(frozen=True, slots=True)
class Scope:
    """What is never analysed (`ignore`, fractions), and whether nothing may be left out."""

    ignore: tuple[Polygon, ...] = ()
    looks_everywhere: bool = False


class Analysis:
    """The state of one stream's analysis; `glance` looks without consequences, `take` goes on."""

    def __init__(self, detector: Detector, scope: Scope) -> None:
        """`scope` stays for the analysis' life."""
        self._detector = detector
        self._scope = scope
        self._ignore: Ignored | None = None
        self._motion: MotionState | None = None
        self._tracker = TrackerState()
        self._attention = AttentionState()
        self._shape: tuple[int, ...] | None = None

    def glance(self, frame: Frame) -> Glance:
        """Compare a frame with the background without changing anything."""
        luma = np.array(shrink_luma(frame.y))
        if self._motion is None or self._shape != luma.shape:
            state, nothing = motion.begin(luma, t=frame.t)
            return Glance(frame, luma, nothing, state, is_suspicious=False)
        ignore = self._ignore
        after, found = motion.step(
            self._motion, luma, t=frame.t, ignore=ignore, held=self._held(frame.t)
        )
        return Glance(frame, luma, found, after, self._is_active(found, at_rest_too=True))

    def take(self, glance: Glance, *, is_awake: bool, has_woken: bool = False) -> Seen:
        """Go on with a frame: follow tracks, look where it pays, learn.

        Raises:
            ModelError: inference failed.
        """
        before = self._motion
        self._begin_if_new(glance)
        t = glance.frame.t
        if before is not None and before.previous.shape == glance.luma.shape:
            self._follow(before.previous, glance)
        self._motion = glance.after
        has_woken = has_woken or glance.motion.is_scene_change
        looks = self._look(glance, is_awake=is_awake, has_woken=has_woken)
        found = suppress(item for look in looks for item in look.detections)
        return Seen(
            frame=glance.frame,
            luma=glance.luma,
            motion=glance.motion.boxes,
            detections=tuple(found),
            tracks=tuple(tracker.tracks(self._tracker)),
            inferences=len(looks),
            is_active=self._is_active(glance.motion, at_rest_too=False) or self._has_movers(t),
            is_dark=cv2.mean(glance.luma)[0] < DARK_LUMA,
        )

    def forget_scene(self) -> None:
        """The camera looks elsewhere: learn the background anew; every track ends."""
        self._motion = None
        self._shape = None
        self._tracker = tracker.forget_scene(self._tracker)
        self._attention = attention.forget_scene(self._attention)

    def _begin_if_new(self, glance: Glance) -> None:
        if self._shape == glance.luma.shape:
            return
        self._shape = glance.luma.shape
        self._ignore = None
        if self._scope.ignore:
            shape = (glance.luma.shape[0], glance.luma.shape[1])
            self._ignore = motion.make_ignored(self._scope.ignore, shape)

    def _follow(self, previous: Luma, glance: Glance) -> None:
        subjects = self._tracker.subjects
        elapsed_s = glance.frame.t - self._tracker.t
        leads = [
            Lead(
                item.box,
                (item.velocity[0] * elapsed_s, item.velocity[1] * elapsed_s),
                is_rigid=group_of(item.label) == "vehicle",
            )
            for item in subjects
        ]
        moved = follow(previous, glance.luma, leads, mask=glance.motion.mask)
        shares = _own_shares(glance.motion.mask, subjects, [item.box for item in moved])
        self._tracker = tracker.follow(self._tracker, Sighting(moved, shares), glance.frame.t)

    def _look(self, glance: Glance, *, is_awake: bool, has_woken: bool) -> list[Look]:
        frame = glance.frame
        size_px = (frame.y.shape[1], frame.y.shape[0])
        now = Situation(
            frame.t, size_px, self._tracker.subjects, glance.motion.boxes, is_awake, has_woken
        )
        self._attention, regions = attention.step(self._attention, now)
        if self._scope.looks_everywhere:
            regions = attention.everywhere(now)
        looks = []
        for region in regions:
            look = Look(region, tuple(self._infer(frame, region)))
            looks.append(look)
            shares = [_share(glance.motion.mask, item.box) for item in look.detections]
            self._tracker = tracker.learn(self._tracker, look, frame.t, stands_out=shares)
            now = Situation(
                frame.t, size_px, self._tracker.subjects, glance.motion.boxes, is_awake, has_woken
            )
            self._attention = attention.learn_barren(
                self._attention, now, region, [item.box for item in look.detections]
            )
        return looks

    def _infer(self, frame: Frame, region: Box) -> list[Detection]:
        picture = cut_square(frame, region, self._detector.input_px)
        placed = place(self._detector.detect(picture), region)
        found = suppress(above_thresholds(THRESHOLDS, placed))
        if self._ignore is None:
            return found
        return [item for item in found if not self._is_ignored(item.box)]

    def _is_ignored(self, box: Box) -> bool:
        """A thing is where it stands: its foot decides."""
        assert self._ignore is not None
        height, width = self._ignore.mask.shape
        column = min(int((box[0] + box[2]) / 2 * width), width - 1)
        row = min(int(box[3] * height), height - 1)
        return bool(self._ignore.mask[row, column])

    def _held(self, t: float) -> Held:
        subjects = self._tracker.subjects
        return Held(
            tracks=[
                _widen(subject.box)
                for subject in subjects
                if subject.track and t - subject.anchor_t < HELD_S
            ],
            guesses=[
                _widen(subject.box)
                for subject in subjects
                if not subject.track and t - subject.first_t < HELD_GUESS_S
            ],
        )

    def _has_movers(self, t: float) -> bool:
        return any(
            not is_stationary(subject, t)
            for subject in self._tracker.subjects
            if subject.stood_out or not subject.track
        )

    def _is_active(self, found: Motion, *, at_rest_too: bool) -> bool:
        if found.is_scene_change:
            return at_rest_too
        subjects: Sequence[Subject] = self._tracker.subjects
        boxes = found.boxes if at_rest_too else attention.unexplained(found.boxes, subjects)
        return any(not attention.is_barren(self._attention, box) for box in boxes)


def _share(mask: Luma, box: Box) -> float:
    """Share of a box that stands out from the background."""
    rows, columns = motion.pixels_of(box, (mask.shape[0], mask.shape[1]))
    return float(np.count_nonzero(mask[rows, columns])) / mask[rows, columns].size


def _own_shares(mask: Luma, subjects: Sequence[Subject], boxes: Sequence[Box]) -> list[float]:
    """Share of each box that stands out and is not better explained by a track seen later."""
    shares = []
    for row, box in enumerate(boxes):
        rows, columns = motion.pixels_of(box, (mask.shape[0], mask.shape[1]))
        own = np.ones((rows.stop - rows.start, columns.stop - columns.start), np.bool_)
        for other, subject in enumerate(subjects):
            if subject.misses < subjects[row].misses:
                _strike(
                    own,
                    motion.pixels_of(boxes[other], (mask.shape[0], mask.shape[1])),
                    rows,
                    columns,
                )
        out = np.count_nonzero((mask[rows, columns] > 0) & own)
        shares.append(float(out) / own.size)
    return shares


def _strike(
    own: npt.NDArray[np.bool_], taken: tuple[slice, slice], rows: slice, columns: slice
) -> None:
    """Mark as taken what of a window (rows, columns) lies in another one."""
    top, left = max(taken[0].start - rows.start, 0), max(taken[1].start - columns.start, 0)
    bottom, right = taken[0].stop - rows.start, taken[1].stop - columns.start
    if bottom > top and right > left:
        own[top:bottom, left:right] = False


def _widen(box: Box) -> Box:
    margin_x = (box[2] - box[0]) * HELD_MARGIN
    margin_y = (box[3] - box[1]) * HELD_MARGIN
    return (box[0] - margin_x, box[1] - margin_y, box[2] + margin_x, box[3] + margin_y)
