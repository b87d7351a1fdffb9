"""A file on its way: what has come of it is on disk and hashed as it grows, to go on at the byte.

What may block on the disk is done on a thread, one thing after the other; see `Parts`.
"""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import os
import threading
from collections.abc import AsyncIterator, Callable, Collection
from concurrent.futures import Executor
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TypeVar

BLOCK_BYTES = 256 * 1024
"""Written at once; a killed station fetches so much again."""
_READ_BYTES = 1 << 20
_MODE = 0o640
_CLOSE_S_MAX = 5.0
_Result = TypeVar("_Result")


class PartFile:
    """A part that grows. Its calls that block wait for each other, whoever has left meanwhile."""

    def __init__(self, path: Path, *, size_bytes: int) -> None:
        """Nothing is opened yet.

        Args:
            path: in a folder that exists.
            size_bytes: of the whole file.
        """
        self._path, self._size_bytes = path, size_bytes
        self._descriptor: int | None = None
        self._is_over = False
        self._digest = hashlib.sha256()
        self._waiting = bytearray()
        self._on_disk = 0
        self._turn = threading.Lock()

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

    def open(self) -> None:
        """Open it, with what is there already; what can't be a beginning of it is cut away.

        Raises:
            OSError: the disk does not take it, or an earlier try still writes to it.
        """
        with self._turn:
            if self._is_over:
                return  # whoever wanted it has left
            flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
            self._descriptor = os.open(self._path, flags, _MODE)
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            size_bytes = os.fstat(self._descriptor).st_size
            if size_bytes > self._size_bytes:
                os.ftruncate(self._descriptor, 0)
            elif size_bytes:
                while block := os.read(self._descriptor, _READ_BYTES):
                    self._digest.update(block)
                    self._on_disk += len(block)

    def write(self) -> None:
        """Write and hash what waits.

        Raises:
            OSError: the disk took none or only some of it.
        """
        with self._turn:
            self._write()

    def finish(self, sha256: str) -> bool:
        """Have all of it on disk; whether it is the file of this hash. One that is not is deleted.

        Raises:
            OSError: the disk did not take it.
        """
        with self._turn:
            if self._descriptor is None:
                return False
            self._write()
            if self._digest.hexdigest() != sha256:
                self._path.unlink(missing_ok=True)
                return False
            os.fsync(self._descriptor)
            return True

    def close(self) -> None:
        """Keep what has come, to go on with it; what the disk does not take is fetched again."""
        with self._turn:
            self._is_over = True
            if self._descriptor is None:
                return
            with suppress(OSError):  # whoever reads on is told by the file's own length
                self._write()
            self._waiting.clear()
            os.close(self._descriptor)
            self._descriptor = None

    def _write(self) -> None:
        while self._waiting:
            assert self._descriptor is not None
            count = os.write(self._descriptor, self._waiting)
            self._digest.update(self._waiting[:count])
            del self._waiting[:count]
            self._on_disk += count


class Parts:
    """The parts of one pole's files; for one event loop."""

    def __init__(self, folder: Path, pole: str, threads: Executor | None) -> None:
        """`threads` do what may block, None: those of the loop."""
        self._folder, self._pole, self._threads = folder, pole, threads

    def name_of(self, sha256: str) -> str:
        """What the part of a file is called in the folder."""
        return f"{self._pole}-{sha256}.part"

    async def call(self, call: Callable[[], _Result]) -> _Result:
        """Call what may block; whoever leaves meanwhile does not end it."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, call)

    @asynccontextmanager
    async def open(self, sha256: str, *, size_bytes: int) -> AsyncIterator[PartFile]:
        """Open a part for the block; it is closed when all that was asked of it has ended.

        A disk that hangs keeps nobody for longer than 5 s: it is then closed after he has left.

        Raises:
            OSError: see `PartFile.open`.
        """
        part = PartFile(self._folder / self.name_of(sha256), size_bytes=size_bytes)
        try:
            await self.call(part.open)
            yield part
        finally:
            loop = asyncio.get_running_loop()
            closing = loop.run_in_executor(self._threads, part.close)
            await asyncio.wait([closing], timeout=_CLOSE_S_MAX)

    async def remove(self, hashes: Collection[str]) -> None:
        """Let go of what has come of files that never will.

        Raises:
            OSError: the disk refuses.
        """

        def remove() -> None:
            for sha256 in hashes:
                (self._folder / self.name_of(sha256)).unlink(missing_ok=True)

        if hashes:
            await self.call(remove)
