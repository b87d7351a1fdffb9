"""The command thread: reads standard input, understands each line, and only enqueues."""

from __future__ import annotations

import os
import selectors
import threading
from collections import deque
from collections.abc import Callable

from edge import wire
from edge.errors import ValidationError
from edge.model import Command

QUEUE_MAX = 64
"""Commands that may wait; more than that in one breath is refused, not remembered."""
_READ_BYTES = 65536

Refused = ValidationError
Item = Command | Refused


class CommandReader:
    """Reads commands from a descriptor; its end ends the reading, not the eye."""

    def __init__(self, descriptor: int, wake: Callable[[], None]) -> None:
        """`wake` is called after each line so that the main loop looks."""
        self._descriptor = descriptor
        self._wake = wake
        self._items: deque[Item] = deque(maxlen=QUEUE_MAX)
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

    def take(self) -> Item | None:
        """Get the next command, or the refusal of a line that was none."""
        return self._items.popleft() if self._items else None

    def run(self) -> None:
        """Read until the end of input or `stop`."""
        pending = b""
        with selectors.DefaultSelector() as selector:
            selector.register(self._stop_read, selectors.EVENT_READ)
            try:
                selector.register(self._descriptor, selectors.EVENT_READ)
            except (PermissionError, ValueError):
                return  # a regular file or nothing at all: no commands will come
            while True:
                ready = [key.fd for key, _ in selector.select()]
                if self._stop_read in ready:
                    return
                try:
                    block = os.read(self._descriptor, _READ_BYTES)
                except OSError:
                    return
                if not block:
                    return
                pending = self._split(pending + block)

    def _split(self, pending: bytes) -> bytes:
        """Enqueue whole lines; an endless one is refused and forgotten."""
        *lines, rest = pending.split(b"\n")
        for line in lines:
            if line.strip():
                self._enqueue(line)
        if len(rest) > wire.COMMAND_BYTES_MAX:
            self._enqueue(rest)
            return b""
        return rest

    def _enqueue(self, line: bytes) -> None:
        try:
            self._items.append(wire.parse_command(line))
        except ValidationError as exc:
            self._items.append(exc)
        self._wake()
