"""A part by itself: it goes on at its byte, and a disk that hangs holds up nobody else."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from edge.station.pulling.part_file import Parts
from tests.support.aio import run_async

pytestmark = pytest.mark.timeout(60)

SHA256 = hashlib.sha256(b"abcdef").hexdigest()
PIPE_BYTES = 65536
"""What a pipe takes until somebody reads: a disk that hangs."""


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    pool = ThreadPoolExecutor(3)
    yield pool
    pool.shutdown()


@run_async
async def test_part_goes_on_at_its_byte(tmp_path: Path, threads: ThreadPoolExecutor) -> None:
    parts = Parts(tmp_path, "P1", threads)
    async with parts.open(SHA256, size_bytes=6) as part:
        part.add(b"abc")
    async with parts.open(SHA256, size_bytes=6) as part:
        assert part.got_bytes == 3
        part.add(b"def")
        assert part.finish(SHA256)
    async with parts.open(SHA256, size_bytes=5) as part:
        assert part.got_bytes == 0, "it can't be a beginning of a shorter one"


@run_async
async def test_part_has_one_writer(tmp_path: Path, threads: ThreadPoolExecutor) -> None:
    parts = Parts(tmp_path, "P1", threads)
    async with parts.open(SHA256, size_bytes=6) as part:
        with pytest.raises(BlockingIOError):
            async with parts.open(SHA256, size_bytes=6):
                pass
        part.add(b"abc")
    assert (tmp_path / parts.name_of(SHA256)).read_bytes() == b"abc"


@run_async
async def test_part_is_written_once_and_closed_after_its_disk_has_hung(
    tmp_path: Path, threads: ThreadPoolExecutor
) -> None:
    parts, content = Parts(tmp_path, "P1", threads), os.urandom(4 * PIPE_BYTES)
    path = tmp_path / parts.name_of(SHA256)
    os.mkfifo(path)

    async def fetch() -> None:
        async with parts.open(SHA256, size_bytes=len(content)) as part:
            part.add(content)
            await parts.call(part.write)

    fetching = asyncio.ensure_future(fetch())
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        found = bytearray()
        while not found:
            found += take(reader, 1) or b""
            await asyncio.sleep(0.01)
        fetching.cancel()
        ticks = 0
        while not fetching.done():
            await asyncio.sleep(0.01)
            ticks += 1
        assert ticks > 100, "the loop went on while the disk hung"
        while (block := take(reader, PIPE_BYTES)) != b"":
            found += block or b""
            await asyncio.sleep(0)
    finally:
        os.close(reader)
    assert found == content


def take(reader: int, count: int) -> bytes | None:
    """What has come; empty where nobody writes, None where nothing has come just now."""
    try:
        return os.read(reader, count)
    except BlockingIOError:
        return None
