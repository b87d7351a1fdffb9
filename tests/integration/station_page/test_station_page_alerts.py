"""Alerts at the duty desk: as they come, in their order, and what can be done about them."""

from __future__ import annotations

import time
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Locator, Page, expect

from edge.station.ports.links import Coming
from tests.support.browser import PATIENCE_MS, Visit
from tests.support.desk_page import pane, wait_for_records
from tests.support.station_server import TOKENS, StationServer

pytestmark = pytest.mark.timeout(120)

ROWS_MAX = 60
"""More than fit on any screen."""


def rows(page: Page) -> Locator:
    """The rows that are drawn, in the order in which they stand."""
    return page.locator("#alert-list .row")


def titles(page: Page) -> list[str]:
    """The alerts on the screen from above."""
    found: list[str] = page.evaluate(
        """[...document.querySelectorAll("#alert-list .row")]
          .sort((one, other) => one.offsetTop - other.offsetTop)
          .map((row) => row.querySelector(".title").textContent)"""
    )
    return found


def wait_for_titles(page: Page, wanted: list[str]) -> None:
    deadline = time.monotonic() + PATIENCE_MS / 1000
    while titles(page) != wanted:
        assert time.monotonic() < deadline, titles(page)
        page.wait_for_timeout(50)


def test_alert_comes_by_itself_is_announced_and_the_worst_new_one_stands_first(
    server: StationServer, visit: Visit
) -> None:
    known = server.open_alert("SG-001", severity="critical", rule={"type": "fire", "name": "roof"})
    server.say(known, "alert.ack", "wei", note=None)
    server.open_alert("SG-002", severity="minor", rule={"type": "line", "name": "path"})
    page = visit("operator").page
    wait_for_titles(page, ["Line crossed · path", "Fire · roof"])
    assert page.title() == "(1) Duty desk"

    server.open_alert("SG-003", severity="major", rule={"type": "loiter", "name": "fence"})
    wait_for_titles(page, ["Loitering · fence", "Line crossed · path", "Fire · roof"])

    expect(page.locator("#news")).to_have_text("New alert: Major, Loitering · fence, SG-003")
    expect(page.locator("#counts")).to_contain_text("2 new")
    assert page.title() == "(2) Duty desk"
    expect(rows(page).filter(has_text="Fire")).to_contain_text("✓ wei")


def test_new_alert_does_not_change_which_one_is_chosen(server: StationServer, visit: Visit) -> None:
    """Whoever is about to press a key must not acknowledge what he has not looked at."""
    server.open_alert("SG-001", rule={"type": "loiter", "name": "kerb"})
    page = visit("operator").page
    expect(pane(page)).to_contain_text("Loitering · kerb")

    server.open_alert("SG-002", severity="critical", rule={"type": "fire", "name": "roof"})
    wait_for_titles(page, ["Fire · roof", "Loitering · kerb"])

    expect(pane(page)).to_contain_text("Loitering · kerb")
    page.keyboard.press("a")
    expect(pane(page)).to_contain_text("Acknowledged by chen, just now.")
    assert [draft.data["pole"] for draft in server.drafts("alert.ack")] == ["SG-001"]


def test_snapshot_comes_with_its_box_and_the_clip_plays_once_it_is_here(
    server: StationServer, visit: Visit
) -> None:
    alert = server.open_alert("SG-001")
    visitor = visit("operator")
    page = visitor.page
    expect(pane(page)).to_contain_text("The snapshot comes within seconds.")

    server.add_file(alert, "snapshot")
    visitor.wait_until("document.querySelector('.boxed img')?.naturalWidth === 768")
    box = page.locator(".boxed rect")
    assert [box.get_attribute(name) for name in ("x", "y")] == ["40", "30"]

    clip = server.add_file(alert, "clip", is_here=False)
    expect(pane(page)).to_contain_text("Clip: waits its turn (")
    server.bring_file(alert, clip)
    visitor.wait_until("document.querySelector('video')?.currentTime > 0.5")
    page.get_by_role("button", name="Snapshot").click()
    expect(page.locator(".boxed img")).to_be_visible()
    expect(page.locator("video")).to_have_count(0)


