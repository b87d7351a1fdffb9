"""What an eye says on standard error: passed on to the agent's log, its last lines kept.

They are what is told of an eye that crashed. An eye that floods is read more slowly, and its flood
is kept out of the log.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections import deque

from edge.agent.eyes.allowance import Allowance, Limit
from edge.clock import Clock
from edge.serving.plain_text import plain_text

LINES_KEPT = 20
LOGGED = Limit(burst=200, per_s=5)
"""A decoder that meets a damaged stream may say hundreds of lines."""
_READ_BYTES = 16 * 1024
_LINE_BYTES_MAX = 1024
_THROTTLE_S = 0.5

_log = logging.getLogger("polewatch.eye")


class EyeWords:
    """One run's standard error; owns the descriptor."""

    def __init__(self, camera: str, descriptor: int, clock: Clock) -> None:
        """Takes over the reading end of a pipe; call on the loop."""
        self._camera, self._descriptor, self._clock = camera, descriptor, clock
        self._loop = asyncio.get_running_loop()
        self._allowance = Allowance(LOGGED)
        self._rest = b""
        self._lines: deque[str] = deque(maxlen=LINES_KEPT)
        self._left_out = 0
        self._later: asyncio.TimerHandle | None = None
        os.set_blocking(descriptor, False)
        self._listen()

    @property
    def lines(self) -> list[str]:
        """The last ones, made harmless."""
        return list(self._lines)

    def close(self) -> None:
        """Take what is still there, and let go."""
        self._loop.remove_reader(self._descriptor)
        if self._later is not None:
            self._later.cancel()
        while self._read():
            pass
        self._take(self._rest)
        if self._left_out:
            _log.warning("%s: lines left out: count=%d", self._camera, self._left_out)
        os.close(self._descriptor)

    def _listen(self) -> None:
        self._loop.add_reader(self._descriptor, self._hear)

    def _hear(self) -> None:
        left_out = self._left_out
        if not self._read():
            self._loop.remove_reader(self._descriptor)
        elif self._left_out > left_out:
            self._loop.remove_reader(self._descriptor)
            self._later = self._loop.call_later(_THROTTLE_S, self._listen)

    def _read(self) -> bool:
        """Take a piece; false: there is none, and at the end there never will be."""
        try:
            piece = os.read(self._descriptor, _READ_BYTES)
        except BlockingIOError:
            return False
        *lines, rest = (self._rest + piece).split(b"\n")
        for line in lines:
            self._take(line)
        self._rest = rest[:_LINE_BYTES_MAX]
        return bool(piece)

    def _take(self, line: bytes) -> None:
        text = plain_text(line[:_LINE_BYTES_MAX].decode(errors="replace"))
        if not text:
            return
        self._lines.append(text)
        if self._allowance.take(self._clock.monotonic_ns()):
            _log.info("%s: %s", self._camera, text)
        else:
            self._left_out += 1
