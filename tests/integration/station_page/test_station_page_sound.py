"""The alarm: it sounds until anybody acknowledges, and is never silent without saying so."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser import Visit, Visitor
from tests.support.station_server import TOKENS, StationServer

pytestmark = pytest.mark.timeout(120)

LISTEN = """
  window.heard = [];
  const Real = window.OscillatorNode;
  window.OscillatorNode = class extends Real {
    constructor(context, options) {
      super(context, options);
      window.heard.push(options.frequency);
    }
  };
"""
"""Notes each tone that the page plays; it is played all the same."""
UNTOUCHED = """
  const activation = { hasBeenActive: false };
  Object.defineProperty(navigator, "userActivation", { value: activation });
  addEventListener("pointerdown", () => { activation.hasBeenActive = true; }, true);
"""
"""What a test looks up counts as a touch in Chromium; here only a click does."""
CRITICAL_HZ = 1568
LOST_HZ = 247


def sit_down(visit: Visit, server: StationServer, *scripts: str, **settings: Any) -> Visitor:
    """Have somebody sign in who hears what the page plays."""
    visitor = visit(**settings)
    for script in (LISTEN, *scripts):
        visitor.page.add_init_script(script)
    visitor.page.goto("about:blank")
    visitor.page.goto(f"{server.url}#token={TOKENS['operator']}")
    expect(visitor.page.locator("#page")).to_be_visible()
    return visitor


def forget(page: Page) -> None:
    page.evaluate("window.heard.length = 0")


def test_page_asks_for_a_click_and_sounds_from_then_on(server: StationServer, visit: Visit) -> None:
    server.open_alert("SG-001", severity="critical")
    visitor = sit_down(visit, server, UNTOUCHED)
    page = visitor.page
    ask = page.get_by_role("button", name="No sound yet")
    expect(ask).to_be_visible()
    assert page.evaluate("window.heard") == []

    ask.click()

    expect(ask).to_be_hidden()
    visitor.wait_until(f"window.heard.includes({CRITICAL_HZ})")
    forget(page)
    visitor.wait_until(f"window.heard.includes({CRITICAL_HZ})")


def test_sound_ends_when_anybody_acknowledges_and_begins_with_a_new_alert(
    server: StationServer, visit: Visit
) -> None:
    alert = server.open_alert("SG-001", severity="critical")
    visitor = sit_down(visit, server)
    page = visitor.page
    page.keyboard.press("j")
    visitor.wait_until("window.heard.length > 0")

    server.say(alert, "alert.ack", "wei", note=None)
    expect(page.locator("html")).to_have_attribute("data-alarm", "")
    forget(page)
    page.wait_for_timeout(2500)
    assert page.evaluate("window.heard") == []
    server.open_alert("SG-002", severity="minor")

    visitor.wait_until("window.heard.length > 0")
    assert CRITICAL_HZ not in page.evaluate("window.heard")


def test_muted_is_silent_counts_down_and_can_be_taken_back(
    server: StationServer, visit: Visit
) -> None:
    server.open_alert("SG-001", severity="critical")
    visitor = sit_down(visit, server)
    page = visitor.page
    page.keyboard.press("u")
    muted = page.get_by_role("button", name="Muted: 4:5")
    expect(muted).to_be_visible()

    forget(page)
    page.wait_for_timeout(2500)
    assert page.evaluate("window.heard") == []
    muted.click()

    visitor.wait_until(f"window.heard.includes({CRITICAL_HZ})")
    expect(page.get_by_role("button", name="Sound on")).to_be_visible()


def test_lost_station_has_a_sound_of_its_own(server: StationServer, visit: Visit) -> None:
    visitor = sit_down(visit, server)
    page = visitor.page
    expect(page.locator("#counts")).to_contain_text("0 new")
    page.keyboard.press("j")

    server.go_away()

    expect(page.get_by_role("alert").filter(has_text="No connection")).to_be_visible()
    visitor.wait_until(f"window.heard.includes({LOST_HZ})")


def test_session_that_ends_by_itself_is_called_out_and_one_that_is_ended_is_not(
    server: StationServer, visit: Visit
) -> None:
    visitor = sit_down(visit, server)
    page = visitor.page
    expect(page.locator("#counts")).to_contain_text("0 new")
    page.keyboard.press("j")
    server.go_away()
    server.come_back()
    expect(page.get_by_text("Your session is over.")).to_be_visible()
    forget(page)
    visitor.wait_until(f"window.heard.includes({LOST_HZ})")
    assert page.title() == "Sign in again!"

    page.get_by_label("Token").fill(TOKENS["operator"])
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator("#counts")).to_contain_text("0 new")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_label("Token")).to_be_visible()
    forget(page)
    page.wait_for_timeout(2500)

    assert page.evaluate("window.heard") == []
    assert page.title() == "Polewatch"


def test_button_says_whether_there_is_sound_and_mutes_only_then(
    server: StationServer, visit: Visit
) -> None:
    page = sit_down(visit, server, UNTOUCHED).page
    button = page.locator("#sound")
    expect(button).to_have_text("Switch sound on")

    button.click()

    expect(button).to_have_text("Sound on · mute 5 min")
    button.click()
    expect(button).to_contain_text("Muted: ")


def test_page_says_that_a_browser_has_no_sound_beside_the_list(
    server: StationServer, visit: Visit
) -> None:
    page = sit_down(visit, server, "delete globalThis.AudioContext;").page
    expect(page.locator("#sound")).to_have_text("No sound here")
    expect(page.locator("#sound")).to_be_disabled()

    banner = page.locator("#unlock").bounding_box()
    main = page.locator("#page").bounding_box()

    assert banner is not None
    assert main is not None
    assert banner["y"] + banner["height"] <= main["y"]


def test_alert_under_the_bar_that_asks_for_a_click_was_not_seen(
    server: StationServer, visit: Visit
) -> None:
    for number in range(14):
        server.open_alert("SG-001", severity="minor", age_s=number)
    page = sit_down(visit, server, UNTOUCHED, viewport={"width": 390, "height": 800}).page
    seen = page.locator("#alert-list .row").filter(has_text="seen: chen")
    expect(seen).to_have_count(8)
    page.wait_for_timeout(1700)
    assert len(server.drafts("alert.seen")) == 8

    page.get_by_role("button", name="No sound yet").click()

    expect(seen).to_have_count(10)
