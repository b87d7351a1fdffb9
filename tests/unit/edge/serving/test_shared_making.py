"""What is dear is made once for all who come while it is made."""

from __future__ import annotations

import asyncio

import pytest

from edge.errors import EyeUnavailable
from edge.serving.shared_making import SharedMaking
from tests.support.aio import run_async


class Kitchen:
    """Makes numbered dishes when it is let."""

    def __init__(self) -> None:
        self.begun = 0
        self.let = asyncio.Event()
        self.fault: EyeUnavailable | None = None

    async def make(self) -> int:
        self.begun += 1
        number = self.begun
        await self.let.wait()
        if self.fault is not None:
            raise self.fault
        return number


async def settle() -> None:
    """Let every task go as far as it can."""
    for _ in range(10):
        await asyncio.sleep(0)


@run_async
async def test_twenty_who_come_together_get_one() -> None:
    kitchen = Kitchen()
    shared = SharedMaking(kitchen.make)
    async with asyncio.TaskGroup() as group:
        guests = [group.create_task(shared.get()) for _ in range(20)]
        await settle()
        kitchen.let.set()
    assert [guest.result() for guest in guests] == [1] * 20
    assert kitchen.begun == 1


@run_async
async def test_next_one_is_made_anew_when_the_first_is_finished() -> None:
    kitchen = Kitchen()
    kitchen.let.set()
    shared = SharedMaking(kitchen.make)
    assert [await shared.get(), await shared.get()] == [1, 2]


@run_async
async def test_somebody_else_makes_it_when_the_first_one_leaves() -> None:
    kitchen = Kitchen()
    shared = SharedMaking(kitchen.make)
    async with asyncio.TaskGroup() as group:
        first = group.create_task(shared.get())
        rest = [group.create_task(shared.get()) for _ in range(3)]
        await settle()
        first.cancel()
        await settle()
        kitchen.let.set()
    assert first.cancelled()
    assert [guest.result() for guest in rest] == [2, 2, 2]


@run_async
async def test_all_hear_of_a_fault_and_the_next_one_tries_again() -> None:
    kitchen = Kitchen()
    kitchen.fault = EyeUnavailable("yard does not run; see health")
    shared = SharedMaking(kitchen.make)
    guests = [asyncio.ensure_future(shared.get()) for _ in range(3)]
    await settle()
    kitchen.let.set()
    told = await asyncio.gather(*guests, return_exceptions=True)
    assert [str(each) for each in told] == ["yard does not run; see health"] * 3
    assert kitchen.begun == 1

    kitchen.fault = None
    assert await shared.get() == 2


@run_async
async def test_programmer_error_is_raised_and_blocks_nobody() -> None:
    tries = 0

    async def make() -> int:
        nonlocal tries
        tries += 1
        if tries == 1:
            raise ZeroDivisionError
        return tries

    shared = SharedMaking(make)
    with pytest.raises(ZeroDivisionError):
        await shared.get()
    assert await shared.get() == 2
