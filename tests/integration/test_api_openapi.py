"""The API against its own description: no route, status, type or field that is not in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import msgspec
import pytest

from edge.agent.api.app import ALL_ROUTES
from edge.agent.api.openapi import load_description
from edge.serving.routes import Public
from tests.repo.documents import table_rows
from tests.repo.tree import CHECKOUT
from tests.support.aio import run_async
from tests.support.pole_server import fill, run_pole_server
from tests.support.served_pole import serve_pole
from tests.support.siege import besiege

pytestmark = pytest.mark.timeout(300)

DESCRIBED: dict[str, Any] = msgspec.json.decode(load_description())
SCHEMAS = DESCRIBED["components"]["schemas"]
NOT_DESCRIBED = {"/", "/web/{name}"}
"""The page: for people, not for programs."""


def operation_of(method: str, path: str) -> dict[str, Any]:
    operation: dict[str, Any] = DESCRIBED["paths"][path][method.lower()]
    return operation


def test_every_route_is_described_and_no_other() -> None:
    described = {
        (method.upper(), path)
        for path, item in DESCRIBED["paths"].items()
        for method in item
        if method != "head"
    }
    routed = {(route.method, route.path) for route in ALL_ROUTES if route.path not in NOT_DESCRIBED}

    assert described == routed


@pytest.mark.parametrize(
    "route",
    [route for route in ALL_ROUTES if route.path not in NOT_DESCRIBED],
    ids=lambda route: f"{route.method} {route.path}",
)
def test_scope_of_every_route_is_told(route: Any) -> None:
    operation = operation_of(route.method, route.path)
    said = operation.get("description", "")
    if isinstance(route.needs, Public):
        assert "Needs the scope" not in said
    else:
        assert said.endswith(f"Needs the scope `{route.needs}`.")
        assert {"401", "403"} <= set(operation["responses"])


def test_nothing_is_described_that_nothing_refers_to() -> None:
    text = load_description().decode()
    for kind, parts in DESCRIBED["components"].items():
        if kind == "securitySchemes":
            continue
        unused = [name for name in parts if f'"#/components/{kind}/{name}"' not in text]
        assert unused == [], kind


def test_page_explains_every_field_of_an_alert() -> None:
    page = (CHECKOUT / "docs/ref/api.md").read_text(encoding="utf-8")
    fields = [name for row in table_rows(page, "field of an alert") for name in row[0].split(", ")]

    assert sorted(fields) == sorted(SCHEMAS["Alert"]["properties"])


@run_async
async def test_fields_of_what_is_served_are_those_described(tmp_path: Path) -> None:
    async with serve_pole(tmp_path) as pole:
        await fill(pole, 10)
        desk = pole.token()

        async def items(path: str) -> list[dict[str, Any]]:
            answer = await pole.client.get(path, headers=desk)
            found: list[dict[str, Any]] = (await answer.json())["items"]
            assert found, path
            return found

        for path, schema in (
            ("/v1/feeds/alerts", "Record"),
            ("/v1/feeds/alerts/statements", "Statement"),
            ("/v1/alerts?state=all", "Alert"),
            ("/v1/cameras", "Camera"),
        ):
            for item in await items(path):
                described = set(SCHEMAS[schema]["properties"])
                assert described >= set(item) >= described - {"kept"}, path


@run_async
async def test_description_is_given_to_everybody(tmp_path: Path) -> None:
    async with serve_pole(tmp_path) as pole:
        answer = await pole.client.get("/v1/openapi.json")

        assert answer.status == 200
        assert await answer.read() == load_description()


def test_pole_holds_when_it_is_besieged_by_its_own_description(tmp_path: Path) -> None:
    with run_pole_server(tmp_path) as offer:
        outcome = besiege(offer, seconds=40, seed=20_261_122)
        asked = Request(f"http://{offer.address}/v1/feeds/alerts?limit=1000", headers=offer.headers)
        with urlopen(asked, timeout=20) as answer:
            kinds = {record["kind"] for record in msgspec.json.decode(answer.read())["items"]}

    assert outcome.is_held, outcome.report
    assert outcome.requests > 1000
    assert {"alert.ack", "alert.resolve"} <= kinds  # it came as far as what changes something
