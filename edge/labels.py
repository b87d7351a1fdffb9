"""Labels: which ones the detector of this version gives, which are alternatives; pure.

The configuration knows more (`model.LABELS`), so that a file need not change with the detector.
"""

from __future__ import annotations

from collections.abc import Mapping

from edge.model import VEHICLE_LABELS

OPEN_IMAGES: Mapping[str, str] = {
    "Person": "person",
    "Car": "car",
    "Vehicle": "vehicle",
    "Bicycle": "bicycle",
    "Dog": "dog",
    "Cat": "cat",
    "Cattle": "animal",
}
"""The detector's name of a class → our label. It has no class for trucks, buses or motorcycles:
they come as `vehicle`, or as `car`."""
GIVEN = frozenset(OPEN_IMAGES.values())
"""All that a detection, and so a track, can be labelled in this version."""


def group_of(label: str) -> str:
    """Name the group within which labels are alternatives for one thing."""
    return "vehicle" if label in VEHICLE_LABELS else label
