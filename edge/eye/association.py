"""Which detection is which track: the best pairs first, by overlap and nearness."""

from __future__ import annotations

from collections.abc import Sequence

from edge.eye.postprocess import area, group_of, iou, overlap_area
from edge.model import Box, Detection

NEARNESS_WEIGHT = 0.5
PAIR_MIN = 0.35
"""Lowest worth of a pair: about IoU 0.1 with centres a third of a box apart."""
SIZE_RATIO_MIN = 0.3


def pair(
    boxes: Sequence[Box], groups: Sequence[str], detections: Sequence[Detection]
) -> list[tuple[int, int]]:
    """Pair tracks with detections of their group.

    Args:
        boxes: where the tracks are expected, in fractions.
        groups: one for each track, as `group_of` names them.
        detections: in any order.

    Returns:
        (track index, detection index), best first; each index at most once.
    """
    worths = [
        (worth(box, found.box), -row, -column)
        for row, box in enumerate(boxes)
        for column, found in enumerate(detections)
        if groups[row] == group_of(found.label)
    ]
    pairs: list[tuple[int, int]] = []
    rows: set[int] = set()
    columns: set[int] = set()
    for value, minus_row, minus_column in sorted(worths, reverse=True):
        row, column = -minus_row, -minus_column
        if value < PAIR_MIN:
            break
        if row not in rows and column not in columns:
            rows.add(row)
            columns.add(column)
            pairs.append((row, column))
    return pairs


def worth(first: Box, second: Box) -> float:
    """Say how likely two boxes are the same thing a moment apart: 0 never, 1.5 certainly."""
    sizes = sorted((area(first), area(second)))
    if sizes[1] <= 0 or sizes[0] / sizes[1] < SIZE_RATIO_MIN**2:
        return 0.0
    width = ((first[2] - first[0]) + (second[2] - second[0])) / 2
    height = ((first[3] - first[1]) + (second[3] - second[1])) / 2
    away_x = abs(first[0] + first[2] - second[0] - second[2]) / 2 / max(width, 1e-6)
    away_y = abs(first[1] + first[3] - second[1] - second[3]) / 2 / max(height, 1e-6)
    nearness = max(0.0, 1.0 - (away_x**2 + away_y**2) ** 0.5)
    return iou(first, second) + NEARNESS_WEIGHT * nearness


def is_mostly_within(inner: Box, outer: Box, share: float) -> bool:
    """Tell whether at least `share` of the inner box lies in the outer one."""
    return area(inner) > 0 and overlap_area(inner, outer) >= share * area(inner)
