"""Who may ask: every route of the pole against wrong credentials, scopes, and guessing."""

from __future__ import annotations

import base64
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import product
from pathlib import Path

import pytest
from aiohttp import ClientSession, web

from edge.agent.api.app import ALL_ROUTES, make_app
from edge.agent.tokens import revoke_token
from edge.serving.door import Door
from edge.serving.routes import CALLER, Public, Route, Scope
from edge.serving.server import serve
from edge.serving.token_text import hash_token
from tests.support.aio import run_async
from tests.support.api_pole import ALL_SCOPES, Bench

pytestmark = pytest.mark.timeout(120)

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND")
REFUSED = {401, 403, 404, 405}


async def who(request: web.Request) -> web.Response:
    caller = request[CALLER]
    cameras = sorted(caller.cameras) if caller.cameras is not None else None
    return web.json_response({"name": caller.name, "cameras": cameras})


async def fail(_request: web.Request) -> web.Response:
    raise RuntimeError("pw_secret of /srv/pole")


ROUTES = (
    Route("GET", "/who", who, "read"),
    Route("POST", "/who", who, "ack"),
    Route("GET", "/fail", fail, "read"),
)


@asynccontextmanager
async def asking(bench: Bench, routes: tuple[Route, ...] = ROUTES) -> AsyncIterator[ClientSession]:
    app = make_app(bench.pole(), routes)
    async with (
        serve(app, Door("127.0.0.1:0")) as (address,),
        ClientSession(f"http://{address}") as session,
    ):
        yield session


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def bad_credentials(right: str, revoked: str) -> dict[str, tuple[str, list[tuple[str, str]]]]:
    """Name → query and headers; `right` opens everything where it is shown as it should be."""
    basic = base64.b64encode(f"desk:{right}".encode()).decode()
    values = {
        "scheme alone": "Bearer",
        "scheme and space": "Bearer ",
        "prefix alone": "Bearer pw_",
        "one letter changed": f"Bearer {right[:-1]}{'A' if right[-1] != 'A' else 'B'}",
        "cut": f"Bearer {right[:-1]}",
        "one more": f"Bearer {right}A",
        "upper case": f"Bearer {right.upper()}",
        "its hash": f"Bearer {hash_token(right)}",
        "revoked": f"Bearer {revoked}",
        "guess": "Bearer admin",
        "null": "Bearer null",
        "very long": "Bearer " + "A" * 4000,
        "two words": f"Bearer {right} {right}",
        "quoted": f'Bearer "{right}"',
        "basic": f"Basic {basic}",
        "factory password": "Basic YWRtaW46MTIzNDU=",
        "no scheme": right,
        "another scheme": f"Token {right}",
        "injection": "Bearer ' OR 1=1 --",
    }
    found = {name: ("", [("Authorization", value)]) for name, value in values.items()}
    return found | {
        "none": ("", []),
        "in the address": (f"?token={right}&access_token={right}&auth={right}", []),
        "another header": ("", [("X-API-Key", right), ("X-Auth-Token", right)]),
        "token as cookie": (
            "", [("Host", "localhost"), ("Cookie", f"polewatch={right}; token={right}")],
        ),
        "wrong cookie": (
            "", [("Host", "localhost"), ("Cookie", "polewatch=AAAA; __Host-polewatch=AAAA")],
        ),
        "two headers": ("", [("Authorization", f"Bearer {right}")] * 2),
    }  # fmt: skip


