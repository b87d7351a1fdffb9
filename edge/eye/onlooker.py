"""The watch of a camera that nobody wants watched (`watch = false`): it counts, and does not look.

Nothing is decoded or inferred, so that such an eye costs little more than the bytes in its ring.
"""

from __future__ import annotations

import math
import zlib

from edge.eye.analysis import Seen
from edge.eye.watch import Counters
from edge.model import Packet, StreamFormat


class Onlooker:
    """Counts what comes; stands where a `Watch` does."""

    gop_s_max = math.inf
    is_awake = False
    is_frozen = False

    def __init__(self) -> None:
        """Nothing has come yet."""
        self.counters = Counters()
        self._checksum: int | None = None
        self._is_repeated = False

    @property
    def proofs(self) -> int:
        """Packets: whether they hold a picture only a decoder could tell."""
        return self.counters.frames

    def begin(self, stream_format: StreamFormat) -> None:
        """Take note of nothing: no decoder waits for a format."""

    def pause(self, *, is_paused: bool) -> None:
        """Judge as little as before."""

    def push(self, packet: Packet) -> list[Seen]:
        """Count the next packet; see nothing.

        A GOP counts as distinct when its keyframe differs from the one before in its bytes: noise
        makes every keyframe of a live sensor another. Counted by packet, since keyframes alone may
        be further apart than anybody waits for news.
        """
        self.counters.frames += 1
        if packet.is_keyframe:
            checksum = zlib.crc32(packet.data)
            self._is_repeated = checksum == self._checksum
            self._checksum = checksum
        self.counters.distinct += not self._is_repeated
        return []

    def drain(self) -> list[Seen]:
        """Hold nothing back."""
        return []
