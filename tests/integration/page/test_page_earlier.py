"""Alerts that are done with, on the page: how to look one up, and take a verdict back."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.support.browser import EVERYTHING, Visit, cards, overflow_px
from tests.support.page_server import PageServer

pytestmark = pytest.mark.timeout(120)

PHONE = {"width": 360, "height": 640}


def test_resolved_alert_moves_to_the_earlier_ones_with_its_clip_and_can_be_judged_again(
    server: PageServer, visit: Visit
) -> None:
    alert = server.book.open()
    server.book.add_picture(alert, "clip")
    server.book.close(alert)
    visitor = visit(*EVERYTHING, viewport=PHONE)
    page = visitor.page
    _open_list(page)
    expect(page.get_by_text("None yet: what is over")).to_be_visible()

    page.get_by_role("button", name="Resolve…").click()
    page.get_by_role("button", name="False alarm").click()

    expect(cards(page)).to_have_count(0)
    expect(_earlier(page)).to_have_count(1)
    expect(_earlier(page)).to_contain_text("desk-1 says: false alarm.")
    page.get_by_role("button", name="Resolve again…").click()
    page.get_by_role("button", name="It was real").click()
    expect(_earlier(page)).to_contain_text("desk-1 says: real.")
    page.get_by_role("button", name="Play clip").click()
    visitor.wait_until("document.querySelector('#earlier video').currentTime > 0.2")
    assert overflow_px(page) == 0


def test_earlier_alerts_come_worst_first_page_by_page_without_open_ones(
    server: PageServer, visit: Visit
) -> None:
    for _ in range(60):
        server.book.open(severity="critical", camera="road")
    for severity, rule in (("minor", "old"), ("major", "bad"), ("minor", "new")):
        _settle(server, severity=severity, rule={"type": "line", "name": rule})
    for _ in range(110):
        _settle(server, severity="info", rule={"type": "loiter", "name": "bench"})
    page = visit("read").page
    expect(page.get_by_role("region", name="Open alerts")).to_be_visible()
    assert page.locator("#earlier-list > li").count() == 0

    _open_list(page)

    expect(_earlier(page).nth(0)).to_contain_text("Line crossed · bad")
    expect(_earlier(page).nth(1)).to_contain_text("Line crossed · new")
    expect(_earlier(page).nth(2)).to_contain_text("Line crossed · old")
    more = page.locator("#earlier").get_by_role("button", name="Show more")
    expect(_earlier(page)).to_have_count(90)
    more.click()
    expect(_earlier(page)).to_have_count(113)
    expect(more).to_be_hidden()


def test_earlier_alerts_say_so_when_the_pole_does_not_give_them(
    server: PageServer, visit: Visit
) -> None:
    _settle(server)
    page = visit("read").page
    page.route("**/v1/alerts?state=all*", lambda route: route.fulfill(status=503))
    _open_list(page)
    expect(page.get_by_text("Close this list and open it again.")).to_be_visible()

    page.unroute("**/v1/alerts?state=all*")
    _open_list(page)
    _open_list(page)

    expect(_earlier(page)).to_have_count(1)


def test_earlier_alerts_come_although_the_list_was_closed_while_they_were_asked_for(
    server: PageServer, visit: Visit
) -> None:
    _settle(server)
    page = visit("read").page
    held: list[Route] = []
    page.route(
        "**/v1/alerts?state=all*",
        lambda route: route.continue_() if held else held.append(route),
    )
    with page.expect_request("**/v1/alerts?state=all*"):
        _open_list(page)
    _open_list(page)

    _open_list(page)

    expect(_earlier(page)).to_have_count(1)
    held[0].continue_()


def _open_list(page: Page) -> None:
    """Open the list, or close it."""
    page.locator("#earlier > summary").click()


def _earlier(page: Page) -> Locator:
    return page.locator("#earlier-list > li")


def _settle(server: PageServer, **fields: Any) -> None:
    alert = server.book.open(**fields)
    server.book.close(alert)
    server.book.say(alert, "alert.resolve", {"by": "x", "verdict": "test", "note": None})
