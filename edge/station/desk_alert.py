"""An alert as a desk sees it: what its records made of it, here and at the pole; plain.

The fields are those of its JSON, in this order; docs/ref/station-api.md explains them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from edge.feeds import Severity
from edge.summary import Resolved

RANKS: dict[Severity, int] = {"critical": 0, "major": 1, "minor": 2, "info": 3}

TransferState = Literal["waiting", "here", "gone", "bad", "held back", "expired"]
"""Still to be fetched; kept here; the pole has it no more; never what was promised, given up; not
fetched for want of room; deleted here when its time was over."""
Trust = Literal["synced", "holdover", "unset", "wrong"]
"""What the pole says of its clock; "wrong": it was off by the station's."""


@dataclass(frozen=True, slots=True)
class Said:
    """Somebody's word, with its time (RFC 3339)."""

    at: str
    by: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class DeskAcked:
    """Who took care of an alert when it was of a severity; one that gets worse is new again."""

    at: str
    by: str
    severity: Severity

    def covers(self, severity: Severity) -> bool:
        """Whether an alert of this severity was acknowledged."""
        return RANKS[severity] >= RANKS[self.severity]


@dataclass(frozen=True, slots=True)
class DeskMedia:
    """A file of an alert and how far it has come; `href` is the station's own."""

    role: str
    type: str
    bytes: int
    sha256: str
    href: str
    from_t: float | None
    to_t: float | None
    state: TransferState
    reason: str


@dataclass(frozen=True, slots=True)
class DeskAlert:
    """An alert.

    `pole` is the configured name, `pole_id` what it calls itself; the station's own alerts have the
    station's id as both. `late`: it came more than a minute after it happened, by clocks that
    could be trusted. `change` is the number of its last change, unique and rising over all alerts.
    """

    id: str
    pole: str
    pole_id: str
    site: str | None
    camera: str | None
    rule: dict[str, Any]
    severity: Severity
    state: Literal["open", "done"]
    opened_at: str
    received_at: str
    updated_at: str
    closed_at: str | None
    close_reason: str | None
    late: bool
    trust: Trust
    seen: Said | None
    acked: DeskAcked | None
    resolved: Resolved | None
    notes: tuple[Said, ...]
    hold: Said | None
    data: dict[str, Any]
    where: dict[str, Any]
    media: tuple[DeskMedia, ...]
    test: bool
    flaw: str
    refused: str
    change: int
