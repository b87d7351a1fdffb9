"""What a bad disk has cost is told in one record."""

from __future__ import annotations

from edge.feeds import Draft
from edge.losses import Losses
from tests.support.drafts import AT_MS, CLOCK, make_draft


def test_losses_are_told_in_one_record() -> None:
    losses = Losses()
    assert losses.make_draft(id_="L1", reason="full") is None
    losses.add([make_draft(1, feed="health", kind="sight", at_ms=AT_MS + 2000)])
    losses.add([make_draft(2, feed="measures", kind="count", at_ms=AT_MS + 1000)])
    losses.add([make_draft(3, feed="health", kind="sight", at_ms=AT_MS + 3000)])
    draft = losses.make_draft(id_="L1", reason="the disk is full")
    assert draft == Draft(
        "alerts", "L1", "loss", AT_MS + 3000, CLOCK, severity="major",
        data={
            "what": "records",
            "count": 3,
            "kinds": {"health sight": 2, "measures count": 1},
            "from": "2026-09-21T14:13:21.000Z",
            "to": "2026-09-21T14:13:23.000Z",
            "reason": "the disk is full",
        },
    )  # fmt: skip
