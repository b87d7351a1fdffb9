"""A file on its way: what has come of it is on disk and hashed as it grows, to go on at the byte.

Every call may block on the disk and belongs on a thread; see `on_thread`.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

BLOCK_BYTES = 256 * 1024
"""Written at once; a killed station fetches so much again."""
_READ_BYTES = 1 << 20
_MODE = 0o640
_CLOSE_S_MAX = 5.0
_Result = TypeVar("_Result")


class PartFile:
    """A part that grows; one writer at a time."""

    def __init__(self, path: Path, *, size_bytes: int) -> None:
        """Open it, with what is there already; what can't be a beginning of it is cut away.

        Args:
            path: in a folder that exists.
            size_bytes: of the whole file.

        Raises:
            OSError: the disk does not take it.
        """
        self._path = path
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        self._descriptor = os.open(path, flags, _MODE)
        self._digest = hashlib.sha256()
        self._waiting = bytearray()
        self._on_disk = 0
        try:
            if os.fstat(self._descriptor).st_size > size_bytes:
                os.ftruncate(self._descriptor, 0)
            while block := os.read(self._descriptor, _READ_BYTES):
                self._digest.update(block)
                self._on_disk += len(block)
        except OSError:
            os.close(self._descriptor)
            raise

    @property
    def got_bytes(self) -> int:
        """How much there is of it."""
        return self._on_disk + len(self._waiting)

    @property
    def is_block(self) -> bool:
        """Whether so much waits that it should be written."""
        return len(self._waiting) >= BLOCK_BYTES

    def add(self, data: bytes) -> None:
        """Take in what has come; it is in memory until it is written."""
        self._waiting += data

    def write(self) -> None:
        """Write and hash what waits.

        Raises:
            OSError: the disk took none or only some of it.
        """
        while self._waiting:
            count = os.write(self._descriptor, self._waiting)
            self._digest.update(self._waiting[:count])
            del self._waiting[:count]
            self._on_disk += count

    def finish(self, sha256: str) -> bool:
        """Have all of it on disk; whether it is the file of this hash. One that is not is deleted.

        Raises:
            OSError: the disk did not take it.
        """
        self.write()
        if self._digest.hexdigest() != sha256:
            self._path.unlink(missing_ok=True)
            return False
        os.fsync(self._descriptor)
        return True

    def close(self) -> None:
        """Keep what has come, to go on with it; what the disk does not take is fetched again."""
        try:
            self.write()
        except OSError:
            self._waiting.clear()  # whoever reads on is told by the file's own length
        finally:
            os.close(self._descriptor)


async def on_thread(call: Callable[[], _Result]) -> _Result:
    """Call what may block; when cancelled, it has ended before this does, as far as it can."""
    future = asyncio.get_running_loop().run_in_executor(None, call)
    try:
        return await asyncio.shield(future)
    except asyncio.CancelledError:
        await asyncio.wait([future], timeout=_CLOSE_S_MAX)
        raise
