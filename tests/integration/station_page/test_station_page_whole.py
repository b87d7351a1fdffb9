"""The desk's page as a whole: lost connection, faults, languages, hostile names, contrast."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from edge.station import config
from edge.station.ports.links import Trouble
from tests.support.browser import Visit, Visitor, overflow_px, pale_texts
from tests.support.station_scene import add_scene, poles_of
from tests.support.station_server import TOKENS, StationServer
from tests.support.still_links import SINCE_MS

pytestmark = pytest.mark.timeout(120)

PHONE = {"width": 360, "height": 640}
DESK = {"width": 1920, "height": 1080}
SMALL = {"width": 1280, "height": 720}
PAGE_BYTES_MAX = 100 * 1024
CONTRAST_MIN = 4.5
"""WCAG 2.1, success criterion 1.4.3."""
HOSTILE = '<img src=x onerror="alert(1)"><script>alert(2)</script>"\'`\u202e</b>'


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A station on a bad night: 300 poles, 500 alerts."""
    folder = tmp_path_factory.mktemp("station")
    with StationServer(folder, poles_of(300)) as server:
        add_scene(server, poles=300, alerts=500)
        yield server


def test_lost_station_is_said_once_and_is_over_after_signing_in_again(
    server: StationServer, visit: Visit
) -> None:
    server.open_alert("SG-001")
    page = visit("operator").page
    expect(page.locator("#alert-list .row")).to_have_count(1)

    server.go_away()
    lost = page.get_by_role("alert").filter(has_text="No connection to the station since")
    expect(lost).to_be_visible()
    expect(page.locator("#page")).to_have_class("stale")
    server.open_alert("SG-002", severity="critical")
    server.come_back()

    expect(lost).to_be_hidden()
    expect(page.get_by_label("Token")).to_be_visible()
    page.get_by_label("Token").fill(TOKENS["operator"])
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator("#alert-list .row")).to_have_count(2)


def test_full_disk_of_the_station_is_a_banner_and_an_ack_is_not_taken_for_done(
    server: StationServer, visit: Visit
) -> None:
    server.open_alert("SG-001")
    page = visit("operator").page
    expect(page.locator("#alert-pane")).to_contain_text("Nobody has acknowledged it.")

    server.jam()
    expect(page.locator("#fault")).to_contain_text("The station can't write to its disk")
    page.keyboard.press("a")
    expect(page.locator(".actions .fault")).to_contain_text("The station refused:")
    expect(page.locator("#alert-pane")).to_contain_text("Nobody has acknowledged it.")
    server.unjam()

    expect(page.locator("#fault")).to_be_hidden()


def test_hostile_words_are_text_and_nothing_else(browser: Browser, tmp_path: Path) -> None:
    about = config.Station(id="station", name=HOSTILE[:60], timezone="Asia/Shanghai")
    with (
        StationServer(tmp_path, {"SG-001": HOSTILE}, about=about) as server,
        Visitor(browser) as visitor,
    ):
        alert = server.open_alert(
            "SG-001",
            camera=HOSTILE,
            rule={"type": HOSTILE, "name": HOSTILE * 3},
            data={"label": HOSTILE, "cause": HOSTILE, HOSTILE: HOSTILE * 9, "__proto__": "x"},
            where={"box": [HOSTILE, -1, 2, None]},
            flaw=HOSTILE,
        )
        server.open_alert(
            "station",
            rule={"type": "station", "name": HOSTILE},
            data={"poles": {HOSTILE: HOSTILE}, "cause": [HOSTILE], "count": 1e308},
        )
        server.say(alert, "alert.ack", HOSTILE, note=None)
        server.say(alert, "alert.note", HOSTILE, text=HOSTILE)
        server.say(alert, "alert.resolve", HOSTILE, verdict="__proto__", note=HOSTILE)
        server.set_pole(
            "SG-001",
            cause=HOSTILE,
            state="silent",
            version=HOSTILE,
            unwell=(HOSTILE,),
            is_well=False,
            cameras=(HOSTILE,),
            troubles=(Trouble(HOSTILE, HOSTILE, SINCE_MS),),
        )
        page = visitor.page
        page.goto(f"{server.url}#token={TOKENS['supervisor']}")
        expect(page.locator("#alert-list .row")).to_have_count(2)
        for key in ("g", "j", "j"):
            page.keyboard.press(key)
        expect(page.locator(".notes").last).to_contain_text("<script>alert(2)</script>")
        page.locator("#alert-pane summary").first.click()
        page.locator("#pole-list .row").click()
        expect(page.locator(".card")).to_contain_text("<script>alert(2)</script>")
        for key in ("Escape", "m", "s"):
            page.keyboard.press(key)
        expect(page.get_by_role("table", name="Rule")).to_contain_text("<img src=x onerror=")

        assert (
            page.locator("#page img[src=x], #page script, header img, header script").count() == 0
        )
        said = page.evaluate(
            "async (pole) => (await import('/web/language.js')).say('neighbours', { pole })",
            "\u202eeno\u2069",
        )
        assert said == "Also from eno", "others' words turn nothing round"
        assert overflow_px(page) == 0
        assert visitor.complaints == []


