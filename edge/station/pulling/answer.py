"""A pole's answer: its status, and its body read within limits of bytes and time."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass

from aiohttp import ClientResponse

from edge.errors import PoleError, PoleUnreachable, PoleWrong
from edge.feeds import Cursor
from edge.serving.codings import GZIP, Inflation
from edge.station.ports.links import LiveAnswer
from edge.station.pulling.pole_answers import parse_problem
from edge.station.pulling.pole_faults import FAILURES, explain_failure, explain_status
from edge.station.pulling.ports import TooLong

PROBLEM_BYTES_MAX = 64 * 1024
_PASSED_ON = re.compile(r"Content-Type|Content-Length|Content-Disposition|Polewatch-.*", re.I)


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a pole may take.

    `answer_s` is for an answer that is no file, from its headers to its end. A body that brings
    less than `pace_bytes` in `pace_s` has stalled; the API itself has the same pace.
    """

    connect_s: float = 10.0
    headers_s: float = 10.0
    wait_spare_s: float = 15.0
    answer_s: float = 120.0
    pace_s: float = 25.0
    pace_bytes: int = 4096


class Answer:
    """An answer whose headers have come; its body can be read once."""

    def __init__(self, response: ClientResponse, limits: Limits) -> None:
        """Nothing of its body is read yet."""
        self._response, self._limits = response, limits
        self._left_s, self._missing_bytes = limits.pace_s, limits.pace_bytes

    @property
    def status(self) -> int:
        """Of HTTP."""
        return self._response.status

    @property
    def size_bytes(self) -> int | None:
        """The length of the body as the headers have it."""
        return self._response.content_length

    def header(self, name: str) -> str:
        """A header; empty where there is none."""
        return self._response.headers.get(name, "")

    @property
    def answer(self) -> LiveAnswer:
        """What a desk may see of it."""
        headers = self._response.headers.items()
        passed = {name: value for name, value in headers if _PASSED_ON.fullmatch(name)}
        return LiveAnswer(self._response.status, passed)

    async def expect(self, *statuses: int) -> None:
        """Raise what an answer of another status means.

        Raises:
            PoleError: its status is none of these.
        """
        if self.status in statuses:
            return
        problem = b""
        with suppress(PoleError):
            problem = await self.read_all(PROBLEM_BYTES_MAX)
        raise explain_status(self.status, problem, retry_after=self.header("Retry-After"))

    async def problem(self) -> tuple[str, Cursor | None]:
        """What the pole says of a request that it refuses."""
        return parse_problem(await self.read_all(PROBLEM_BYTES_MAX))

    async def read(self) -> bytes:
        """Some bytes; empty at the end. Time counts only while it is the pole's turn.

        Raises:
            PoleUnreachable: it has stalled, or hung up midway.
            PoleWrong: it breaks HTTP.
        """
        clock = asyncio.get_running_loop()
        begun_s = clock.time()
        try:
            async with asyncio.timeout(self._left_s):
                chunk = await self._response.content.readany()
        except TimeoutError as exc:
            raise PoleUnreachable("its answer stalls midway; look at the link") from exc
        except FAILURES as exc:
            raise explain_failure(exc) from exc
        self._left_s -= clock.time() - begun_s
        self._missing_bytes -= len(chunk)
        if self._missing_bytes <= 0:
            self._left_s, self._missing_bytes = self._limits.pace_s, self._limits.pace_bytes
        return chunk

    async def read_all(self, bytes_max: int) -> bytes:
        """Read a body that is no file.

        Raises:
            PoleUnreachable: it takes too long.
            TooLong: it is longer than `bytes_max`, or would be once it is unpacked.
            PoleWrong: it can't be unpacked.
        """
        body, is_too_long = bytearray(), (self.size_bytes or 0) > bytes_max
        inflation = Inflation(bytes_max) if self.header("Content-Encoding") == GZIP else None
        try:
            async with asyncio.timeout(self._limits.answer_s):
                while not is_too_long and (chunk := await self.read()):
                    read = chunk if inflation is None else inflation.add(chunk)
                    body += read or b""
                    is_too_long = read is None or len(body) > bytes_max
        except TimeoutError as exc:
            raise PoleUnreachable("its answer takes too long; look at the link") from exc
        except ValueError as exc:
            raise PoleWrong("its answer is no gzip, though it says so; look at `url`") from exc
        if is_too_long:
            raise TooLong(f"its answer is longer than {bytes_max} bytes; look at `url`")
        if inflation is not None and not inflation.is_whole:
            raise PoleWrong("its answer is gzip without its end, or with more behind it")
        return bytes(body)

    async def read_on(self, skip: int) -> AsyncIterator[bytes]:
        """Yield the body behind its first `skip` bytes."""
        while chunk := await self.read():
            if skip < len(chunk):
                yield chunk[skip:]
            skip = max(0, skip - len(chunk))
