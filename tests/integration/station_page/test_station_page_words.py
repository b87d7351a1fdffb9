"""What people say of alerts at the duty desk: in its order, of its alert, and nothing blindly."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser import Visit, Visitor
from tests.support.desk_page import pane, wait_for_records
from tests.support.station_server import StationServer

pytestmark = pytest.mark.timeout(120)


HOLD_BACK = """(part) => {
  const real = window.fetch;
  window.held = [];
  window.fetch = async (path, options) => {
    if (!path.includes(part)) return real(path, options);
    const status = await new Promise((go) => window.held.push(go));
    if (!status) return real(path, options);
    return new Response('{"detail": "the disk is slow"}', { status });
  };
}"""


def hold_back(page: Page, part: str) -> None:
    """Have the page's requests with that in their address wait for `let_go`."""
    page.evaluate(HOLD_BACK, part)


def let_go(visitor: Visitor, number: int, *, status: int = 0) -> None:
    """Let the next held request go on, which is the so many-th; `status` refuses it instead."""
    visitor.wait_until(f"window.held.length === {number}")
    visitor.page.evaluate(f"window.held[{number - 1}]({status})")


def test_words_typed_quickly_go_one_after_the_other_and_none_is_lost(
    server: StationServer, visit: Visit
) -> None:
    server.open_alert("SG-001")
    visitor = visit("operator")
    page = visitor.page
    expect(pane(page)).to_contain_text("Nobody has acknowledged it.")
    hold_back(page, "/ack")

    page.keyboard.type("aar2r1r2n")
    page.keyboard.type("a cat")
    page.keyboard.press("Enter")
    visitor.wait_until("window.held.length === 1")
    assert server.drafts("alert.resolve") + server.drafts("alert.note") == []
    let_go(visitor, 1)

    expect(page.locator(".notes").last).to_contain_text("a cat")
    expect(pane(page)).to_contain_text("chen says: false alarm.")
    verdicts = [draft.data["verdict"] for draft in server.drafts("alert.resolve")]
    assert verdicts == ["false", "real", "false"]
    assert len(server.drafts("alert.note")) == len(server.drafts("alert.ack")) == 1
    assert page.evaluate("window.held.length") == 1


def test_word_of_one_alert_does_not_wait_for_that_of_another_nor_touch_what_is_typed_there(
    server: StationServer, visit: Visit
) -> None:
    server.open_alert("SG-001", severity="critical", rule={"type": "fire", "name": "roof"})
    server.open_alert("SG-002", rule={"type": "loiter", "name": "kerb"})
    visitor = visit("operator")
    page = visitor.page
    expect(pane(page)).to_contain_text("Fire · roof")
    hold_back(page, "/SG-001/")
    page.keyboard.press("n")
    page.keyboard.type("patrol 1 goes")
    page.keyboard.press("Enter")
    page.keyboard.press("j")
    expect(pane(page)).to_contain_text("Loitering · kerb")
    page.keyboard.press("a")
    expect(pane(page)).to_contain_text("Acknowledged by chen")
    page.keyboard.press("n")
    page.keyboard.type("two men")
    let_go(visitor, 1)
    wait_for_records(server, "alert.note", 1, page)
    page.keyboard.type(" with a ladder")

    expect(page.get_by_label("Dispatch note:")).to_have_value("two men with a ladder")
    page.keyboard.press("Enter")
    wait_for_records(server, "alert.note", 2, page)
    notes = [(draft.data["pole"], draft.data["text"]) for draft in server.drafts("alert.note")]
    assert notes == [("SG-001", "patrol 1 goes"), ("SG-002", "two men with a ladder")]


def test_fault_is_said_of_its_own_alert_whichever_is_chosen_and_its_note_can_be_sent_again(
    server: StationServer, visit: Visit
) -> None:
    server.open_alert("SG-001", severity="critical", rule={"type": "fire", "name": "roof"})
    server.open_alert("SG-002", rule={"type": "loiter", "name": "kerb"})
    visitor = visit("operator")
    page = visitor.page
    expect(pane(page)).to_contain_text("Fire · roof")
    hold_back(page, "/SG-001/")
    page.keyboard.press("a")
    page.keyboard.press("n")
    page.keyboard.type("patrol 1 goes")
    page.keyboard.press("Enter")
    page.keyboard.press("j")
    expect(pane(page)).to_contain_text("Loitering · kerb")
    let_go(visitor, 1, status=503)
    let_go(visitor, 2, status=503)

    missed = page.get_by_role("alert").filter(has_text="Look at SG-001 · Fire · roof:")
    expect(missed).to_contain_text("Dispatch note (n): The station refused: the disk is slow")
    expect(page.locator(".actions .fault")).to_be_empty()
    missed.get_by_role("button").click()

    expect(pane(page)).to_contain_text("Fire · roof")
    expect(missed).to_be_hidden()
    for word in ("Acknowledge (a)", "Dispatch note (n)"):
        expect(page.locator(".actions .fault")).to_contain_text(f"{word}: The station refused")
    page.keyboard.press("n")
    page.keyboard.press("Enter")
    let_go(visitor, 3)
    wait_for_records(server, "alert.note", 1, page)
    assert [draft.data["text"] for draft in server.drafts("alert.note")] == ["patrol 1 goes"]
    expect(page.locator(".actions .fault")).to_be_empty()


def test_note_with_no_verdict_asks_for_one(server: StationServer, visit: Visit) -> None:
    server.open_alert("SG-001")
    page = visit("operator").page
    expect(pane(page)).to_contain_text("Intrusion · fence")
    page.keyboard.press("r")
    page.get_by_label("Note with the verdict").fill("a cat")

    page.keyboard.press("Enter")
    expect(page.get_by_role("alert").filter(has_text="Choose what it was")).to_be_visible()
    assert server.drafts("alert.resolve") == []
    page.get_by_role("button", name="False alarm").click()

    expect(pane(page)).to_contain_text("chen says: false alarm.")
    [resolved] = server.drafts("alert.resolve")
    assert resolved.data["note"] == "a cat"


@pytest.mark.parametrize("hide", ["s", "mw"])
def test_key_that_would_act_on_a_hidden_alert_only_shows_it(
    server: StationServer, visit: Visit, hide: str
) -> None:
    """The list may show others by then, for the chosen one stays chosen under a filter."""
    server.open_alert("SG-001", severity="critical", rule={"type": "fire", "name": "roof"})
    server.open_alert("SG-002", rule={"type": "loiter", "name": "kerb"})
    page = visit("supervisor").page
    expect(pane(page)).to_contain_text("Fire · roof")
    page.locator("#alert-filter").fill("kerb")
    page.locator("#counts").click()
    page.keyboard.press("r")

    for key in ("1", "a", "n", "r", "h"):
        page.keyboard.type(hide)
        expect(pane(page)).to_be_hidden()
        page.keyboard.press(key)
        expect(pane(page)).to_be_visible()
        expect(page.get_by_label("Dispatch note:")).to_be_hidden()
    expect(page.get_by_label("Note with the verdict")).to_be_visible()
    assert server.drafts("alert.ack") + server.drafts("alert.resolve") == []
    page.keyboard.press("2")

    expect(pane(page)).to_contain_text("li says: false alarm.")
    [resolved] = server.drafts("alert.resolve")
    assert resolved.data["pole"] == "SG-001"