def test_language_follows_the_browser_and_then_the_choice(
    server: StationServer, visit: Visit
) -> None:
    server.open_alert("SG-001")
    page = visit("operator", locale="zh-CN").page
    expect(page.locator("#alert-list .row")).to_contain_text("入侵")
    expect(page.get_by_role("button", name="确认 (a)")).to_be_visible()
    assert page.get_attribute("html", "lang") == "zh-CN"

    page.get_by_role("button", name="English").click()

    expect(page.locator("#alert-list .row")).to_contain_text("Intrusion")
    expect(page.get_by_role("button", name="Acknowledge (a)")).to_be_visible()
    expect(page.get_by_role("tab", name="Map")).to_be_visible()
    page.reload()
    expect(page.locator("#alert-list .row")).to_contain_text("Intrusion")


@pytest.mark.parametrize("viewport", [PHONE, SMALL, DESK], ids=["phone", "small", "desk"])
@pytest.mark.parametrize(("scheme", "locale"), [("light", "en-GB"), ("dark", "zh-CN")])
def test_page_fits_and_can_be_read_on_a_bad_night(
    browser: Browser, busy: StationServer, viewport: dict[str, int], scheme: str, locale: str
) -> None:
    settings = {"color_scheme": scheme, "locale": locale, "reduced_motion": "reduce"}
    with Visitor(browser, viewport=viewport, **settings) as visitor:
        page = visitor.page
        page.goto(f"{busy.url}#token={TOKENS['supervisor']}")
        expect(page.locator("#counts")).to_contain_text("501")
        offences = []
        for key in ("g", "Enter", "n", "Escape", "p", "m", "s", "?"):
            page.keyboard.press(key)
            page.wait_for_timeout(150)
            offences += [f"{key}: {text}" for text in pale_texts(page, CONTRAST_MIN)]
            assert overflow_px(page) == 0, key

        assert offences == []
        assert visitor.complaints == []


def test_page_is_small_and_says_something_before_anything_is_answered(
    server: StationServer, browser: Browser
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


def test_session_that_ends_asks_for_the_token_and_leaves_nothing_to_be_read(
    server: StationServer, visit: Visit
) -> None:
    server.open_alert("SG-001")
    page = visit("operator").page
    expect(page.locator("#alert-list .row")).to_have_count(1)

    page.get_by_role("button", name="Sign out").click()

    expect(page.get_by_label("Token")).to_be_visible()
    expect(page.locator("#page")).to_be_hidden()
    assert page.locator(".row").count() == 0
    assert page.title() == "Polewatch"
    assert "SG-001" not in page.content()


def test_phone_asks_for_no_picture_that_it_does_not_show(
    server: StationServer, visit: Visit
) -> None:
    """Each picture that is asked for is on record as looked at."""
    server.add_file(server.open_alert("SG-001"), "snapshot")
    page = visit("operator", viewport=PHONE).page
    expect(page.locator("#alert-list .row")).to_have_count(1)
    page.wait_for_timeout(1000)
    assert server.drafts("access") == []

    page.locator("#alert-list .row").click()

    expect(page.locator(".boxed img")).to_be_visible()
    assert len(server.drafts("access")) == 1


def test_page_that_has_failed_says_so(server: StationServer, visit: Visit) -> None:
    visitor = visit("operator")
    page = visitor.page
    page.route("**/v1/news*", lambda route: route.fulfill(json={"alerts": 7}))
    server.open_alert("SG-001")

    expect(page.get_by_role("alert").filter(has_text="load it anew")).to_be_visible()
    visitor.complaints.clear()


def test_answer_that_comes_after_signing_out_breaks_nothing(
    server: StationServer, visit: Visit
) -> None:
    server.open_alert("SG-001")
    visitor = visit("operator")
    page = visitor.page
    expect(page.locator("#alert-pane")).to_contain_text("Also from SG-001")
    page.evaluate("""() => {
      const real = window.fetch;
      window.fetch = (path, options) => path.endsWith("/records")
        ? new Promise((_, refuse) => (window.refuse = refuse)) : real(path, options);
    }""")
    page.get_by_text("Records as they came").click()
    visitor.wait_until("Boolean(window.refuse)")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_label("Token")).to_be_visible()

    page.evaluate("window.refuse(new Error('too late'))")

    page.evaluate("new Promise((resolve) => setTimeout(resolve))")
    expect(page.locator("#broken")).to_be_hidden()


def test_desk_acts_under_the_name_that_it_shows(server: StationServer, visit: Visit) -> None:
    server.open_alert("SG-001")
    visitor = visit("supervisor")
    page, other = visitor.page, visitor.context.new_page()
    expect(page.locator("#name")).to_have_text("li")
    other.goto(server.url)
    other.get_by_role("button", name="Sign out").click()
    other.get_by_label("Token").fill(TOKENS["operator"])
    other.get_by_role("button", name="Sign in").click()

    expect(page.locator("#name")).to_have_text("chen")
    expect(page.locator("#alert-pane")).to_contain_text("Intrusion · fence")
    expect(page.get_by_role("button", name="Hold (h)")).to_be_hidden()
    page.keyboard.press("a")

    expect(page.locator("#alert-pane")).to_contain_text("Acknowledged by chen")
