"""A clock that stands still until it is moved."""

from __future__ import annotations

import threading

_NS_PER_S = 1_000_000_000
_MS_PER_S = 1000


class ManualClock:
    """Both clocks of `edge.clock.Clock`; safe to move while other threads read it."""

    def __init__(self, *, utc_ms: int = 1_700_000_000_000) -> None:
        """Start at a wall time; the monotonic clock starts at 0."""
        self._lock = threading.Lock()
        self._utc_ms = utc_ms
        self._passed_ns = 0

    def utc_ms(self) -> int:
        """Wall time, milliseconds since 1970 UTC."""
        with self._lock:
            return self._utc_ms + self._passed_ns // (_NS_PER_S // _MS_PER_S)

    def monotonic_ns(self) -> int:
        """Nanoseconds since it was made."""
        with self._lock:
            return self._passed_ns

    def set_to(self, utc_ms: int) -> None:
        """Set the wall clock; no time passes."""
        with self._lock:
            self._utc_ms = utc_ms - self._passed_ns // (_NS_PER_S // _MS_PER_S)

    def move(self, duration_s: float) -> None:
        """Let time pass."""
        with self._lock:
            self._passed_ns += round(duration_s * _NS_PER_S)
