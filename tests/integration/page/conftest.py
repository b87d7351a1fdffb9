"""Who visits the page: fixtures for its tests in a real browser, against the real API and log."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from tests.support.browser import PATIENCE_MS, Visit, Visitor, open_browser
from tests.support.page_server import PageServer, make_camera

expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with open_browser() as started:
        yield started


@pytest.fixture
def server(tmp_path: Path) -> Iterator[PageServer]:
    with PageServer(tmp_path, cameras=(make_camera("yard"), make_camera("road"))) as started:
        yield started


@pytest.fixture
def visit(browser: Browser, server: PageServer) -> Iterator[Visit]:
    """Make visitors, signed in where scopes are given; none may have anything to complain of."""
    visitors: list[Visitor] = []

    def make(*scopes: str, cameras: tuple[str, ...] | None = None, **settings: Any) -> Visitor:
        visitor = Visitor(browser, **settings)
        visitors.append(visitor)
        if not scopes:
            visitor.page.goto(server.url)
            return visitor
        token = server.make_token(f"desk-{len(visitors)}", *scopes, cameras=cameras)
        visitor.page.goto(f"{server.url}#token={token}")
        expect(visitor.page.locator("#page")).to_be_visible()
        return visitor

    yield make
    for visitor in visitors:
        complaints = list(visitor.complaints)
        visitor.context.close()
        assert complaints == []
