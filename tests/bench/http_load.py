"""Requests over connections that stay, as cheap for the caller as can be; and what they cost."""

from __future__ import annotations

import asyncio
import os
import re
import time
from collections.abc import Mapping
from pathlib import Path

_LENGTH = re.compile(rb"\r\ncontent-length: ([0-9]+)", re.IGNORECASE)
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


class Caller:
    """One connection."""

    def __init__(self, address: str, headers: Mapping[str, str]) -> None:
        self._address = address
        self._head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())

    async def connect(self) -> None:
        host, _, port = self._address.partition(":")
        self._reader, self._writer = await asyncio.open_connection(host, int(port), limit=2**22)

    async def get(self, path: str) -> bytes:
        """Ask and read the whole answer, which must be a 200 with its length."""
        self._writer.write(
            f"GET {path} HTTP/1.1\r\nHost: {self._address}\r\n{self._head}\r\n".encode()
        )
        head = await self._reader.readuntil(b"\r\n\r\n")
        length = _LENGTH.search(head)
        assert head.startswith(b"HTTP/1.1 200 "), head
        assert length is not None, head
        return await self._reader.readexactly(int(length[1]))

    def close(self) -> None:
        self._writer.close()


async def count_requests(
    address: str, path: str, *, headers: Mapping[str, str], callers: int, seconds: float
) -> int:
    """Ask the same again and again over several connections; say how often."""
    end_s = time.monotonic() + seconds

    async def ask() -> int:
        caller, count = Caller(address, headers), 0
        await caller.connect()
        while time.monotonic() < end_s:
            await caller.get(path)
            count += 1
        caller.close()
        return count

    return sum(await asyncio.gather(*(ask() for _ in range(callers))))


def cpu_s(pid: int) -> float:
    """Processor time of a process and all its threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS_PER_S
