"""The right side of the desk: poles, map and statistics."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from edge.station.ports.links import LiveAnswer, Trouble
from tests.support.browser import Visit, Visitor
from tests.support.drawn_eyes import draw_jpeg
from tests.support.station_server import TOKENS, StationServer
from tests.support.still_links import SINCE_MS

pytestmark = pytest.mark.timeout(120)

GEOJSON = msgspec.json.encode(
    {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "properties": {"name": "<b>quay</b>"},
                "geometry": {
                    "type": "Polygon",
                    "coordinates": [[[106.4, 29.4], [106.6, 29.4], [106.6, 29.6], [106.4, 29.4]]],
                },
            },
            {"type": "Feature", "geometry": {"type": "LineString", "coordinates": "nonsense"}},
            None,
        ],
    }
)


def poles(page: Page) -> Locator:
    return page.locator("#pole-list .row")


def view_of(page: Page) -> list[float]:
    """What part of the map is shown: x, y, width, height in km."""
    return [float(each) for each in (page.get_attribute("svg.map", "viewBox") or "").split()]


def order(page: Page) -> list[str]:
    found: list[str] = page.evaluate(
        """[...document.querySelectorAll("#pole-list .row")]
          .sort((one, other) => one.offsetTop - other.offsetTop)
          .map((row) => row.querySelector(".title").textContent)"""
    )
    return found


def test_poles_stand_in_the_order_in_which_they_need_somebody(
    server: StationServer, visit: Visit
) -> None:
    page = visit("viewer").page
    expect(poles(page)).to_have_count(4)

    server.set_pole("SG-003", state="silent", cause="mains")
    server.set_pole("SG-004", troubles=(Trouble("chain alerts", "3 are missing", SINCE_MS),))
    server.set_pole("SG-002", is_well=False, unwell=("camera yard: lost",))

    expect(page.locator("#counts")).to_contain_text("Poles: 4, not heard: 1")
    expect(poles(page).filter(has_text="SG-003")).to_contain_text("mains power lost")
    expect(poles(page).filter(has_text="SG-004")).to_contain_text("chain broken alerts")
    expect(poles(page).filter(has_text="SG-002")).to_contain_text("unwell: camera yard: lost")
    assert order(page) == ["SG-003", "SG-002", "SG-004", "SG-001"]
    page.locator("#pole-filter").fill("fuel silent")
    expect(poles(page)).to_have_count(1)


def test_only_poles_that_are_not_heard_tell_since_when(server: StationServer, visit: Visit) -> None:
    server.set_pole("SG-003", state="silent", cause="link")
    page = visit("viewer").page

    expect(poles(page).filter(has_text="SG-003").locator(".age")).to_contain_text("ago")
    expect(poles(page).filter(has_text="SG-001").locator(".age")).to_be_empty()


def test_pole_card_tells_its_troubles_and_shows_its_camera_live(
    server: StationServer, visit: Visit
) -> None:
    server.set_pole("SG-001", troubles=(Trouble("clock", "it is 400 s ahead", SINCE_MS),))
    server.open_alert("SG-001", rule={"type": "fire", "name": "roof"})
    page = visit("operator").page
    poles(page).filter(has_text="SG-001").click()
    card = page.locator("#poles-panel .card")
    expect(card).to_contain_text("it is 400 s ahead")
    expect(card).to_contain_text("Fire · roof")

    card.get_by_role("button", name="▶ yard").click()
    expect(card).to_contain_text("● Live")
    assert {draft.data["what"] for draft in server.drafts("access")} >= {"live"}
    card.get_by_role("button", name="▶ yard").click()

    expect(card).not_to_contain_text("● Live")
    expect(card.locator("canvas")).to_have_count(0)


def test_alert_shows_its_camera_live_and_goes_back_to_the_clip(
    server: StationServer, visit: Visit
) -> None:
    alert = server.open_alert("SG-001")
    server.add_file(alert, "snapshot")
    page = visit("operator").page
    expect(page.locator(".boxed img")).to_be_visible()

    page.keyboard.press("l")
    expect(page.locator(".stage")).to_contain_text("● Live")
    expect(page.locator(".boxed img")).to_have_count(0)
    page.keyboard.press("l")

    expect(page.locator(".boxed img")).to_be_visible()
    expect(page.locator(".stage canvas")).to_have_count(0)


def test_map_shows_each_pole_by_its_worst_alert_and_link(
    server: StationServer, visit: Visit
) -> None:
    server.set_pole("SG-002", position={"lat": 29.52, "lon": 106.52}, state="silent")
    server.set_pole("SG-003", position=None)
    server.set_pole("SG-004", position={"lat": "x", "lon": 1e9})
    server.open_alert("SG-001", severity="minor")
    server.open_alert("SG-001", severity="critical")
    page = visit("operator").page
    page.keyboard.press("m")
    marks = page.locator("#map-panel .mark")
    expect(marks).to_have_count(2)

    expect(marks.filter(has_text="SG-001")).to_have_class("mark critical new")
    expect(marks.filter(has_text="SG-002")).to_have_attribute("data-link", "silent")
    strip = page.locator("#map-panel .strip")
    expect(strip.get_by_role("button", name="SG-003")).to_be_visible()
    expect(strip.get_by_role("button", name="SG-004")).to_be_visible()
    before = page.locator("svg.map").get_attribute("viewBox")
    page.locator("svg.map").focus()
    page.keyboard.press("+")
    assert page.locator("svg.map").get_attribute("viewBox") != before
    page.keyboard.press("0")
    assert page.locator("svg.map").get_attribute("viewBox") == before
    marks.filter(has_text="SG-002").locator("path").click()

    expect(page.locator("#poles-panel .card")).to_contain_text("SG-002")


def test_map_lies_on_the_users_own_ground(browser: Browser, tmp_path: Path) -> None:
    with (
        StationServer(tmp_path, {"SG-001": None}, geojson=GEOJSON) as server,
        Visitor(browser) as visitor,
    ):
        page = visitor.page
        page.goto(f"{server.url}#token={TOKENS['viewer']}")
        page.get_by_role("tab", name="Map").click()

        expect(page.locator(".ground path.area")).to_have_count(1)
        expect(page.locator(".ground title")).to_have_text("<b>quay</b>")
        expect(page.locator(".ground path.line")).to_have_count(0)
        assert visitor.complaints == []


def test_statistics_tell_how_fast_alerts_were_answered(server: StationServer, visit: Visit) -> None:
    for number in range(4):
        alert = server.open_alert("SG-001", age_s=90)
        server.say(alert, "alert.ack", "chen", note=None)
        verdict = "false" if number else "real"
        server.say(alert, "alert.resolve", "chen", verdict=verdict, note=None)
    page = visit("supervisor").page

    page.keyboard.press("s")
    rules = page.get_by_role("table", name="Rule")
    line = rules.get_by_role("row", name="Intrusion · fence")
    expect(line).to_contain_text("75 %")
    expect(line).to_contain_text("90 s / 90 s")
    expect(page.get_by_role("table", name="Person")).to_contain_text("chen")
    with page.expect_download() as download:
        rules.get_by_role("link", name="CSV").click()

    assert Path(download.value.path()).read_text(encoding="utf-8-sig").startswith("rule,alerts,")


def test_people_are_not_compared_but_by_supervisors(server: StationServer, visit: Visit) -> None:
    page = visit("operator").page
    page.keyboard.press("s")

    expect(page.get_by_role("table", name="Rule")).to_be_visible()
    expect(page.get_by_text("Trials are left out.")).to_be_visible()
    expect(page.get_by_role("table", name="Person")).to_have_count(0)


class StoppingPictures:
    """One live picture, then nothing, and no end either."""

    answer = LiveAnswer(200, {"Content-Type": "multipart/x-mixed-replace; boundary=frame"})

    def __init__(self) -> None:
        jpeg = draw_jpeg(40)
        head = f"Content-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n".encode()
        self._blocks = [b"\r\n--frame\r\n" + head + jpeg + b"\r\n--frame\r\n"]

    async def read(self) -> bytes:
        if not self._blocks:
            await asyncio.Event().wait()
        return self._blocks.pop()


def test_live_picture_that_stops_is_no_longer_called_live(
    server: StationServer, visit: Visit
) -> None:
    server.links.answer = lambda pole, path, query: StoppingPictures()
    server.open_alert("SG-001")
    page = visit("operator").page
    expect(page.locator("#alert-title")).to_have_text("Intrusion · fence")

    page.keyboard.press("l")

    expect(page.locator(".stage .on-picture")).to_contain_text("● Live")
    expect(page.locator(".stage .on-picture")).to_contain_text("Not live: from")


def test_figures_of_another_span_go_when_those_asked_for_do_not_come(
    server: StationServer, visit: Visit
) -> None:
    server.open_alert("SG-001")
    page = visit("operator").page
    page.keyboard.press("s")
    expect(page.get_by_role("table", name="Rule")).to_be_visible()
    page.route("**/v1/stats*by=day*", lambda route: route.fulfill(status=503, json={}))

    page.get_by_role("button", name="30 d").click()

    expect(page.get_by_text("The station did not give them.")).to_be_visible()
    expect(page.locator("#statistics-panel table")).to_have_count(0)


def test_pole_that_is_not_heard_was_well_when_it_was(server: StationServer, visit: Visit) -> None:
    server.set_pole("SG-001", state="silent", cause="link", is_well=True)
    page = visit("operator").page

    poles(page).filter(has_text="SG-001").click()

    expect(page.locator("#poles-panel .card")).to_contain_text("was well; heard")


def test_map_keeps_the_view_and_leaves_out_a_pole_that_is_far_away(
    server: StationServer, visit: Visit
) -> None:
    for number, name in enumerate(("SG-001", "SG-002", "SG-003", "SG-004")):
        position = {"lat": 29.6 + number * 0.003, "lon": 106.5 + number * 0.003}
        server.set_pole(name, position=position)
    page = visit("operator").page
    page.keyboard.press("m")
    expect(page.locator("#map-panel .mark")).to_have_count(4)
    page.get_by_role("button", name="Larger").click()
    width = view_of(page)[2]

    server.set_pole("SG-004", position={"lat": -80.0, "lon": -70.0})

    strip = page.locator("#map-panel .strip")
    expect(strip).to_contain_text("Too far from the others")
    expect(strip.get_by_role("button", name="SG-004")).to_be_visible()
    assert view_of(page)[2] == width
    page.get_by_role("button", name="Show all").click()
    assert view_of(page)[2] < 5


def test_map_without_a_pole_shows_all_of_the_ground(browser: Browser, tmp_path: Path) -> None:
    with (
        StationServer(tmp_path, {"SG-001": None}, geojson=GEOJSON) as server,
        Visitor(browser) as visitor,
    ):
        server.set_pole("SG-001", position=None)
        page = visitor.page
        page.goto(f"{server.url}#token={TOKENS['viewer']}")
        page.get_by_role("tab", name="Map").click()
        expect(page.locator(".ground path.area")).to_have_count(1)
        before = view_of(page)

        page.get_by_role("button", name="Show all").click()

        assert view_of(page) == before
        assert 20 < before[2] < 26
        assert abs(before[0] + before[2] / 2) < before[2]
