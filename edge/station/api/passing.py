"""A pole's answer on its way to a desk: opened with the station's token and checked.

Neither the pole's address nor what it says of itself at length reaches a desk from here.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager

import msgspec
from aiohttp import web

from edge.errors import PoleError, PoleRefused, PoleUnreachable, ViewsFull
from edge.serving.plain_text import plain_text
from edge.serving.problems import Problem
from edge.serving.routes import CALLER, Caller
from edge.station.api.context import STATION
from edge.station.ports.links import Stream

OPEN_S_MAX = 30.0
STALL_S_MAX = 30.0
"""A pole that gives nothing for as long has stalled, and the answer ends."""
WHOLE_BYTES_MAX = 1024 * 1024
"""Of an answer that is read before it is passed on: a few cameras are some kilobytes."""
_OK, _UNAVAILABLE = 200, 503
_TOLD = (400, 404, 409, 410, _UNAVAILABLE)
"""What a pole refuses because of what was asked, or for now; anything else is between it and us."""
_log = logging.getLogger(__name__)


class _Problem(msgspec.Struct):
    detail: str = ""


@asynccontextmanager
async def open_answer(
    request: web.Request, pole: str, path: str, query: Mapping[str, str]
) -> AsyncIterator[Stream]:
    """Ask a pole for something that it has; the block has its answer, which is 200.

    Args:
        request: of the desk.
        pole: one of the configuration.
        path: below /v1/cameras/, made of checked names.
        query: checked.

    Raises:
        Problem: 503 or 502, it does not give it; or what it refuses, in its own words.
    """
    async with AsyncExitStack() as stack:
        opening = request.app[STATION].links.open_live(
            pole, path, query, reason=_say_who(request[CALLER])
        )
        try:
            async with asyncio.timeout(OPEN_S_MAX):
                stream = await stack.enter_async_context(opening)
                if stream.answer.status != _OK:
                    raise await _refusal(pole, stream)
        except (PoleError, TimeoutError) as exc:
            _log.warning("pole not passed on: pole=%s path=%s reason=%s", pole, path, exc)
            raise _explain(pole, exc) from exc
        yield stream


def _say_who(caller: Caller) -> str:
    """Name the person at the desk, and what for he looks, to a pole that knows the station only."""
    return f"{caller.name}: {caller.reason}" if caller.reason else caller.name


async def read_on(stream: Stream) -> bytes:
    """Read the next bytes; empty at the end.

    Raises:
        PoleError: the pole has gone, or has given nothing for long.
    """
    try:
        async with asyncio.timeout(STALL_S_MAX):
            return await stream.read()
    except TimeoutError as exc:
        raise PoleUnreachable(f"nothing came for {STALL_S_MAX:.0f} s") from exc


async def read_whole_answer(pole: str, stream: Stream) -> bytes:
    """Read an answer to its end.

    Raises:
        Problem: 502 or 503, it is none that a pole gives, or it ends midway.
    """
    whole = bytearray()
    try:
        async with asyncio.timeout(OPEN_S_MAX):
            while block := await stream.read():
                whole += block
                if len(whole) > WHOLE_BYTES_MAX:
                    raise Problem(502, f"{pole} answers more than a pole does")
    except (PoleError, TimeoutError) as exc:
        raise _explain(pole, exc) from exc
    return bytes(whole)


async def _refusal(pole: str, stream: Stream) -> Problem:
    """Tell why a pole refuses: what was asked, or us."""
    status = stream.answer.status
    if status not in _TOLD:
        return Problem(502, f"{pole} refuses the station ({status}); see its troubles in /v1/poles")
    try:
        said = msgspec.json.decode(await read_whole_answer(pole, stream), type=_Problem).detail
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        said = ""
    headers = {"Retry-After": "10"} if status == _UNAVAILABLE else None
    return Problem(status, f"{pole} says: {plain_text(said) or 'no'}", headers=headers)


def _explain(pole: str, exc: Exception) -> Problem:
    """Tell that a pole can't be had, without its address."""
    if isinstance(exc, ViewsFull):
        return Problem(_UNAVAILABLE, str(exc), headers={"Retry-After": "10"})
    if isinstance(exc, PoleUnreachable | TimeoutError):
        detail = f"{pole} does not answer just now; /v1/poles/{pole} says since when and why"
        return Problem(_UNAVAILABLE, detail, headers={"Retry-After": "10"})
    why = "refuses the station" if isinstance(exc, PoleRefused) else "gives no such answer"
    return Problem(502, f"{pole} {why}; /v1/poles/{pole} says what is wrong with it")
