"""When a disk in trouble is an alert, and when that is over."""

from __future__ import annotations

import itertools

from edge.agent.eyes.chronicle import Pen
from edge.agent.room.disk_watch import (
    HOLD_S,
    LIVES_ON_RESERVE,
    OPEN_AFTER_S,
    Disk,
    DiskWatch,
    make_part,
    step,
)
from edge.feeds import Draft
from tests.support.drafts import AT_MS, CLOCK

GOOD = Disk(None, has_reserve=True, media_bytes=5, quota_bytes=9)
FULL = Disk(None, has_reserve=False, media_bytes=5, quota_bytes=9)
DEAD = Disk("the log can't be used; check the disk", has_reserve=True, media_bytes=5, quota_bytes=9)


def watch(*seen: tuple[float, Disk]) -> list[Draft]:
    numbers = itertools.count()
    state, told = DiskWatch(), []
    for at_s, disk in seen:
        pen = Pen(CLOCK, lambda: f"{next(numbers)}")
        state, drafts = step(state, disk, pen, now_ns=round(at_s * 1e9), now_ms=AT_MS)
        told += drafts
    return told


def test_disk_in_trouble_is_one_alert_until_it_has_been_well_for_a_while() -> None:
    begun = 100 + OPEN_AFTER_S
    opened, closed = watch(
        (100, FULL), (begun, FULL), (begun + 1, GOOD), (begun + 2, DEAD), (begun + 50, DEAD),
        (begun + 60, GOOD), (begun + 60 + HOLD_S, GOOD), (begun + 61 + HOLD_S, GOOD),
    )  # fmt: skip
    assert (opened.kind, opened.rule) == ("alert.open", {"type": "system", "name": "disk"})
    assert opened.data == {"reason": LIVES_ON_RESERVE}
    assert (closed.kind, closed.alert) == ("alert.close", opened.alert)


def test_trouble_that_passes_at_once_wakes_nobody() -> None:
    assert watch((100, DEAD), (100 + OPEN_AFTER_S - 1, DEAD), (111, GOOD), (200, GOOD)) == []


def test_health_tells_of_the_room() -> None:
    assert make_part(GOOD).is_well
    assert make_part(GOOD).data == {"media_bytes": 5, "quota_bytes": 9}
    assert (make_part(FULL).is_well, make_part(FULL).reason) == (False, LIVES_ON_RESERVE)
