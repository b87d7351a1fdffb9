"""The command thread: reads standard input, understands each line, and only enqueues.

When more commands come than the eye takes, the thread stops reading until there is room: whoever
sends them waits, nothing is dropped and nothing grows.
"""

from __future__ import annotations

import os
import select
import threading
from collections import deque
from collections.abc import Callable
from typing import TypeAlias

from edge import wire
from edge.errors import ValidationError
from edge.model import Command

WAITING_BYTES_MAX = 2**20
"""Lines that may wait: beyond it even `stop` is not read, and nobody asks for so much."""
_READ_BYTES = 65536
_FULL_LOOK_MS = 20
_BACKGROUND_LOOK_MS = 1000

Item: TypeAlias = Command | ValidationError


class LineSplitter:
    """Cuts a stream of bytes into lines; of one that is too long only its beginning is kept."""

    def __init__(self, *, bytes_max: int) -> None:
        """Lines up to `bytes_max`, newline not counted, come out whole."""
        self._bytes_max = bytes_max
        self._pending = b""
        self._is_skipping = False

    def push(self, block: bytes) -> list[bytes]:
        """Take the next bytes; give the lines that are complete with them.

        A line of more than `bytes_max` bytes comes out once, cut to one byte more.
        """
        *lines, rest = (self._pending + block).split(b"\n")
        if self._is_skipping and lines:
            lines.pop(0)
            self._is_skipping = False
        if self._is_skipping:
            rest = b""
        elif len(rest) > self._bytes_max:
            lines.append(rest)
            rest, self._is_skipping = b"", True
        self._pending = rest
        return [line[: self._bytes_max + 1] for line in lines if line.strip()]

    def finish(self) -> list[bytes]:
        """Give what stands after the last newline, at the end of input."""
        rest, self._pending = self._pending, b""
        return [rest] if rest.strip() else []


class CommandReader:
    """Reads commands from a descriptor; its end ends the reading, not the eye."""

    def __init__(self, descriptor: int, on_item: Callable[[Item], None]) -> None:
        """`on_item` is called on this thread after each line, so that the main loop looks."""
        self._descriptor = descriptor
        self._on_item = on_item
        self._lines: deque[bytes] = deque()
        self._put_bytes = self._taken_bytes = 0  # each counted by one thread
        self._splitter = LineSplitter(bytes_max=wire.COMMAND_BYTES_MAX)
        self._stop_read, self._stop_write = os.pipe()
        self._thread = threading.Thread(target=self.run, name="commands")

    def start(self) -> None:
        """Begin reading on a thread of its own."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread and wait for it."""
        os.write(self._stop_write, b"\n")
        self._thread.join()
        os.close(self._stop_read)
        os.close(self._stop_write)

    @property
    def is_waiting(self) -> bool:
        """Whether there is a command to take."""
        return bool(self._lines)

    def take(self, count_max: int | None = None) -> list[Item]:
        """Get the next commands, and the refusals of lines that were none, in their order."""
        count = len(self._lines) if count_max is None else min(count_max, len(self._lines))
        lines = [self._lines.popleft() for _ in range(count)]
        self._taken_bytes += sum(map(len, lines))
        return [_parse(line) for line in lines]

    def run(self) -> None:
        """Read until the end of input or `stop`."""
        poller = select.poll()
        poller.register(self._stop_read, select.POLLIN)
        poller.register(self._descriptor, select.POLLIN)
        while self._stop_read not in dict(poller.poll()):
            try:
                block = os.read(self._descriptor, _READ_BYTES)
            except BlockingIOError:
                continue
            except OSError:
                # A job in the background may not read its terminal; it may again when in front.
                if not os.isatty(self._descriptor) or self._is_told(_BACKGROUND_LOOK_MS):
                    return
                continue
            for line in self._splitter.push(block) if block else self._splitter.finish():
                if not self._enqueue(line):
                    return
            if not block:
                return

    def _enqueue(self, line: bytes) -> bool:
        """Hand one line over, waiting for room; false when told to stop meanwhile."""
        while self._put_bytes - self._taken_bytes > WAITING_BYTES_MAX:
            if self._is_told(_FULL_LOOK_MS):
                return False
        self._put_bytes += len(line)
        self._lines.append(line)
        self._on_item(_parse(line))
        return True

    def _is_told(self, timeout_ms: int) -> bool:
        poller = select.poll()
        poller.register(self._stop_read, select.POLLIN)
        return bool(poller.poll(timeout_ms))


def _parse(line: bytes) -> Item:
    try:
        return wire.parse_command(line)
    except ValidationError as exc:
        return exc
