"""What lists say of themselves, and how much they take."""

from __future__ import annotations

import pytest
from playwright.sync_api import Route, expect

from tests.support.browser import Visit
from tests.support.desk_page import pane
from tests.support.station_server import StationServer

pytestmark = pytest.mark.timeout(120)


def test_long_texts_of_a_pole_are_cut_and_whole_in_the_details(
    server: StationServer, visit: Visit
) -> None:
    rule = {"type": "fire", "name": "roof " * 300}
    server.open_alert("SG-001", rule=rule, data={"label": "x " * 8000 + "end"})
    page = visit("operator").page
    expect(pane(page)).to_contain_text("Fire · roof roof")
    box = page.get_by_role("button", name="Acknowledge (a)").bounding_box()
    assert box is not None
    assert box["y"] < 900

    page.get_by_text("Details").click()

    expect(pane(page)).to_contain_text("x x end")


def test_list_of_all_says_that_it_is_being_asked_for_and_that_it_did_not_come(
    server: StationServer, visit: Visit
) -> None:
    page = visit("operator").page
    waiting: list[Route] = []
    page.route("**/v1/alerts?state=all&order=newest*", lambda route: waiting.append(route))
    note = page.locator("#list-note")

    page.get_by_role("button", name="All", exact=True).click()
    expect(note).to_have_text("Asking…")
    waiting[0].fulfill(status=503, json={})

    expect(note).to_contain_text("The station did not give them.")


def test_list_of_all_is_bounded_while_it_takes_news(server: StationServer, visit: Visit) -> None:
    kept = visit("operator").page.evaluate(
        """async () => {
          const { Earlier } = await import("/web/earlier.js");
          const earlier = new Earlier(null);
          for (let number = 1; number <= 6000; number += 1) {
            const received_at = new Date(1.7e12 + number).toISOString();
            earlier.take([{ pole: "SG-001", id: String(number), received_at, change: number }]);
          }
          return [earlier.sorted().length, earlier.sorted()[0].id];
        }"""
    )

    assert kept[0] <= 5100
    assert kept[1] == "6000"
