"""The page's cookie: what it is worth, to whom, and what other sites can do with it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import ClientSession, CookieJar, DummyCookieJar, web

from edge.agent.api.app import make_app
from edge.agent.tokens import revoke_token
from edge.serving import sign_in
from edge.serving.door import Door
from edge.serving.routes import CALLER, Route
from edge.serving.server import serve
from tests.support.aio import run_async
from tests.support.api_pole import Bench

pytestmark = pytest.mark.timeout(120)


async def who(request: web.Request) -> web.Response:
    return web.json_response({"name": request[CALLER].name, "cookie": request[CALLER].by_cookie})


ROUTES = (
    *sign_in.ROUTES,
    Route("GET", "/who", who, "read"),
    Route("POST", "/who", who, "ack"),
)


@asynccontextmanager
async def asking(bench: Bench) -> AsyncIterator[tuple[ClientSession, str]]:
    """A client that keeps no cookies, and the server's own origin."""
    app = make_app(bench.pole(), ROUTES)
    async with (
        serve(app, Door("127.0.0.1:0")) as (address,),
        ClientSession(f"http://{address}", cookie_jar=DummyCookieJar()) as session,
    ):
        yield session, f"http://{address}"


async def sign_in_as(session: ClientSession, token: str) -> dict[str, str]:
    async with session.post("/v1/session", json={"token": token}) as answer:
        assert answer.status == 200
        cookie = answer.headers["Set-Cookie"]
    return {"Cookie": cookie.partition(";")[0]}


@run_async
async def test_signing_in_gives_a_cookie_that_no_script_and_no_other_site_has(
    tmp_path: Path,
) -> None:
    bench = Bench(tmp_path)
    token = bench.token("desk", "pictures", "read", cameras=("yard", "road"))
    async with asking(bench) as (session, origin):
        async with session.post("/v1/session", json={"token": token}) as answer:
            assert await answer.json() == {
                "name": "desk", "scopes": ["pictures", "read"], "cameras": ["road", "yard"],
            }  # fmt: skip
            name_value, *attributes = answer.headers["Set-Cookie"].split("; ")
            assert name_value.startswith(f"polewatch-{origin.rpartition(':')[2]}=")
            assert token not in name_value
            assert sorted(attributes) == [
                "HttpOnly", "Max-Age=43200", "Path=/", "SameSite=Strict",
            ]  # fmt: skip
        async with session.get("/v1/session", headers={"Cookie": name_value}) as answer:
            assert (await answer.json())["name"] == "desk"
        async with session.get("/who", headers={"Cookie": name_value}) as answer:
            assert await answer.json() == {"name": "desk", "cookie": True}
    (draft,) = bench.log.of("login")
    assert draft.data == {"result": "session", "by": "desk", "address": "127.0.0.1"}


