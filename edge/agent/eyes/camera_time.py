"""Asks a camera what time it is, without logging in; what comes back is hostile and bounded.

RTSP and HTTP tell it in each answer's `Date` (RFC 2326 §12.18, RFC 9110 §6.6.1), ONVIF by
GetSystemDateAndTime, which needs no login (ONVIF Core §8.3.5). All three tell whole seconds: the
moment at which the second changes tells the rest.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import SplitResult, urlsplit

from edge.supervise import Passing

ASK_S_MAX = 5.0
TICK_S = 0.1
TICKS_MAX = 15
_HEAD_BYTES_MAX = 16 * 1024
_BODY_BYTES_MAX = 64 * 1024
_NS_PER_MS = 1_000_000
_DATE = re.compile(rb"^date:[ \t]*([^\r\n]{1,64})\r?$", re.IGNORECASE | re.MULTILINE)
_LENGTH = re.compile(rb"^content-length:[ \t]*(\d{1,6})\r?$", re.IGNORECASE | re.MULTILINE)
_UTC = re.compile(rb"<(?:\w+:)?UTCDateTime>(.{1,2000}?)</(?:\w+:)?UTCDateTime>", re.DOTALL)
_PORTS = {"rtsp": 554, "http": 80}
ONVIF_PORT = 80
_GET_TIME = (
    '<?xml version="1.0" encoding="utf-8"?><s:Envelope'
    ' xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body><GetSystemDateAndTime'
    ' xmlns="http://www.onvif.org/ver10/device/wsdl"/></s:Body></s:Envelope>'
)

_Ask = Callable[[int], Awaitable[int | None]]
"""Asks for the n-th time; gives the camera's time in seconds since 1970, None: it tells none."""


@dataclass(frozen=True, slots=True)
class CameraOffset:
    """How far a camera's clock is ahead of the pole's, to within `within_s`; `by` told it."""

    off_s: float
    within_s: float
    by: str


@dataclass(frozen=True, slots=True)
class _Look:
    sent_ms: float
    got_ms: float
    camera_s: int


async def ask_offset(source: str, passing: Passing) -> CameraOffset | None:
    """Compare a camera's clock with the pole's.

    Args:
        source: the camera's address as configured.
        passing: the pole's clocks, and how to wait for the camera's second to change.

    Returns:
        None where the camera tells no time, or the pole's own clock was set meanwhile.
    """
    url = urlsplit(source)
    if url.scheme not in ("rtsp", "rtsps", "http", "https") or not url.hostname:
        return None
    if url.scheme in _PORTS:
        found = await _ask_by_date(url, passing)
        if found is not None:
            return found
    return await _compare(lambda _: _ask_onvif(str(url.hostname)), passing, "onvif")


async def _ask_by_date(url: SplitResult, passing: Passing) -> CameraOffset | None:
    assert url.hostname
    try:
        async with asyncio.timeout(ASK_S_MAX):
            reader, writer = await asyncio.open_connection(
                url.hostname, url.port or _PORTS[url.scheme], limit=_HEAD_BYTES_MAX
            )
    except (OSError, ValueError):  # TimeoutError is an OSError; a port beyond 65535 a ValueError
        return None
    host = f"[{url.hostname}]" if ":" in url.hostname else url.hostname
    address = host if url.port is None else f"{host}:{url.port}"

    async def ask(number: int) -> int | None:
        if url.scheme == "rtsp":
            line = f"OPTIONS rtsp://{address}{url.path or '/'} RTSP/1.0\r\nCSeq: {number}\r\n"
        else:
            line = f"HEAD {url.path or '/'} HTTP/1.1\r\nHost: {address}\r\n"
        writer.write(f"{line}User-Agent: polewatch\r\n\r\n".encode("ascii", "replace"))
        await writer.drain()
        return read_date(await reader.readuntil(b"\r\n\r\n"))

    try:
        return await _compare(ask, passing, url.scheme)
    finally:
        writer.transport.abort()


async def _ask_onvif(host: str) -> int | None:
    reader, writer = await asyncio.open_connection(host, ONVIF_PORT, limit=_HEAD_BYTES_MAX)
    try:
        shown = f"[{host}]" if ":" in host else host
        head = (
            f"POST /onvif/device_service HTTP/1.1\r\nHost: {shown}\r\nConnection: close\r\n"
            "Content-Type: application/soap+xml; charset=utf-8\r\n"
            f"Content-Length: {len(_GET_TIME)}\r\n\r\n"
        )
        writer.write((head + _GET_TIME).encode("ascii", "replace"))
        await writer.drain()
        length = _LENGTH.search(await reader.readuntil(b"\r\n\r\n"))
        if length is not None:
            return read_onvif(await reader.readexactly(min(int(length[1]), _BODY_BYTES_MAX)))
        body = bytearray()  # in chunks: what is between their marks is short enough to be in one
        while len(body) < _BODY_BYTES_MAX and (part := await reader.read(_HEAD_BYTES_MAX)):
            body += part
        return read_onvif(bytes(body))
    finally:
        writer.transport.abort()


async def _compare(ask: _Ask, passing: Passing, by: str) -> CameraOffset | None:
    """Ask until the camera's second changes: then its time is known to less than one."""
    clock = passing.clock
    begun_ms, begun_ns = clock.utc_ms(), clock.monotonic_ns()

    def now_ms() -> float:
        return begun_ms + (clock.monotonic_ns() - begun_ns) / _NS_PER_MS

    before: _Look | None = None
    for number in range(1, TICKS_MAX + 1):
        sent_ms = now_ms()
        camera_s: int | None = None
        with contextlib.suppress(OSError, EOFError, ValueError, asyncio.LimitOverrunError):
            async with asyncio.timeout(ASK_S_MAX):
                camera_s = await ask(number)
        if camera_s is None:
            return None
        look = _Look(sent_ms, now_ms(), camera_s)
        if before is not None and look.camera_s != before.camera_s:
            is_set = abs(clock.utc_ms() - look.got_ms) > TICK_S * 1000
            return None if is_set else _place(before, look, by)
        before = look
        await passing.sleep(TICK_S)
    return None  # a clock that stands still tells nothing


def _place(before: _Look, after: _Look, by: str) -> CameraOffset:
    """The camera's second began at some moment from the one question to the other's answer."""
    middle_ms = (before.sent_ms + after.got_ms) / 2
    within_s = (after.got_ms - before.sent_ms) / 2000
    return CameraOffset(round(after.camera_s - middle_ms / 1000, 1), within_s, by)


def read_date(head: bytes) -> int | None:
    """Read the `Date` of an answer, in seconds since 1970; None: none, or not one."""
    found = _DATE.search(head)
    if found is None:
        return None
    try:
        told = parsedate_to_datetime(found[1].decode("ascii"))
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return int((told if told.tzinfo else told.replace(tzinfo=UTC)).timestamp())


def read_onvif(body: bytes) -> int | None:
    """Read the UTC time of a GetSystemDateAndTimeResponse, in seconds since 1970; None: none.

    By its few elements alone: an XML parser would follow what a hostile answer declares.
    """
    found = _UTC.search(body)
    if found is None:
        return None
    parts = [
        re.search(rb"<(?:\w+:)?%s>\s*(\d{1,4})\s*<" % name, found[1])
        for name in (b"Year", b"Month", b"Day", b"Hour", b"Minute", b"Second")
    ]
    numbers = [int(part[1]) for part in parts if part is not None]
    try:
        year, month, day, hour, minute, second = numbers
        told = datetime(year, month, day, hour, minute, min(second, 59), tzinfo=UTC)
    except ValueError:
        return None
    return int(told.timestamp())
