"""The body of a pole's answer: read within limits of bytes and time, whatever it is."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import suppress

from aiohttp import ClientResponse

from edge.errors import PoleError, PoleUnreachable, PoleWrong
from edge.station.ports import LiveAnswer
from edge.station.pulling.pole_faults import FAILURES, explain_failure, explain_status

PROBLEM_BYTES_MAX = 64 * 1024
ANSWER_S_MAX = 120.0
"""An answer that is no file: from its headers to its end."""
PACE_S = 25.0
PACE_BYTES = 4096
"""A body that brings less than this in that time has stalled; the API itself has the same pace."""
_PASSED_ON = re.compile(r"Content-Type|Content-Length|Content-Disposition|Polewatch-.*", re.I)


class LiveStream:
    """An open answer that is read piece by piece."""

    def __init__(self, response: ClientResponse) -> None:
        """Nothing is read yet."""
        self._body = Body(response)
        passed = {
            name: value for name, value in response.headers.items() if _PASSED_ON.fullmatch(name)
        }
        self.answer = LiveAnswer(response.status, passed)

    async def read(self) -> bytes:
        """The next bytes; empty at its end."""
        return await self._body.read()


class Body:
    """Reads a body that must not stall: time counts only while it is the pole's turn."""

    def __init__(self, response: ClientResponse) -> None:
        """Nothing is read yet."""
        self._content = response.content
        self._left_s, self._missing_bytes = PACE_S, PACE_BYTES

    async def read(self) -> bytes:
        """Some bytes; empty at the end.

        Raises:
            PoleUnreachable: it has stalled, or hung up midway.
            PoleWrong: it breaks HTTP.
        """
        clock = asyncio.get_running_loop()
        begun_s = clock.time()
        try:
            async with asyncio.timeout(self._left_s):
                chunk = await self._content.readany()
        except TimeoutError as exc:
            raise PoleUnreachable("its answer stalls midway; look at the link") from exc
        except FAILURES as exc:
            raise explain_failure(exc) from exc
        self._left_s -= clock.time() - begun_s
        self._missing_bytes -= len(chunk)
        if self._missing_bytes <= 0:
            self._left_s, self._missing_bytes = PACE_S, PACE_BYTES
        return chunk


async def expect(response: ClientResponse, *statuses: int) -> None:
    """Raise what an answer of another status means."""
    if response.status in statuses:
        return
    problem = b""
    with suppress(PoleError):
        problem = await read_all(response, PROBLEM_BYTES_MAX)
    raise explain_status(response.status, problem, retry_after=response.headers.get("Retry-After"))


async def read_all(response: ClientResponse, bytes_max: int) -> bytes:
    """Read a body that is no file."""
    too_long = PoleWrong(f"its answer is longer than {bytes_max} bytes; look at `url`")
    if (response.content_length or 0) > bytes_max:
        raise too_long
    body, chunks, length = Body(response), [], 0
    try:
        async with asyncio.timeout(ANSWER_S_MAX):
            while chunk := await body.read():
                chunks.append(chunk)
                length += len(chunk)
                if length > bytes_max:
                    raise too_long
    except TimeoutError as exc:
        raise PoleUnreachable("its answer takes too long; look at the link") from exc
    return b"".join(chunks)


async def read_on(response: ClientResponse, skip: int) -> AsyncIterator[bytes]:
    """Yield a body behind its first `skip` bytes."""
    body = Body(response)
    while chunk := await body.read():
        if skip < len(chunk):
            yield chunk[skip:]
        skip = max(0, skip - len(chunk))
