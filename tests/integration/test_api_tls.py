"""The API under TLS: old protocols, weak suites and strange stations stay outside."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp import ClientConnectorError, ClientError, ClientSession, TCPConnector, web

from edge.agent.api.app import ALL_ROUTES, make_app
from edge.agent.listening import find_listening
from edge.config.model import Config
from edge.serving.door import Door, make_door
from edge.serving.patience import Patience
from edge.serving.routes import Public, Route
from edge.serving.server import serve
from edge.serving.traffic import TRAFFIC, Traffic
from tests.support.aio import run_async
from tests.support.api_pole import KEY, Bench
from tests.support.authorities import Authority, Pair, make_self_signed

pytestmark = pytest.mark.timeout(120)

HASTY = Patience(handshake_s=0.5, headers_s=0.5, reading_s=1.0)
DEADLINE_S = 30.0


async def large(request: web.Request) -> web.StreamResponse:
    """8 MB, more than sockets take by themselves."""
    response = web.StreamResponse()
    await response.prepare(request)
    for _ in range(128):
        await response.write(b"x" * 65_536)
    return response


ROUTES = (*ALL_ROUTES, Route("GET", "/large", large, Public("for tests")))


@asynccontextmanager
async def serving(
    folder: Path, station_ca: Path | None = None, patience: Patience | None = None
) -> AsyncIterator[tuple[str, Bench, Traffic]]:
    bench = Bench(folder).with_api(
        listen="127.0.0.1:0", tls=True, station_ca=None if station_ca is None else station_ca.name
    )
    door = _door(bench.config, folder)
    door = replace(door, patience=patience or Patience())
    app = make_app(replace(bench.pole(), tls=door.binding), ROUTES)
    async with serve(app, door) as (address,):
        yield address, bench, app[TRAFFIC]


def _door(config: Config, folder: Path) -> Door:
    listening = find_listening(config, tls_folder=folder / "tls", config_folder=folder)
    return make_door(listening, KEY)


def trusting(folder: Path, pair: Pair | None = None) -> ssl.SSLContext:
    """A client that trusts this pole's certificate and no other, and may show its own."""
    context = ssl.create_default_context(cafile=folder / "tls" / "tls.crt")
    if pair is not None:
        context.load_cert_chain(pair.certificate_path, pair.key_path)
    return context


async def is_let_in(address: str, context: ssl.SSLContext) -> bool:
    connector = TCPConnector(ssl=context)
    async with ClientSession(f"https://{address}", connector=connector) as session:
        try:
            async with session.get("/v1/health") as answer:
                return answer.status == 200
        except (ClientError, OSError):
            return False


@run_async
async def test_client_that_has_the_certificate_is_served_and_can_check_the_binding(
    tmp_path: Path,
) -> None:
    async with serving(tmp_path) as (address, bench, _):
        token = bench.token()
        connector = TCPConnector(ssl=trusting(tmp_path))
        async with ClientSession(f"https://{address}", connector=connector) as session:
            headers = {"Authorization": f"Bearer {token}"}
            async with session.get("/v1/pole", headers=headers) as answer:
                said = (await answer.json())["tls"]
            async with session.post("/v1/session", json={"token": token}) as answer:
                cookie = answer.headers["Set-Cookie"]
        shown = await asyncio.to_thread(ssl.get_server_certificate, split(address))
    pem = (tmp_path / "tls" / "tls.crt").read_text()
    assert shown == pem
    assert set(said) == {"certificate_sha256", "statement", "signature"}
    assert said["certificate_sha256"] in said["statement"]
    assert cookie.startswith("__Host-polewatch=")
    assert "; Secure" in cookie


