"""One pole over its HTTP API, as any integrator could ask it; nothing of it is trusted.

Every answer is bounded in bytes and time, also once it is unpacked, and no redirect is followed.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import msgspec
from aiohttp import ClientSession, ClientTimeout, DummyCookieJar, StreamReader, TCPConnector
from aiohttp.client_proto import ResponseHandler
from aiohttp.http import HttpProcessingError, RawResponseMessage
from yarl import URL

from edge.errors import PoleError, PoleRefused, PoleWrong
from edge.evidence import SignedStatement
from edge.feeds import Cursor, Feed
from edge.serving.codings import GZIP
from edge.serving.routes import REASON
from edge.station.client_tls import ClientContexts
from edge.station.config import PoleSite
from edge.station.ports.links import Stream
from edge.station.ports.vault import Word
from edge.station.pulling.answer import Answer, Limits
from edge.station.pulling.pole_answers import (
    parse_health,
    parse_page,
    parse_statements,
    parse_who,
)
from edge.station.pulling.pole_faults import FAILURES, explain_failure
from edge.station.pulling.ports import (
    CursorGone,
    FeedPage,
    FileGone,
    FileWrong,
    PoleHealth,
    Who,
    WordRefused,
)
from edge.station.pulling.token_file import TokenFile

PAGE_BYTES_MAX = 2 * 2**20
"""200 records have some 200 KB. Made for it, a page takes 35 times as much while checked."""
JSON_BYTES_MAX = 2**20
CONNECTIONS_MAX = 16
"""Two long polls, two files, four live views, and what is asked in between."""
KEEP_ALIVE_S = 15.0
"""The pole closes a connection that has been idle for 25 s."""
CHUNK_BYTES = 64 * 1024
INTERIM_MAX = 8
"""1xx answers before one that counts; a pole gives none, a proxy between us one or two."""
NEEDED_SCOPES = frozenset({"read", "pictures", "ack"})
_OK, _PARTIAL, _NOT_FOUND, _CONFLICT, _GONE, _BUSY = 200, 206, 404, 409, 410, 503
_INTERIM = range(100, 200)
_FINAL = (400, _NOT_FOUND, _CONFLICT, 413, 415)
"""What a pole answers to a word that it will never take."""
_CONTENT_RANGE = re.compile(r"bytes ([0-9]{1,15})-([0-9]{1,15})/([0-9]{1,15})")
_HEADERS = {"User-Agent": "polewatch-station", "Accept-Encoding": "identity"}
_PACKED = {"Accept-Encoding": GZIP}
"""For pages: six times as many records through a thin link."""


class _Protocol(ResponseHandler):
    """Ends a connection that gives 1xx answers without end: aiohttp passes over any number."""

    _interim_count = 0

    def feed_data(self, data: tuple[RawResponseMessage, StreamReader], size: int = 0) -> None:
        """Take an answer's headers, unless it is one too many."""
        self._interim_count = self._interim_count + 1 if data[0].code in _INTERIM else 0
        if self._interim_count <= INTERIM_MAX:
            super().feed_data(data, size)
        elif self.transport is not None and not self.transport.is_closing():
            self.transport.close()
            self.set_exception(HttpProcessingError(message="1xx answers without end"))


class _Connector(TCPConnector):
    """Its connections speak `_Protocol`."""

    def __init__(self) -> None:
        super().__init__(limit=CONNECTIONS_MAX, keepalive_timeout=KEEP_ALIVE_S)
        self._factory = partial(_make_protocol, self._loop)  # there is no public way


def _make_protocol(loop: asyncio.AbstractEventLoop) -> ResponseHandler:
    return _Protocol(loop)


