"""Geometry of boxes: how large they are and how far one covers another; pure."""

from __future__ import annotations

from edge.model import Box


def area(box: Box) -> float:
    """Area in fractions of the frame."""
    return (box[2] - box[0]) * (box[3] - box[1])


def overlap_area(first: Box, second: Box) -> float:
    """Area shared by two boxes."""
    width = min(first[2], second[2]) - max(first[0], second[0])
    height = min(first[3], second[3]) - max(first[1], second[1])
    return width * height if width > 0 and height > 0 else 0.0


def iou(first: Box, second: Box) -> float:
    """Intersection over union of two boxes, 0..1."""
    shared = overlap_area(first, second)
    return shared / (area(first) + area(second) - shared) if shared > 0 else 0.0


def overlap_share(first: Box, second: Box) -> float:
    """Shared area as a part of the smaller box, 0..1; 0 where that has no area."""
    smaller = min(area(first), area(second))
    return overlap_area(first, second) / smaller if smaller > 0 else 0.0
