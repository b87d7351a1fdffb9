"""Says what goes wrong for longer: once when it begins, and again only when it changes."""

from __future__ import annotations

import logging

from edge.clock import NS_PER_S, Clock
from edge.errors import SourceError
from edge.eye.intake import Lane
from edge.eye.ring import Ring

BACK_S = 10.0
"""A stream that stays this long is back; one that comes and goes counts as lost."""

_log = logging.getLogger(__name__)


class Troubles:
    """What one eye has said of its streams, its ring and its pace."""

    def __init__(self, clock: Clock, *, gop_s_max: float) -> None:
        """All is well. Keyframes further apart than `gop_s_max` seconds cost decoding."""
        self._clock = clock
        self._gop_s_max = gop_s_max
        self._faults: dict[Lane, str] = {}
        self._back_ns: dict[Lane, int] = {}
        self._is_short = False
        self._is_dropping = False
        self._dropped = 0
        self._long_gops: set[Lane] = set()

    def lose(self, lane: Lane, error: SourceError, *, retry_s: float) -> None:
        """Take note that a stream is gone."""
        said = str(error)
        self._back_ns.pop(lane, None)
        if self._faults.get(lane) != said:
            _log.warning("%s stream lost: %s; retry_s=%.0f", lane, said, retry_s)
            self._faults[lane] = said

    def miss(self, lane: Lane, said: str) -> None:
        """Take note that a stream brings nothing although its connection stands."""
        if lane not in self._faults:
            _log.warning("%s stream lost: %s", lane, said)
            self._faults[lane] = said

    def begin(self, lane: Lane, *, gop_s: float) -> None:
        """Take note that a stream has begun, or that its keyframes are further apart."""
        if gop_s > self._gop_s_max and lane not in self._long_gops:
            self._long_gops.add(lane)
            _log.warning(
                "%s stream: keyframes are %.1f s apart; set the camera's keyframe interval"
                " (GOP, I-frame interval) to 1 s: now every frame has to be decoded",
                lane, gop_s,
            )  # fmt: skip
        if lane in self._faults:
            self._back_ns[lane] = self._clock.monotonic_ns()

    def go_on(self, lane: Lane) -> None:
        """Take note of a packet."""
        back_ns = self._back_ns.get(lane)
        if back_ns is None or self._clock.monotonic_ns() - back_ns < BACK_S * NS_PER_S:
            return
        del self._back_ns[lane]
        if self._faults.pop(lane, None) is not None:
            _log.warning("%s stream is back", lane)

    def look(self, ring: Ring, *, dropped: int) -> None:
        """Look whether memory or time run short.

        Args:
            ring: the main stream's.
            dropped: packets that the intake has dropped since the start.
        """
        if ring.is_short and not self._is_short:
            _log.warning(
                "the ring holds %.1f s, less than the pre-roll:"
                " raise ring_bytes, or lower the camera's bit rate or keyframe interval",
                ring.span_s,
            )
        is_dropping = dropped > self._dropped
        if is_dropping and not self._is_dropping:
            _log.warning("this machine can't keep up: %d packets dropped, by whole GOPs", dropped)
        self._is_short, self._is_dropping, self._dropped = ring.is_short, is_dropping, dropped
