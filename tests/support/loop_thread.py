"""An event loop in a thread of its own, for tests that themselves must not run in one."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

PATIENCE_S = 30.0
_Outcome = TypeVar("_Outcome")


class LoopThread:
    """Runs coroutines for another thread; `stop` must follow `start`."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="test-loop")

    def start(self) -> None:
        """Begin to run."""
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, _Outcome]) -> _Outcome:
        """Run a coroutine to its end and give its outcome."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(PATIENCE_S)

    def call(self, work: Callable[..., object], *arguments: object) -> None:
        """Have a function called soon."""
        self._loop.call_soon_threadsafe(work, *arguments)

    def stop(self) -> None:
        """End the thread; whatever still runs is dropped."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PATIENCE_S)
        self._loop.close()
