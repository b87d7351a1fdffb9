"""From the detector's raw numbers to labelled boxes in the frame: decode, threshold, suppress."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from edge.box import iou, overlap_share
from edge.labels import group_of
from edge.model import Box, Detection

Floats = npt.NDArray[np.float32]

SCORE_MIN = 0.25
"""Below this a box helps nobody; the tracker uses weak ones to keep, never to begin, a track."""
THRESHOLDS = {
    "person": 0.25, "car": 0.25, "vehicle": 0.25, "bicycle": 0.3,
    "dog": 0.4, "cat": 0.4, "animal": 0.4,
}  # fmt: skip
"""Lowest scores that count in video: what is rare in a yard needs more proof. Own, by eye."""
OVERLAP_MAX = 0.45
"""IoU above which two boxes of one group are the same thing seen twice."""
INSIDE_MIN = 0.8
"""Share of the smaller box inside a bigger, better one of its group that makes it a part of it."""
EDGE_MARGIN = 0.02
"""A box this near (in crop sides) to an inner crop border is likely cut by it."""

_MAPS = (19, 10, 5, 3, 2, 1)
_SCALES = (0.2, 0.35, 0.5, 0.65, 0.8, 0.95, 1.0)
_CENTRE_SCALE, _SIZE_SCALE = 10.0, 5.0


def make_ssd_anchors() -> Floats:
    """Make the 1917 anchors of SSD MobileNet v2 at 300 px.

    Returns:
        (1917, 4) float32: centre y, centre x, height, width in fractions.

    Source: the model's card: 6 maps, scales linear from .2 to .95, first map (1, .1), (2, .2),
    (.5, .2), the others ratios 1, 2, .5, 3, 1/3 and one at the geometric mean with the next scale.
    """
    rows = []
    for index, cells in enumerate(_MAPS):
        scale, following = _SCALES[index], _SCALES[index + 1]
        shapes = [(scale, ratio) for ratio in (1.0, 2.0, 0.5, 3.0, 0.3333)]
        shapes.append(((scale * following) ** 0.5, 1.0))
        if index == 0:
            shapes = [(0.1, 1.0), (0.2, 2.0), (0.2, 0.5)]
        for row in range(cells):
            for column in range(cells):
                y, x = (row + 0.5) / cells, (column + 0.5) / cells
                rows += [(y, x, s / r**0.5, s * r**0.5) for s, r in shapes]
    return np.array(rows, np.float32)


def decode_ssd(
    encodings: Floats, logits: Floats, anchors: Floats, *, classes: Mapping[int, str]
) -> list[Detection]:
    """Decode an SSD head.

    Args:
        encodings: (n, 4) float32: cy, cx, h, w, scaled by 10, 10, 5, 5.
        logits: (n, classes) float32, sigmoid per class.
        anchors: (n, 4) as `make_ssd_anchors` gives them.
        classes: column of `logits` to our label; other columns are not looked at.

    Returns:
        Detections by falling score, at least `SCORE_MIN`, overlaps suppressed; boxes in fractions
        of the picture, not clipped.
    """
    columns = np.array(sorted(classes), np.intp)
    scores = 1.0 / (1.0 + np.exp(-logits[:, columns]))
    best = scores.argmax(axis=1)
    score = scores[np.arange(len(best)), best]
    kept = np.flatnonzero(score >= SCORE_MIN)
    anchor, code = anchors[kept], encodings[kept]
    centre_y = code[:, 0] / _CENTRE_SCALE * anchor[:, 2] + anchor[:, 0]
    centre_x = code[:, 1] / _CENTRE_SCALE * anchor[:, 3] + anchor[:, 1]
    half_h = np.exp(np.minimum(code[:, 2] / _SIZE_SCALE, 5.0)) * anchor[:, 2] / 2
    half_w = np.exp(np.minimum(code[:, 3] / _SIZE_SCALE, 5.0)) * anchor[:, 3] / 2
    corners = (centre_x - half_w, centre_y - half_h, centre_x + half_w, centre_y + half_h)
    boxes = np.stack(corners, axis=1).tolist()
    found = [
        Detection(classes[int(columns[best[row]])], float(score[row]), tuple(box))
        for row, box in zip(kept.tolist(), boxes, strict=True)
    ]
    return suppress(found)


def suppress(detections: Iterable[Detection]) -> list[Detection]:
    """Keep the best of those that show the same thing; vehicles of all labels are one group.

    Returns:
        By falling score; ties by place and label, so that the order never depends on the input's.
    """
    ranked = sorted(detections, key=lambda item: (-item.score, item.box, item.label))
    kept: list[Detection] = []
    for item in ranked:
        if not any(_is_same(item, better) for better in kept):
            kept.append(item)
    return kept


def place(detections: Iterable[Detection], crop: Box) -> list[Detection]:
    """Map boxes from a crop into the frame, leaving out those cut by an inner crop border.

    Args:
        detections: boxes in fractions of the crop.
        crop: the crop in fractions of the frame; may reach beyond it.
    """
    width, height = crop[2] - crop[0], crop[3] - crop[1]
    placed = []
    for item in detections:
        if _is_cut(item.box, crop):
            continue
        x_min, x_max = (crop[0] + item.box[side] * width for side in (0, 2))
        y_min, y_max = (crop[1] + item.box[side] * height for side in (1, 3))
        box = (max(x_min, 0.0), max(y_min, 0.0), min(x_max, 1.0), min(y_max, 1.0))
        if box[2] > box[0] and box[3] > box[1]:
            placed.append(Detection(item.label, item.score, box))
    return placed


def above_thresholds(
    thresholds: Mapping[str, float], found: Sequence[Detection]
) -> list[Detection]:
    """Keep what reaches its label's threshold."""
    return [item for item in found if item.score >= thresholds.get(item.label, 1.0)]


def _is_same(item: Detection, better: Detection) -> bool:
    if group_of(item.label) != group_of(better.label):
        return False
    return (
        iou(item.box, better.box) > OVERLAP_MAX or overlap_share(item.box, better.box) > INSIDE_MIN
    )


def _is_cut(box: Box, crop: Box) -> bool:
    """A border of the crop that is also one of the frame (or lies beyond) cuts nothing new."""
    low, high = EDGE_MARGIN, 1.0 - EDGE_MARGIN
    return (
        (box[0] < low and crop[0] > 0.0)
        or (box[1] < low and crop[1] > 0.0)
        or (box[2] > high and crop[2] < 1.0)
        or (box[3] > high and crop[3] < 1.0)
    )