def test_transfer_shows_how_far_it_is_and_why_it_will_not_come(
    server: StationServer, visit: Visit
) -> None:
    alert = server.open_alert("SG-001")
    clip = server.add_file(alert, "clip", is_here=False)
    page = visit("operator").page

    server.set_pole("SG-001", coming=(Coming(clip, "clip", 1000, 420),))
    expect(page.locator(".transfer")).to_contain_text("Clip: 42 % of")
    assert page.locator("progress").evaluate("node => node.value") == 0.42
    server.set_pole("SG-001", coming=(), state="silent", cause="mains")
    expect(page.locator(".transfer")).to_contain_text("comes when the pole is heard again")
    server.set_file(alert, clip, "bad", "its bytes are others")
    expect(page.locator(".transfer")).to_contain_text(
        "not what was recorded: it counts as no evidence (its bytes are others)"
    )
    server.set_file(alert, clip, "held back")
    expect(page.locator(".transfer")).to_contain_text("the station's disk is too full")


def test_keyboard_alone_acknowledges_notes_and_judges(server: StationServer, visit: Visit) -> None:
    first = server.open_alert("SG-001", severity="critical", rule={"type": "help", "name": "post"})
    server.open_alert("SG-002", rule={"type": "loiter", "name": "kerb"})
    page = visit("operator").page
    wait_for_titles(page, ["Call for help · post", "Loitering · kerb"])
    expect(pane(page)).to_contain_text("Call for help · post")

    page.keyboard.press("a")
    expect(pane(page)).to_contain_text("Acknowledged by chen")
    page.keyboard.press("n")
    page.keyboard.type("jack <b>& ana</b> 1 2 3 go")
    page.keyboard.press("Enter")
    expect(page.locator(".notes").last).to_contain_text("jack <b>& ana</b> 1 2 3 go")
    page.keyboard.press("r")
    page.keyboard.press("2")
    expect(pane(page)).to_contain_text("chen says: false alarm.")
    page.keyboard.press("g")
    page.keyboard.press("j")

    expect(pane(page)).to_contain_text("Call for help · post")
    [resolved] = server.drafts("alert.resolve")
    assert (resolved.alert, resolved.data["verdict"]) == (first, "false")
    [note] = server.drafts("alert.note")
    assert note.data["text"] == "jack <b>& ana</b> 1 2 3 go"


def test_keys_do_nothing_while_somebody_writes_or_reads_the_help(
    server: StationServer, visit: Visit
) -> None:
    server.open_alert("SG-001")
    page = visit("operator").page
    expect(pane(page)).to_contain_text("Intrusion · fence")

    page.keyboard.press("/")
    page.keyboard.type("aaar1")
    expect(page.get_by_text("0 of 1 match.")).to_be_visible()
    page.keyboard.press("Escape")
    expect(rows(page)).to_have_count(1)
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("next, previous alert")
    page.keyboard.press("a")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.keyboard.press("Control+a")

    page.keyboard.press("j")
    expect(pane(page)).to_contain_text("Nobody has acknowledged it.")
    assert server.drafts("alert.ack") == []


def test_acknowledging_twice_at_once_is_one_record(server: StationServer, visit: Visit) -> None:
    server.open_alert("SG-001")
    page = visit("operator").page

    page.get_by_role("button", name="Acknowledge (a)").dblclick()

    expect(pane(page)).to_contain_text("Acknowledged by chen")
    expect(page.get_by_role("button", name="Acknowledge (a)")).to_be_hidden()
    assert len(server.drafts("alert.ack")) == 1


def test_what_another_desk_says_is_shown_here(server: StationServer, visit: Visit) -> None:
    alert = server.open_alert("SG-001")
    page = visit("operator").page
    expect(pane(page)).to_contain_text("Nobody has acknowledged it.")

    server.say(alert, "alert.ack", "wei", note=None)
    expect(pane(page)).to_contain_text("Acknowledged by wei")
    server.refuse_word(alert, "404: no such alert")
    expect(pane(page)).to_contain_text("The pole did not take your word404: no such alert")
    server.say(alert, "alert.note", "wei", text="patrol 3 goes")
    expect(pane(page)).to_contain_text("patrol 3 goes")
    server.say(alert, "alert.resolve", "wei", verdict="real", note=None)
    server.close_alert(alert)

    expect(rows(page)).to_have_count(0)
    expect(pane(page)).to_contain_text("wei says: real.")
    expect(page.get_by_text("No open alerts.")).to_be_visible()


