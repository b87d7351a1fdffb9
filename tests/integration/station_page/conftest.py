"""Who sits at the duty desk: fixtures for its page in a real browser, against the real API."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from tests.support.browser import PATIENCE_MS, Visit, Visitor, open_browser
from tests.support.station_server import TOKENS, StationServer

expect.set_options(timeout=PATIENCE_MS)
POLES = {"SG-001": "North gate", "SG-002": "North gate", "SG-003": "Fuel depot", "SG-004": None}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with open_browser() as started:
        yield started


@pytest.fixture
def server(tmp_path: Path) -> Iterator[StationServer]:
    with StationServer(tmp_path, POLES) as started:
        yield started


@pytest.fixture
def visit(browser: Browser, server: StationServer) -> Iterator[Visit]:
    """Make visitors, signed in where a role is given; none may have anything to complain of."""
    visitors: list[Visitor] = []

    def make(role: str | None = None, **settings: Any) -> Visitor:
        visitor = Visitor(browser, **{"reduced_motion": "reduce", **settings})
        visitors.append(visitor)
        if role is None:
            visitor.page.goto(server.url)
            return visitor
        visitor.page.goto(f"{server.url}#token={TOKENS[role]}")  # type: ignore[index]
        expect(visitor.page.locator("#page")).to_be_visible()
        return visitor

    yield make
    for visitor in visitors:
        complaints = list(visitor.complaints)
        visitor.context.close()
        assert complaints == []
