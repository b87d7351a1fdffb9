"""Made once for all who ask at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from edge.errors import EdgeError

_Made = TypeVar("_Made")


class SharedMaking(Generic[_Made]):
    """Something that is dear to make: who comes while it is made gets what is made.

    Whoever made it may leave in the middle; then the next one in the row makes it.
    """

    def __init__(self, make: Callable[[], Awaitable[_Made]]) -> None:
        """Nothing is made before somebody asks."""
        self._make = make
        self._turn = asyncio.Lock()
        self._rounds = 0
        self._waiting = 0
        self._made: _Made | None = None
        self._fault: EdgeError | None = None

    async def get(self) -> _Made:
        """Give what was finished after this call, and forget it when nobody waits any more.

        Raises:
            EdgeError: it could not be made; all who waited hear the same.
        """
        before = self._rounds
        self._waiting += 1
        try:
            async with self._turn:
                if self._rounds == before:
                    await self._make_one()
                if self._fault is not None:
                    raise self._fault
                assert self._made is not None
                return self._made
        finally:
            self._waiting -= 1
            if not self._waiting:
                self._made = self._fault = None

    async def _make_one(self) -> None:
        self._made = self._fault = None
        try:
            self._made = await self._make()
        except EdgeError as exc:
            self._fault = exc
        self._rounds += 1
