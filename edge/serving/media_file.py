"""Media as they leave the disk: the very file that a record names, or none."""

from __future__ import annotations

import asyncio
import hashlib
import os
import stat
from collections import OrderedDict
from collections.abc import AsyncIterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TypeAlias

from edge.errors import MediaError, SpoiltMedia
from edge.model import KeptMedia
from edge.serving.ranges import Span

CHUNK_BYTES = 64 * 1024
THREADS = 4
CHECKED_MAX = 4096
"""Files that are known to be what they were, some hundred bytes each."""

_State: TypeAlias = tuple[int, int, int, int, int]


@dataclass(frozen=True, slots=True)
class OpenMedia:
    """A file that has been checked; whoever has it closes it."""

    descriptor: int
    size_bytes: int

    def read(self, first: int, count: int) -> bytes:
        """Read up to `count` bytes from a place; blocks.

        Raises:
            MediaError: they can't be read, or are not there any more.
        """
        try:
            found = os.pread(self.descriptor, min(count, CHUNK_BYTES), first)
        except OSError as exc:
            raise MediaError(f"a file can't be read ({exc.strerror}); check the disk") from exc
        if not found:
            raise MediaError("a file was cut while it was read; run polewatch verify")
        return found

    def close(self) -> None:
        """Give it back."""
        os.close(self.descriptor)


class MediaShelf:
    """Opens and reads media on threads of its own; a disk that hangs stops nothing else.

    A file is hashed once for each state of it, before its first byte leaves: a bit that has tipped
    is found here, and nobody is served it.
    """

    def __init__(self) -> None:
        """Nothing has been checked yet."""
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="media")
        self._checked: OrderedDict[str, _State] = OrderedDict()

    def close(self) -> None:
        """Let the threads go."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    @asynccontextmanager
    async def open(self, kept: KeptMedia, *, is_read: bool) -> AsyncIterator[OpenMedia]:
        """Open a file for the block, following no links.

        Args:
            kept: what the log says of it.
            is_read: false: only its size is wanted; its hash is then not looked at.

        Raises:
            MediaError: it is missing, or no plain file.
            SpoiltMedia: it is not the one that was recorded.
        """
        opening = self._threads.submit(self._open, kept, is_read=is_read)
        try:
            media = await asyncio.wrap_future(opening)
        except asyncio.CancelledError:
            opening.add_done_callback(_close_unwanted)
            raise
        try:
            yield media
        finally:
            media.close()

    async def read(self, media: OpenMedia, span: Span) -> bytes:
        """Read the next bytes of a part of a file; how many is up to the shelf, at least one.

        Raises:
            MediaError: they can't be read.
        """
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, media.read, span.first, span.size_bytes)

    def _open(self, kept: KeptMedia, *, is_read: bool) -> OpenMedia:
        name = kept.sha256[:16]
        try:
            descriptor = _open_below(kept)
        except OSError as exc:
            raise MediaError(
                f"media {name}: can't be opened ({exc.strerror}); run polewatch verify"
            ) from exc
        with ExitStack() as unless_good:
            unless_good.callback(os.close, descriptor)
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise MediaError(f"media {name}: no plain file; run polewatch verify")
            if status.st_size != kept.size_bytes:
                raise SpoiltMedia(
                    f"media {name}: {status.st_size} bytes, recorded were {kept.size_bytes};"
                    " run polewatch verify"
                )
            found = OpenMedia(descriptor, kept.size_bytes)
            if is_read:
                self._check(found, kept.sha256, _state(status))
            unless_good.pop_all()
        return found

    def _check(self, media: OpenMedia, sha256: str, state: _State) -> None:
        if self._checked.get(sha256) == state:
            return
        digest = hashlib.sha256()
        done = 0
        while done < media.size_bytes:
            block = media.read(done, CHUNK_BYTES)
            digest.update(block)
            done += len(block)
        if digest.hexdigest() != sha256:
            raise SpoiltMedia(f"media {sha256[:16]}: not what was recorded; run polewatch verify")
        self._checked[sha256] = state
        while len(self._checked) > CHECKED_MAX:
            self._checked.popitem(last=False)


def _close_unwanted(opening: Future[OpenMedia]) -> None:
    """Close what was opened for one who has left meanwhile."""
    if not opening.cancelled() and opening.exception() is None:
        opening.result().close()


def _open_below(kept: KeptMedia) -> int:
    folder = os.open(kept.path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        return os.open(kept.path.name, flags, dir_fd=folder)
    finally:
        os.close(folder)


def _state(status: os.stat_result) -> _State:
    return (
        status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns,
    )  # fmt: skip
