"""Who may ask: bearer tokens, scopes, wrong guesses, over a real socket."""

from __future__ import annotations

from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from edge.agent.api.app import make_app
from edge.agent.api.routes import CALLER, Route
from edge.agent.tokens import revoke_token
from tests.support.aio import run_async
from tests.support.api_pole import Bench

pytestmark = pytest.mark.timeout(120)


async def who(request: web.Request) -> web.Response:
    caller = request[CALLER]
    cameras = sorted(caller.cameras) if caller.cameras is not None else None
    return web.json_response({"name": caller.name, "cameras": cameras})


ROUTES = (Route("GET", "/who", who, "read"), Route("POST", "/who", who, "ack"))


def client_of(bench: Bench) -> TestClient[web.Request, web.Application]:
    return TestClient(TestServer(make_app(bench.pole(), ROUTES)))


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@run_async
async def test_caller_is_known_by_its_token_and_by_nothing_once_it_is_revoked(
    tmp_path: Path,
) -> None:
    bench = Bench(tmp_path)
    token = bench.token("desk", "read", cameras=("road",))
    async with client_of(bench) as client:
        good = await client.get("/who", headers=bearer(token))
        assert await good.json() == {"name": "desk", "cameras": ["road"]}
        lacks = await client.post("/who", headers=bearer(token))
        assert lacks.status == 403
        nobody = await client.get("/who")
        assert nobody.status == 401
        assert nobody.headers["WWW-Authenticate"] == 'Bearer realm="polewatch"'
        assert nobody.content_type == "application/problem+json"
        revoke_token(tmp_path, "desk")
        assert (await client.get("/who", headers=bearer(token))).status == 401
