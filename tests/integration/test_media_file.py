"""The shelf of media by itself: what is opened is closed, whoever leaves when."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path

import pytest

from edge.errors import MediaError
from edge.model import KeptMedia
from edge.serving.media_file import CHUNK_BYTES, MediaShelf
from edge.serving.ranges import Span
from tests.support.aio import run_async, wait_until

pytestmark = pytest.mark.timeout(120)


def keep(folder: Path, content: bytes) -> KeptMedia:
    sha256 = hashlib.sha256(content).hexdigest()
    path = folder / sha256[:2] / sha256
    path.parent.mkdir()
    path.write_bytes(content)
    return KeptMedia(sha256, len(content), "video/mp4", path, frozenset({"yard"}))


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def hold(shelf: MediaShelf, kept: KeptMedia) -> None:
    async with shelf.open(kept, is_read=True):
        await asyncio.sleep(60)


@run_async
async def test_file_is_closed_when_its_reader_leaves_while_it_is_opened(tmp_path: Path) -> None:
    shelf, kept = MediaShelf(), keep(tmp_path, bytes(60_000_000))  # 60 MB take a while to hash
    before = open_files()
    for wait_s in (0, 0.001, 0.005, 0.01, 0.02):
        readers = [asyncio.ensure_future(hold(shelf, kept)) for _ in range(8)]
        await asyncio.sleep(wait_s)
        for reader in readers:
            reader.cancel()
        await asyncio.gather(*readers, return_exceptions=True)
        async with asyncio.timeout(20):
            await wait_until(lambda: open_files() <= before)
    shelf.close()


@run_async
async def test_part_is_read_chunk_by_chunk_and_refused_behind_the_end(tmp_path: Path) -> None:
    shelf, kept = MediaShelf(), keep(tmp_path, b"ab" * CHUNK_BYTES)
    async with shelf.open(kept, is_read=True) as media:
        assert len(await shelf.read(media, Span(0, kept.size_bytes))) == CHUNK_BYTES
        assert await shelf.read(media, Span(1, 4)) == b"bab"
        kept.path.write_bytes(b"")  # cut while it is read
        with pytest.raises(MediaError, match="cut while it was read"):
            await shelf.read(media, Span(0, 2))
    shelf.close()


@run_async
async def test_file_that_is_missing_is_refused(tmp_path: Path) -> None:
    shelf, kept = MediaShelf(), keep(tmp_path, b"clip")
    kept.path.unlink()
    with pytest.raises(MediaError, match="No such file"):
        async with shelf.open(kept, is_read=False):
            pass
    shelf.close()
