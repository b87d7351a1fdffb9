"""Records go to the log in order, bursts together; a log in trouble holds nobody up for ever."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from edge.agent.eyes.scribe import WAITING_MAX, Scribe, tell
from edge.errors import EvidenceError, StoreError
from edge.feeds import ClockReading, Draft
from tests.support.aio import run_async


def draft(name: str) -> Draft:
    return Draft("health", name, "sight", 0, ClockReading("synced", "b00t", 0))


class Book:
    """A log that can be slow, refuse a record, or be out of order."""

    def __init__(self) -> None:
        self.groups: list[list[str]] = []
        self.may_write = asyncio.Event()
        self.may_write.set()
        self.spoilt = ""
        self.error: StoreError | None = None

    async def append(self, drafts: Sequence[Draft]) -> Sequence[object]:
        await self.may_write.wait()
        if self.error is not None:
            raise self.error
        if self.spoilt in [each.id for each in drafts]:
            raise EvidenceError("it can't be sealed")
        self.groups.append([each.id for each in drafts])
        return drafts


@asynccontextmanager
async def writing(book: Book, *, patience_s: float = 10.0) -> AsyncIterator[Scribe]:
    scribe = Scribe(book, patience_s=patience_s)
    async with asyncio.TaskGroup() as group:
        group.create_task(scribe.run())
        yield scribe
        scribe.close()


@run_async
async def test_what_gathers_while_the_log_writes_shares_its_next_turn() -> None:
    book = Book()
    book.may_write.clear()
    async with writing(book) as scribe:
        scribe.put([draft("a")])
        await asyncio.sleep(0)
        for name in "bcd":
            scribe.put([draft(name)])
        scribe.put([])
        book.may_write.set()
    assert book.groups == [["a"], ["b", "c", "d"]]


@run_async
async def test_who_asks_is_told_when_his_record_is_on_disk() -> None:
    book = Book()
    async with writing(book) as scribe:
        assert await scribe.write(draft("a")) is True
        assert book.groups == [["a"]]
        book.error = StoreError("given up")
        assert await scribe.write(draft("b")) is False


@run_async
async def test_who_asks_whether_all_is_settled_is_told_of_what_came_before() -> None:
    book = Book()
    async with writing(book) as scribe:
        assert await scribe.settle() is True
        scribe.put([draft("a")])
        assert await scribe.settle() is True
        assert book.groups == [["a"]]
        book.error = StoreError("given up")
        scribe.put([draft("b")])
        assert await scribe.settle() is False
        assert await scribe.settle() is False, "it still is not"
        book.error = None
        scribe.put([draft("c")])
        assert await scribe.settle() is True


@run_async
async def test_record_that_can_not_be_sealed_spoils_no_other() -> None:
    book = Book()
    book.spoilt = "b"
    async with writing(book) as scribe:
        scribe.put([draft(name) for name in "abc"])
        assert await scribe.write(draft("d")) is True
        assert await scribe.write(draft("b")) is False
    assert book.groups == [["a"], ["c"], ["d"]]


@run_async
async def test_readers_of_eyes_wait_when_too_much_waits_and_nothing_is_dropped() -> None:
    book = Book()
    book.may_write.clear()
    async with writing(book) as scribe:
        scribe.put([draft("first")])
        await asyncio.sleep(0)
        scribe.put([draft(str(number)) for number in range(WAITING_MAX + 1)])
        waiting = asyncio.ensure_future(scribe.wait_for_room())
        await asyncio.sleep(0)
        assert not waiting.done()
        book.may_write.set()
        await waiting
    assert sum(map(len, book.groups)) == WAITING_MAX + 2


@run_async
async def test_log_that_does_not_come_back_is_left_with_its_records_after_a_while() -> None:
    book = Book()
    book.may_write.clear()
    async with writing(book, patience_s=0.0) as scribe:
        assert await scribe.write(draft("a")) is False
    book.may_write.set()
    async with writing(book) as scribe:
        assert await scribe.write(draft("b")) is True


@run_async
async def test_record_of_the_pole_itself_ends_nothing_when_the_log_gives_it_up() -> None:
    """A disk that was bad for days: the alerts that wait in memory must not end with the agent."""
    book = Book()
    assert await tell(book, draft("kept"))
    book.error = StoreError("given up: too many records wait")
    assert not await tell(book, draft("given up"))
    book.may_write.clear()
    assert not await tell(book, draft("late"), patience_s=0.01)
    assert book.groups == [["kept"]]
