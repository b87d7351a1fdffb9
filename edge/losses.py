"""Records that a bad disk has cost: counted until one `loss` record can tell of them; pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from edge.feeds import ClockReading, Draft
from edge.model import Json
from edge.wire import format_utc


@dataclass(slots=True)
class Losses:
    """What was given up since the last `loss` record."""

    kinds: Counter[str] = field(default_factory=Counter)
    from_ms: int = 0
    to_ms: int = 0
    clock: ClockReading | None = None

    def add(self, drafts: Sequence[Draft]) -> None:
        """Count records that are lost."""
        for draft in drafts:
            self.from_ms = min(self.from_ms, draft.at_ms) if self.kinds else draft.at_ms
            self.to_ms = max(self.to_ms, draft.at_ms) if self.kinds else draft.at_ms
            self.kinds[f"{draft.feed} {draft.kind}"] += 1
            self.clock = draft.clock

    def make_draft(self, *, id_: str, reason: str) -> Draft | None:
        """The record that says so; None where nothing was lost.

        Its moment is that of the newest record lost, by the clock of then.
        """
        if self.clock is None:
            return None
        kinds: dict[str, Json] = dict(sorted(self.kinds.items()))
        data: dict[str, Json] = {
            "what": "records",
            "count": self.kinds.total(),
            "kinds": kinds,
            "from": format_utc(self.from_ms),
            "to": format_utc(self.to_ms),
            "reason": reason,
        }
        return Draft("alerts", id_, "loss", self.to_ms, self.clock, severity="major", data=data)
