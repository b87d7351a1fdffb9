"""Who gets to see the page, and where his token does not stay."""

from __future__ import annotations

import pytest
from playwright.sync_api import Dialog, expect

from tests.support.browser import Visit, cards
from tests.support.page_server import PageServer

pytestmark = pytest.mark.timeout(120)


def test_page_lets_in_who_pastes_a_token_and_keeps_it_nowhere(
    server: PageServer, visit: Visit
) -> None:
    token = server.make_token("desk", "read")
    visitor = visit()
    page = visitor.page

    page.get_by_label("Token").fill(token)
    page.get_by_role("button", name="Sign in").click()

    expect(page.get_by_role("heading", name="Open alerts")).to_be_visible()
    expect(page.get_by_role("heading", level=1)).to_have_text("River bank")
    kept = page.evaluate(
        "JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])"
        " + document.documentElement.outerHTML + token.value"
    )
    assert token not in kept
    assert [cookie["httpOnly"] for cookie in visitor.context.cookies()] == [True]


def test_page_takes_a_token_from_the_fragment_and_out_of_the_address(
    server: PageServer, visit: Visit
) -> None:
    visitor = visit("read")

    assert visitor.page.url == server.url
    visitor.page.go_back()
    assert "token" not in visitor.page.url


def test_page_says_what_to_do_when_the_token_is_wrong(visit: Visit) -> None:
    page = visit().page

    page.get_by_label("Token").fill("pw_wrong")
    page.get_by_role("button", name="Sign in").click()

    expect(page.get_by_role("alert").filter(has_text="does not know this token")).to_be_visible()
    expect(page.locator("#page")).to_be_hidden()


def test_page_shows_nothing_any_more_when_signed_out(server: PageServer, visit: Visit) -> None:
    server.book.open()
    page = visit("read").page
    expect(cards(page)).to_have_count(1)

    page.get_by_role("button", name="Sign out").click()

    expect(page.get_by_label("Token")).to_be_focused()
    expect(page.locator("#alert-list > li")).to_have_count(0)
    page.reload()
    expect(page.get_by_label("Token")).to_be_visible()


def test_page_asks_for_the_token_when_the_session_is_over(server: PageServer, visit: Visit) -> None:
    """A pole that was started again knows no sessions."""
    page = visit("read").page
    server.go_away()
    expect(page.get_by_role("alert").filter(has_text="No connection")).to_be_visible()

    server.come_back()

    expect(page.get_by_label("Token")).to_be_visible()
    expect(page.locator("#lost")).to_be_hidden()


def test_token_that_is_no_encoding_is_refused_as_any_wrong_one(
    server: PageServer, visit: Visit
) -> None:
    page = visit().page
    page.goto("about:blank")

    page.goto(f"{server.url}#token=pw_%")

    expect(page.get_by_role("alert").filter(has_text="does not know this token")).to_be_visible()
    assert page.url == server.url


def test_page_is_the_persons_whose_session_the_browser_has_now(
    server: PageServer, visit: Visit
) -> None:
    """Tabs share the cookie: a page must not show one name and act under another."""
    visitor = visit("read")
    page, other = visitor.page, visitor.context.new_page()
    expect(page.locator("#name")).to_have_text("desk-1")
    other.goto(server.url)
    expect(other.locator("#name")).to_have_text("desk-1")

    other.get_by_role("button", name="Sign out").click()
    expect(page.get_by_label("Token")).to_be_visible()
    other.get_by_label("Token").fill(server.make_token("night", "read"))
    other.get_by_role("button", name="Sign in").click()

    expect(other.locator("#name")).to_have_text("night")
    expect(page.locator("#name")).to_have_text("night")
    expect(page.get_by_label("Token")).to_be_hidden()


def test_link_takes_the_place_of_anothers_session_only_when_that_is_confirmed(
    server: PageServer, visit: Visit
) -> None:
    visitor = visit("read")
    page, linked = visitor.page, visitor.context.new_page()
    asked: list[str] = []
    answers = iter([False, True])

    def answer(dialog: Dialog) -> None:
        asked.append(dialog.message)
        (dialog.accept if next(answers) else dialog.dismiss)()

    linked.on("dialog", answer)
    address = f"{server.url}#token={server.make_token('stranger', 'read')}"
    linked.goto(address)
    expect(linked.locator("#name")).to_have_text("desk-1")
    linked.goto("about:blank")
    linked.goto(address)
    expect(linked.locator("#name")).to_have_text("stranger")

    expect(page.locator("#name")).to_have_text("stranger")
    question = (
        "You are signed in here as desk-1. This link signs you in as stranger instead. Go on?"
    )
    assert asked == [question] * 2
    linked.goto("about:blank")
    linked.goto(address)
    expect(linked.locator("#name")).to_have_text("stranger")
    assert len(asked) == 2, "his own link asks nobody"
