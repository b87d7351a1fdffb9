"""Records to be, and the log of a pole that takes them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge.agent.log.records import Records
from edge.config.model import Pole
from edge.feeds import ClockReading, Draft
from tests.support.clocks import ManualClock

KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))
POLE = Pole(id="SG-017")
AT_MS = 1_790_000_000_000
"""2026-09-21T14:13:20Z."""
CLOCK = ClockReading("synced", "b00t", 1)


def make_draft(number: int = 1, **fields: Any) -> Draft:
    """A record like that of an eye's alert; `number` makes its id."""
    given: dict[str, Any] = {"feed": "alerts", "kind": "alert.open", "at_ms": AT_MS, **fields}
    return Draft(id=f"01J{number:023d}", clock=CLOCK, **given)


def make_media(number: int, sha256: str, **fields: Any) -> Draft:
    """The news of a finished clip of 5 bytes."""
    item = {
        "role": "clip",
        "type": "video/mp4",
        "bytes": 5,
        "sha256": sha256,
        "href": f"/v1/media/{sha256}",
    }
    given: dict[str, Any] = {
        "feed": "media",
        "kind": "media.ready",
        "data": {"role": "clip", "from_t": 1.0, "to_t": 2.0},
        "media": [{**item, **fields.pop("item", {})}],
        **fields,
    }
    return make_draft(number, **given)


def open_log(folder: Path, *, pole: Pole = POLE, epoch: str | None = None) -> Records:
    """Open the log for writing, or begin it."""
    return Records(folder, pole, key=KEY, clock=ManualClock(utc_ms=AT_MS), epoch=epoch)
