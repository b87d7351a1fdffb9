"""Names that nobody answers for: they hold up neither the loop's end nor each other."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from edge.station.lookup_loop import LOOKUPS_MAX, LookupLoop

FOUND = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("10.8.0.17", 8470))]


class Resolver:
    """Answers for `pole`, knows no `nobody`, and never answers for anything else until let go."""

    def __init__(self) -> None:
        self.let_go = threading.Event()
        self.asked: list[str] = []

    def look_up(self, host: str, *_rest: Any, **_kind: int) -> Any:
        self.asked.append(host)
        if host == "nobody":
            raise socket.gaierror(-2, "Name or service not known")
        if host != "pole":
            self.let_go.wait()
        return FOUND


@pytest.fixture
def resolver() -> Iterator[Resolver]:
    made = Resolver()
    yield made
    made.let_go.set()


def run(resolver: Resolver, work: Any) -> Any:
    with asyncio.Runner(loop_factory=lambda: LookupLoop(resolver.look_up)) as runner:
        return runner.run(work())


def test_a_name_is_found_or_is_not_known(resolver: Resolver) -> None:
    async def work() -> tuple[Any, Any]:
        loop = asyncio.get_running_loop()
        both = (loop.getaddrinfo("pole", 8470), loop.getaddrinfo("nobody", 8470))
        found, unknown = await asyncio.gather(*both, return_exceptions=True)
        return found, unknown

    found, unknown = run(resolver, work)

    assert found == FOUND
    assert isinstance(unknown, socket.gaierror)


def test_the_loop_ends_while_names_are_looked_up_that_nobody_answers_for(
    resolver: Resolver,
) -> None:
    async def work() -> None:
        loop = asyncio.get_running_loop()
        waiting = [asyncio.ensure_future(loop.getaddrinfo("mute", 1)) for _ in range(100)]
        while len(resolver.asked) < LOOKUPS_MAX:  # noqa: ASYNC110 - threads tell nobody
            await asyncio.sleep(0)
        for each in waiting:
            each.cancel()

    run(resolver, work)

    assert resolver.asked == ["mute"] * LOOKUPS_MAX
    assert not resolver.let_go.is_set()


def test_who_waits_for_a_turn_has_it_when_a_lookup_has_ended(resolver: Resolver) -> None:
    async def work() -> Any:
        loop = asyncio.get_running_loop()
        waiting = [asyncio.ensure_future(loop.getaddrinfo("mute", 1)) for _ in range(LOOKUPS_MAX)]
        await asyncio.sleep(0)
        last = asyncio.ensure_future(loop.getaddrinfo("pole", 1))
        await asyncio.sleep(0)
        waiting[0].cancel()  # its thread goes on, and its turn with it
        resolver.let_go.set()
        await asyncio.gather(*waiting, return_exceptions=True)
        return await last

    assert run(resolver, work) == FOUND
    assert len(resolver.asked) == LOOKUPS_MAX + 1
