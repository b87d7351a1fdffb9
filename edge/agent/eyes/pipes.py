"""The agent's ends of an eye's pipes: nothing here waits for an eye that is stuck.

Reading gives the loop back after each piece, so that an eye that floods holds nobody up.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import select
from collections import deque

from edge.errors import EyeUnavailable

READ_BYTES = 16 * 1024
"""At most one such piece a turn and eye: some hundred lines, 2 ms of work."""
WAITING_BYTES_MAX = 64 * 1024
"""Commands that an eye has not taken, beyond the 64 KiB that its pipe holds."""


class PipeReader:
    """Gives what an eye prints, piece by piece; owns the descriptor."""

    def __init__(self, descriptor: int) -> None:
        """Takes over the reading end of a pipe."""
        self._descriptor = descriptor
        self._is_over = False
        self._waiter: asyncio.Future[None] | None = None
        os.set_blocking(descriptor, False)

    async def read(self) -> bytes:
        """Wait for the next piece; empty at the end. Cancelling loses nothing."""
        while True:
            await self._wait()
            try:
                return os.read(self._descriptor, READ_BYTES)
            except BlockingIOError:
                if self._is_over:
                    return b""

    def hang_up(self) -> None:
        """Let `read` wait no more: what is there is given, then it says that it is over."""
        self._is_over = True
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def close(self) -> None:
        """Close the descriptor; nobody may be reading."""
        os.close(self._descriptor)

    async def _wait(self) -> None:
        """Wait until there is something, or it is over; gives the loop back in any case."""
        if self._is_over:
            await asyncio.sleep(0)
            return
        loop = asyncio.get_running_loop()
        waiter = self._waiter = loop.create_future()
        loop.add_reader(self._descriptor, _wake, waiter)
        try:
            await waiter
        finally:
            loop.remove_reader(self._descriptor)


class PipeWriter:
    """Takes lines for an eye and writes them when it takes them; owns the descriptor."""

    def __init__(self, descriptor: int) -> None:
        """Takes over the writing end of a pipe."""
        self._descriptor = descriptor
        self._waiting: deque[bytes] = deque()
        self._waiting_bytes = 0
        os.set_blocking(descriptor, False)

    def send(self, line: bytes) -> None:
        """Write a line, now or when there is room.

        Raises:
            EyeUnavailable: too much waits already.
        """
        if self._waiting_bytes + len(line) > WAITING_BYTES_MAX:
            raise EyeUnavailable("the eye takes no commands; it is restarted if that lasts")
        self._waiting.append(line)
        self._waiting_bytes += len(line)
        self._flush()

    def close(self) -> None:
        """Close the descriptor; what waits goes nowhere."""
        asyncio.get_running_loop().remove_writer(self._descriptor)
        self._waiting.clear()
        os.close(self._descriptor)

    def _flush(self) -> None:
        """Write what the pipe takes; have the loop call again for the rest."""
        loop = asyncio.get_running_loop()
        try:
            while self._waiting:
                # A whole line or nothing below PIPE_BUF, see pipe(7); longer ones piece by piece.
                piece = self._waiting[0][: select.PIPE_BUF]
                written = os.write(self._descriptor, piece)
                self._waiting_bytes -= written
                rest = self._waiting.popleft()[written:]
                if rest:
                    self._waiting.appendleft(rest)
        except BlockingIOError:
            loop.add_writer(self._descriptor, self._flush)
            return
        except OSError:  # the eye has closed it: it is ending, and its end is told elsewhere
            self._waiting.clear()
            self._waiting_bytes = 0
        loop.remove_writer(self._descriptor)


def _wake(waiter: asyncio.Future[None]) -> None:
    with contextlib.suppress(asyncio.InvalidStateError):
        waiter.set_result(None)
