"""Who may ask a station: every route against wrong credentials, roles, cookies and guessing."""

from __future__ import annotations

import base64
import re
from itertools import product

import pytest
from aiohttp import ClientSession, CookieJar

from edge.serving.routes import Public, Route
from edge.serving.token_text import hash_token
from edge.station.api.app import ALL_ROUTES
from edge.station.config import SCOPES_OF
from tests.support.aio import run_async
from tests.support.station_bench import PEOPLE, StationBench, asking, headers_of, token_of

pytestmark = pytest.mark.timeout(120)

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND")
REFUSED = {401, 403, 404, 405}
SCOPED = [route for route in ALL_ROUTES if not isinstance(route.needs, Public)]
VALUES = {"pole": "SG-017", "camera": "yard", "sha256": "0" * 64, "id": "0" * 26, "name": "a.js"}


def path_of(route: Route) -> str:
    return re.sub(r"\{([^}]*)\}", lambda found: VALUES[found[1]], route.path)


def bad_credentials(right: str) -> dict[str, tuple[str, list[tuple[str, str]]]]:
    """Name → query and headers; `right` opens everything where it is shown as it should be."""
    basic = base64.b64encode(f"li:{right}".encode()).decode()
    values = {
        "scheme alone": "Bearer",
        "prefix alone": "Bearer pw_",
        "one letter changed": f"Bearer {right[:-1]}x",
        "cut": f"Bearer {right[:-1]}",
        "one more": f"Bearer {right}A",
        "upper case": f"Bearer {right.upper()}",
        "its hash": f"Bearer {hash_token(right)}",
        "very long": "Bearer " + "A" * 4000,
        "two words": f"Bearer {right} {right}",
        "quoted": f'Bearer "{right}"',
        "basic": f"Basic {basic}",
        "no scheme": right,
        "injection": "Bearer ' OR 1=1 --",
    }
    found = {name: ("", [("Authorization", value)]) for name, value in values.items()}
    return found | {
        "none": ("", []),
        "in the address": (f"?token={right}&access_token={right}", []),
        "another header": ("", [("X-API-Key", right)]),
        "token as cookie": ("", [("Host", "localhost"), ("Cookie", f"polewatch={right}")]),
        "two headers": ("", [("Authorization", f"Bearer {right}")] * 2),
    }


@run_async
async def test_every_route_refuses_every_wrong_credential() -> None:
    bench = StationBench()
    credentials = bad_credentials(token_of("li"))
    paths = sorted({path_of(route) for route in SCOPED})
    assert len(paths) >= 20
    offences = []
    async with asking(bench) as session:
        for path, name, method in product(paths, credentials, METHODS):
            query, headers = credentials[name]
            bench.clock.move(5)  # or guessing would be slowed down
            async with session.request(method, path + query, headers=headers) as answer:
                if answer.status not in REFUSED:
                    offences.append((method, path, name, answer.status))
    assert not offences
    assert not bench.links.asked
    assert not bench.store.of("access")


@run_async
async def test_every_route_refuses_a_role_that_lacks_its_scope() -> None:
    refused = 0
    async with asking(StationBench()) as session:
        for route, (person, role) in product(SCOPED, PEOPLE.items()):
            assert not isinstance(route.needs, Public)
            if route.needs in SCOPES_OF[role]:
                continue
            refused += 1
            async with session.request(
                route.method, path_of(route), headers=headers_of(person)
            ) as answer:
                assert answer.status == 403, (route, person)
    assert refused >= 6


def test_public_routes_are_few_and_hold_nothing_of_poles() -> None:
    public = {(route.method, route.path) for route in ALL_ROUTES if isinstance(route.needs, Public)}

    assert public == {
        ("GET", "/"), ("GET", "/web/{name}"), ("GET", "/v1/health"), ("GET", "/v1/openapi.json"),
        ("POST", "/v1/session"), ("GET", "/v1/session"), ("DELETE", "/v1/session"),
    }  # fmt: skip


