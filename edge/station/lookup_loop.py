"""The station's event loop: names are looked up on threads that nothing waits for.

A name that no resolver answers for holds a thread for as long as the C library likes, 30 s and
more. The executor of `asyncio` waits for such a thread at the end, and so would the interpreter:
a station must stop within 10 s.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

LOOKUPS_MAX = 32
"""At once; further ones wait for their turn."""


class LookupLoop(asyncio.SelectorEventLoop):
    """Has its own `getaddrinfo`, which everything that connects uses."""

    def __init__(self, look_up: Callable[..., Any] = socket.getaddrinfo) -> None:
        """`look_up` blocks; it takes and gives what `socket.getaddrinfo` does."""
        super().__init__()
        self._look_up = look_up
        self._turns = asyncio.Semaphore(LOOKUPS_MAX)

    async def getaddrinfo(self, host: Any, port: Any, **kind: int) -> Any:
        """See `asyncio`; a turn lasts until its thread has ended, whoever still waits for it."""
        await self._turns.acquire()
        found = self.create_future()
        ask = partial(self._look_up, host, port, **kind)
        # A daemon: every other thread is waited for at the end of the process.
        threading.Thread(target=self._run, args=(ask, found), name="look up", daemon=True).start()
        return await found

    def _run(self, ask: Callable[[], Any], found: asyncio.Future[Any]) -> None:
        """Look up on a thread."""
        try:
            outcome = partial(found.set_result, ask())
        except (OSError, ValueError) as exc:
            outcome = partial(found.set_exception, exc)
        with suppress(RuntimeError):  # the loop has ended meanwhile
            self.call_soon_threadsafe(self._deliver, found, outcome)

    def _deliver(self, found: asyncio.Future[Any], outcome: Callable[[], None]) -> None:
        self._turns.release()
        if not found.done():
            outcome()
