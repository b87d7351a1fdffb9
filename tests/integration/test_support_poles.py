"""The instruments that stations are measured with: many poles, a link that goes down."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest

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


class Hello(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "5")
        self.end_headers()
        self.wfile.write(b"hello")

    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""


@pytest.fixture
def server_port() -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Hello) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def test_link_passes_nothing_while_it_is_down(server_port: int) -> None:
    with TcpLink(server_port) as link:
        pole = Offered(f"http://127.0.0.1:{link.port}", "nobody")
        assert ask(pole, "/") == (200, b"hello")
        passed = link.passed_bytes
        link.go_down()
        with closing(http.client.HTTPConnection("127.0.0.1", link.port, timeout=0.3)) as waiting:
            waiting.request("GET", "/")
            with pytest.raises(TimeoutError):
                waiting.getresponse()
        assert link.passed_bytes == passed
        link.go_up()
        assert ask(pole, "/") == (200, b"hello")


def test_link_hangs_up_on_everybody_when_it_is_cut(server_port: int) -> None:
    with TcpLink(server_port) as link:
        link.go_down()
        with closing(http.client.HTTPConnection("127.0.0.1", link.port, timeout=10)) as asking:
            asking.connect()
            link.go_up()
            asking.request("GET", "/")
            assert asking.getresponse().read() == b"hello"
            link.cut()
            with pytest.raises(OSError, match=r"reset|closed"):
                ask_again(asking)


def ask_again(asking: http.client.HTTPConnection) -> None:
    """On the same connection; the hang-up may come with the first byte or the answer."""
    assert asking.sock is not None
    asking.sock.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    if asking.sock.recv(1) == b"":
        raise ConnectionResetError("closed")
