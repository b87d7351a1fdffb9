"""A thread of its own for reading the log, so that the event loop never waits for the disk."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from edge.agent.log.reader import Reader, open_reader
from edge.errors import LogDamaged

_Outcome = TypeVar("_Outcome")


class ReaderThread:
    """One reader on one thread; what is asked waits its turn."""

    _reader: Reader

    def __init__(self, on_damage: Callable[[LogDamaged], None]) -> None:
        """Nothing is opened yet; `on_damage` is told, on the loop, of a log that is damaged."""
        self._on_damage = on_damage
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="log-reader")

    async def open(self, folder: Path) -> None:
        """Open the log that the writer has begun.

        Raises:
            StoreError: it can't be read.
        """
        loop = asyncio.get_running_loop()
        self._reader = await loop.run_in_executor(self._thread, open_reader, folder)

    async def run(self, work: Callable[[Reader], _Outcome]) -> _Outcome:
        """Do something with the reader, on its thread."""
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._thread, work, self._reader)
        except LogDamaged as exc:
            self._on_damage(exc)
            raise

    async def close(self) -> None:
        """Close the reader, after all that was asked."""
        try:
            await self.run(Reader.close)
        finally:
            self._thread.shutdown(wait=False)

    def abandon(self) -> None:
        """Let go of the thread where nothing was opened."""
        self._thread.shutdown()
