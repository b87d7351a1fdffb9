"""One client's connection: aiohttp's protocol with the deadlines that it lacks."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from aiohttp import StreamReader, web
from aiohttp.http_exceptions import LineTooLong

from edge.serving.headers import harden
from edge.serving.patience import Pace, Patience
from edge.serving.problems import Problem
from edge.serving.seats import Seat
from edge.serving.send_queue import look
from edge.serving.traffic import Slow

_LINGER_S = 5.0
"""How long a body that nobody wants is read, so that the client sees the answer."""
HEAD_BYTES_MAX = 64 * 1024
"""aiohttp bounds lines and their number: a megabyte for each of 2,048 connections together."""
_HEAD_ENDS = b"\r\n\r\n"
_LONG_LINE = b"x" * 16_384
"""What the parser refuses with 431 wherever in a head it stands; only it can answer there."""
_SERVER_ERROR = 500
_logger = logging.getLogger("polewatch.api")


class Connection(web.RequestHandler):
    """A connection that is watched from outside by `check`, about once a second."""

    def __init__(self, server: web.Server, patience: Patience, seat: Seat) -> None:
        """`seat` is given back once the connection is gone."""
        loop = asyncio.get_running_loop()
        super().__init__(
            server, loop=loop, keepalive_timeout=patience.idle_s, auto_decompress=False,
            access_log=None,  # type: ignore[arg-type] # /metrics counts instead
            lingering_time=_LINGER_S, logger=_logger,
        )  # fmt: skip
        self._patience, self._seat = patience, seat
        self._now_s: Callable[[], float] = loop.time
        self._pace = Pace(self._now_s())
        self._body: StreamReader | None = None
        self._is_busy = self._has_next_begun = False
        self._head_bytes = 0
        self._wire: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to wait for the first request."""
        assert isinstance(transport, asyncio.Transport)
        self._wire = transport
        self._pace = Pace(self._now_s())
        super().connection_made(transport)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Give the seat back."""
        self._wire = None
        self._seat.leave()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Note where a request begins, then let it be parsed."""
        if data and not self._is_busy:
            self._pace.await_headers(self._now_s())
            self._head_bytes = 0 if _HEAD_ENDS in data else self._head_bytes + len(data)
            if self._head_bytes > HEAD_BYTES_MAX:
                data = _LONG_LINE
        elif data and self._body is not None and self._body.is_eof():
            self._has_next_begun = True
        super().data_received(data)

    def begin_request(self, body: StreamReader) -> None:
        """The headers of a request are there."""
        self._is_busy, self._has_next_begun, self._body = True, False, body
        self._head_bytes = 0
        if body.is_eof():
            self._pace.end_body()
        else:
            self._pace.begin_body(self._now_s())

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """Send an answer, then wait for the next request."""
        finished = await super().finish_response(request, resp, start_time)
        self._is_busy = False
        if self._has_next_begun:
            self._pace.await_headers(self._now_s())
        return finished

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = _SERVER_ERROR,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer what is no request, in our way; it is never logged, for it may hold anything."""
        if request.writer.output_size > 0:
            raise ConnectionError("half an answer is out; the caller sees the connection end")
        if status >= _SERVER_ERROR:
            _logger.error("a request failed", exc_info=exc)
            problem = Problem(_SERVER_ERROR, "it could not be answered; the log has the reason")
        elif isinstance(exc, LineTooLong):
            problem = Problem(431, "a line of the request's head is too long; send less")
        else:
            problem = Problem(400, "this is no HTTP/1.1 request that can be understood; mend it")
        response = problem.response()
        harden(response)
        response.force_close()
        return response

    def check(self) -> Slow | None:
        """End the connection if the client is too slow; say with what."""
        wire, now_s = self._wire, self._now_s()
        if wire is None:
            return None
        if self._body is not None and self._is_busy and self._body.is_eof():
            self._pace.end_body()
        queue = look(wire)
        if queue is not None:
            self._pace.take(
                now_s, unsent_bytes=queue.queued_bytes if self._is_busy else 0,
                taken_bytes=queue.acked_bytes,
            )  # fmt: skip
        slow = self._pace.find_slow(now_s, self._patience)
        if slow:
            wire.abort()
        return slow
