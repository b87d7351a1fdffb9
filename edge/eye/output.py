"""The eye's standard output: whole lines, unbuffered; a reader that went away ends the eye.

A reader that is slow is waited for, since no line may be lost. One that has stopped reading
would keep a stopping eye from ending: `hurry` sets an end to the waiting.
"""

from __future__ import annotations

import os
import select
from collections.abc import Callable

from edge.clock import NS_PER_S, Clock

Emit = Callable[[bytes], None]
"""Write one line; bytes end with a newline."""
_LOOK_MS = 200
_PIECE_BYTES = select.PIPE_BUF
"""What a pipe takes without blocking once poll(2) calls it writable, see pipe(7)."""


class Output:
    """Writes lines to a descriptor; after its end has gone, lines go nowhere."""

    def __init__(self, descriptor: int, *, on_closed: Callable[[], None], clock: Clock) -> None:
        """`on_closed` is called once, when it is found that nobody reads."""
        self._descriptor = descriptor
        self._on_closed = on_closed
        self._clock = clock
        self._poller = select.poll()
        self._poller.register(descriptor, select.POLLOUT)
        self._deadline_ns: int | None = None
        self._is_closed = False
        self.failure: OSError | None = None
        """Why lines could not be written, where it is not that the reader went away."""

    def emit(self, line: bytes) -> None:
        """Write one line."""
        view = memoryview(line)
        while view and not self._is_closed:
            try:
                if self._has_room():
                    view = view[os.write(self._descriptor, view[:_PIECE_BYTES]) :]
            except BlockingIOError:
                continue  # somebody else took the room
            except (BrokenPipeError, ConnectionResetError):
                self._close()
            except OSError as exc:
                self.failure = exc
                self._close()

    def hurry(self, patience_s: float) -> None:
        """Wait no longer than this for the reader from now on; safe in a signal handler.

        Who asks again does not put it off.
        """
        if self._deadline_ns is None:
            self._deadline_ns = self._clock.monotonic_ns() + round(patience_s * NS_PER_S)

    def _has_room(self) -> bool:
        if self._poller.poll(_LOOK_MS):
            return True
        if self._deadline_ns is not None and self._clock.monotonic_ns() > self._deadline_ns:
            self._close()
        return False

    def _close(self) -> None:
        self._is_closed = True
        self._on_closed()
