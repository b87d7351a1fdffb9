"""Gzip pages of a pole that is not trusted: nothing comes in that is too much or not whole."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from edge.errors import PoleError, PoleWrong
from edge.station.client_tls import ClientContexts
from edge.station.config import PoleSite
from edge.station.pulling.answer import Limits
from edge.station.pulling.pole_client import HttpPoleClient
from edge.station.pulling.ports import FeedPage, TooLong
from tests.support.aio import run_async

pytestmark = pytest.mark.timeout(60)

PAGE = b'{"items":[],"more":false,"next":"abc.5","oldest":"abc.0"}'
PACKED = gzip.compress(PAGE, mtime=0)


@asynccontextmanager
async def asking(
    folder: Path, body: bytes, *, coding: str = "gzip"
) -> AsyncIterator[HttpPoleClient]:
    """A client of a pole that answers everything with this body."""
    asked: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(request.headers["Accept-Encoding"])
        return web.Response(body=body, headers={"Content-Encoding": coding})

    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = runner.addresses[0][1]
    token = folder / "token"
    token.write_text("pw_" + "a" * 43)
    token.chmod(0o600)
    site = PoleSite(name="P1", url=f"http://127.0.0.1:{port}", token_file=str(token))
    try:
        async with HttpPoleClient(site, ClientContexts(None), Limits(headers_s=5)) as client:
            yield client
        assert set(asked) <= {"gzip", "identity"}
    finally:
        await runner.cleanup()


async def ask(client: HttpPoleClient) -> FeedPage:
    return await client.page("alerts", after=None, limit=10, wait_s=0)


@run_async
async def test_packed_page_is_read(tmp_path: Path) -> None:
    async with asking(tmp_path, PACKED) as client:
        assert (await ask(client)).next.seq == 5


@run_async
async def test_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    packer = zlib.compressobj(9, wbits=31)
    bomb = b"".join(packer.compress(bytes(2**20)) for _ in range(500)) + packer.flush()
    assert len(bomb) < 2**20
    async with asking(tmp_path, bomb) as client:
        with pytest.raises(TooLong):
            await ask(client)


@pytest.mark.parametrize(
    "body",
    [
        PAGE,
        b"",
        PACKED[:-6],
        PACKED + b"more",
        PACKED[:-8] + bytes(8),
        zlib.compress(PAGE),
    ],
)
@run_async
async def test_what_is_no_whole_gzip_is_wrong(tmp_path: Path, body: bytes) -> None:
    async with asking(tmp_path, body) as client:
        with pytest.raises(PoleError, match="gzip"):
            await ask(client)


@run_async
async def test_coding_that_nobody_asked_for_is_wrong(tmp_path: Path) -> None:
    async with asking(tmp_path, zlib.compress(PAGE), coding="deflate") as client:
        with pytest.raises(PoleWrong, match="nobody asked"):
            await ask(client)
    async with asking(tmp_path, gzip.compress(b"{}", mtime=0)) as client:
        with pytest.raises(PoleWrong, match="nobody asked"):
            await client.health()
