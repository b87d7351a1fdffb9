"""Room that is held back for a full disk: on one, SQLite in WAL mode can't even delete a row."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

RESERVE_NAME = "reserve"
RESERVE_BYTES = 16 * 2**20
"""Some 10,000 records: two days of a pole with a busy station, or all that evicting media takes."""


class Reserve:
    """The file that takes the room; any thread may ask, one at a time changes it."""

    def __init__(self, folder: Path, *, size_bytes: int = RESERVE_BYTES) -> None:
        """Nothing is made yet; `folder` is the data folder."""
        self._path, self._size_bytes = folder / RESERVE_NAME, size_bytes

    @property
    def is_whole(self) -> bool:
        """Whether all of it is there."""
        try:
            return self._path.stat().st_size == self._size_bytes
        except OSError:
            return False

    def free(self) -> bool:
        """Give the room back to the disk; whether there was any."""
        try:
            self._path.unlink()
        except OSError:
            return False
        return True

    def make(self) -> bool:
        """Take the room, all or none; whether it is there now."""
        if self.is_whole:
            return True
        try:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                os.posix_fallocate(descriptor, 0, self._size_bytes)
                os.truncate(descriptor, self._size_bytes)
            finally:
                os.close(descriptor)
        except OSError:
            with contextlib.suppress(OSError):
                self._path.unlink()
            return False
        return True
