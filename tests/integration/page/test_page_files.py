"""The page's files over HTTP: packed for browsers, plain for others, and not sent twice."""

from __future__ import annotations

import gzip
import urllib.error
import urllib.request
from email.message import Message
from pathlib import Path

import pytest

from edge.agent.api.app import PAGE_FOLDER
from tests.support.page_server import PageServer

pytestmark = pytest.mark.timeout(120)


def get(server: PageServer, path: str, **headers: str) -> tuple[int, Message, bytes]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(server.url + path, headers=named)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as refusal:
        with refusal:
            return refusal.code, refusal.headers, refusal.read()


def test_files_come_packed_to_who_takes_that_and_plain_to_others(server: PageServer) -> None:
    written = Path(PAGE_FOLDER, "main.js").read_bytes()

    _, packed_headers, packed = get(server, "web/main.js", Accept_Encoding="br, gzip")
    _, plain_headers, plain = get(server, "web/main.js", Accept_Encoding="gzip;q=0")

    assert plain == gzip.decompress(packed) == written
    assert packed_headers["Content-Encoding"] == "gzip"
    assert plain_headers["Content-Encoding"] is None
    assert packed_headers["Content-Type"] == plain_headers["Content-Type"]
    assert packed_headers["Vary"] == plain_headers["Vary"] == "Accept-Encoding"
    assert packed_headers["ETag"] != plain_headers["ETag"]


@pytest.mark.parametrize("coding", ["gzip", "identity"])
def test_known_file_is_not_sent_again(server: PageServer, coding: str) -> None:
    _, headers, _ = get(server, "", Accept_Encoding=coding)

    status, again, body = get(server, "", Accept_Encoding=coding, If_None_Match=headers["ETag"])

    assert (status, body) == (304, b"")
    assert again["ETag"] == headers["ETag"]
    assert get(server, "", Accept_Encoding=coding, If_None_Match='"other"')[0] == 200


@pytest.mark.parametrize("name", ["texts.json", "..%2fapi%2fpage.py", "%2e%2e", "main.js%00"])
def test_nothing_else_is_served(server: PageServer, name: str) -> None:
    assert get(server, f"web/{name}")[0] == 404
