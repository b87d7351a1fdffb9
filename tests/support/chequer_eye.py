"""`polewatch eye` with a detector that knows the rectangles of `video.py`, and needs no model.

Run as `python -m tests.support.chequer_eye SOURCE …`; options as of `polewatch eye`, and
`--ring-bytes`, `--pre-roll`, `--post-roll` for what else stands in a configuration.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
import threading
from dataclasses import replace

import cv2
import numpy as np

from edge.commands.eye import add_arguments, make_options
from edge.exits import run_to_exit_code
from edge.eye.main import run
from edge.eye.ports import Rgb
from edge.model import Detection

LIGHT_MIN = 190
"""Only the rectangles' light squares are lighter; what pads a picture is darker."""


class ChequerDetector:
    """Takes every patch of light squares for a person."""

    @property
    def input_px(self) -> int:
        """As the real detector."""
        return 320

    def detect(self, picture: Rgb) -> list[Detection]:
        """See `Detector.detect`."""
        light = (picture.min(axis=2) >= LIGHT_MIN).astype(np.uint8)
        reach = self.input_px // 10
        joined = cv2.dilate(light, np.ones((reach, reach), np.uint8))
        count, _, stats, _ = cv2.connectedComponentsWithStats(joined)
        found = []
        for index in range(1, count):
            x, y, width, height = (int(value) for value in stats[index][:4])
            margin = reach // 2
            box = (
                (x + margin) / self.input_px,
                (y + margin) / self.input_px,
                (x + width - margin) / self.input_px,
                (y + height - margin) / self.input_px,
            )
            if box[2] - box[0] > 0.01 and box[3] - box[1] > 0.01:
                found.append(Detection("person", 0.9, box))
        return found


def main() -> int:
    """Run one eye."""
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    parser.add_argument("--ring-bytes", type=int, default=15 * 2**20)
    parser.add_argument("--pre-roll", type=float, default=10.0)
    parser.add_argument("--post-roll", type=float, default=10.0)
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    options = replace(
        make_options(args),
        ring_bytes=args.ring_bytes,
        pre_roll_s=args.pre_roll,
        post_roll_s=args.post_roll,
    )
    code = run_to_exit_code(lambda: run(options, detector=ChequerDetector()))
    if threading.active_count() > 1:
        sys.stderr.flush()
        os._exit(code)
    return code


if __name__ == "__main__":
    sys.exit(main())
