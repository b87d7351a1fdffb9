"""How much of something is let through: so many at once, and so many in a time; pure."""

from __future__ import annotations

from dataclasses import dataclass

from edge.clock import NS_PER_S


@dataclass(frozen=True, slots=True)
class Limit:
    """`burst` at once, then `per_s` a second on average."""

    burst: float
    per_s: float


class Allowance:
    """What is left of a limit; full at first."""

    def __init__(self, limit: Limit) -> None:
        """Nothing has been taken."""
        self._limit = limit
        self._left = limit.burst
        self._seen_ns: int | None = None

    def take(self, now_ns: int) -> bool:
        """Take one at a monotonic time; False where there is none left."""
        if self._seen_ns is not None:
            back = (now_ns - self._seen_ns) / NS_PER_S * self._limit.per_s
            self._left = min(self._left + back, self._limit.burst)
        self._seen_ns = now_ns
        if self._left < 1:
            return False
        self._left -= 1
        return True
