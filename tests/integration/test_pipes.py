"""Pipes of an eye that is slow, stuck or gone."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Iterator

import pytest

from edge.agent.eyes.pipes import READ_BYTES, WAITING_BYTES_MAX, PipeReader, PipeWriter
from edge.errors import EyeUnavailable
from tests.support.aio import run_async
from tests.support.eye_pole import poll

pytestmark = pytest.mark.timeout(120)


class Pipe:
    """Both ends; those that were not handed over are closed at the end."""

    def __init__(self) -> None:
        self.read_end, self.write_end = os.pipe()
        self.ours = {self.read_end, self.write_end}

    def give(self, descriptor: int) -> int:
        """Hand an end over."""
        self.ours.discard(descriptor)
        return descriptor

    def shut(self, descriptor: int) -> None:
        """Close an end now."""
        os.close(self.give(descriptor))


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    it = Pipe()
    yield it
    for descriptor in it.ours:
        os.close(descriptor)


@run_async
async def test_reader_gives_pieces_as_they_come_then_the_end(pipe: Pipe) -> None:
    reader = PipeReader(pipe.give(pipe.read_end))
    reading = asyncio.ensure_future(reader.read())
    await asyncio.sleep(0)
    assert not reading.done()
    os.write(pipe.write_end, b"x" * (READ_BYTES + 1))
    assert await reading == b"x" * READ_BYTES
    assert await reader.read() == b"x"
    pipe.shut(pipe.write_end)
    assert await reader.read() == b""
    reader.close()


@run_async
async def test_cancelled_reading_loses_nothing(pipe: Pipe) -> None:
    reader = PipeReader(pipe.give(pipe.read_end))
    reading = asyncio.ensure_future(reader.read())
    await asyncio.sleep(0)
    os.write(pipe.write_end, b"kept")
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert await reader.read() == b"kept"
    reader.close()


@run_async
async def test_reader_that_hangs_up_gives_what_is_there_and_waits_no_more(pipe: Pipe) -> None:
    reader = PipeReader(pipe.give(pipe.read_end))
    os.write(pipe.write_end, b"last")
    reader.hang_up()
    assert await reader.read() == b"last"
    assert await reader.read() == b""
    reader.close()


@run_async
async def test_reader_that_waits_is_woken_when_it_hangs_up(pipe: Pipe) -> None:
    reader = PipeReader(pipe.give(pipe.read_end))
    reading = asyncio.ensure_future(reader.read())
    await asyncio.sleep(0)
    reader.hang_up()
    assert await reading == b""
    reader.close()


@run_async
async def test_flooding_eye_does_not_keep_another_from_being_read(pipe: Pipe) -> None:
    other = Pipe()
    flooding = PipeReader(other.give(other.read_end))
    calm = PipeReader(pipe.give(pipe.read_end))
    os.set_blocking(other.write_end, False)
    pieces = 0

    async def swallow() -> None:
        nonlocal pieces
        while True:
            with contextlib.suppress(BlockingIOError):
                os.write(other.write_end, b"x" * 65_536)
            await flooding.read()
            pieces += 1

    swallowing = asyncio.ensure_future(swallow())
    await poll(lambda: pieces > 100)
    os.write(pipe.write_end, b"calm")
    before = pieces
    assert await calm.read() == b"calm"
    assert pieces - before < 10, "it had its turn"
    swallowing.cancel()
    await asyncio.wait([swallowing])
    flooding.close()
    other.shut(other.write_end)
    calm.close()


@run_async
async def test_writer_writes_all_when_the_eye_reads_late(pipe: Pipe) -> None:
    writer = PipeWriter(pipe.give(pipe.write_end))
    lines = [f"{number}".encode() * 500 + b"\n" for number in range(100)]
    for line in lines:
        writer.send(line)
    reader = PipeReader(pipe.give(pipe.read_end))
    taken = b""
    while len(taken) < sum(map(len, lines)):
        taken += await reader.read()
    assert taken == b"".join(lines)
    writer.close()
    reader.close()


@run_async
async def test_writer_refuses_what_a_stuck_eye_would_never_take(pipe: Pipe) -> None:
    writer = PipeWriter(pipe.give(pipe.write_end))
    piece = b"x" * 1024
    for _ in range((65_536 + WAITING_BYTES_MAX) // 1024):
        writer.send(piece)
    with pytest.raises(EyeUnavailable, match="takes no commands"):
        writer.send(piece)
    writer.close()


@run_async
async def test_writer_is_quiet_when_the_eye_is_gone(pipe: Pipe) -> None:
    writer = PipeWriter(pipe.give(pipe.write_end))
    for _ in range(80):
        writer.send(b"x" * 1024)
    pipe.shut(pipe.read_end)
    await poll(lambda: _takes(writer))
    writer.close()


def _takes(writer: PipeWriter) -> bool:
    try:
        writer.send(b"x" * WAITING_BYTES_MAX)
    except EyeUnavailable:
        return False
    return True
