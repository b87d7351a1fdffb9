"""Holds an eye's lines against the truth of a clip; pure, all box metrics by motmetrics.

What is ours is only the pairing of what motmetrics counts: which labels belong to a group, which
analysed frame stands for which instant, which instants the truth knows at all.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import motmetrics
import numpy as np
import numpy.typing as npt

from edge.model import VEHICLE_LABELS, Box
from tests.replay.eye_run import AlertLine, TrackLine
from tests.replay.truth import EDGE_S, Keyframe, Span, Truth

IOU_MIN = 0.5
OFFSET_S_MAX = 0.15
"""Farthest an analysed frame may be from the instant it stands for."""
ALERT_S_MAX = 3.0
"""Latest an alert may open after a visit began."""
GRID_S = 0.2
"""Step of the instants at which identity is asked: the least an awake eye prints."""
CYCLIST_LABELS = ("bicycle", "person", "motorcycle")


@dataclass(frozen=True, slots=True)
class Found:
    """A track's box on the analysed frame asked for."""

    track: int
    label: str
    box: Box


@dataclass(frozen=True, slots=True)
class Sample:
    """One instant: the truth, what was found, and how far from the instant that was."""

    t: float
    truth: tuple[Box, ...]
    found: tuple[Found, ...]
    offset_s: float | None


@dataclass(frozen=True, slots=True)
class Fault:
    """A box missed or made up, with the best overlap there was on the other side."""

    kind: str
    t: float
    box: Box
    best_iou: float
    track: int | None = None
    label: str = ""


@dataclass(frozen=True, slots=True)
class BoxScore:
    """Boxes of one group at the keyframes; None where nothing was there to divide by."""

    truth_count: int
    found_count: int
    precision: float | None
    recall: float | None
    mean_iou: float | None
    offset_s: float | None
    faults: tuple[Fault, ...]


@dataclass(frozen=True, slots=True)
class IdentityScore:
    """How well tracks keep apart what the truth keeps apart."""

    idf1: float | None
    switch_count: int
    tracks_per_visit: tuple[int, ...]
    objects_per_visit: tuple[int, ...]
    track_count: int


@dataclass(frozen=True, slots=True)
class VisitScore:
    """Alerts opened in time, too late and in times known to be empty."""

    expected: int
    in_time: int
    late: int
    false_t: tuple[float, ...]


def find_at(tracks: Sequence[TrackLine], t: float) -> tuple[tuple[Found, ...], float | None]:
    """Take the boxes of the analysed frame nearest to an instant.

    Returns:
        The boxes, and the frame's distance in seconds; nothing and None if it is too far.
    """
    alive = [line for line in tracks if line.phase != "close"]
    nearest = min(alive, key=lambda line: abs(line.t - t), default=None)
    # Half a millisecond more: times are printed rounded.
    if nearest is None or abs(nearest.t - t) > OFFSET_S_MAX + 0.0005:
        return (), None
    found = tuple(Found(line.track, line.label, line.box) for line in alive if line.t == nearest.t)
    return found, abs(nearest.t - t)


def make_samples(truth: Truth, group: str, tracks: Sequence[TrackLine]) -> list[Sample]:
    """Pair each keyframe's boxes of a group with what was found of it.

    A box in an ignored region is dropped unless it finds a box of the truth: the truth names some
    things whose middle lies there, and it is no fault to find them.
    """
    samples = []
    for keyframe in truth.keyframes:
        found, offset_s = find_at(tracks, keyframe.t)
        wanted = tuple(known.box for known in keyframe.boxes if known.group == group)
        mine = _pick(group, found, keyframe)
        nearest = _distances(wanted, [one.box for one in mine]).min(axis=0, initial=1.0)
        counted = tuple(
            one
            for one, distance in zip(mine, nearest, strict=True)
            if distance <= 1 - IOU_MIN or not _is_ignored(one.box, truth.ignore)
        )
        samples.append(Sample(keyframe.t, wanted, counted, offset_s))
    return samples


def score_boxes(samples: Sequence[Sample]) -> BoxScore:
    """Precision, recall and mean overlap at IoU 0.5; samples of several clips may be pooled."""
    account = motmetrics.MOTAccumulator(auto_id=True)
    misses: list[Fault] = []
    falses: list[Fault] = []
    for sample in samples:
        distances = _distances(sample.truth, [one.box for one in sample.found])
        # Keyframes lie seconds apart and name nobody, so every box is somebody new.
        truth_ids = range(len(misses), len(misses) + len(sample.truth))
        found_ids = range(len(falses), len(falses) + len(sample.found))
        account.update(
            list(truth_ids), list(found_ids), np.where(distances > 1 - IOU_MIN, np.nan, distances)
        )
        misses += _make_misses(sample, distances)
        falses += _make_falses(sample, distances)
    events = account.mot_events
    faults = [misses[int(index)] for index in events.loc[events["Type"] == "MISS", "OId"]]
    faults += [falses[int(index)] for index in events.loc[events["Type"] == "FP", "HId"]]
    got = _compute(account, ["precision", "recall", "motp"])
    offsets = [sample.offset_s for sample in samples if sample.offset_s is not None]
    return BoxScore(
        truth_count=len(misses),
        found_count=len(falses),
        precision=got["precision"],
        recall=got["recall"],
        mean_iou=None if got["motp"] is None else 1.0 - got["motp"],
        offset_s=max(offsets, default=None),
        faults=tuple(sorted(faults, key=lambda fault: fault.t)),
    )


