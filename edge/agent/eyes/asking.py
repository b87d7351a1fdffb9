"""Commands to one running eye, the replies to them, and the files they make."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import os
import stat
from collections.abc import Mapping
from pathlib import Path

import msgspec

from edge.agent.eyes.eye_lines import Reply
from edge.agent.eyes.pipes import PipeWriter
from edge.agent.ports import AskedFile
from edge.errors import EyeRefused, EyeUnavailable, MediaError
from edge.model import Json

REPLY_S_MAX = 10.0
_TYPES = {"snapshot": "image/jpeg", "clip": "video/mp4"}
"""Not the eye's word: it goes into answers to browsers."""

_YEAR_9999_MS = 253_370_764_800_000
"""No clock of a pole stands there, and later times can't be written."""

_encoder = msgspec.json.Encoder()


class Asking:
    """What is asked of one run of an eye; replies come back by the id of their command."""

    def __init__(self, camera: str, writer: PipeWriter) -> None:
        """`writer` leads to the eye."""
        self._camera = camera
        self._writer = writer
        self._ids = itertools.count(1)
        self._asked: dict[int, asyncio.Future[Reply]] = {}

    async def ask(
        self, kind: str, arguments: Mapping[str, Json], *, timeout_s: float = REPLY_S_MAX
    ) -> Reply:
        """Send a command and wait for what the eye says.

        Raises:
            EyeUnavailable: it takes no command, gives no reply in time, or ends.
            EyeRefused: it says no.
        """
        number = next(self._ids)
        told: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._writer.send(_encoder.encode({"kind": kind, "id": number, **arguments}) + b"\n")
        self._asked[number] = told
        try:
            async with asyncio.timeout(timeout_s):
                reply = await told
        except TimeoutError as exc:
            problem = f"{self._camera}: no reply within {timeout_s:.0f} s; try again"
            raise EyeUnavailable(problem) from exc
        finally:
            del self._asked[number]
        if not reply.ok:
            raise EyeRefused(reply.error or "it gives no reason")
        return reply

    def take(self, reply: Reply) -> bool:
        """Give a reply to who asked; False where nobody waits for it."""
        told = self._asked.get(reply.id) if reply.id is not None else None
        if told is None or told.done():
            return False
        told.set_result(reply)
        return True

    def end(self) -> None:
        """Tell all who wait that the eye has ended."""
        for told in self._asked.values():
            if not told.done():
                told.set_exception(EyeUnavailable(f"{self._camera}: the eye has ended"))


async def open_asked(folder: Path, kind: str, reply: Reply) -> AskedFile:
    """Take the file that a snapshot or clip command has made.

    Raises:
        MediaError: it is not there, or not what the eye says of it.
    """
    loop = asyncio.get_running_loop()
    opening = loop.run_in_executor(None, _open, folder, kind, reply)
    try:
        return await asyncio.shield(opening)
    except asyncio.CancelledError:
        opening.add_done_callback(_close_result)
        raise


def _open(folder: Path, kind: str, reply: Reply) -> AskedFile:
    from_t = reply.frame_t if kind == "snapshot" else reply.from_t
    to_t = reply.frame_t if kind == "snapshot" else reply.to_t
    if reply.file is None or from_t is None or to_t is None:
        raise MediaError("the eye names no file, or not its time")
    from_ms, to_ms = (reply.at_ms + round((t - reply.t) * 1000) for t in (from_t, to_t))
    if not 0 <= from_ms <= to_ms < _YEAR_9999_MS:
        raise MediaError("the eye names a time that no camera has")
    path = folder / reply.file
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as exc:
        raise MediaError(f"{reply.file}: can't be opened ({exc.strerror})") from exc
    file = os.fdopen(descriptor, "rb")
    try:
        path.unlink()
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_size != reply.bytes:
            raise MediaError(f"{reply.file}: no plain file of {reply.bytes} bytes")
        if hashlib.file_digest(file, "sha256").hexdigest() != reply.sha256:
            raise MediaError(f"{reply.file}: its hash is not what the eye said")
        file.seek(0)
    except OSError as exc:
        file.close()
        if isinstance(exc, MediaError):
            raise
        raise MediaError(f"{reply.file}: can't be read ({exc.strerror})") from exc
    return AskedFile(file, status.st_size, _TYPES[kind], from_ms, to_ms)


def _close_result(opening: asyncio.Future[AskedFile]) -> None:
    """Close what was opened for somebody who has left."""
    if not opening.cancelled() and opening.exception() is None:
        opening.result().file.close()
