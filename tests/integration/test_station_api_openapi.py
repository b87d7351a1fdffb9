"""A station's API against its own description: no route, scope or field that is not in it."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, get_args

import msgspec
import pytest

from edge.serving.routes import Public, Route
from edge.station.api.app import ALL_ROUTES
from edge.station.api.openapi import load_description
from edge.station.config import SCOPES_OF
from edge.station.desk_alert import DeskAlert, DeskMedia, TransferState, Trust
from edge.station.ports.links import LinkState
from edge.station.statistics import COLUMNS, GROUPINGS
from tests.repo.documents import table_rows
from tests.repo.tree import CHECKOUT
from tests.support.aio import run_async
from tests.support.station_bench import StationBench, asking, headers_of

pytestmark = pytest.mark.timeout(120)

DESCRIBED: dict[str, Any] = msgspec.json.decode(load_description())
SCHEMAS = DESCRIBED["components"]["schemas"]
NOT_DESCRIBED = {"/", "/web/{name}"}
"""The page: for people, not for programs."""
PAGE = (CHECKOUT / "docs/ref/station-api.md").read_text(encoding="utf-8")


def names_in(heading: str) -> list[str]:
    return [name for row in table_rows(PAGE, heading) for name in row[0].split(", ")]


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
def test_scope_of_every_route_is_told(route: Route) -> None:
    operation = DESCRIBED["paths"][route.path][route.method.lower()]
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


def test_page_lists_every_route_with_its_scope() -> None:
    rows = table_rows(PAGE, "route")
    needs = [
        "everybody" if isinstance(route.needs, Public) else f"`{route.needs}`"
        for route in ALL_ROUTES
    ]

    assert [row[:2] for row in rows] == [
        [f"`{route.method} {route.path}`", need]
        for route, need in zip(ALL_ROUTES, needs, strict=True)
    ]
    assert all(row[2] for row in rows)


def test_page_and_description_have_every_field_of_an_alert_and_no_other() -> None:
    known = [each.name for each in fields(DeskAlert)]

    assert sorted(names_in("field of an alert")) == sorted(known)
    assert sorted(SCHEMAS["Alert"]["properties"]) == sorted(known)
    assert sorted(SCHEMAS["AlertFile"]["properties"]) == sorted(
        each.name for each in fields(DeskMedia)
    )
    assert SCHEMAS["Alert"]["properties"]["trust"]["enum"] == list(get_args(Trust))
    states = list(get_args(TransferState))
    assert SCHEMAS["AlertFile"]["properties"]["state"]["enum"] == states
    assert names_in("state of a file") == [f"`{state}`" for state in states]


def test_page_explains_what_each_role_may() -> None:
    rows = table_rows(PAGE, "role")

    assert {row[0]: row[1] for row in rows} == {
        role: ", ".join(f"`{scope}`" for scope in sorted(scopes))
        for role, scopes in SCOPES_OF.items()
    }


@run_async
async def test_fields_of_what_is_served_are_those_described() -> None:
    bench = StationBench()
    alert = bench.open_alert()
    expected = {
        f"/v1/alerts/SG-017/{alert}": "Alert", "/v1/poles/SG-017": "Pole", "/v1/news": "News",
        "/v1/station": "Station", "/v1/health": "Health", "/v1/stats": "Table",
    }  # fmt: skip
    async with asking(bench) as session:
        for path, schema in expected.items():
            async with session.get(path, headers=headers_of("li")) as answer:
                shown = await answer.json()
            assert set(shown) == set(SCHEMAS[schema]["properties"]), path
        async with session.get("/v1/poles/SG-017", headers=headers_of("li")) as answer:
            assert sorted(await answer.json()) == sorted(names_in("field of a pole"))
        async with session.get("/v1/feed?limit=1", headers=headers_of("li")) as answer:
            line = msgspec.json.decode(await answer.read())
        assert set(line) == set(SCHEMAS["FeedLine"]["properties"])
        assert set(line["record"]) == set(SCHEMAS["Record"]["properties"])
        async with session.get("/v1/openapi.json") as answer:
            assert await answer.read() == load_description()


def test_words_that_are_listed_are_those_of_the_code() -> None:
    assert SCHEMAS["Pole"]["properties"]["state"]["enum"] == list(get_args(LinkState))
    assert SCHEMAS["Table"]["properties"]["by"]["enum"] == list(GROUPINGS)
    assert list(SCHEMAS["Row"]["properties"]) == list(COLUMNS)
