"""How many bytes an hour a link may carry, and who has to wait once that is used up; pure."""

from __future__ import annotations

import math
from collections import deque
from enum import IntEnum

from edge.clock import NS_PER_S


class Rank(IntEnum):
    """What goes first over a link that is too thin for all, the most urgent first."""

    ALERTS = 0
    SNAPSHOTS = 1
    CLIPS = 2
    REST = 3


SHARES = {Rank.ALERTS: math.inf, Rank.SNAPSHOTS: 1.0, Rank.CLIPS: 0.75, Rank.REST: 0.75}
"""Up to which part of the budget each rank may go on: the last quarter is for snapshots."""
_HOUR_NS = 3600 * NS_PER_S
_BIN_NS = 60 * NS_PER_S


class Budget:
    """The bytes of the last hour, counted by the minute; used for all ranks, kept from some."""

    def __init__(self, bytes_per_hour: int) -> None:
        """Nothing is used yet."""
        self.bytes_per_hour = bytes_per_hour
        self._bins: deque[tuple[int, int]] = deque()

    def spend(self, size_bytes: int, now_ns: int) -> None:
        """Count what has gone out."""
        self._forget(now_ns)
        minute = now_ns // _BIN_NS
        if self._bins and self._bins[-1][0] == minute:
            size_bytes += self._bins.pop()[1]
        self._bins.append((minute, size_bytes))

    def used_bytes(self, now_ns: int) -> int:
        """What has gone out in the last hour."""
        self._forget(now_ns)
        return sum(size_bytes for _, size_bytes in self._bins)

    def wait_s(self, rank: Rank, now_ns: int) -> float:
        """How long somebody of this rank has to wait; 0: he need not."""
        over_bytes = self.used_bytes(now_ns) - SHARES[rank] * self.bytes_per_hour
        if over_bytes < 0:
            return 0.0
        for minute, size_bytes in self._bins:
            over_bytes -= size_bytes
            if over_bytes < 0:
                return max(1.0, ((minute + 1) * _BIN_NS + _HOUR_NS - now_ns) / NS_PER_S)
        return _HOUR_NS / NS_PER_S

    def _forget(self, now_ns: int) -> None:
        while self._bins and (self._bins[0][0] + 1) * _BIN_NS + _HOUR_NS <= now_ns:
            self._bins.popleft()
