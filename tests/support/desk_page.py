"""What tests of the duty desk's page look for."""

from __future__ import annotations

import time

from playwright.sync_api import Locator, Page

from tests.support.browser import PATIENCE_MS
from tests.support.station_server import StationServer


def pane(page: Page) -> Locator:
    """Where the chosen alert stands."""
    return page.locator("#alert-pane")


def wait_for_records(server: StationServer, kind: str, count: int, page: Page) -> None:
    """Wait until the station has so many records of its own of a kind."""
    deadline = time.monotonic() + PATIENCE_MS / 1000
    while len(server.drafts(kind)) < count:
        assert time.monotonic() < deadline, kind
        page.wait_for_timeout(50)