@run_async
async def test_every_route_refuses_every_wrong_credential(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    right, revoked = bench.token("desk"), bench.token("gone")
    revoke_token(tmp_path, "gone")
    scoped = [route for route in ALL_ROUTES if not isinstance(route.needs, Public)]
    assert len(scoped) >= 10
    paths = sorted({re.sub(r"\{[^}]*\}", "road", route.path) for route in scoped})
    credentials = bad_credentials(right, revoked)
    offences = []
    async with asking(bench, ALL_ROUTES) as session:
        for path, name, method in product(paths, credentials, METHODS):
            query, headers = credentials[name]
            bench.clock.move(5)  # or guessing would be slowed down
            async with session.request(method, path + query, headers=headers) as answer:
                if answer.status not in REFUSED:
                    offences.append((method, path, name, answer.status))
    assert not offences


@run_async
async def test_every_route_refuses_a_token_that_lacks_its_scope(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    lacking = {
        scope: bench.token(f"no-{scope}", *(each for each in ALL_SCOPES if each != scope))
        for scope in ALL_SCOPES
    }
    async with asking(bench, ALL_ROUTES) as session:
        for route in ALL_ROUTES:
            if isinstance(route.needs, Public):
                continue
            path = re.sub(r"\{[^}]*\}", "road", route.path)
            headers = bearer(lacking[route.needs])
            async with session.request(route.method, path, headers=headers) as answer:
                assert answer.status == 403, route
                assert (await answer.json())["detail"].startswith(
                    f"this token lacks the scope {route.needs};"
                )


@run_async
async def test_public_routes_are_few_and_say_why(tmp_path: Path) -> None:
    public = {(route.method, route.path) for route in ALL_ROUTES if isinstance(route.needs, Public)}
    assert public <= {
        ("GET", "/"),
        ("GET", "/web/{name}"),
        ("GET", "/v1/health"),
        ("GET", "/v1/openapi.json"),
        ("POST", "/v1/session"),
        ("GET", "/v1/session"),
        ("DELETE", "/v1/session"),
    }
    bench = Bench(tmp_path)
    async with asking(bench, ALL_ROUTES) as session:
        async with session.get("/v1/health") as answer:
            assert await answer.json() == {"ok": True}
        for name, (query, headers) in bad_credentials(bench.token(), "pw_x").items():
            for method in ("POST", "GET", "DELETE"):
                bench.clock.move(5)
                async with session.request(
                    method, "/v1/session" + query, headers=headers
                ) as answer:
                    assert answer.status == 401, (name, method)


@run_async
async def test_caller_is_known_by_its_token_and_no_longer_once_it_is_revoked(
    tmp_path: Path,
) -> None:
    bench = Bench(tmp_path)
    token = bench.token("desk", "read", cameras=("road",))
    async with asking(bench) as session:
        async with session.get("/who", headers=bearer(token)) as answer:
            assert await answer.json() == {"name": "desk", "cameras": ["road"]}
        async with session.get("/who", headers={"Authorization": f"bearer  {token}"}) as answer:
            assert answer.status == 200
        async with session.head("/who", headers=bearer(token)) as answer:
            assert (answer.status, await answer.read()) == (200, b"")
        async with session.post("/who", headers=bearer(token)) as answer:
            assert answer.status == 403
        async with session.get("/who") as answer:
            assert answer.status == 401
            assert answer.headers["WWW-Authenticate"] == 'Bearer realm="polewatch"'
            assert answer.content_type == "application/problem+json"
        revoke_token(tmp_path, "desk")
        async with session.get("/who", headers=bearer(token)) as answer:
            assert answer.status == 401


@run_async
async def test_guessing_is_slowed_down_and_the_right_token_never_is(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    right = bench.token()
    async with asking(bench) as session:
        for each in range(20):
            async with session.get("/who", headers=bearer(f"pw_{each}")) as answer:
                assert answer.status == 401
        bench.clock.move(12)
        async with session.get("/who", headers=bearer("pw_20")) as answer:
            assert answer.status == 429
            assert answer.headers["Retry-After"] == "48"
            assert answer.content_type == "application/problem+json"
        async with session.post("/v1/session", json={"token": "pw_20"}) as answer:
            assert answer.status == 404  # no such route in this app
        async with session.get("/who", headers=bearer(right)) as answer:
            assert answer.status == 200
        bench.clock.move(48)
        async with session.get("/who", headers=bearer("pw_20")) as answer:
            assert answer.status == 401


@run_async
async def test_guessing_by_sign_in_is_slowed_down_too(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    right = bench.token()
    async with asking(bench, ALL_ROUTES) as session:
        statuses = []
        for each in range(22):
            async with session.post("/v1/session", json={"token": f"pw_{each}"}) as answer:
                statuses.append(answer.status)
        assert statuses == [401] * 20 + [429] * 2
        async with session.post("/v1/session", json={"token": right}) as answer:
            assert answer.status == 200


@run_async
async def test_wrong_tokens_are_one_record_with_their_count(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    async with asking(bench) as session:
        for each in range(30):
            async with session.get("/who", headers=bearer(f"pw_guess{each}")):
                pass
    (draft,) = bench.log.of("login")
    assert draft.feed == "audit"
    assert draft.data == {
        "result": "wrong token", "address": "127.0.0.1", "count": 30,
        "first": "2023-11-14T22:13:20.000Z", "last": "2023-11-14T22:13:20.000Z",
    }  # fmt: skip


@run_async
async def test_stopping_does_not_wait_for_a_disk_that_takes_nothing(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.log.jam()
    async with asking(bench) as session, session.get("/who", headers=bearer("pw_guess")):
        pass
    assert len(bench.log.of("login")) == 1


@run_async
async def test_failure_of_ours_tells_the_caller_nothing_of_its_inside(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    bench = Bench(tmp_path)
    token = bench.token()
    async with (
        asking(bench) as session,
        session.get(f"/fail?token={token}", headers=bearer(token)) as answer,
    ):
        assert answer.status == 500
        text = await answer.text()
    assert "secret" not in text
    assert "srv" not in text
    assert "GET /fail failed" in caplog.text
    assert token not in caplog.text


def test_scopes_of_the_table_are_known() -> None:
    needed: set[Scope | Public] = {route.needs for route in ALL_ROUTES}
    assert {each for each in needed if not isinstance(each, Public)} <= set(ALL_SCOPES)


@pytest.mark.parametrize(
    "route",
    [route for route in ALL_ROUTES if route.path not in ("/", "/web/{name}")],
    ids=lambda route: f"{route.method} {route.path}",
)
def test_parameter_is_refused_when_the_route_does_not_know_it(tmp_path: Path, route: Route) -> None:
    path = route.path.replace("{feed}", "alerts").replace("{name}", "road")
    path = path.replace("{sha256}", "0" * 64).replace("{id}", "0" * 26)

    @run_async
    async def ask() -> None:
        bench = Bench(tmp_path)
        token = bench.token()
        body = {"token": token} if path == "/v1/session" else None
        async with (
            asking(bench, ALL_ROUTES) as session,
            session.request(
                route.method, f"{path}?sicne=1", headers=bearer(token), json=body
            ) as answer,
        ):
            assert answer.status == 400
            assert (await answer.json())["parameter"] == "sicne"

    ask()