def score_identity(truth: Truth, group: str, tracks: Sequence[TrackLine]) -> IdentityScore | None:
    """IDF1 by presence: at an instant every track of the group may be every thing present.

    Instants near a coming or going, and those of which the truth says nothing, are left out.
    """
    if not truth.objects:
        return None
    account = motmetrics.MOTAccumulator(auto_id=True)
    mine = _of_group(truth, group, tracks)
    for t in _known_instants(truth):
        present = [index for index, known in enumerate(truth.objects) if known.span.holds(t)]
        found = [one.track for one in find_at(mine, t)[0]]
        account.update(present, found, np.zeros((len(present), len(found))))
    got = _compute(account, ["idf1", "num_switches"])
    return IdentityScore(
        idf1=got["idf1"],
        switch_count=int(got["num_switches"] or 0),
        tracks_per_visit=tuple(
            len({line.track for line in mine if visit.holds(line.t)}) for visit in truth.visits
        ),
        objects_per_visit=tuple(
            sum(_do_meet(known.span, visit) for known in truth.objects) for visit in truth.visits
        ),
        track_count=len({line.track for line in mine}),
    )


def score_visits(truth: Truth, alerts: Sequence[AlertLine]) -> VisitScore | None:
    """Hold the times alerts opened against the visits and the empty times."""
    if not truth.visits:
        return None
    opened = [line.t for line in alerts if line.phase == "open"]
    in_time = late = 0
    for visit in truth.visits:
        within = [t for t in opened if visit.from_t - EDGE_S <= t <= visit.to_t]
        delay_s = min(within, default=math.inf) - visit.from_t
        in_time += delay_s <= ALERT_S_MAX
        late += ALERT_S_MAX < delay_s < math.inf
    false_t = tuple(t for t in opened if any(span.holds(t) for span in truth.empty))
    return VisitScore(len(truth.visits), in_time, late, false_t)


def _compute(account: motmetrics.MOTAccumulator, names: list[str]) -> dict[str, float | None]:
    table = motmetrics.metrics.create().compute(account, metrics=names, name="all")
    values = {name: float(table.loc["all", name]) for name in names}
    return {name: None if math.isnan(value) else value for name, value in values.items()}


def _distances(truth: Sequence[Box], found: Sequence[Box]) -> npt.NDArray[np.float64]:
    """1 - IoU of every pair, (truth, found) float64."""
    if not truth or not found:
        return np.zeros((len(truth), len(found)))
    widths = [[(b[0], b[1], b[2] - b[0], b[3] - b[1]) for b in side] for side in (truth, found)]
    return np.asarray(motmetrics.distances.iou_matrix(*widths, max_iou=1.0), dtype=np.float64)


def _make_misses(sample: Sample, distances: npt.NDArray[np.float64]) -> list[Fault]:
    """Make the fault each box of the truth would be if nothing matched it."""
    return [
        Fault("miss", sample.t, box, 1.0 - float(row.min(initial=1.0)))
        for box, row in zip(sample.truth, distances, strict=True)
    ]


def _make_falses(sample: Sample, distances: npt.NDArray[np.float64]) -> list[Fault]:
    """Make the fault each box found would be if it matched nothing."""
    return [
        Fault("false", sample.t, one.box, 1.0 - float(row.min(initial=1.0)), one.track, one.label)
        for one, row in zip(sample.found, distances.T, strict=True)
    ]


def _known_instants(truth: Truth) -> list[float]:
    """Instants at which it is sure who is there, or that nobody is."""
    grid = [step * GRID_S for step in range(int(truth.duration_s / GRID_S) + 1)]
    edges = [edge for one in truth.objects for edge in (one.span.from_t, one.span.to_t)]
    known = [*(one.span for one in truth.objects), *truth.empty]
    return [
        t
        for t in grid
        if all(abs(t - edge) >= EDGE_S for edge in edges) and any(span.holds(t) for span in known)
    ]


def _of_group(truth: Truth, group: str, tracks: Sequence[TrackLine]) -> list[TrackLine]:
    labels = VEHICLE_LABELS if group == "vehicle" else (group,)
    return [
        line for line in tracks if line.label in labels and not _is_ignored(line.box, truth.ignore)
    ]


def _pick(group: str, found: Sequence[Found], keyframe: Keyframe) -> tuple[Found, ...]:
    """Choose the boxes that count for a group.

    A rider gives a person, a bicycle or a motorcycle, or two of them: of those that meet a cyclist
    of the truth only the best counts, and none of them as a person or vehicle. People beside a
    cyclist are left out, for the one clip with a cyclist does not name them.
    """
    cyclists = [known.box for known in keyframe.boxes if known.group == "cyclist"]
    riders = [
        one
        for one in found
        if one.label in CYCLIST_LABELS and any(_do_overlap(one.box, box) for box in cyclists)
    ]
    if group != "cyclist":
        labels = VEHICLE_LABELS if group == "vehicle" else (group,)
        return tuple(one for one in found if one.label in labels and one not in riders)
    alone = [one for one in found if one.label == "bicycle" and one not in riders]
    distances = _distances(cyclists, [one.box for one in riders])
    best = {int(row.argmin()) for row in distances} if riders else set()
    return tuple([riders[index] for index in sorted(best)] + alone)


def _is_inside(box: Box, region: Box) -> bool:
    x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    return region[0] <= x <= region[2] and region[1] <= y <= region[3]


def _is_ignored(box: Box, regions: Sequence[Box]) -> bool:
    return any(_is_inside(box, region) for region in regions)


def _do_overlap(one: Box, other: Box) -> bool:
    return _is_inside(one, other) or _is_inside(other, one)


def _do_meet(one: Span, other: Span) -> bool:
    return one.from_t <= other.to_t and other.from_t <= one.to_t
