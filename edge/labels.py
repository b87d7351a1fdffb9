"""Which of our labels the detector of this version can give, and what its classes are called; pure.

The configuration knows more (`model.LABELS`), so that a file need not change with the detector.
"""

from __future__ import annotations

from collections.abc import Mapping

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