def split(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    return host, int(port)


@run_async
async def test_stranger_refuses_the_pole_and_plain_http_gets_nothing(tmp_path: Path) -> None:
    async with serving(tmp_path) as (address, _, _):
        async with ClientSession(f"https://{address}") as session:
            with pytest.raises(ClientConnectorError):
                await session.get("/v1/health")
        reader, writer = await asyncio.open_connection(*split(address))
        writer.write(b"GET /v1/health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await reader.readuntil(b"HTTP/1.1")
        writer.close()


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1:DeprecationWarning")
@run_async
async def test_old_protocols_and_suites_that_do_not_authenticate_are_refused(
    tmp_path: Path,
) -> None:
    async with serving(tmp_path) as (address, _, _):
        for version in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1):
            old = trusting(tmp_path)
            old.set_ciphers("ALL:@SECLEVEL=0")
            old.minimum_version = old.maximum_version = version
            assert not await is_let_in(address, old)
        for suites in ("ECDHE+AES:!AESGCM:!AESCCM", "RSA+AESGCM", "DHE+AESGCM"):
            weak = trusting(tmp_path)
            weak.maximum_version = ssl.TLSVersion.TLSv1_2
            weak.set_ciphers(f"{suites}:@SECLEVEL=0")
            assert not await is_let_in(address, weak), suites
        for suites in ("ECDHE+AESGCM", "ECDHE+CHACHA20"):
            good = trusting(tmp_path)
            good.maximum_version = ssl.TLSVersion.TLSv1_2
            good.set_ciphers(suites)
            assert await is_let_in(address, good), suites
        assert await is_let_in(address, trusting(tmp_path))


@run_async
async def test_reason_is_logged_once_a_minute_when_a_station_is_refused(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A pole whose clock is wrong refuses all of them: who looks must see why."""
    ours = Authority(tmp_path, "ours")
    old = ours.issue("old", days=-1)
    async with serving(tmp_path, ours.path) as (address, _, _):
        for _ in range(3):
            assert not await is_let_in(address, trusting(tmp_path, old))
    assert [record.getMessage() for record in caplog.records] == [
        "api: a client's certificate is refused: certificate has expired; look at its dates, at"
        " the clock here and at station_ca"
    ]


@run_async
async def test_only_stations_of_the_ca_are_let_in(tmp_path: Path) -> None:
    ours, theirs = Authority(tmp_path, "ours"), Authority(tmp_path, "theirs")
    async with serving(tmp_path, ours.path) as (address, _, traffic):
        assert await is_let_in(address, trusting(tmp_path, ours.issue("desk")))
        strangers = {
            "none": None,
            "expired": ours.issue("old", days=-1),
            "another CA": theirs.issue("desk"),
            "self-signed": make_self_signed(tmp_path, "desk"),
        }
        for name, pair in strangers.items():
            assert not await is_let_in(address, trusting(tmp_path, pair)), name
        assert await is_let_in(address, trusting(tmp_path, ours.issue("wall")))
        assert traffic.requests["/v1/health", 2] == 2


@run_async
async def test_station_is_refused_when_its_certificate_is_revoked(tmp_path: Path) -> None:
    ours = Authority(tmp_path, "ours")
    lost, kept = ours.issue("lost"), ours.issue("kept")
    ours.revoke(lost)
    async with serving(tmp_path, ours.path) as (address, _, _):
        assert not await is_let_in(address, trusting(tmp_path, lost))
        assert await is_let_in(address, trusting(tmp_path, kept))


@run_async
async def test_handshake_has_a_deadline(tmp_path: Path) -> None:
    async with serving(tmp_path, patience=HASTY) as (address, _, traffic):
        writers = []
        for first in (b"", b"\x16\x03\x01\x02\x00\x01\x00"):
            reader, writer = await asyncio.open_connection(*split(address))
            writers.append(writer)
            writer.write(first)
            assert await asyncio.wait_for(reader.read(), DEADLINE_S) == b""
        assert traffic.cut == {"handshake": 2}
        for writer in writers:
            writer.close()


@run_async
async def test_half_a_request_under_tls_has_a_deadline(tmp_path: Path) -> None:
    async with serving(tmp_path, patience=HASTY) as (address, _, traffic):
        context = trusting(tmp_path)
        reader, writer = await asyncio.open_connection(*split(address), ssl=context)
        writer.write(b"GET / HTTP/1.1\r\n")
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError, ssl.SSLError)):
            await asyncio.wait_for(reader.readexactly(1), DEADLINE_S)
        assert traffic.cut == {"headers": 1}
        writer.close()


@run_async
async def test_connection_is_ended_when_nobody_reads_the_answer_under_tls(tmp_path: Path) -> None:
    async with serving(tmp_path, patience=HASTY) as (address, _, traffic):
        client = socket.socket()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.setblocking(False)
        await asyncio.get_running_loop().sock_connect(client, split(address))
        _, writer = await asyncio.open_connection(
            sock=client, ssl=trusting(tmp_path), server_hostname="127.0.0.1", limit=4096
        )
        writer.write(b"GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n")
        async with asyncio.timeout(DEADLINE_S):
            while not traffic.cut:  # noqa: ASYNC110 - what is awaited is in the server's hands
                await asyncio.sleep(0.05)
        assert traffic.cut == {"reading": 1}
        writer.transport.abort()


def test_pole_on_loopback_listens_in_plain_and_makes_no_key(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    door = _door(bench.config, tmp_path)
    assert door == Door("127.0.0.1:8470")
    assert not (tmp_path / "tls").exists()
    away = _door(bench.with_api(listen="0.0.0.0:8470").config, tmp_path)
    assert away.tls is not None
    assert away.binding is not None