def test_viewer_may_look_and_change_nothing(server: StationServer, visit: Visit) -> None:
    server.open_alert("SG-001")
    page = visit("viewer").page
    expect(pane(page)).to_contain_text("Intrusion · fence")

    page.keyboard.press("a")
    page.keyboard.press("r")
    page.keyboard.press("1")

    expect(pane(page).get_by_role("button", name="Acknowledge")).to_have_count(0)
    expect(pane(page)).to_contain_text("Your role may only look")
    expect(pane(page)).to_contain_text("Nobody has acknowledged it.")
    assert server.drafts("alert.ack") + server.drafts("alert.resolve") == []


def test_supervisor_holds_an_alert_for_a_case_and_ends_that(
    server: StationServer, visit: Visit
) -> None:
    server.open_alert("SG-001")
    page = visit("supervisor").page
    expect(pane(page)).to_contain_text("Intrusion · fence")

    page.keyboard.press("h")
    page.keyboard.type("case 2026-114")
    page.keyboard.press("Enter")
    expect(pane(page)).to_contain_text("On hold")
    expect(pane(page)).to_contain_text("li: case 2026-114")
    page.get_by_role("button", name="End the hold").click()

    expect(page.get_by_role("button", name="Hold (h)")).to_be_visible()
    assert [draft.data["case"] for draft in server.drafts("alert.hold")] == ["case 2026-114", None]


def test_operator_who_has_had_alerts_before_his_eyes_has_seen_them(
    server: StationServer, visit: Visit
) -> None:
    server.open_alert("SG-001")
    watcher = visit("viewer").page
    expect(rows(watcher)).to_have_count(1)
    watcher.wait_for_timeout(1700)
    assert server.drafts("alert.seen") == []

    page = visit("operator").page

    expect(rows(page)).to_contain_text("seen: chen")
    [seen] = server.drafts("alert.seen")
    assert (seen.data["pole"], seen.data["by"]) == ("SG-001", "chen")


def test_only_what_is_on_the_screen_was_seen_and_only_that_is_drawn(
    server: StationServer, visit: Visit
) -> None:
    for number in range(300):
        server.open_alert("SG-002", severity="minor", age_s=number)
    page = visit("operator").page
    expect(page.locator("#counts")).to_contain_text("300 open")

    wait_for_records(server, "alert.seen", 5, page)
    page.wait_for_timeout(1500)

    assert rows(page).count() < ROWS_MAX
    assert len(server.drafts("alert.seen")) < ROWS_MAX
    page.locator("#alert-list").evaluate("node => node.scrollTo(0, 1e6)")
    expect(rows(page).last).to_have_attribute("aria-setsize", "300")
    expect(page.locator("[aria-posinset='300']")).to_be_visible()


def test_page_holds_so_many_alerts_new_ones_first_and_says_how_many_more_there_are(
    server: StationServer, visit: Visit
) -> None:
    new = server.open_alert("SG-003", severity="minor", rule={"type": "loiter", "name": "kerb"})
    known = [server.open_alert("SG-002") for _ in range(5600)]
    for alert in known:
        server.say(alert, "alert.ack", "wei", note=None)
    page = visit("operator").page
    beyond = page.locator("#beyond")
    expect(beyond).to_contain_text("and 600 more")
    expect(rows(page).first).to_have_attribute("aria-setsize", "5001")
    assert titles(page)[0] == "Loitering · kerb"
    expect(page.locator("#counts")).to_contain_text("1 new5601 open")

    page.get_by_role("button", name="New", exact=True).click()
    expect(beyond).to_be_hidden()
    expect(rows(page)).to_have_count(1)
    page.get_by_role("button", name="Open", exact=True).click()
    for alert in known[-700:]:
        server.close_alert(alert)
        server.say(alert, "alert.resolve", "wei", verdict="test", note=None)

    expect(rows(page).first).to_have_attribute("aria-setsize", "4901")
    expect(beyond).to_be_hidden()
    server.say(new, "alert.ack", "wei", note=None)
    expect(page.locator("#counts")).to_contain_text("0 new4901 open")


