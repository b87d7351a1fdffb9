"""A thread of its own for reading the store, so that the event loop never waits for the disk."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from edge.station.store.reader import StoreReader, open_store_reader

_Outcome = TypeVar("_Outcome")


class ReadingThread:
    """One reader on one thread; what is asked waits its turn."""

    _reader: StoreReader

    def __init__(self, name: str) -> None:
        """Nothing is opened yet; `name` is the thread's."""
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=name)

    async def open(self, folder: Path) -> None:
        """Open the store that the writer has begun.

        Raises:
            StoreError: it can't be read.
        """
        loop = asyncio.get_running_loop()
        self._reader = await loop.run_in_executor(self._thread, open_store_reader, folder)

    async def run(self, work: Callable[[StoreReader], _Outcome]) -> _Outcome:
        """Do something with the reader, on its thread."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, work, self._reader)

    async def close(self) -> None:
        """Close the reader, after all that was asked."""
        try:
            await self.run(StoreReader.close)
        finally:
            self._thread.shutdown(wait=False)

    def abandon(self) -> None:
        """Let go of the thread where nothing was opened."""
        self._thread.shutdown()
