"""A feed's records in memory, each sealed onto the one before, as a pole would serve them."""

from __future__ import annotations

from typing import Any

from edge.evidence import START_HASH, seal
from edge.feeds import ClockReading, Draft, Feed, Life, make_record

LIFE = Life("SG-017", None, "k3f9")


def make_draft(number: int, **fields: Any) -> Draft:
    given_: dict[str, Any] = {"feed": "alerts", "kind": "alert.open", **fields}
    return Draft(
        id=f"01J{number:023d}",
        at_ms=1_795_368_785_120,
        clock=ClockReading("synced", "b00t", 5),
        data={"number": number},
        severity="major",
        camera="yard",
        alert=f"01J{number:023d}",
        rule={"type": "intrusion", "name": "yard"},
        **given_,
    )


def make_chain(
    count: int,
    life: Life = LIFE,
    feed: Feed = "alerts",
    *,
    same_upto: int | None = None,
    kind: str = "alert.open",
) -> list[bytes]:
    """The first `count` records of a feed; behind `same_upto` others than without it."""
    bodies, prev = [], START_HASH
    for seq in range(1, count + 1):
        number = seq if same_upto is None or seq <= same_upto else 1000 + seq
        record = make_record(make_draft(number, feed=feed, kind=kind), life, seq=seq, prev=prev)
        sealed = seal(record)
        bodies.append(sealed.body)
        prev = sealed.hash
    return bodies
