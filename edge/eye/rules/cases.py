"""A **case**: something that deserves an alert for as long as it lasts; pure.

Rule types find cases; whether a case is told, and how often, is `alerts.py`'s business.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from edge.model import Box, Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One case on one frame.

    Attributes:
        place: name of the zone or line; None = the whole picture.
        serial: counts the cases of one place from 1.
        subjects: who is in it, longest first.
        tracks: the tracks that took part so far, newest last.
        label: of the leading subject.
        box: around those in it now, or last in it.
        last_t: when it last held, seconds of media time.
        ended: why it is over (`left`, `gone`, `next`, …); None while it lasts.
        is_momentary: it may only be told on its first frame.
        data: what the rule type has to say.
    """

    place: str | None
    serial: int
    subjects: tuple[int, ...]
    tracks: tuple[int, ...]
    label: str
    box: Box
    last_t: float
    ended: str | None = None
    is_momentary: bool = False
    data: Mapping[str, Json] = field(default_factory=dict)

    @property
    def key(self) -> tuple[str | None, int]:
        """What tells it from the other cases of its rule."""
        return self.place, self.serial


def union_of(boxes: Sequence[Box]) -> Box | None:
    """Give the smallest box around several, or None when there are none."""
    if not boxes:
        return None
    x_mins, y_mins, x_maxs, y_maxs = zip(*boxes, strict=True)
    return min(x_mins), min(y_mins), max(x_maxs), max(y_maxs)
