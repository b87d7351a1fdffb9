"""What an eye tells of alerts, once more in a file: who started it may die before he has read it.

Between an eye's line and its record lie a pipe and the agent's memory, which go with the agent.
The file is not synced: it outlives processes, not the power.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path

from edge.eye.output import Emit

BYTES_MAX = 256 * 1024
"""Then the next file is begun and the one before the last goes: a pipe holds 64 KiB of lines."""

_log = logging.getLogger(__name__)


class AlertJournal:
    """Writes each line into a file before it is printed."""

    def __init__(self, path: Path, emit: Emit) -> None:
        """`path` is written from now on, `PATH.old` is what stood there before it was full."""
        self._path, self._emit = path, emit
        self._descriptor: int | None = None
        self._is_failing = False

    def emit(self, line: bytes) -> None:
        """Keep a line, then print it; a disk that does not take it holds nothing up."""
        try:
            self._write(line)
            self._is_failing = False
        except OSError as exc:
            if not self._is_failing:
                _log.warning("alerts are told, and not noted beside: %s", exc.strerror)
            self._is_failing = True
        self._emit(line)

    def _write(self, line: bytes) -> None:
        if self._descriptor is None:
            self._descriptor = _open(self._path)
        if os.lseek(self._descriptor, 0, os.SEEK_END) + len(line) > BYTES_MAX:
            self._path.replace(self._path.with_name(f"{self._path.name}.old"))
            os.close(self._descriptor)
            self._descriptor = None
            self._descriptor = _open(self._path)
        os.write(self._descriptor, line)


def _open(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600)