def test_page_lets_go_of_what_is_known_when_more_comes_than_it_holds(
    server: StationServer, visit: Visit
) -> None:
    for _ in range(4995):
        server.open_alert("SG-002", severity="minor")
    page = visit("viewer").page
    expect(rows(page).first).to_have_attribute("aria-setsize", "4995")

    for _ in range(510):
        server.open_alert("SG-001")

    expect(page.locator("#counts")).to_contain_text("5505 new5505 open")
    expect(page.locator("#beyond")).to_contain_text("more")
    assert int(rows(page).first.get_attribute("aria-setsize") or 0) <= 5500
    assert titles(page)[0] == "Intrusion · fence"


def test_alerts_that_must_not_pass_for_others_are_marked(
    server: StationServer, visit: Visit
) -> None:
    server.open_alert("SG-001", late_s=900, is_test=True, flaw="prev is another hash")
    server.open_alert("SG-003", severity="minor", clock_ahead_ms=90_000_000)
    page = visit("operator").page
    late, wrong = rows(page).filter(has_text="SG-001"), rows(page).filter(has_text="SG-003")

    for mark in ("Late", "Test", "Flawed", "15 min ago", "→"):
        expect(late).to_contain_text(mark)
    expect(wrong).to_contain_text("Clock?")
    expect(wrong).to_contain_text("just now")
    late.click()
    expect(pane(page)).to_contain_text("Record flawed")
    page.get_by_text("Details").click()
    expect(pane(page)).to_contain_text("prev is another hash")


def test_alert_of_the_station_itself_names_poles_cause_and_what_was_missed(
    server: StationServer, visit: Visit
) -> None:
    poles = {
        "SG-001": {
            "cause": "mains", "detail": "", "since": "2026-11-23T01:00:00.000Z",
            "back_at": "2026-11-23T01:09:00.000Z", "complete_at": "2026-11-23T01:10:00.000Z",
            "missed": {"alerts": 2, "records": 41, "files": 3}, "files_coming": 0,
        },
        "SG-002": {"cause": "link", "since": "2026-11-23T01:00:00.000Z", "back_at": None},
    }  # fmt: skip
    data = {"site": "North gate", "cause": "mains", "count": 2, "poles": poles}
    rule = {"type": "station", "name": "silent"}
    server.open_alert("station", camera=None, where={}, rule=rule, data=data)
    page = visit("operator").page

    expect(rows(page)).to_contain_text("Silent: SG-001, SG-002")
    expect(rows(page)).to_contain_text("North gate · mains power lost")
    expect(rows(page)).to_contain_text("Station")
    expect(pane(page)).to_contain_text("missed: alerts 2, records 41, files 3")
    expect(pane(page)).to_contain_text("no way to it: check the network")
    expect(pane(page).locator(".stage")).to_be_hidden()


def test_earlier_alerts_come_page_by_page_and_can_be_chosen(
    server: StationServer, visit: Visit
) -> None:
    for number in range(105):
        alert = server.open_alert("SG-001", age_s=1000 - number)
        server.close_alert(alert)
        server.say(alert, "alert.resolve", "wei", verdict="test", note=None)
    page = visit("operator").page
    expect(page.get_by_text("No open alerts.")).to_be_visible()

    page.get_by_role("button", name="All", exact=True).click()
    expect(rows(page).first).to_have_attribute("aria-setsize", "100")
    page.get_by_role("button", name="Show more").click()
    expect(rows(page).first).to_have_attribute("aria-setsize", "105")
    expect(page.get_by_role("button", name="Show more")).to_be_hidden()
    rows(page).first.click()

    expect(pane(page)).to_contain_text("wei says: a test.")


