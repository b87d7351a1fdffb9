"""Cameras on the page: live pictures with boxes, and what each may follow."""

from __future__ import annotations

import time

import pytest
from playwright.sync_api import expect

from tests.support.browser import EVERYTHING, Visit, Visitor, tile
from tests.support.page_server import PageServer

pytestmark = pytest.mark.timeout(120)


def test_picture_is_live_with_boxes_where_the_tracks_are(visit: Visit) -> None:
    visitor = visit(*EVERYTHING)
    page = visitor.page

    expect(tile(page, "yard")).to_contain_text("● Live")
    expect(tile(page, "road")).to_contain_text("● Live")
    expect(tile(page, "yard").locator(".track")).to_have_count(2)
    expect(tile(page, "yard").locator(".track text").first).to_have_text("person 7")
    expect(tile(page, "road").locator(".track")).to_have_count(0)
    walker = tile(page, "yard").locator("rect:not(.still)")
    before = walker.get_attribute("x") or ""
    expect(walker).not_to_have_attribute("x", before)
    expect(tile(page, "yard").locator("polygon, line")).to_have_count(2)
    car = tile(page, "yard").locator("rect.still")
    assert car.get_attribute("x") == "79.00%"
    assert _names_outside(visitor) == []
    # The middle of the wall is drawn in (168, 150, 132), with grain.
    red, green, blue = page.evaluate(
        "[...document.querySelector('.camera canvas').getContext('2d')"
        ".getImageData(10, 20, 1, 1).data].slice(0, 3)"
    )
    assert abs(red - 168) < 40
    assert red > green > blue


def test_camera_that_is_lost_is_no_longer_called_live(server: PageServer, visit: Visit) -> None:
    page = visit(*EVERYTHING).page
    expect(tile(page, "yard")).to_contain_text("● Live")

    server.set_eye("yard", "lost", "the camera does not answer")

    expect(tile(page, "yard")).to_contain_text("Not live")
    expect(tile(page, "yard")).to_contain_text("check the camera's power")
    expect(tile(page, "yard")).to_contain_text("the camera does not answer")
    expect(tile(page, "yard").locator(".track")).to_have_count(0)
    expect(page.get_by_role("region", name="Health")).to_contain_text("1 part(s) need attention")
    server.set_eye("yard", "seeing")
    expect(tile(page, "yard")).to_contain_text("● Live")


def test_enlarged_camera_fills_the_width_and_the_next_one_takes_its_place(
    visit: Visit,
) -> None:
    page = visit(*EVERYTHING).page
    small = tile(page, "road").bounding_box()

    tile(page, "road").get_by_role("button").click()
    expect(tile(page, "road").get_by_role("button", expanded=True)).to_be_visible()
    large = tile(page, "road").bounding_box()
    tile(page, "yard").get_by_role("button").click()

    expect(tile(page, "road").get_by_role("button", expanded=False)).to_be_visible()
    assert small is not None
    assert large is not None
    assert large["width"] > 1.8 * small["width"]


def test_streams_end_when_nobody_looks(server: PageServer, visit: Visit) -> None:
    visitor = visit(*EVERYTHING)
    expect(tile(visitor.page, "yard")).to_contain_text("● Live")
    assert server.count_views() == 2

    visitor.page.evaluate(
        "Object.defineProperty(document, 'hidden', {get: () => true});"
        "document.dispatchEvent(new Event('visibilitychange'))"
    )

    deadline = time.monotonic() + 10
    while server.count_views() and time.monotonic() < deadline:
        visitor.page.wait_for_timeout(50)
    assert server.count_views() == 0


@pytest.mark.parametrize(
    ("streams", "tiles", "expected"),
    [
        (4, "v v", "live live"),
        (4, "va v v v", "live+ live live still"),
        (4, "va va va va", "live live live live"),
        (4, "va va v v", "live+ live+ still still"),
        (4, "va va va lv", "live live still live+"),
        (4, "a v - l", "off live off off"),
        (1, "va va", "live still"),
        (4, "vx vx vx vx v", "live live live still live"),
    ],
)
def test_streams_go_to_what_moves(visit: Visit, streams: int, tiles: str, expected: str) -> None:
    """v: on the screen, a: awake, l: large, x: not seeing; +: with boxes."""
    given = [
        {
            "name": str(index),
            "isVisible": "v" in tile,
            "isAwake": "a" in tile,
            "isLarge": "l" in tile,
            "isSeeing": "x" not in tile,
        }
        for index, tile in enumerate(tiles.split())
    ]

    found = visit().page.evaluate(
        "async ([streams, tiles]) => [...(await import('/web/share.js')).share(streams, tiles)"
        ".values()].map((share) => share.picture + (share.hasBoxes ? '+' : '')).join(' ')",
        [streams, given],
    )

    assert found == expected


def test_names_of_boxes_at_the_edge_stay_in_the_picture(visit: Visit) -> None:
    visitor = visit()

    visitor.page.evaluate(_DRAW_AT_THE_EDGES)

    assert visitor.page.locator(".track text").all_text_contents() == [
        "motorcycle 12345",
        "motorcycle 12346",
    ]
    assert _names_outside(visitor) == []


_DRAW_AT_THE_EDGES = """async () => {
  const { Overlay } = await import("/web/overlay.js");
  const overlay = new Overlay();
  const box = document.createElement("div");
  box.className = "picture";
  box.style.width = "240px";
  box.append(overlay.node);
  document.body.append(box);
  const track = { label: "motorcycle", stationary: false };
  overlay.showTracks([
    { ...track, track: 12345, box: [0, 0, 0.05, 0.2] },
    { ...track, track: 12346, box: [0.93, 0.5, 1, 0.7] },
  ]);
}"""


def _names_outside(visitor: Visitor) -> list[str]:
    """The names of boxes that stand out of their picture."""
    found: list[str] = visitor.page.evaluate(
        """[...document.querySelectorAll(".track text")].filter((text) => {
          const name = text.getBoundingClientRect();
          const whole = text.closest(".overlay").getBoundingClientRect();
          return name.left < whole.left - 1 || name.right > whole.right + 1 || name.top < whole.top;
        }).map((text) => text.textContent)"""
    )
    return found
