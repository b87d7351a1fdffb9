"""Somebody who is told by webhook, and misbehaves on demand."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal

from tests.support.loop_thread import LoopThread

Manner = Literal[
    "take", "refuse", "gone", "redirect", "hang", "hang up", "endless", "drip", "babble"
]
_ANSWERS: dict[Manner, bytes] = {
    "take": b"HTTP/1.1 204 No Content\r\n\r\n",
    "refuse": b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 2\r\n\r\nno",
    "gone": b"HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n",
    "redirect": b"HTTP/1.1 307 Temporary Redirect\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n",
    "babble": b"\x00\x01 this is no HTTP\r\n\r\n",
    "endless": b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n",
    "drip": b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n",
}
_CHUNK = b"x" * 65536


@dataclass(frozen=True, slots=True)
class Received:
    """One request: the path, headers with lower-case names, body, and what was answered."""

    path: str
    headers: dict[str, str]
    body: bytes
    manner: Manner

    def json(self) -> Any:
        """The body, understood."""
        return json.loads(self.body)


class WebhookReceiver:
    """Listens at `.url` while the context is open, on a thread of its own."""

    def __init__(self, manner: Manner = "take") -> None:
        """`manner` is how it answers, from the next request on also when it is set later."""
        self.manner: Manner = manner
        self.redirect_to = ""
        self.received: list[Received] = []
        self.sent_bytes = 0
        """Of bodies that have no end."""
        self._loop = LoopThread()
        self._connections: set[asyncio.Task[None]] = set()

    def __enter__(self) -> WebhookReceiver:
        self._loop.start()
        self._loop.run(self._open())
        return self

    def __exit__(self, *_exc: object) -> None:
        self._loop.run(self._close())
        self._loop.stop()

    @property
    def url(self) -> str:
        """Where to send to."""
        return f"http://127.0.0.1:{self._port}/polewatch"

    @property
    def taken(self) -> list[Received]:
        """What it has said it has taken."""
        return [each for each in self.received if each.manner in ("take", "endless", "drip")]

    def wait_for(self, condition: Callable[[], bool], *, timeout_s: float = 30) -> None:
        """Wait, on another thread than the one that sends, until something holds."""
        deadline_s = time.monotonic() + timeout_s
        while not condition():
            assert time.monotonic() < deadline_s, f"not in {timeout_s} s: {len(self.received)}"
            threading.Event().wait(0.02)

    async def _open(self) -> None:
        self._server = await asyncio.start_server(self._begin, "127.0.0.1", 0)
        self._port = self._server.sockets[0].getsockname()[1]

    async def _close(self) -> None:
        self._server.close()
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        await self._server.wait_closed()

    def _begin(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(self._serve(reader, writer))
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(asyncio.IncompleteReadError, ConnectionError):
                while await self._take_one(reader, writer):
                    pass
        finally:
            writer.transport.abort()

    async def _take_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        pairs = [line.split(":", 1) for line in head[1:] if line]
        headers = {name.lower(): value.strip() for name, value in pairs}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        manner = self.manner
        self.received.append(Received(head[0].split(" ")[1], headers, body, manner))
        if manner == "hang up":
            return False
        if manner == "hang":
            await asyncio.Event().wait()
        answer = _ANSWERS[manner]
        writer.write(answer % self.redirect_to.encode() if manner == "redirect" else answer)
        await writer.drain()
        if manner in ("endless", "drip"):
            await self._send_on(writer, _CHUNK if manner == "endless" else b"x")
        return manner != "babble"

    async def _send_on(self, writer: asyncio.StreamWriter, chunk: bytes) -> None:
        while True:
            writer.write(chunk)
            await writer.drain()
            self.sent_bytes += len(chunk)
            await asyncio.sleep(0 if len(chunk) > 1 else 0.05)