def test_records_and_neighbours_are_shown_on_demand(server: StationServer, visit: Visit) -> None:
    server.open_alert("SG-001", age_s=60, rule={"type": "parking", "name": "kerb"})
    server.open_alert("SG-002", age_s=30)
    server.open_alert("SG-001", severity="critical")
    page = visit("operator").page
    expect(pane(page)).to_contain_text("Also from SG-001")
    expect(page.locator("#alert-pane .neighbours li")).to_have_count(1)

    page.get_by_text("Records as they came").click()
    expect(page.locator("pre")).to_contain_text('"alert.open"')
    page.locator("#alert-pane .neighbours button").click()

    expect(page.locator("#alert-title")).to_have_text("Parking · kerb")
    assert "records" in {draft.data["what"] for draft in server.drafts("access")}


def test_earlier_alerts_are_looked_up_by_pole_site_and_day(
    server: StationServer, visit: Visit
) -> None:
    """What is beyond the first page is found by what the station is asked for."""
    old = server.open_alert("SG-003", age_s=3 * 86400, rule={"type": "fire", "name": "depot"})
    for number in range(120):
        server.open_alert("SG-001", age_s=number)
    page = visit("operator", timezone_id="America/Lima").page
    page.get_by_role("button", name="All", exact=True).click()
    expect(rows(page).first).to_have_attribute("aria-setsize", "100")
    server.say(old, "alert.ack", "wei", note=None)
    expect(page.locator("#counts")).to_contain_text("120 new121 open")
    expect(rows(page).first).to_have_attribute("aria-setsize", "100")

    page.locator("#alert-filter").fill("sg-003")
    wait_for_titles(page, ["Fire · depot"])
    page.locator("#alert-filter").fill("Fuel depot")
    wait_for_titles(page, ["Fire · depot"])
    page.locator("#alert-filter").fill("")
    expect(rows(page).first).to_have_attribute("aria-setsize", "100")
    opened = page.request.get(f"{server.url}v1/alerts/SG-003/{old}").json()["received_at"]
    shanghai = datetime.fromisoformat(opened).astimezone(ZoneInfo("Asia/Shanghai"))
    page.get_by_label("Up to the day").fill(shanghai.date().isoformat())

    wait_for_titles(page, ["Fire · depot"])
    server.open_alert("SG-002", severity="critical")
    expect(page.locator("#counts")).to_contain_text("122 open")
    assert titles(page) == ["Fire · depot"]


ACKED_AT_MINOR = """
  const parse = JSON.parse;
  JSON.parse = (text) => parse(text, (key, value) => {
    if (key === "acked" && value) value.severity ??= "minor";
    return value;
  });
"""
"""Every ack is of an alert that was minor then."""


def test_alert_that_is_worse_than_what_was_acknowledged_is_new_again(
    server: StationServer, visit: Visit
) -> None:
    fire = {"type": "fire", "name": "roof"}
    alert = server.open_alert("SG-001", severity="minor", rule=fire, data={"level": "watch"})
    server.say(alert, "alert.ack", "wei", note=None)
    server.open_alert("SG-002", severity="info", rule={"type": "line", "name": "path"})
    page = visit().page
    page.add_init_script(ACKED_AT_MINOR)
    page.goto("about:blank")
    page.goto(f"{server.url}#token={TOKENS['operator']}")
    wait_for_titles(page, ["Line crossed · path", "Fire · roof"])
    expect(page.locator("#counts")).to_contain_text("1 new")

    server.update_alert(alert, severity="critical")

    wait_for_titles(page, ["Fire · roof", "Line crossed · path"])
    expect(page.locator("html")).to_have_attribute("data-alarm", "critical")
    expect(page.locator("#news")).to_have_text("New alert: Critical, Fire · roof, SG-001")
    expect(page.locator("#counts")).to_contain_text("2 new")
    rows(page).filter(has_text="Fire").click()
    expect(pane(page)).to_contain_text("It was Minor when wei acknowledged it, and is worse now")
    expect(page.get_by_role("button", name="Acknowledge (a)")).to_be_visible()