@run_async
async def test_session_ends_with_its_token_its_time_and_on_demand(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    async with asking(bench) as (session, origin):
        first = await sign_in_as(session, bench.token("first"))
        second = await sign_in_as(session, bench.token("second"))
        revoke_token(tmp_path, "first")
        async with session.get("/who", headers=first) as answer:
            assert answer.status == 401
        async with session.delete("/v1/session", headers={**second, "Origin": origin}) as answer:
            assert answer.status == 204
            assert "Max-Age=0" in answer.headers["Set-Cookie"]
        async with session.get("/who", headers=second) as answer:
            assert answer.status == 401
        third = await sign_in_as(session, bench.token("third"))
        bench.clock.move(43_199)
        async with session.get("/who", headers=third) as answer:
            assert answer.status == 200
        bench.clock.move(1)
        async with session.get("/who", headers=third) as answer:
            assert answer.status == 401
            assert (await answer.json())["detail"] == "the session is over; sign in again"


@run_async
async def test_write_by_cookie_is_refused_when_another_site_asks(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    token = bench.token()
    async with asking(bench) as (session, origin):
        cookie = await sign_in_as(session, token)
        strange = [
            {}, {"Origin": "null"}, {"Origin": "http://evil.example"},
            {"Origin": origin.replace("http:", "https:")}, {"Origin": "http://127.0.0.1"},
            {"Origin": f"{origin}.evil.example"}, {"Referer": f"{origin}/"},
        ]  # fmt: skip
        for headers in strange:
            async with session.post("/who", json={}, headers={**cookie, **headers}) as answer:
                assert answer.status == 403, headers
            async with session.delete("/v1/session", headers={**cookie, **headers}) as answer:
                assert answer.status == 403, headers
        async with session.post("/who", json={}, headers={**cookie, "Origin": origin}) as answer:
            assert await answer.json() == {"name": "desk", "cookie": True}
        bearer = {"Authorization": f"Bearer {token}"}
        async with session.post("/who", json={}, headers=bearer) as answer:
            assert answer.status == 200


@run_async
async def test_write_by_cookie_is_refused_when_it_is_a_form(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    async with asking(bench) as (session, origin):
        cookie = await sign_in_as(session, bench.token())
        own = {**cookie, "Origin": origin}
        for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
            async with session.post(
                "/who", data=b"{}", headers={**own, "Content-Type": kind}
            ) as answer:
                assert answer.status == 415
        async with session.post("/who", headers=own) as answer:
            assert answer.status == 200


@run_async
async def test_signing_in_is_refused_when_another_site_does_it(tmp_path: Path) -> None:
    """Else a visitor would act under a token that somebody else watches."""
    bench = Bench(tmp_path)
    token = bench.token()
    async with asking(bench) as (session, origin):
        for headers, status in (
            ({"Origin": "http://evil.example"}, 403),
            ({"Origin": origin}, 200),
        ):
            async with session.post(
                "/v1/session", json={"token": token}, headers=headers
            ) as answer:
                assert answer.status == status
        async with session.post(
            "/v1/session", data=f'{{"token":"{token}"}}', headers={"Content-Type": "text/plain"}
        ) as answer:
            assert answer.status == 415


@run_async
async def test_signing_in_is_refused_when_the_body_is_strange(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    token = bench.token()
    bodies = [
        b"", b"{", b"[]", b'{"token":1}', b'{"token":null}', b'{"token":"%b","more":1}' % b"x",
        b"\xff\xfe", b'{"token":"\\ud800"}', b"[" * 60_000, b'{"token":' * 5_000,
    ]  # fmt: skip
    async with asking(bench) as (session, _):
        for body in bodies:
            bench.clock.move(5)
            async with session.post(
                "/v1/session", data=body, headers={"Content-Type": "application/json"}
            ) as answer:
                assert answer.status == 401, body[:40]
                assert answer.content_type == "application/problem+json"
        async with session.post(
            "/v1/session", data=b'{"token":"' + b"x" * 70_000 + b'"}',
            headers={"Content-Type": "application/json"},
        ) as answer:  # fmt: skip
            assert answer.status == 413
        async with session.post("/v1/session", json={"token": token}) as answer:
            assert answer.status == 200


@run_async
async def test_session_lasts_when_the_same_browser_signs_in_at_another_port(
    tmp_path: Path,
) -> None:
    """Two demos on one machine, or two poles behind tunnels: cookies know no ports."""
    benches = [Bench(tmp_path / name) for name in ("first", "second")]
    for bench in benches:
        bench.folder.mkdir()
    async with (
        asking(benches[0]) as (_, first),
        asking(benches[1]) as (_, second),
        ClientSession(cookie_jar=CookieJar(unsafe=True)) as browser,
    ):
        for origin, bench in zip((first, second), benches, strict=True):
            body = {"token": bench.token()}
            async with browser.post(f"{origin}/v1/session", json=body) as answer:
                assert answer.status == 200
        for origin in (first, second):
            async with browser.get(f"{origin}/who") as answer:
                assert answer.status == 200
            async with browser.get(f"{origin}/who", headers={"Host": "localhost"}) as answer:
                assert answer.status == 401
