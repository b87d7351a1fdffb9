"""The instruments that stations are measured with: many poles, a link that goes down."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.support.loop_thread import LoopThread
from tests.support.many_poles import ManyPoles, Offered
from tests.support.tcp_link import TcpLink

pytestmark = pytest.mark.timeout(120)


def ask(pole: Offered, path: str) -> tuple[int, bytes]:
    with closing(http.client.HTTPConnection(urlsplit(pole.url).netloc, timeout=10)) as connection:
        connection.request("GET", path, headers={"Authorization": f"Bearer {pole.token}"})
        answer = connection.getresponse()
        return answer.status, answer.read()


def test_many_poles_tell_what_was_ordered_and_count_what_was_asked(tmp_path: Path) -> None:
    with ManyPoles(tmp_path, count=4, processes=2, clip_bytes=300_000) as poles:
        poles.write(8, rule="gate", severity="critical")
        told = poles.ask()
        assert (told.alerts, told.files, told.under_way) == (8, 16, 0)
        assert {name: len(alerts) for name, alerts in told.opened.items()} == {
            "P-000": 2, "P-001": 2, "P-002": 2, "P-003": 2,
        }  # fmt: skip
        hashes: set[str] = set()
        for pole in poles.poles.values():
            alerts = json.loads(ask(pole, "/v1/feeds/alerts")[1])["items"]
            assert {each["rule"]["name"] for each in alerts} == {"gate"}
            media = json.loads(ask(pole, "/v1/feeds/media")[1])["items"]
            files = {item["sha256"]: item["bytes"] for each in media for item in each["media"]}
            assert len(ask(pole, f"/v1/media/{min(files)}")[1]) == files[min(files)]
            hashes |= files.keys()
        assert len(hashes) == 16
        told = poles.ask()
        assert sum(n for (_, kind), n in told.requests.items() if kind == "feeds") == 8
        assert told.media_bytes > 0
        assert told.first_ask_s.keys() == poles.poles.keys()


def test_many_poles_answer_nobody_while_they_are_cut_off(tmp_path: Path) -> None:
    with ManyPoles(tmp_path, count=2, processes=1) as poles:
        (pole, *_) = poles.poles.values()
        poles.cut()
        poles.write(2)
        with pytest.raises(ConnectionError):
            ask(pole, "/v1/pole")
        poles.come_back()
        status, body = ask(pole, "/v1/feeds/alerts")
        assert status == 200
        assert len(json.loads(body)["items"]) == 2


@pytest.fixture
def echo_port() -> Iterator[int]:
    """A server that says again what it is told."""
    ended: list[asyncio.Event] = []

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        is_over = asyncio.Event()
        ended.append(is_over)
        with contextlib.suppress(ConnectionError):
            while piece := await reader.read(1000):
                writer.write(piece)
        writer.close()
        is_over.set()

    async def serve() -> asyncio.Server:
        return await asyncio.start_server(echo, "127.0.0.1", 0)

    async def end() -> None:
        server.close()
        for each in ended:
            await each.wait()

    loop = LoopThread()
    loop.start()
    server = loop.run(serve())
    yield server.sockets[0].getsockname()[1]
    loop.run(end())
    loop.stop()


def connect(link: TcpLink) -> socket.socket:
    return socket.create_connection(("127.0.0.1", link.port), timeout=10)


def test_link_passes_nothing_while_it_is_down_and_all_that_waited_later(echo_port: int) -> None:
    with TcpLink(echo_port) as link, connect(link) as talking:
        talking.sendall(b"one")
        assert talking.recv(10) == b"one"
        link.go_down()
        with connect(link) as waiting:
            waiting.settimeout(0.3)
            waiting.sendall(b"two")
            talking.sendall(b"three")
            with pytest.raises(TimeoutError):
                waiting.recv(10)
            assert link.passed_bytes == 6
            waiting.settimeout(10)
            link.go_up()
            assert waiting.recv(10) == b"two"
        assert talking.recv(10) == b"three"


def test_link_hangs_up_on_everybody_when_it_is_cut(echo_port: int) -> None:
    with TcpLink(echo_port) as link, connect(link) as talking:
        talking.sendall(b"one")
        assert talking.recv(10) == b"one"
        link.cut()
        assert talking.recv(10) == b""
        with connect(link) as again:
            again.sendall(b"two")
            assert again.recv(10) == b"two"
