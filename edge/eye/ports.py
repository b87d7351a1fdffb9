"""What an eye needs from the world: one small Protocol each.

Adapters stand beside this file and in `sources/`, fakes in `tests/support/`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import numpy as np
import numpy.typing as npt

from edge.model import Detection, Packet, StreamFormat

Rgb = npt.NDArray[np.uint8]
"""(height, width, 3) uint8, RGB"""


class PacketSource(Protocol):
    """One stream of one camera, opened anew for each connection."""

    def packets(self) -> Iterator[StreamFormat | Packet]:
        """Open, then yield the format before the first packet and again whenever it changes.

        The first packet after a format is a keyframe. Ends when the source is at its end.

        Raises:
            SourceError: it can't be opened, refused, stalled or is not video.
        """
        ...

    def close(self) -> None:
        """Make a blocked `packets` end soon; may be called from another thread, and twice."""
        ...


class Detector(Protocol):
    """Finds labelled boxes in one square picture."""

    @property
    def input_px(self) -> int:
        """Width and height of the picture it takes."""
        ...

    def detect(self, picture: Rgb) -> list[Detection]:
        """Find things.

        Args:
            picture: (input_px, input_px, 3) uint8 RGB; not changed.

        Returns:
            Detections by falling score, boxes in fractions of the picture, overlaps already
            suppressed, scores not yet held against the per-label thresholds.

        Raises:
            ModelError: inference failed.
        """
        ...
