"""Which detection is which track: the best pairs first, by overlap and nearness."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from edge.box import area, iou, overlap_area
from edge.labels import group_of
from edge.model import Box, Detection

NEARNESS_WEIGHT = 0.5
"""Of nearness (0..1) beside IoU: it still ranks pairs that hardly overlap; own, by eye."""
PAIR_MIN = 0.35
"""Lowest worth of a pair: boxes of one size are then two thirds of it apart, IoU 0.19."""
SIZE_RATIO_MIN = 0.3
"""Smaller size over larger (roots of areas): legs and a whole person pair, a head and one don't."""
REACH = 1.3
"""Box sizes that a thing may have gone on unnoticed: only where both sides found no better pair."""
REACH_RATIO_MIN = 0.35
"""The same for a pair by reach, for which only size and distance speak: a little stricter."""


def pair(
    boxes: Mapping[int, Box], groups: Mapping[int, str], detections: Mapping[int, Detection],
    *, worth: Callable[[Box, Box], float],
) -> dict[int, int]:  # fmt: skip
    """Pair tracks with detections of their group, the worthiest pairs first.

    Args:
        boxes: where each track is expected, in fractions, by any number that names it.
        groups: each track's group, as `group_of` names it.
        detections: by any number.
        worth: of a track's box and a detection's; 0 for never.

    Returns:
        Track to detection; each at most once.
    """
    ranked = sorted(
        (-value, row, column)
        for row, box in boxes.items()
        for column, found in detections.items()
        if groups[row] == group_of(found.label) and (value := worth(box, found.box)) > 0
    )
    pairs: dict[int, int] = {}
    taken: set[int] = set()
    for _, row, column in ranked:
        if row not in pairs and column not in taken:
            pairs[row] = column
            taken.add(column)
    return pairs


def worth_by_place(first: Box, second: Box) -> float:
    """Worth of a pair a moment apart: overlap and nearness; 0 below `PAIR_MIN`."""
    if _size_ratio(first, second) < SIZE_RATIO_MIN:
        return 0.0
    nearness = max(0.0, 1.0 - _distance(first, second))
    value = iou(first, second) + NEARNESS_WEIGHT * nearness
    return value if value >= PAIR_MIN else 0.0


def worth_by_reach(first: Box, second: Box) -> float:
    """Worth of a pair when flow has lost the thing: it may be a body's width further on."""
    if _size_ratio(first, second) < REACH_RATIO_MIN:
        return 0.0
    return max(0.0, 1.0 - _distance(first, second) / REACH)


def _size_ratio(first: Box, second: Box) -> float:
    sizes = sorted((area(first), area(second)))
    return float((sizes[0] / sizes[1]) ** 0.5) if sizes[1] > 0 else 0.0


def _distance(first: Box, second: Box) -> float:
    """Distance of centres in mean box sizes."""
    width = ((first[2] - first[0]) + (second[2] - second[0])) / 2
    height = ((first[3] - first[1]) + (second[3] - second[1])) / 2
    away_x = abs(first[0] + first[2] - second[0] - second[2]) / 2 / max(width, 1e-6)
    away_y = abs(first[1] + first[3] - second[1] - second[3]) / 2 / max(height, 1e-6)
    return float((away_x**2 + away_y**2) ** 0.5)


def is_mostly_within(inner: Box, outer: Box, share: float) -> bool:
    """Tell whether at least `share` of the inner box lies in the outer one."""
    return area(inner) > 0 and overlap_area(inner, outer) >= share * area(inner)