@run_async
async def test_wrong_tokens_are_put_on_record_and_slowed_down() -> None:
    bench = StationBench()
    async with asking(bench) as session:
        statuses = []
        for each in range(22):
            wrong = {"Authorization": f"Bearer pw_{each}"}
            async with session.get("/v1/alerts", headers=wrong) as answer:
                statuses.append(answer.status)
        async with session.get("/v1/alerts", headers=headers_of("wang")) as answer:
            assert answer.status == 200
    assert statuses == [401] * 20 + [429] * 2
    (draft,) = bench.store.of("login")
    assert draft.feed == "audit"
    assert draft.data["count"] == 22
    assert "pw_" not in str(draft.data)


@run_async
async def test_session_is_of_its_person_and_writes_need_the_own_origin() -> None:
    bench = StationBench()
    alert = bench.open_alert()
    path = f"/v1/alerts/SG-017/{alert}/ack"
    async with asking(bench) as plain:
        async with plain.get("/v1/health") as answer:
            base = answer.url.origin()
        origin = str(base).rstrip("/")
        async with ClientSession(base, cookie_jar=CookieJar(unsafe=True)) as session:
            async with session.post("/v1/session", json={"token": token_of("chen")}) as answer:
                assert answer.status == 200
                said = await answer.json()
                assert said["name"] == "chen"
                assert said["scopes"] == ["ack", "pictures", "read"]
                cookie = answer.headers["Set-Cookie"]
                assert "HttpOnly" in cookie
                assert "SameSite=Strict" in cookie
            for headers in ({}, {"Origin": "https://elsewhere.example"}):
                async with session.post(path, json={}, headers=headers) as answer:
                    assert answer.status == 403
            async with session.post(path, json={}, headers={"Origin": origin}) as answer:
                assert answer.status == 200
                assert (await answer.json())["acked"]["by"] == "chen"
    assert [draft.data["result"] for draft in bench.store.of("login")] == ["session"]


@pytest.mark.parametrize(
    "route",
    [route for route in ALL_ROUTES if route.path not in ("/", "/web/{name}")],
    ids=lambda route: f"{route.method} {route.path}",
)
def test_parameter_is_refused_when_the_route_does_not_know_it(route: Route) -> None:
    @run_async
    async def ask() -> None:
        bench = StationBench(geojson=b"{}")
        body = {"token": token_of("li")} if route.path == "/v1/session" else None
        async with (
            asking(bench) as session,
            session.request(
                route.method, f"{path_of(route)}?sicne=1", headers=headers_of("li"), json=body
            ) as answer,
        ):
            assert answer.status == 400, await answer.text()
            assert (await answer.json())["parameter"] == "sicne"

    ask()


@pytest.mark.parametrize(
    "path",
    [
        "/v1/poles/SG-999", "/v1/poles/SG-999/cameras", "/v1/poles/..%2f..%2fetc/cameras",
        "/v1/poles/SG-017/cameras/roof/snapshot.jpg",
        "/v1/poles/SG-017/cameras/..%2f..%2fconfig/snapshot.jpg",
        "/v1/poles/SG-017/cameras/yard%2f..%2f..%2fpole%3f/clip",
        "/v1/poles/station/cameras/yard/live.mjpg", "/v1/media/SG-999/" + "0" * 64,
        "/v1/media/SG-017/..%2f..%2fetc%2fpasswd", "/v1/alerts/SG-999/01J",
        "/v1/alerts/SG-017/" + "A" * 5000,
        "/v1/alerts/SG-017/%00", "/v1/alerts/SG-017/' OR 1=1 --/records",
    ],
)  # fmt: skip
def test_what_is_not_there_is_not_asked_of_anybody(path: str) -> None:
    @run_async
    async def ask() -> None:
        bench = StationBench()
        async with (
            asking(bench) as session,
            session.get(path, headers=headers_of("li")) as answer,
        ):
            assert answer.status == 404, await answer.text()
        assert bench.links.asked == []

    ask()


@run_async
async def test_person_who_signs_in_too_often_is_refused_and_nobody_else() -> None:
    bench = StationBench()
    async with asking(bench) as session:
        for status in (*[200] * 30, 429):
            async with session.post("/v1/session", json={"token": token_of("wang")}) as answer:
                assert answer.status == status
        assert answer.headers["Retry-After"] == "2"
        async with session.post("/v1/session", json={"token": token_of("chen")}) as answer:
            assert answer.status == 200
    assert len(bench.store.of("login")) == 31
