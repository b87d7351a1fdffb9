"""The page as a whole: lost connection, languages, hostile names, sizes and contrast."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from tests.support.browser import EVERYTHING, Visit, Visitor, cards, overflow_px, pale_texts, tile
from tests.support.page_server import PageServer, add_sample_alerts, make_camera

pytestmark = pytest.mark.timeout(120)

PHONE = {"width": 360, "height": 640}
DESK = {"width": 1440, "height": 900}
PAGE_BYTES_MAX = 60 * 1024
CONTRAST_MIN = 4.5
"""WCAG 2.1, success criterion 1.4.3."""
HOSTILE = '<img src=x onerror="alert(1)"><script>alert(2)</script>"\'`\u202e</b>'


def test_lost_connection_is_said_at_once_and_is_over_by_itself(
    server: PageServer, visit: Visit
) -> None:
    server.book.open()
    visitor = visit(*EVERYTHING)
    page = visitor.page
    expect(cards(page)).to_have_count(1)
    expect(tile(page, "yard")).to_contain_text("● Live")

    server.hang_up()
    expect(page.get_by_role("alert").filter(has_text="No connection to the pole")).to_be_visible()
    expect(page.locator("#page")).to_have_class("stale")
    expect(tile(page, "yard")).not_to_contain_text("● Live")
    expect(cards(page)).to_have_count(1)
    server.book.open(age_s=90, severity="critical")
    server.answer_again()

    expect(page.locator("#lost")).to_be_hidden()
    expect(cards(page)).to_have_count(2)
    expect(cards(page).first).to_contain_text("Late: came here")
    expect(tile(page, "yard")).to_contain_text("● Live")


def test_language_follows_the_browser_and_then_the_choice(server: PageServer, visit: Visit) -> None:
    server.book.open()
    page = visit(*EVERYTHING, locale="zh-CN").page
    expect(page.locator("#alert-list > li")).to_contain_text("重要")
    expect(page.get_by_role("button", name="处置…")).to_be_visible()
    assert page.get_attribute("html", "lang") == "zh-CN"

    page.get_by_role("button", name="English").click()

    expect(cards(page)).to_contain_text("Major")
    expect(page.get_by_role("region", name="Health")).to_contain_text("All is well.")
    page.reload()
    expect(cards(page)).to_contain_text("Major")
    assert page.get_attribute("html", "lang") == "en-GB"


def test_hostile_names_are_text_and_nothing_else(browser: Browser, tmp_path: Path) -> None:
    with (
        PageServer(tmp_path, cameras=(make_camera("yard"),), pole_name=HOSTILE[:60]) as server,
        Visitor(browser, viewport=PHONE) as visitor,
    ):
        alert = server.book.open(
            camera=HOSTILE,
            rule={"type": HOSTILE, "name": HOSTILE * 3},
            data={"label": HOSTILE, HOSTILE: HOSTILE * 9, "__proto__": "x", "n": 1e308},
        )
        server.book.say(alert, "alert.ack", {"by": HOSTILE, "note": HOSTILE})
        server.set_eye("yard", "lost", HOSTILE)
        page = visitor.page
        page.goto(f"{server.url}#token={server.make_token('desk', *EVERYTHING)}")
        expect(cards(page)).to_contain_text("<img src=x onerror=")
        page.get_by_text("Details").click()
        expect(tile(page, "yard")).to_contain_text("<script>alert(2)</script>")

        assert page.locator("#page img[src=x], #page script, header img").count() == 0
        assert overflow_px(page) == 0
        assert visitor.complaints == []


@pytest.mark.parametrize("viewport", [PHONE, DESK], ids=["phone", "desk"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("locale", ["en-GB", "zh-CN"])
def test_page_fits_and_can_be_read(
    server: PageServer, visit: Visit, viewport: object, scheme: str, locale: str
) -> None:
    add_sample_alerts(server)
    server.set_eye("road", "frozen", "three keyframes were the same")
    visitor = visit(*EVERYTHING, viewport=viewport, color_scheme=scheme, locale=locale)
    page = visitor.page
    expect(page.locator("#alert-list > li")).to_have_count(4)
    expect(page.locator("#health-list .bad")).to_have_count(1)
    page.locator("details summary").first.click()
    page.locator(".actions button:visible").nth(1).click()

    assert overflow_px(page) == 0
    assert pale_texts(page, CONTRAST_MIN) == []


def test_form_fits_and_can_be_read(visit: Visit) -> None:
    page = visit(viewport=PHONE).page
    page.get_by_label("Token").fill("x")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_text("does not know this token")).to_be_visible()

    assert overflow_px(page) == 0
    assert pale_texts(page, CONTRAST_MIN) == []


def test_page_is_small_and_says_something_before_anything_is_answered(
    server: PageServer, browser: Browser
) -> None:
    with Visitor(browser) as visitor:
        sizes: list[int] = []
        page = visitor.page
        page.on("requestfinished", lambda request: sizes.append(_size(request)))
        page.route("**/v1/**", lambda route: None)  # Answers never come.

        page.goto(server.url)

        expect(page.get_by_role("heading", name="Polewatch")).to_be_visible()
        expect(page.get_by_role("button", name="中文")).to_be_visible()
        assert 10_000 < sum(sizes) < PAGE_BYTES_MAX


def _size(request: Any) -> int:
    sizes = request.sizes()
    return int(sizes["responseHeadersSize"] + sizes["responseBodySize"])


def test_page_says_what_the_pole_refuses(visit: Visit) -> None:
    page = visit("ack").page

    refusal = "The pole refused: this token lacks the scope read"
    expect(page.get_by_role("region", name="Open alerts")).to_contain_text(refusal)
    expect(page.get_by_role("region", name="Cameras")).to_contain_text(refusal)
