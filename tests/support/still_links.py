"""Links to poles that are only told of: their views are what a test says, their answers as well."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from edge.errors import PoleError, PoleUnreachable
from edge.station.ports.links import LiveAnswer, PoleView, Stream
from edge.waiters import Waiters

SINCE_MS = 1_795_368_785_120
"""2026-11-22T17:33:05.120Z"""


def make_view(name: str, **fields: Any) -> PoleView:
    """A pole that is up and well, but for what a test says."""
    plain = PoleView(
        name=name, site=None, pole_id=name, state="up", since_ms=SINCE_MS, cause="",
        heard_ms=SINCE_MS, clock_ahead_ms=12, answer_ms=41.5, is_well=True, unwell=(),
        health_ms=SINCE_MS, cameras=("road", "yard"), troubles=(),
        position={"lat": 29.5, "lon": 106.5, "height_m": 8.0},
        files_waiting=0, bytes_waiting=0, coming=(), version="0.4", change=0,
    )  # fmt: skip
    return replace(plain, **fields)


@dataclass
class CannedStream:
    """An answer whose blocks are ready; what is no bytes is raised, or awaited for ever."""

    answer: LiveAnswer
    blocks: Sequence[bytes | PoleError | None]
    place: int = 0

    async def read(self) -> bytes:
        if self.place == len(self.blocks):
            return b""
        block = self.blocks[self.place]
        self.place += 1
        if block is None:
            await asyncio.Event().wait()
        if isinstance(block, PoleError):
            raise block
        assert isinstance(block, bytes)
        return block


@dataclass
class StillLinks:
    """`Links` without poles behind them."""

    views: dict[str, PoleView]
    answer: Callable[[str, str, Mapping[str, str]], Stream] | None = None
    nudged: list[str] = field(default_factory=list)
    asked: list[tuple[str, str, Mapping[str, str]]] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    open_count: int = 0
    change: int = 0
    _waiters: Waiters = field(default_factory=Waiters)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.views)

    def view(self, pole: str) -> PoleView:
        return self.views[pole]

    def change_of(self, pole: str) -> int:
        return self.views[pole].change

    def set(self, pole: str, **fields: Any) -> None:
        """What is known of a pole from now on."""
        self.change += 1
        self.views[pole] = replace(self.views[pole], change=self.change, **fields)
        self._waiters.wake(self.change)

    async def wait_for_change(self, *, after: int, timeout_s: float) -> bool:
        if self.change > after:
            return True
        return await self._waiters.wait(after=after, timeout_s=timeout_s)

    def nudge(self, pole: str) -> None:
        self.nudged.append(pole)

    def open_live(
        self, pole: str, path: str, query: Mapping[str, str], *, reason: str = ""
    ) -> AbstractAsyncContextManager[Stream]:
        self.reasons.append(reason)
        return self._open(pole, path, query)

    @asynccontextmanager
    async def _open(self, pole: str, path: str, query: Mapping[str, str]) -> AsyncIterator[Stream]:
        self.asked.append((pole, path, dict(query)))
        if self.answer is None:
            raise PoleUnreachable(f"https://10.8.0.17:8470/v1/cameras/{path}: nobody answers")
        self.open_count += 1
        try:
            yield self.answer(pole, path, query)
        finally:
            self.open_count -= 1
