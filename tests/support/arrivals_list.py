"""What a station keeps, as a list: gives what webhooks need of its store."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from edge.evidence import START_HASH, seal
from edge.feeds import Draft, Feed, Life, Severity, make_record
from edge.station.ports.arrivals import Arrival
from edge.waiters import Waiters
from tests.support.drafts import make_draft

STATION = "station"


class ArrivalsList:
    """Records in the order in which they came, and how far each webhook has been told."""

    def __init__(self) -> None:
        self.told: dict[str, int] = {}
        self.severities: dict[str, str] = {}
        self._kept: list[tuple[Feed, Arrival]] = []
        self._told: dict[tuple[str, str], list[tuple[int, Severity]]] = defaultdict(list)
        self._waiters = Waiters()

    def add(
        self, kind: str, *, pole: str = "SG-017", alert: str | None = "A1", **fields: Any
    ) -> int:
        """Keep a record; its number."""
        number = self.newest + 1
        draft: Draft = make_draft(number, kind=kind, alert=alert, **fields)
        record = make_record(draft, Life(pole, None, "k3f9"), seq=number, prev=START_HASH)
        body = seal(record).body
        self._kept.append((draft.feed, Arrival(number, pole, 1_795_368_785_000 + number, body)))
        whose = str(draft.data.get("pole", pole)) if pole == STATION else pole
        if alert is not None:
            told = self._told[whose, alert]
            if draft.severity is not None:
                told.append((number, draft.severity))
                self.severities[alert] = draft.severity
        self._waiters.wake(number)
        return number

    @property
    def newest(self) -> int:
        """See `Arrivals`."""
        return len(self._kept)

    async def arrivals(self, *, after: int, feeds: Sequence[Feed], limit: int) -> list[Arrival]:
        """See `Arrivals`."""
        return [each for feed, each in self._kept[after:] if feed in feeds][:limit]

    async def wait_for_arrival(self, *, after: int, timeout_s: float) -> bool:
        """See `Arrivals`."""
        return self.newest > after or await self._waiters.wait(after=after, timeout_s=timeout_s)

    async def told_to(self, webhook: str) -> int | None:
        """See `Arrivals`."""
        return self.told.get(webhook)

    async def note_told(self, webhook: str, number: int) -> None:
        """See `Arrivals`."""
        self.told[webhook] = number

    async def alert(self, pole: str, alert: str) -> bytes | None:
        """A part of what a desk is shown."""
        if (pole, alert) not in self._told:
            return None
        shown = {"id": alert, "pole": pole, "severity": self.severities.get(alert, "info")}
        return json.dumps(shown).encode()

    async def severity(self, pole: str, alert: str, *, before: int) -> Severity | None:
        """See `AlertDesk`."""
        told = self._told[pole, alert]
        return next((severity for number, severity in reversed(told) if number < before), None)
