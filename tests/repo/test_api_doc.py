"""The API's page against the table of routes."""

from __future__ import annotations

from edge.agent.api.app import ALL_ROUTES
from edge.serving.problems import Problem
from edge.serving.routes import SCOPES, Public, Route
from tests.repo.documents import table_rows
from tests.repo.tree import CHECKOUT

API = CHECKOUT / "docs/ref/api.md"


def test_every_route_is_listed_with_its_scope() -> None:
    rows = table_rows(API.read_text(encoding="utf-8"), "route")

    assert [row[:2] for row in rows] == [_row(route) for route in ALL_ROUTES]
    assert all(row[2] for row in rows)


def _row(route: Route) -> list[str]:
    needs = "everybody" if isinstance(route.needs, Public) else f"`{route.needs}`"
    return [f"`{route.method} {route.path}`", needs]


def test_every_scope_is_explained() -> None:
    rows = table_rows(API.read_text(encoding="utf-8"), "scope")

    assert [row[0] for row in rows] == [f"`{scope}`" for scope in SCOPES]


def test_problems_are_listed_with_statuses_that_exist() -> None:
    rows = table_rows(API.read_text(encoding="utf-8"), "status")

    statuses = [int(status) for row in rows for status in row[0].split(", ")]
    assert len(set(statuses)) == len(statuses) >= 14
    assert all(Problem(status, "x").response().status == status for status in statuses)
