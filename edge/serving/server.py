"""Serves an application on the addresses of `[api] listen`: who may connect, for how long.

Connections are accepted here and not by asyncio's server: one that is too many is turned away
before it costs a TLS handshake.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import resource
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, TypeAlias

from aiohttp import web

from edge.errors import EdgeError, ListenError
from edge.serving.access import ACCESS
from edge.serving.connection import Connection
from edge.serving.door import Door
from edge.serving.headers import harden
from edge.serving.problems import Problem
from edge.serving.seats import SEATS_MAX, Seat, Seats
from edge.serving.traffic import TRAFFIC

BACKLOG = 512
FILES_MAX = 8192
_CHECK_EVERY_S = 0.5
_STOP_S = 1.5
"""How long answers under way may take when the server stops, and once more after being told to."""
_SHUTDOWN_S = 5.0
_ACCEPT_AGAIN_S = 1.0
_EXHAUSTED = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
_NOT_HERE = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)
_SAY_EVERY_S = 60.0
_Handle: TypeAlias = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]
_logger = logging.getLogger("polewatch.api")


@asynccontextmanager
async def serve(app: web.Application, door: Door) -> AsyncIterator[tuple[str, ...]]:
    """Serve an application within the block; yields the addresses as HOST:PORT.

    Raises:
        ListenError: an address can't be had.
    """
    failure: EdgeError | None = None
    files_max = raise_file_limit()
    listeners = await _listen(door.listen)
    runner = web.AppRunner(
        app, handle_signals=False, access_log=None, handler_cancellation=True,
        shutdown_timeout=_STOP_S,
    )  # fmt: skip
    try:
        await runner.setup()
        serving = _Serving(app, runner, door, seats_max=min(SEATS_MAX, files_max // 2))
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(serving.accept(each, group)) for each in listeners]
            tasks.append(group.create_task(serving.watch()))
            tasks.append(group.create_task(app[ACCESS].report()))
            try:
                yield tuple(_name(listener) for listener in listeners)
            except EdgeError as exc:
                failure = exc  # of whoever uses the server: not to be wrapped by the group
            for task in tasks:
                task.cancel()
            serving.stop()
    finally:
        for listener in listeners:
            listener.close()
        await runner.cleanup()
    if failure is not None:
        raise failure


def raise_file_limit() -> int:
    """Let this process open more files, as far as the system lets it; returns how many."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES_MAX if hard == resource.RLIM_INFINITY else min(FILES_MAX, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        return wanted
    return FILES_MAX if soft == resource.RLIM_INFINITY else soft


class _Serving:
    """One server at work."""

    def __init__(
        self, app: web.Application, runner: web.AppRunner, door: Door, *, seats_max: int
    ) -> None:
        server = runner.server
        assert server is not None
        self._server, self._door = server, door
        self._seats = Seats(seats_max=seats_max)
        self._traffic = app[TRAFFIC]
        self._arriving: set[asyncio.Task[None]] = set()
        self._said_s = -_SAY_EVERY_S
        make_request = server.request_factory

        def begin(message: Any, payload: Any, protocol: Any, *rest: Any) -> web.BaseRequest:
            protocol.begin_request(payload)
            return make_request(message, payload, protocol, *rest)

        server.request_factory = begin
        server.request_handler = _refuse_expectations(server.request_handler)

    async def accept(self, listener: socket.socket, group: asyncio.TaskGroup) -> None:
        """Let clients in until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            try:
                connected, peer = await loop.sock_accept(listener)
            except OSError as exc:
                if exc.errno in _EXHAUSTED:
                    _logger.error("api: takes no connection reason=%s", exc.strerror)
                    await asyncio.sleep(_ACCEPT_AGAIN_S)
                continue  # any other is of the client, who has gone
            seat = self._seats.take(peer[0])
            if seat is None:
                self._traffic.turned_away += 1
                connected.close()
                continue
            task = group.create_task(self._let_in(connected, seat))
            self._arriving.add(task)
            task.add_done_callback(self._arriving.discard)
            task.add_done_callback(partial(_turn_away, connected, seat))

    async def watch(self) -> None:
        """End slow connections until cancelled."""
        while True:
            await asyncio.sleep(_CHECK_EVERY_S)
            connections = self._server.connections
            self._traffic.connections = len(connections)
            for connection in connections:
                assert isinstance(connection, Connection)
                slow = connection.check()
                if slow:
                    self._traffic.cut[slow] += 1

    def _say_refused(self, exc: ssl.SSLCertVerificationError) -> None:
        """Log why a station stays outside, at most once a minute."""
        now_s = asyncio.get_running_loop().time()
        if now_s - self._said_s >= _SAY_EVERY_S:
            self._said_s = now_s
            _logger.warning(
                "api: a client's certificate is refused: %s; look at its dates, at the clock here"
                " and at station_ca", exc.verify_message,
            )  # fmt: skip

    def stop(self) -> None:
        """Wait for nobody who is still arriving."""
        for task in self._arriving:
            task.cancel()

    async def _let_in(self, connected: socket.socket, seat: Seat) -> None:
        """Make a connection of an accepted socket, after the TLS handshake if there is one."""
        patience, tls = self._door.patience, self._door.tls
        is_tls = tls is not None
        try:
            connected.setblocking(False)
            await asyncio.get_running_loop().connect_accepted_socket(
                lambda: Connection(self._server, patience, seat),
                connected,
                ssl=tls,
                ssl_handshake_timeout=patience.handshake_s if is_tls else None,
                ssl_shutdown_timeout=_SHUTDOWN_S if is_tls else None,
            )
        except OSError as exc:  # it went away, failed the handshake or took too long over it
            if isinstance(exc, ssl.SSLCertVerificationError):
                self._say_refused(exc)
            self._traffic.cut["handshake"] += 1
            seat.leave()
            connected.close()


def _turn_away(connected: socket.socket, seat: Seat, arriving: asyncio.Task[None]) -> None:
    """Close what was still arriving when the server stopped, even before its task had begun."""
    if arriving.cancelled():
        seat.leave()
        connected.close()


def _refuse_expectations(handle: _Handle) -> _Handle:
    """Answer a wish we do not know before aiohttp does, which fails where it is no UTF-8."""

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        expected = request.headers.get("Expect", "")
        if expected and expected.lower() != "100-continue":
            response = Problem(417, "the only Expect that is known is 100-continue").response()
            harden(response)
            return response
        return await handle(request)

    return answer


async def _listen(listen: str) -> list[socket.socket]:
    """Open all addresses that a host has; those that this machine lacks are left out."""
    host, _, port = listen.rpartition(":")
    host = host.strip("[]")
    loop = asyncio.get_running_loop()
    opened: list[socket.socket] = []
    refused: OSError | None = None
    try:
        found = await loop.getaddrinfo(
            host, int(port), type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        for family, address in dict.fromkeys((entry[0], entry[4]) for entry in found):
            try:
                opened.append(_open(family, address))
            except OSError as exc:
                refused = exc
                if exc.errno not in _NOT_HERE:
                    raise
        if not opened and refused is not None:
            raise refused
    except OSError as exc:
        for listener in opened:
            listener.close()
        remedy = "end what has the port, or give another [api] listen"
        raise ListenError(f"{listen}: can't be listened on ({exc.strerror}); {remedy}") from exc
    return opened


def _open(family: int, address: Any) -> socket.socket:
    """Open one address; [::] takes IPv4 as well, as people expect of it."""
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setblocking(False)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, address[0] != "::")
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


def _name(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
