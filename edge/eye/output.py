"""The eye's standard output: one whole line at a time, flushed; a reader that went away ends it."""

from __future__ import annotations

import os
from collections.abc import Callable

Emit = Callable[[bytes], None]
"""Write one line; bytes end with a newline."""


class OutputClosed(Exception):
    """Whoever read the lines is gone."""


def make_emit(descriptor: int) -> Emit:
    """Make the writer of lines for a file descriptor, unbuffered.

    Raises (when called):
        OutputClosed: the other end is closed.
    """

    def emit(line: bytes) -> None:
        view = memoryview(line)
        try:
            while view:
                view = view[os.write(descriptor, view) :]
        except (BrokenPipeError, ConnectionResetError) as exc:
            raise OutputClosed from exc

    return emit
