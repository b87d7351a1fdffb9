"""How long a client may take over headers, a body, or reading an answer; pure.

aiohttp cuts none of these by itself: 300 half-written requests would hold a server for ever.
"""

from __future__ import annotations

from dataclasses import dataclass

from edge.serving.traffic import Slow

TAKEN_BYTES_MIN = 4096
"""What counts as progress: 164 bytes a second, a tenth of the slowest modem link."""


@dataclass(frozen=True, slots=True)
class Patience:
    """The limits, in seconds."""

    handshake_s: float = 10.0
    headers_s: float = 10.0
    body_s: float = 20.0
    reading_s: float = 25.0
    idle_s: float = 25.0
    """Between requests; with what it takes to notice, all that is slow is gone within 30 s."""


class Pace:
    """How far one connection has come."""

    def __init__(self, now_s: float) -> None:
        """It has just been made: the first request is awaited."""
        self._headers_since_s: float | None = now_s
        self._body_since_s: float | None = None
        self._mark_s: float | None = None
        self._mark_bytes = 0

    def await_headers(self, now_s: float) -> None:
        """A request has begun to come; nothing if that is known."""
        if self._headers_since_s is None:
            self._headers_since_s = now_s

    def begin_body(self, now_s: float) -> None:
        """The headers are there, the body is not."""
        self._headers_since_s, self._body_since_s = None, now_s

    def end_body(self) -> None:
        """The request is there."""
        self._headers_since_s = self._body_since_s = None

    def take(self, now_s: float, *, unsent_bytes: int, taken_bytes: int) -> None:
        """See how the client reads.

        Args:
            now_s: monotonic time.
            unsent_bytes: what waits here for it.
            taken_bytes: what it has confirmed of this connection in all.
        """
        if not unsent_bytes:
            self._mark_s = None
        elif self._mark_s is None or taken_bytes - self._mark_bytes >= TAKEN_BYTES_MIN:
            self._mark_s, self._mark_bytes = now_s, taken_bytes

    def find_slow(self, now_s: float, patience: Patience) -> Slow | None:
        """Say what the client has been too slow with; None: all is well."""
        limits: tuple[tuple[Slow, float | None, float], ...] = (
            ("headers", self._headers_since_s, patience.headers_s),
            ("body", self._body_since_s, patience.body_s),
            ("reading", self._mark_s, patience.reading_s),
        )
        for slow, since_s, limit_s in limits:
            if since_s is not None and now_s - since_s >= limit_s:
                return slow
        return None
