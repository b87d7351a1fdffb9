"""What goes in and out of one server, counted for /metrics; names are few whatever clients send."""

from __future__ import annotations

from collections import Counter
from typing import Literal

from aiohttp import web

Slow = Literal["handshake", "headers", "body", "reading"]
"""What a client was too slow with when its connection was ended."""


class Traffic:
    """Counts of one server since it was begun."""

    def __init__(self) -> None:
        """All zero."""
        self.requests: Counter[tuple[str, int]] = Counter()
        """By route, as the table has it, and first digit of the status."""
        self.cut: Counter[Slow] = Counter()
        self.turned_away = 0
        self.connections = 0

    def count(self, route: str, status: int) -> None:
        """Count an answer."""
        self.requests[route, status // 100] += 1


TRAFFIC = web.AppKey("traffic", Traffic)
