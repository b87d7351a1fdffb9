"""A link that hangs up on each connection after some bytes, in the middle of whatever it is."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass


@dataclass
class CuttingLink:
    """`address` leads to the port; `cuts` counts; without `most_bytes` it passes everything."""

    address: str
    most_bytes: int | None
    chance: random.Random
    cuts: int = 0

    def draw_bytes(self) -> int | None:
        """After how many bytes of answers the next connection is cut."""
        return None if self.most_bytes is None else self.chance.randint(0, self.most_bytes)


@asynccontextmanager
async def cutting_link(to_port: int, *, most_bytes: int, seed: int) -> AsyncIterator[CuttingLink]:
    """Lead to a port of this machine for the block."""
    link = CuttingLink("", most_bytes, random.Random(seed))
    tasks: set[asyncio.Task[None]] = set()

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        ends = [writer]
        try:
            with suppress(OSError):
                there, back = await asyncio.open_connection("127.0.0.1", to_port)
                ends.append(back)
                asking = asyncio.create_task(_pass(reader, back))
                try:
                    await _answer(link, there, writer)
                finally:
                    asking.cancel()
        finally:
            for end in ends:
                end.transport.abort()
            tasks.discard(task)

    server = await asyncio.start_server(take, "127.0.0.1", 0)
    link.address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield link
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.wait_closed()


async def _answer(
    link: CuttingLink, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    left = link.draw_bytes()
    while piece := await reader.read(16 * 1024):
        if left is not None and len(piece) >= left:
            writer.write(piece[:left])
            await writer.drain()
            link.cuts += 1
            return
        left = None if left is None else left - len(piece)
        writer.write(piece)
        await writer.drain()


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while piece := await reader.read(16 * 1024):
            writer.write(piece)
            await writer.drain()