class HttpPoleClient:
    """Gives `PoleClient`; an async context manager that owns its connections."""

    def __init__(
        self, site: PoleSite, contexts: ClientContexts, limits: Limits | None = None
    ) -> None:
        """Nothing is asked yet; files named by `site` are read when something is."""
        self._limits = limits or Limits()
        self._base = site.url.rstrip("/")
        self._ca, self._contexts = site.ca, contexts
        self._is_tls = self._base.startswith("https:")
        self._token = TokenFile(Path(site.token_file))
        self._stack = AsyncExitStack()
        self._session: ClientSession | None = None

    async def __aenter__(self) -> HttpPoleClient:
        """Begin; connections are made when something is asked."""
        self._session = await self._stack.enter_async_context(
            ClientSession(
                connector=_Connector(), headers=_HEADERS, cookie_jar=DummyCookieJar(),
                timeout=ClientTimeout(total=None, sock_connect=self._limits.connect_s),
                auto_decompress=False, read_bufsize=CHUNK_BYTES,
            )
        )  # fmt: skip
        return self

    async def __aexit__(self, *_exc: object) -> None:
        """Hang up."""
        await self._stack.aclose()

    async def who(self) -> Who:
        """Ask who it is, and whether our token is enough."""
        session = await self._get("/v1/session")
        who, scopes, is_for_all = parse_who(await self._get("/v1/pole"), session)
        if lacking := sorted(NEEDED_SCOPES - scopes):
            raise PoleRefused(f"our token lacks {', '.join(lacking)} there; make one that has them")
        if not is_for_all:
            raise PoleRefused("our token is for some cameras; a station needs one for all of them")
        return who

    async def health(self) -> PoleHealth:
        """Ask how it is; unwell is an answer too."""
        return parse_health(await self._get("/v1/health", also=_BUSY))

    async def page(
        self, feed: Feed, *, after: Cursor | None, limit: int, wait_s: float
    ) -> FeedPage:
        """Ask for the records after a place."""
        query = f"limit={limit}" + (f"&wait={wait_s:g}" if wait_s else "")
        query += f"&after={after}" if after is not None else ""
        path = f"/v1/feeds/{feed}?{query}"
        async with self._ask("GET", path, headers=_PACKED, wait_s=wait_s) as answer:
            if answer.status == _GONE:
                detail, oldest = await answer.problem()
                raise CursorGone(detail or "it can't go on from there", oldest)
            await answer.expect(_OK)
            page = parse_page(await answer.read_all(PAGE_BYTES_MAX))
        if len(page.items) > limit:
            raise PoleWrong(f"it gives {len(page.items)} records where {limit} were asked for")
        return page

    async def statements(
        self, feed: Feed, *, after: int
    ) -> tuple[list[SignedStatement], int, bool]:
        """Ask what was signed after a seq."""
        return parse_statements(await self._get(f"/v1/feeds/{feed}/statements?after={after}"))

    async def ack(self, feed: Feed, upto: Cursor) -> None:
        """Tell it that everything up to there is on a disk here."""
        async with self._ask("POST", f"/v1/feeds/{feed}/ack", {"upto": str(upto)}) as answer:
            if answer.status == _CONFLICT:
                detail, _ = await answer.problem()
                raise CursorGone(detail or "it can't take that ack", None)
            await answer.expect(_OK)
            await answer.read_all(JSON_BYTES_MAX)

    async def ack_media(self, hashes: Sequence[str]) -> None:
        """Tell it which files are on a disk here and were checked."""
        async with self._ask("POST", "/v1/media/ack", {"sha256": list(hashes)}) as answer:
            await answer.expect(_OK)
            await answer.read_all(JSON_BYTES_MAX)

    @asynccontextmanager
    async def media(
        self, sha256: str, *, first: int, size_bytes: int
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """Fetch a file from a byte on.

        A pole that sends the whole file where a part was asked for is passed over up to there.
        """
        headers = {"Range": f"bytes={first}-", "If-Range": f'"{sha256}"'} if first else {}
        async with self._ask("GET", f"/v1/media/{sha256}", headers=headers) as answer:
            if answer.status == _NOT_FOUND:
                raise FileGone("the pole has this file no more")
            await answer.expect(_OK, _PARTIAL)
            skip = _check_extent(answer, first, size_bytes)
            yield answer.read_on(skip)

    async def say(self, word: Word) -> None:
        """Pass on what a desk has said of an alert."""
        path = f"/v1/alerts/{quote(word.alert, safe='')}/{word.what}"
        async with self._ask("POST", path, dict(word.body)) as answer:
            if answer.status in _FINAL:
                detail, _ = await answer.problem()
                raise WordRefused(f"the pole will not take it ({answer.status}): {detail}")
            await answer.expect(_OK)
            await answer.read_all(JSON_BYTES_MAX)

    @asynccontextmanager
    async def open_live(
        self, path: str, query: Mapping[str, str], *, reason: str = ""
    ) -> AsyncIterator[Stream]:
        """Open live pictures, a snapshot or a clip; the pole's refusal is an answer too."""
        asked = f"?{urlencode(query)}" if query else ""
        below = f"/{quote(path)}" if path else ""  # without a path: the list of them
        where = f"/v1/cameras{below}{asked}"
        headers = {REASON: quote(reason)} if reason else {}
        spare_s = self._limits.wait_spare_s
        async with self._ask("GET", where, headers=headers, wait_s=spare_s) as answer:
            if answer.status in (401, 403):
                await answer.expect(_OK)
            yield answer

    async def _get(self, path: str, *, also: int = _OK) -> bytes:
        async with self._ask("GET", path) as answer:
            await answer.expect(_OK, also)
            return await answer.read_all(JSON_BYTES_MAX)

    @asynccontextmanager
    async def _ask(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        wait_s: float = 0,
    ) -> AsyncIterator[Answer]:
        """Ask, and wait for the headers; the answer is given back at the block's end."""
        assert self._session is not None
        sent = {"Authorization": f"Bearer {self._token.read()}", **(headers or {})}
        if body is not None:
            sent["Content-Type"] = "application/json"
        limits = self._limits
        headers_s = wait_s + limits.wait_spare_s if wait_s else limits.headers_s
        try:
            async with asyncio.timeout(limits.connect_s + headers_s):
                response = await self._session.request(
                    method, URL(self._base + path, encoded=True), headers=sent,
                    data=None if body is None else msgspec.json.encode(body),
                    ssl=self._contexts.find(self._ca) if self._is_tls else True,
                    allow_redirects=False,
                )  # fmt: skip
        except FAILURES as exc:
            if isinstance(exc, PoleError):
                raise
            raise explain_failure(exc) from exc
        try:
            if response.headers.get("Content-Encoding", "identity") not in _read_codings(sent):
                raise PoleWrong("its answer is compressed, which nobody asked for; look at `url`")
            yield Answer(response, self._limits)
        finally:
            response.release()


def _read_codings(sent: Mapping[str, str]) -> tuple[str, ...]:
    """In which codings an answer may come, by the headers that were sent."""
    return ("identity", GZIP) if sent.get("Accept-Encoding") == GZIP else ("identity",)


def _check_extent(answer: Answer, first: int, size_bytes: int) -> int:
    """See that a file's answer is of the length that was promised; bytes to be passed over."""
    skip = 0
    if answer.status == _PARTIAL:
        found = _CONTENT_RANGE.fullmatch(answer.header("Content-Range"))
        extent = None if found is None else tuple(map(int, found.groups()))
        if extent != (first, size_bytes - 1, size_bytes):
            raise FileWrong("it sends another part of a file than was asked for")
    else:
        skip = first
    if answer.size_bytes != size_bytes - first + skip:
        raise FileWrong(
            f"a file of {size_bytes} bytes was promised, another length is sent:"
            f" {answer.size_bytes}"
        )
    return skip
