"""A `Detector` for the things of `builders.Thing`, as badly behaved as a real one, or worse."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace

import cv2
import numpy as np

from edge.errors import ModelError
from edge.eye.ports import Rgb
from edge.eye.postprocess import suppress
from edge.model import Box, Detection

DARK_MAX, LIGHT_MIN = 40, 215
"""RGB levels: only the blocks of things are darker or lighter, and neither is padding."""
JOIN_PX = 7
SIDE_PX_MIN = 6


@dataclass(frozen=True, slots=True)
class Manners:
    """How it misbehaves; the shares are of things (or pictures, for `stray_share`), 0..1.

    Attributes:
        miss_share: not found at all.
        jitter: standard deviation of each side, as a share of the box's size.
        weak_share: found with a score of 0.26 to 0.45 only.
        double_share: found twice, the second box half a width beside the first.
        stray_share: there is also a box of an odd size, partly or wholly beyond the picture.
        blank_every: each n-th picture shows nothing at all; 0 for never.
        fail_at: the call, counted from 0, that raises ModelError; None for never.
    """

    miss_share: float = 0.0
    jitter: float = 0.0
    weak_share: float = 0.0
    double_share: float = 0.0
    stray_share: float = 0.0
    blank_every: int = 0
    fail_at: int | None = None


GOOD = Manners()
BAD = Manners(
    miss_share=0.2, jitter=0.04, weak_share=0.2, double_share=0.1, stray_share=0.1, blank_every=7
)


class FakeDetector:
    """Finds very dark and very light blocks and then does as its manners are.

    What it does to a picture depends on the seed and that picture only, so it is repeatable;
    but for `blank_every` and `fail_at`, which count calls.
    """

    def __init__(
        self,
        manners: Manners = GOOD,
        *,
        seed: int = 1,
        label: str = "person",
        on_call: Callable[[], None] = lambda: None,
    ) -> None:
        """`on_call` runs first in each call: move a ManualClock there to be slow."""
        self._manners = manners
        self._seed = seed
        self._label = label
        self._on_call = on_call
        self.calls = 0

    @property
    def input_px(self) -> int:
        """As the real one's."""
        return 300

    def detect(self, picture: Rgb) -> list[Detection]:
        """See `Detector.detect`."""
        self._on_call()
        self.calls += 1
        manners = self._manners
        if manners.fail_at is not None and self.calls == manners.fail_at + 1:
            raise ModelError("inference failed: the fake was told to")
        if manners.blank_every and self.calls % manners.blank_every == 0:
            return []
        chance = np.random.default_rng((self._seed, zlib.crc32(picture.tobytes())))
        found = [
            told
            for box in find_things(picture)
            for told in self._tell(Detection(self._label, 0.85, box), chance)
        ]
        if chance.random() < manners.stray_share:
            found.append(_stray(self._label, chance))
        return suppress(found)

    def _tell(self, true: Detection, chance: np.random.Generator) -> list[Detection]:
        manners = self._manners
        is_missed, is_weak, is_double = chance.random(3) < (
            manners.miss_share, manners.weak_share, manners.double_share,
        )  # fmt: skip
        shakes = chance.normal(0.0, 1.0, 4) * manners.jitter
        score = float(chance.uniform(0.26, 0.45)) if is_weak else true.score
        if is_missed:
            return []
        told = replace(true, score=score, box=_shake(true.box, shakes.tolist()))
        if not is_double:
            return [told]
        half = (told.box[2] - told.box[0]) / 2
        beside = (told.box[0] + half, told.box[1], told.box[2] + half, told.box[3])
        return [told, replace(told, score=score * 0.8, box=beside)]


def find_things(picture: Rgb) -> list[Box]:
    """Find every patch of blocks, to the pixel; in order of place."""
    low, high = picture.min(axis=2), picture.max(axis=2)
    mask = ((high <= DARK_MAX) | (low >= LIGHT_MIN)).astype(np.uint8)
    joined = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((JOIN_PX, JOIN_PX), np.uint8))
    count, _, stats, _ = cv2.connectedComponentsWithStats(joined)
    height, width = mask.shape
    boxes: list[Box] = [
        (x / width, y / height, (x + w) / width, (y + h) / height)
        for x, y, w, h, _ in stats[1:count].tolist()
        if min(w, h) >= SIDE_PX_MIN
    ]
    return sorted(boxes)


def _shake(box: Box, shakes: list[float]) -> Box:
    width, height = box[2] - box[0], box[3] - box[1]
    x_min, x_max = box[0] + shakes[0] * width, box[2] + shakes[2] * width
    y_min, y_max = box[1] + shakes[1] * height, box[3] + shakes[3] * height
    return (min(x_min, x_max), min(y_min, y_max), max(x_min, x_max), max(y_min, y_max))


def _stray(label: str, chance: np.random.Generator) -> Detection:
    """Something that is not there: a sliver, or a box larger than the picture, off its edge."""
    x, y = chance.uniform(-0.3, 1.2, 2).tolist()
    width, height = (0.003, 0.9) if chance.random() < 0.5 else (1.4, 0.7)
    return Detection(label, float(chance.uniform(0.26, 0.45)), (x, y, x + width, y + height))
