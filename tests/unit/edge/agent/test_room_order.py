"""What goes first when room is short, and what is said of it."""

from __future__ import annotations

import itertools
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from edge.agent.room.order import HeldFile, choose, describe_loss

_COUNT = itertools.count()


def held(role: str = "clip", *, severity: Any = None, ready_ms: int = 0, **fields: Any) -> HeldFile:
    uses = (("A1", "yard"),) if severity else ()
    fields = {"uses": uses, "severity": severity, **fields}
    return HeldFile(f"{next(_COUNT):064x}", 10, role, ready_ms, **fields)


def test_order_is_that_of_the_promise() -> None:
    wanted = [
        held("clip", severity="critical", is_kept=True),
        held("snapshot", severity="info", is_kept=True),
        held("evidence", ready_ms=1),
        held("evidence", ready_ms=2),
        held("clip", severity="info"),
        held("snapshot", severity="info"),
        held("clip", severity="minor"),
        held("clip", severity="major"),
        held("clip", severity="critical", ready_ms=1),
        held("clip", severity="critical", ready_ms=2),
        held("snapshot", severity="critical"),
    ]
    assert choose(reversed(wanted), 10_000) == wanted


def test_no_more_goes_than_is_needed() -> None:
    files = [held(severity="minor", ready_ms=ms) for ms in range(9)]
    assert choose(files, 25) == files[:3]
    assert choose(files, 0) == []
    assert choose(files, 1) == files[:1]


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 99)), max_size=40), st.integers(0, 500))
def test_enough_goes_or_all(made: list[tuple[bool, int]], need_bytes: int) -> None:
    files = [held(severity="major", is_kept=kept, ready_ms=ms) for kept, ms in made]
    chosen = choose(files, need_bytes)
    freed = sum(file.size_bytes for file in chosen)
    assert freed >= need_bytes or len(chosen) == len(files)
    assert freed - need_bytes < 10 or not chosen


def test_loss_counts_what_nobody_else_has() -> None:
    gone = [
        held(severity="minor", ready_ms=1_790_000_000_000),
        held("snapshot", severity="major", ready_ms=1_790_000_060_000),
        held(severity="minor", is_kept=True, ready_ms=1),
    ]
    assert describe_loss(gone, "no room") == {
        "what": "media",
        "count": 2,
        "bytes": 20,
        "kinds": {"clip": 1, "snapshot": 1},
        "from": "2026-09-21T14:13:20.000Z",
        "to": "2026-09-21T14:14:20.000Z",
        "reason": "no room",
    }
    assert describe_loss(gone[2:], "no room") is None
