"""Alerts on the page: as they come, what is shown of them and what can be done."""

from __future__ import annotations

import time

import pytest
from playwright.sync_api import expect

from tests.support.browser import EVERYTHING, Visit, cards, tile
from tests.support.page_server import PageServer

pytestmark = pytest.mark.timeout(120)


def test_alert_appears_by_itself_worst_first_and_is_announced(
    server: PageServer, visit: Visit
) -> None:
    server.book.open(severity="minor", rule={"type": "line", "name": "path"})
    page = visit(*EVERYTHING).page
    expect(cards(page)).to_have_count(1)
    assert page.title() == "(1) River bank"

    server.book.open(severity="critical", rule={"type": "fire", "name": "shed"})

    expect(cards(page)).to_have_count(2)
    expect(cards(page).first).to_contain_text("Critical")
    expect(cards(page).first).to_contain_text("Fire · shed")
    expect(cards(page).first).to_contain_text("just now")
    expect(page.locator("[aria-live]")).to_have_text("New alert: Critical, Fire, yard")
    assert page.title() == "(2) River bank"


def test_snapshot_and_clip_appear_when_they_are_ready(server: PageServer, visit: Visit) -> None:
    alert = server.book.open()
    visitor = visit(*EVERYTHING)
    expect(cards(visitor.page)).to_contain_text("No picture yet")

    server.book.add_picture(alert, "snapshot")
    expect(cards(visitor.page)).to_contain_text("No clip yet")
    visitor.wait_until("document.querySelector('.thumb img').naturalWidth === 768")

    server.book.add_picture(alert, "clip")
    expect(visitor.page.get_by_role("button", name="Play clip")).to_be_visible()


def test_clip_plays_in_place_and_goes_on_through_news_and_seeks(
    server: PageServer, visit: Visit
) -> None:
    alert = server.book.open()
    server.book.add_picture(alert, "clip")
    visitor = visit(*EVERYTHING)
    page = visitor.page

    page.get_by_role("button", name="Play clip").click()
    visitor.wait_until("document.querySelector('video').currentTime > 0.5")
    server.book.open(severity="critical")
    expect(cards(page)).to_have_count(2)
    assert page.evaluate("document.querySelector('video').paused") is False
    page.evaluate("document.querySelector('video').currentTime = 4.5")
    visitor.wait_until("document.querySelector('video').currentTime > 4.7")
    page.locator(".player").get_by_role("button", name="Close").click()

    expect(page.locator("video")).to_have_count(0)
    with page.expect_download() as download:
        page.get_by_role("button", name="Play clip").click()
        page.get_by_role("link", name="Download").click()
    assert download.value.suggested_filename.endswith(".mp4")


def test_player_says_so_when_a_clip_cannot_be_shown(server: PageServer, visit: Visit) -> None:
    server.book.add_picture(server.book.open(), "clip", b"no film at all")
    page = visit(*EVERYTHING).page

    page.get_by_role("button", name="Play clip").click()

    expect(page.get_by_role("alert").filter(has_text="can't be shown here")).to_be_visible()


def test_acknowledging_is_one_record_and_shows_who(server: PageServer, visit: Visit) -> None:
    server.book.open()
    page = visit(*EVERYTHING).page

    page.get_by_role("button", name="Acknowledge").dblclick()

    expect(cards(page)).to_contain_text("Acknowledged by desk-1, just now.")
    expect(page.get_by_role("button", name="Acknowledge")).to_be_hidden()
    assert server.count_records("alerts") == 2


