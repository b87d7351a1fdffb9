"""A promise of a part of the agent: by when it will show that it still goes on.

Whoever waits for something says how long that may take at most, and keeps saying it. Who is late
hangs. Read by the watch (`watch.py`) from another task or thread than the one that promises.
"""

from __future__ import annotations

from edge.clock import NS_PER_S, Clock


class Promise:
    """One part's."""

    def __init__(self, clock: Clock) -> None:
        """Nothing is promised yet."""
        self._clock = clock
        self._due_ns: int | None = None

    def renew(self, within_s: float) -> None:
        """Promise to be back within so many seconds from now."""
        self._due_ns = self._clock.monotonic_ns() + round(within_s * NS_PER_S)

    def rest(self) -> None:
        """Promise nothing for now: another part is waited for, which has a promise of its own."""
        self._due_ns = None

    @property
    def late_s(self) -> float:
        """For how long it has been broken; 0 while it holds."""
        due_ns = self._due_ns
        if due_ns is None:
            return 0.0
        return max(0.0, (self._clock.monotonic_ns() - due_ns) / NS_PER_S)
