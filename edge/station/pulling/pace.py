"""How many bytes of records one feed of one pole may bring: a bucket that fills by time; pure.

Records are never evicted for want of room as files are, so that a pole which tells without end
would fill the station's disk and silence all others.
"""

from __future__ import annotations

from dataclasses import dataclass

from edge.clock import NS_PER_S


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a feed may bring.

    Attributes:
        burst_bytes: at once, as after days without a link: some 60,000 records.
        bytes_per_s: for ever; forty records a second, many times what the busiest pole tells.
    """

    burst_bytes: int = 64 * 2**20
    bytes_per_s: int = 40 * 2**10


class Pace:
    """Of one feed of one pole."""

    def __init__(self, allowance: Allowance) -> None:
        """The bucket is full."""
        self._allowance = allowance
        self._left_bytes = float(allowance.burst_bytes)
        self._filled_ns: int | None = None
        self._held_ns: int | None = None

    def take(self, size_bytes: int, now_ns: int) -> None:
        """Take out what has come; a page may take more than is in it."""
        allowance = self._allowance
        passed_s = 0.0 if self._filled_ns is None else (now_ns - self._filled_ns) / NS_PER_S
        left = min(allowance.burst_bytes, self._left_bytes + passed_s * allowance.bytes_per_s)
        if left >= allowance.burst_bytes / 4:  # not at the first bytes: it would come and go
            self._held_ns = None
        self._left_bytes, self._filled_ns = left - size_bytes, now_ns
        if self._left_bytes < 0 and self._held_ns is None:
            self._held_ns = now_ns

    def rest_s(self, now_ns: int) -> float:
        """Seconds until the next page may be asked for; 0: it may now."""
        passed_s = 0.0 if self._filled_ns is None else (now_ns - self._filled_ns) / NS_PER_S
        return max(0.0, -self._left_bytes / self._allowance.bytes_per_s - passed_s)

    def held_s(self, now_ns: int) -> float | None:
        """Seconds since the feed is held back; None: it is not."""
        return None if self._held_ns is None else (now_ns - self._held_ns) / NS_PER_S