def test_resolving_with_a_note_takes_a_closed_alert_from_the_list(
    server: PageServer, visit: Visit
) -> None:
    alert = server.book.open()
    page = visit(*EVERYTHING).page
    page.get_by_role("button", name="Resolve…").click()
    page.get_by_label("Note").fill("a fox & <b>its</b> cubs")
    server.book.close(alert)
    expect(cards(page)).to_contain_text("Ended just now.")
    expect(page.get_by_label("Note")).to_have_value("a fox & <b>its</b> cubs")

    page.get_by_role("button", name="False alarm").click()

    expect(cards(page)).to_have_count(0)
    expect(page.get_by_text("No open alerts.")).to_be_visible()
    found = page.request.get(f"{server.url}v1/alerts/{alert}").json()
    assert found["state"] == "done"
    assert found["resolved"]["verdict"] == "false"
    assert found["resolved"]["note"] == "a fox & <b>its</b> cubs"


def test_alert_can_be_handled_by_keyboard_alone(server: PageServer, visit: Visit) -> None:
    server.book.open()
    page = visit("read", "ack").page
    expect(cards(page)).to_have_count(1)

    page.locator("body").focus()
    for _ in range(20):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent") == "Acknowledge":
            break
    page.keyboard.press("Enter")

    expect(cards(page)).to_contain_text("Acknowledged by desk-1")


def test_viewer_gets_no_buttons_that_his_token_does_not_allow(
    server: PageServer, visit: Visit
) -> None:
    server.book.add_picture(server.book.open(), "snapshot")
    server.book.open(camera="road")
    page = visit("read", cameras=("yard",)).page

    expect(cards(page)).to_have_count(1)
    expect(page.get_by_text("Your token does not allow pictures")).to_be_visible()
    expect(tile(page, "yard")).to_be_visible()
    expect(tile(page, "road")).to_have_count(0)
    for name in ("Acknowledge", "Resolve", "Play clip", "Larger"):
        expect(page.get_by_role("button", name=name)).to_have_count(0)


def test_list_grows_only_when_asked_to(server: PageServer, visit: Visit) -> None:
    for _ in range(60):
        server.book.open()
    page = visit("read").page
    expect(cards(page)).to_have_count(50)

    page.get_by_role("button", name="Show more").click()

    expect(cards(page)).to_have_count(60)
    expect(page.get_by_role("button", name="Show more")).to_be_hidden()


def test_nothing_is_left_of_alerts_that_are_gone(server: PageServer, visit: Visit) -> None:
    page = visit(*EVERYTHING).page
    expect(page.get_by_text("No open alerts.")).to_be_visible()
    count = "document.querySelectorAll('#alerts *').length"
    before = page.evaluate(count)
    alerts = [server.book.open() for _ in range(20)]
    expect(cards(page)).to_have_count(20)

    for alert in alerts:
        server.book.close(alert)
        server.book.say(alert, "alert.resolve", {"by": "x", "verdict": "test", "note": None})

    expect(cards(page)).to_have_count(0)
    assert page.evaluate(count) == before


def test_old_and_test_alerts_are_marked(server: PageServer, visit: Visit) -> None:
    page = visit("read").page
    expect(page.get_by_text("No open alerts.")).to_be_visible()

    server.book.open(age_s=3 * 3600 + 60, is_test=True)

    expect(cards(page)).to_contain_text("3 h ago")
    expect(cards(page)).to_contain_text("Late: came here")
    expect(cards(page)).to_contain_text("Test")


def test_times_are_of_the_pole_although_the_browser_is_elsewhere_and_wrong(
    server: PageServer, visit: Visit
) -> None:
    """The pole stands in Shanghai; the phone believes that it is in Lima, two hours later."""
    server.book.open(age_s=300)
    page = visit(timezone_id="America/Lima").page
    page.clock.install(time=time.time() + 7200)
    page.goto(f"{server.url}#token={server.make_token('phone', 'read')}")
    expect(page.locator("#page")).to_be_visible()
    page.reload()

    expect(cards(page)).to_contain_text("5 min ago")
    shown = page.locator("time").get_attribute("title") or ""
    assert "(Asia/Shanghai)" in shown
    hour_utc = int((page.locator("time").get_attribute("datetime") or "")[11:13])
    expect(page.locator("time")).to_contain_text(f"{(hour_utc + 8) % 24:02}:")
