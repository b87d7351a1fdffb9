"""What those outside are told, in the order in which it came."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from edge.feeds import Feed


@dataclass(frozen=True, slots=True)
class Arrival:
    """A record in the order in which it was kept here; `number` rises from 1, with holes."""

    number: int
    pole: str
    received_ms: int
    body: bytes


class Arrivals(Protocol):
    """What those outside are told, in the order in which it came."""

    @property
    def newest(self) -> int:
        """The number of the newest record of any feed; 0: there is none."""
        ...

    async def arrivals(self, *, after: int, feeds: Sequence[Feed], limit: int) -> list[Arrival]:
        """Records of these feeds after a number; every pole's and the station's own."""
        ...

    async def wait_for_arrival(self, *, after: int, timeout_s: float) -> bool:
        """Wait until a record is kept; false: not in this time."""
        ...

    async def told_to(self, webhook: str) -> int | None:
        """The number up to which somebody has been told; None: never."""
        ...

    async def note_told(self, webhook: str, number: int) -> None:
        """Somebody has been told everything up to a number."""
        ...
