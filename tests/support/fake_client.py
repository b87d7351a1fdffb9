"""A pole's client in the hands of a test: pages by feed, what it was told, what it raises."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import TypeVar

from edge.errors import PoleUnreachable
from edge.evidence import SignedStatement
from edge.feeds import Cursor, Feed
from edge.station.ports.links import Stream
from edge.station.ports.vault import Word
from edge.station.pulling.ports import FeedPage, PoleHealth, Who

_Answer = TypeVar("_Answer")


@dataclass
class FakeClient:
    """Gives `PoleClient`; answers are taken in order, an exception among them is raised."""

    pages: list[FeedPage | Exception] = field(default_factory=list)
    persons: list[Who | Exception] = field(default_factory=list)
    asked: list[Cursor | None] = field(default_factory=list)
    limits: list[int] = field(default_factory=list)
    acked: list[Cursor] = field(default_factory=list)

    async def who(self) -> Who:
        return _take(self.persons)

    async def health(self) -> PoleHealth:
        return PoleHealth(True, (), ())

    async def page(
        self, feed: Feed, *, after: Cursor | None, limit: int, wait_s: float
    ) -> FeedPage:
        self.asked.append(after)
        self.limits.append(limit)
        return _take(self.pages)

    async def statements(
        self, feed: Feed, *, after: int
    ) -> tuple[list[SignedStatement], int, bool]:
        return [], after, False

    async def ack(self, feed: Feed, upto: Cursor) -> None:
        self.acked.append(upto)

    async def ack_media(self, hashes: Sequence[str]) -> None:
        raise PoleUnreachable("not in this test")

    def media(
        self, sha256: str, *, first: int, size_bytes: int
    ) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        raise PoleUnreachable("not in this test")

    async def say(self, word: Word) -> None:
        raise PoleUnreachable("not in this test")

    def open_live(
        self, path: str, query: Mapping[str, str], *, reason: str = ""
    ) -> AbstractAsyncContextManager[Stream]:
        raise PoleUnreachable("not in this test")


def _take(answers: list[_Answer | Exception]) -> _Answer:
    answer = answers.pop(0)
    if isinstance(answer, Exception):
        raise answer
    return answer
