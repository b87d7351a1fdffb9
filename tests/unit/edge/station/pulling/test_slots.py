"""How many files come at once, and whose turn it is."""

from __future__ import annotations

import asyncio

from edge.station.pulling.slots import Slots


def test_a_snapshot_has_a_slot_when_clips_have_taken_all_of_theirs() -> None:
    async def run() -> tuple[list[str], bool]:
        slots, order = Slots(slots=3, clip_slots=2), list[str]()
        release = asyncio.Event()

        async def take(name: str, *, is_snapshot: bool) -> None:
            async with slots.turn(is_snapshot=is_snapshot):
                order.append(name)
                await release.wait()

        async with asyncio.TaskGroup() as group:
            for name in ("clip 1", "clip 2", "clip 3"):
                group.create_task(take(name, is_snapshot=False))
            group.create_task(take("snapshot", is_snapshot=True))
            while len(order) < 3:  # noqa: ASYNC110 - the order itself is what is looked at
                await asyncio.sleep(0)
            is_crowded = slots.is_crowded
            release.set()
        return order, is_crowded

    order, is_crowded = asyncio.run(run())

    assert order == ["clip 1", "clip 2", "snapshot", "clip 3"]
    assert is_crowded


def test_who_has_waited_longest_is_next() -> None:
    async def run() -> list[int]:
        slots, order = Slots(slots=1, clip_slots=1), list[int]()

        async def take(number: int) -> None:
            async with slots.turn(is_snapshot=False):
                order.append(number)
                await asyncio.sleep(0)

        await asyncio.gather(*(take(number) for number in range(20)))
        return order

    assert asyncio.run(run()) == list(range(20))
