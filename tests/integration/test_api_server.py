"""The server against clients that are slow, many, or speak no HTTP; over real sockets."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import ClientSession, web

from edge.agent.api.app import make_app
from edge.errors import EdgeError, ListenError, StoreError
from edge.serving.door import Door
from edge.serving.patience import Patience
from edge.serving.routes import Public, Route
from edge.serving.server import serve
from edge.serving.traffic import TRAFFIC, Traffic
from tests.support.aio import run_async
from tests.support.api_pole import Bench

pytestmark = pytest.mark.timeout(120)

HASTY = Patience(handshake_s=0.5, headers_s=0.5, body_s=0.5, reading_s=1.0, idle_s=1.0)
CALM = Patience(headers_s=0.5, idle_s=20.0)
"""So that it can only be the headers."""
DEADLINE_S = 30.0
OPEN = Public("for tests")
ASK = b"GET /ok HTTP/1.1\r\nHost: localhost\r\n\r\n"


async def ok(_request: web.Request) -> web.Response:
    return web.json_response({"ok": True})


async def echo(request: web.Request) -> web.Response:
    return web.Response(body=await request.read())


async def large(request: web.Request) -> web.StreamResponse:
    """8 MB, more than sockets take by themselves."""
    response = web.StreamResponse()
    await response.prepare(request)
    for _ in range(128):
        await response.write(b"x" * 65_536)
    return response


async def never(request: web.Request) -> web.Response:
    """Notes when its caller has left."""
    request.app[WAITING].append("began")
    try:
        await asyncio.sleep(1000)
    finally:
        request.app[WAITING].append("ended")
    return web.Response()


async def broken(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    await response.write(b"half")
    raise StoreError("the disk is gone")


WAITING: web.AppKey[list[str]] = web.AppKey("waiting", list)
ROUTES = (
    Route("GET", "/ok", ok, OPEN),
    Route("POST", "/echo", echo, OPEN),
    Route("GET", "/large", large, OPEN),
    Route("GET", "/never", never, OPEN),
    Route("GET", "/broken", broken, OPEN),
)


class Serving:
    """A server and how to speak to it byte by byte."""

    def __init__(self, address: str, app: web.Application) -> None:
        host, _, port = address.rpartition(":")
        self.address, self.place, self.app = address, (host, int(port)), app

    @property
    def traffic(self) -> Traffic:
        return self.app[TRAFFIC]

    async def connect(
        self, first: bytes = b""
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection(*self.place)
        writer.write(first)
        return reader, writer

    async def say(self, text: bytes) -> bytes:
        """Say something and read until the server hangs up."""
        reader, writer = await self.connect(text)
        try:
            return await asyncio.wait_for(reader.read(), DEADLINE_S)
        finally:
            writer.close()

    async def wait_for(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(DEADLINE_S):
            while not condition():  # noqa: ASYNC110 - what is awaited is in the server's hands
                await asyncio.sleep(0.02)


@asynccontextmanager
async def serving(folder: Path, patience: Patience = HASTY) -> AsyncIterator[Serving]:
    app = make_app(Bench(folder).pole(), ROUTES)
    app[WAITING] = []
    async with serve(app, Door("127.0.0.1:0", patience=patience)) as (address,):
        yield Serving(address, app)


def parse_problem(answer: bytes, status: int) -> str:
    """Check that an answer is a problem of ours; its detail."""
    head, _, body = answer.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    assert lines[0].split(" ")[1] == str(status)
    assert "Content-Type: application/problem+json" in lines
    assert "Server: polewatch" in lines
    assert "X-Content-Type-Options: nosniff" in lines
    problem = json.loads(body)
    assert problem["status"] == status
    return str(problem["detail"])


@run_async
async def test_connection_is_ended_when_nothing_or_half_a_request_comes(tmp_path: Path) -> None:
    async with serving(tmp_path, CALM) as server:
        for text in (b"", b"G", b"GET /ok HTTP/1.1\r\nHost: localhost\r\n"):
            assert await server.say(text) == b""
        assert server.traffic.cut == {"headers": 3}


@run_async
async def test_connection_is_ended_when_headers_come_a_byte_at_a_time(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        reader, writer = await server.connect()
        sent = 0
        for byte in ASK * 50:
            if reader.at_eof():
                break
            try:
                writer.write(bytes([byte]))
                await asyncio.wait_for(reader.read(1), 0.1)
            except TimeoutError:
                sent += 1
            except ConnectionError:
                break
        assert 3 <= sent < 30
        writer.close()


@run_async
async def test_head_is_refused_when_its_lines_are_long_and_many(tmp_path: Path) -> None:
    """Each line alone may be as long; the end of the head is not awaited."""
    async with serving(tmp_path, Patience()) as server:
        reader, writer = await server.connect(ASK[:-2])
        for number in range(9):
            writer.write(b"X-%d: %b\r\n" % (number, b"a" * 7_000))
            await writer.drain()
            await asyncio.sleep(0.05)
        writer.write(b"X: " + b"a" * 4_000)
        async with asyncio.timeout(5):
            answer = await reader.readuntil(b"}")
        assert "too long" in parse_problem(answer, 431)
        writer.close()


@run_async
async def test_second_request_has_a_deadline_as_well(tmp_path: Path) -> None:
    async with serving(tmp_path, CALM) as server:
        reader, writer = await server.connect(ASK)
        first = await reader.readuntil(b"}")
        assert first.startswith(b"HTTP/1.1 200 OK\r\n")
        writer.write(ASK[:-2])
        assert await asyncio.wait_for(reader.read(), DEADLINE_S) == b""
        assert server.traffic.cut == {"headers": 1}
        writer.close()


@run_async
async def test_request_behind_another_has_a_deadline_as_well(tmp_path: Path) -> None:
    """Its first bytes come while the one before is still being answered."""
    async with serving(tmp_path, CALM) as server:
        reader, writer = await server.connect(b"GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n")
        await reader.readuntil(b"\r\n\r\n")
        writer.write(ASK[:-2])
        assert len(await asyncio.wait_for(reader.read(), DEADLINE_S)) > 8_000_000
        assert server.traffic.cut == {"headers": 1}
        writer.close()


@run_async
async def test_idle_connection_is_closed_in_time(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        assert (await server.say(ASK)).endswith(b'{"ok": true}')
        assert not server.traffic.cut


@run_async
async def test_connection_is_ended_when_a_body_does_not_come(tmp_path: Path) -> None:
    head = b"POST /echo HTTP/1.1\r\nHost: localhost\r\n"
    async with serving(tmp_path) as server:
        for text in (
            head + b"Content-Length: 100\r\n\r\nhalf",
            head + b"Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
        ):
            assert await server.say(text) == b""
        assert server.traffic.cut == {"body": 2}


@run_async
async def test_connection_is_ended_when_nobody_reads_the_answer(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        loop = asyncio.get_running_loop()
        with socket.socket() as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.setblocking(False)
            await loop.sock_connect(client, server.place)
            await loop.sock_sendall(client, ASK.replace(b"/ok", b"/large"))
            await server.wait_for(lambda: server.traffic.cut["reading"] == 1)
        await server.wait_for(lambda: server.traffic.connections == 0)


@run_async
async def test_reader_that_is_slow_but_goes_on_gets_everything(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        loop = asyncio.get_running_loop()
        with socket.socket() as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
            client.setblocking(False)
            await loop.sock_connect(client, server.place)
            await loop.sock_sendall(
                client, b"GET /large HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
            )
            count = pauses = 0
            while block := await loop.sock_recv(client, 262_144):
                count += len(block)
                if count // 1_000_000 > pauses:
                    pauses += 1
                    await asyncio.sleep(0.5)
        assert count > 128 * 65_536
        assert pauses == 8
        assert not server.traffic.cut


@run_async
async def test_handler_is_ended_when_its_caller_leaves(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        _, writer = await server.connect(ASK.replace(b"/ok", b"/never"))
        await server.wait_for(lambda: server.app[WAITING] == ["began"])
        writer.close()
        await server.wait_for(lambda: server.app[WAITING] == ["began", "ended"])


@run_async
async def test_server_stops_in_time_when_answers_are_under_way(tmp_path: Path) -> None:
    async with asyncio.timeout(DEADLINE_S):
        async with serving(tmp_path, Patience()) as server:
            reader, writer = await server.connect(ASK.replace(b"/ok", b"/never"))
            _, half = await server.connect(b"GET /half")
            await server.wait_for(lambda: server.app[WAITING] == ["began"])
        assert await reader.read() == b""
        writer.close()
        half.close()


@run_async
async def test_half_an_answer_ends_the_connection_and_is_no_second_answer(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        answer = await server.say(ASK.replace(b"/ok", b"/broken"))
        assert answer.count(b"HTTP/1.1") == 1
        assert answer.endswith(b"4\r\nhalf\r\n")  # without the end of a whole one, 0


GARBAGE = {
    "no http": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
    "long line": (b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\n\r\n", 431),
    "long header": (b"GET /ok HTTP/1.1\r\nX: " + b"a" * 20_000 + b"\r\n\r\n", 431),
    "many headers": (b"GET /ok HTTP/1.1\r\n" + b"X: a\r\n" * 5_000 + b"\r\n", 400),
    "no host": (b"GET /ok HTTP/1.1\r\n\r\n", 400),
    "two hosts": (b"GET /ok HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n", 400),
    "two lengths": (
        b"POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n"
        b"Content-Length: 2\r\n\r\nab", 400,
    ),
    "length and chunks": (
        b"POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400,
    ),
    "negative length": (
        b"POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n", 400,
    ),
    "folded header": (b"GET /ok HTTP/1.1\r\nHost: localhost\r\nX: a\r\n b\r\n\r\n", 400),
    "zero byte": (b"GET /ok HTTP/1.1\r\nHost: localhost\r\nX: \0\r\n\r\n", 400),
    "line in the path": (b"GET /ok\r\n HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
}  # fmt: skip


@pytest.mark.parametrize(("text", "status"), GARBAGE.values(), ids=GARBAGE)
def test_what_is_no_request_is_answered_as_a_problem(
    tmp_path: Path, text: bytes, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    @run_async
    async def ask() -> None:
        async with serving(tmp_path) as server:
            detail = parse_problem(await server.say(text), status)
            assert "aaaa" not in detail

    ask()
    assert caplog.text == ""  # whoever fills the log with it would hide what matters


REFUSED = {
    "foreign name": (b"GET /ok HTTP/1.1\r\nHost: evil.example\r\n\r\n", 421),
    "foreign address": (b"GET /ok HTTP/1.1\r\nHost: 10.0.0.1\r\n\r\n", 421),
    "name with user": (b"GET /ok HTTP/1.1\r\nHost: localhost@evil.example\r\n\r\n", 400),
    "empty name": (b"GET /ok HTTP/1.1\r\nHost: \r\n\r\n", 400),
    "target elsewhere": (
        b"GET http://evil.example/ok HTTP/1.1\r\nHost: localhost\r\n\r\n", 421,
    ),
    "target with user": (
        b"GET http://a:b@localhost/ok HTTP/1.1\r\nHost: localhost\r\n\r\n", 421,
    ),
    "unknown path": (b"GET /v1/x HTTP/1.1\r\nHost: localhost\r\n\r\n", 404),
    "unknown method": (b"DELETE /ok HTTP/1.1\r\nHost: localhost\r\n\r\n", 405),
    "compressed": (
        b"POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Encoding: gzip\r\n"
        b"Content-Length: 2\r\n\r\n\x1f\x8b", 415,
    ),
    "compressed on the way": (
        b"POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"
        b"0\r\n\r\n", 415,
    ),
    "long body": (
        b"POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 70000\r\n\r\n", 413,
    ),
    "long chunks": (
        b"POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
        + b"ffff\r\n" + b"a" * 65_535 + b"\r\nffff\r\n" + b"a" * 65_535 + b"\r\n0\r\n\r\n", 413,
    ),
    "expectation": (
        b"GET /ok HTTP/1.1\r\nHost: localhost\r\nExpect: 200-maybe\r\n\r\n", 417,
    ),
    "expectation that is no text": (
        b"GET /v1/x HTTP/1.1\r\nHost: localhost\r\nExpect: \x80\xff\r\n\r\n", 417,
    ),
}  # fmt: skip


@pytest.mark.parametrize(("text", "status"), REFUSED.values(), ids=REFUSED)
def test_what_can_not_be_answered_is_a_problem(tmp_path: Path, text: bytes, status: int) -> None:
    @run_async
    async def ask() -> None:
        async with serving(tmp_path) as server:
            answer = await server.say(text)
            assert parse_problem(answer, status)
            assert (status == 405) == (b"\r\nAllow: GET,HEAD\r\n" in answer)

    ask()


@run_async
async def test_target_that_names_this_very_host_is_a_path_to_us(tmp_path: Path) -> None:
    """As clients send it that take us for their proxy; servers must understand it."""
    async with serving(tmp_path) as server:
        for target in (b"http://localhost/ok", b"HTTP://LOCALHOST/ok?"):
            answer = await server.say(ASK.replace(b"/ok", target))
            assert answer.startswith(b"HTTP/1.1 200 OK\r\n"), target


@run_async
async def test_client_that_asks_first_is_told_to_go_on(tmp_path: Path) -> None:
    head = b"POST /echo HTTP/1.1\r\nHost: localhost\r\nExpect: 100-Continue\r\n"
    async with serving(tmp_path) as server:
        reader, writer = await server.connect(head + b"Content-Length: 4\r\n\r\n")
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(b"body")
        assert (await reader.readuntil(b"body")).startswith(b"HTTP/1.1 200 OK\r\n")
        writer.close()


@run_async
async def test_pole_on_the_network_answers_to_its_own_names_and_addresses(tmp_path: Path) -> None:
    app = make_app(Bench(tmp_path).with_api(listen="0.0.0.0:8470").pole(), ROUTES)
    names = {
        "localhost": 200, "127.0.0.1": 200, "10.0.0.5:8470": 200, "[fd00::5]:8470": 200,
        "SG-017": 200, "sg-017:8470": 200, f"{socket.gethostname()}.local": 200,
        "evil.example": 421, "sg-017.evil.example": 421, "localhost.evil.example": 421,
        "1.2.3": 421, "[::": 400, "a b": 400, "10.0.0.5:99999999": 400,
    }  # fmt: skip
    async with serve(app, Door("127.0.0.1:0")) as (address,):
        server = Serving(address, app)
        for name, status in names.items():
            ask = f"GET /ok HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n".encode()
            answer = await server.say(ask)
            assert answer.split(b" ")[1] == str(status).encode(), name


@run_async
async def test_good_client_is_served_while_four_hundred_are_slow(tmp_path: Path) -> None:
    """S7, with the limits of the pole itself; the good client must not even notice."""
    body = b"POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nhalf"
    async with serving(tmp_path, Patience()) as server:
        slow = [await server.connect(ASK[:-2]) for _ in range(300)]
        slow += [await server.connect(body) for _ in range(50)]
        slow += [await server.connect(ASK.replace(b"/ok", b"/large")) for _ in range(50)]
        async with ClientSession(f"http://{server.address}") as session:
            for _ in range(200):
                async with asyncio.timeout(5), session.get("/ok") as answer:
                    assert answer.status == 200
        assert server.traffic.turned_away == 0
        await server.wait_for(lambda: server.traffic.cut["headers"] == 300)
        for _, writer in slow:
            writer.close()


@run_async
async def test_connections_beyond_the_limit_of_an_address_are_turned_away(tmp_path: Path) -> None:
    async with serving(tmp_path, Patience()) as server:
        held = [await server.connect() for _ in range(1024)]
        reader, writer = await server.connect(ASK)
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await asyncio.wait_for(reader.readexactly(1), DEADLINE_S)
        writer.close()
        assert server.traffic.turned_away == 1
        await server.wait_for(lambda: server.traffic.connections == 1024)
        for _, each in held:
            each.close()
        await server.wait_for(lambda: server.traffic.connections == 0)
        assert (
            await server.say(ASK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        ).endswith(b'{"ok": true}')


@run_async
async def test_port_in_use_is_an_error_that_names_it(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        listen = f"127.0.0.1:{other.getsockname()[1]}"
        app = make_app(Bench(tmp_path).pole(), ROUTES)
        with pytest.raises(ListenError, match=f"{listen}: can't be listened on .*Address already"):
            async with serve(app, Door(listen)):
                pass


@pytest.mark.parametrize("host", ["203.0.113.1", "no-such-host.invalid"])
def test_address_of_somebody_else_is_an_error(tmp_path: Path, host: str) -> None:
    @run_async
    async def ask() -> None:
        app = make_app(Bench(tmp_path).pole(), ROUTES)
        with pytest.raises(ListenError, match=f"{host}:8470: can't be listened on"):
            async with serve(app, Door(f"{host}:8470")):
                pass

    ask()


@run_async
async def test_error_of_whoever_uses_the_server_comes_out_as_it_is(tmp_path: Path) -> None:
    error: EdgeError | None = None
    try:
        async with serving(tmp_path):
            raise StoreError("the disk is gone")
    except StoreError as exc:
        error = exc
    assert str(error) == "the disk is gone"
