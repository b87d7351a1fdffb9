"""An eye whose detector costs nothing, in a process of its own (`python -m edge.bench.stand_in`).

It finds the bench's red walker by colour, so the eye stays awake, follows a track and looks as
often as it always does; all its work is measured, and inference is not.
"""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np

from edge.config.load import make_trial_rules
from edge.eye.main import Options
from edge.eye.main import run as run_eye
from edge.eye.ports import Rgb
from edge.model import Detection

_INPUT_PX = 300
"""The real detector's, so that cutting and scaling cost the same."""
_RED_OVER_GREEN = 60
_PIXELS_MIN = 12


class RedFinder:
    """A Detector that calls everything strongly red a person."""

    @property
    def input_px(self) -> int:
        """See `Detector.input_px`."""
        return _INPUT_PX

    def detect(self, picture: Rgb) -> list[Detection]:
        """See `Detector.detect`."""
        redness = cv2.subtract(picture[..., 0], picture[..., 1])
        is_red = (redness > _RED_OVER_GREEN).astype(np.uint8)
        if cv2.countNonZero(is_red) < _PIXELS_MIN:
            return []
        x, y, width, height = cv2.boundingRect(is_red)
        box = (x, y, x + width, y + height)
        return [
            Detection(
                "person", 0.9,
                (box[0] / _INPUT_PX, box[1] / _INPUT_PX, box[2] / _INPUT_PX, box[3] / _INPUT_PX),
            )
        ]  # fmt: skip


def main(arguments: list[str]) -> int:
    """Run an eye on one clip at once; its lines go to standard output."""
    cv2.setNumThreads(1)  # as the real detector's loading does
    path = Path(arguments[0])
    options = Options(camera=path.stem, main=str(path), rules=make_trial_rules(), pace="max")
    return run_eye(options, detector=RedFinder())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
