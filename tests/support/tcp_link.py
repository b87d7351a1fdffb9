"""A link that goes down and up: passes TCP on to a port, and on demand passes nothing.

A link that is down is like a radio link, not like a closed port: what was connected stalls, new
connections are taken by the kernel and get no answer. `cut` hangs up on everybody besides.
"""

from __future__ import annotations

import asyncio
import contextlib

from tests.support.loop_thread import LoopThread

_PIECE_BYTES = 64 * 1024


class TcpLink:
    """Listens at `.port` while the context is open."""

    def __init__(self, to_port: int) -> None:
        """`to_port` is where it leads, on 127.0.0.1."""
        self._to_port = to_port
        self._loop = LoopThread()
        self._writers: set[asyncio.StreamWriter] = set()
        self._taking: set[asyncio.Task[None]] = set()
        self.port = 0
        self.passed_bytes = 0

    def __enter__(self) -> TcpLink:
        self._loop.start()
        self._loop.run(self._open())
        return self

    def __exit__(self, *_exc: object) -> None:
        try:
            self._loop.run(self._close())
        finally:
            self._loop.stop()

    def go_down(self) -> None:
        """Pass nothing from now on."""
        self._loop.call(self._is_up.clear)

    def go_up(self) -> None:
        """Pass what comes, and what has waited."""
        self._loop.call(self._is_up.set)

    def cut(self) -> None:
        """Hang up on everybody, both ways, in the middle of whatever it is."""
        self._loop.call(self._hang_up)

    async def _open(self) -> None:
        self._is_up = asyncio.Event()
        self._is_up.set()
        self._server = await asyncio.start_server(self._begin, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _close(self) -> None:
        self._server.close()
        self._hang_up()
        for task in self._taking:
            task.cancel()
        await asyncio.gather(*self._taking, return_exceptions=True)
        await self._server.wait_closed()

    def _hang_up(self) -> None:
        for writer in self._writers:
            writer.transport.abort()

    def _begin(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(self._take(reader, writer))
        self._taking.add(task)
        task.add_done_callback(self._taking.discard)

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._is_up.wait()
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self._to_port)
        except OSError:
            writer.transport.abort()
            return
        both = {writer, back}
        self._writers |= both
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pass(reader, back))
                group.create_task(self._pass(there, writer))
        finally:
            self._writers -= both
            for each in both:
                each.close()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while piece := await reader.read(_PIECE_BYTES):
                await self._is_up.wait()
                self.passed_bytes += len(piece)
                writer.write(piece)
                await writer.drain()
            if writer.can_write_eof():
                writer.write_eof()
