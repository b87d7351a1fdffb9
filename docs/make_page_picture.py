"""Draws the README's picture of the page: a desk's screen and a phone's, of the drawn yard.

The page, the API and the log are the real ones; the cameras film the yard drawn by code, so that
nobody's footage goes into it. `make picture` runs it; the result is committed.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from playwright.sync_api import Browser, expect

from tests.support.browser import EVERYTHING, Visitor, open_browser, tile
from tests.support.page_server import PageServer, add_sample_alerts, make_camera

CAMERAS = ("yard", "road", "gate", "square")
DESK = {"width": 1280, "height": 800}
PHONE = {"width": 360, "height": 640}
GAP_PX = 24
GROUND = 245
SHARPER = 2
"""The phone has two pixels where the desk has one, as phones do; its picture is shrunk again."""
Picture = npt.NDArray[np.uint8]


def main() -> None:
    """Write the picture to the path given."""
    cameras = tuple(make_camera(name) for name in CAMERAS)
    with (
        tempfile.TemporaryDirectory(prefix="polewatch-") as folder,
        PageServer(Path(folder), cameras=cameras, pole_name="River bank, north gate") as server,
        open_browser() as browser,
    ):
        add_sample_alerts(server)
        server.set_eye("gate", "lost", "the camera does not answer")
        token = server.make_token("desk-1", *EVERYTHING)
        address = f"{server.url}#token={token}"
        desk = _shoot(browser, address, viewport=DESK)
        phone = _shoot(
            browser, address, viewport=PHONE, color_scheme="dark", device_scale_factor=SHARPER
        )
    picture = _lay_out(desk, phone)
    cv2.imwrite(sys.argv[1], picture, [cv2.IMWRITE_PNG_COMPRESSION, 9])


def _shoot(browser: Browser, address: str, **settings: object) -> Picture:
    """Look at the page once its alerts are there, and its cameras live where they are seen."""
    with Visitor(browser, reduced_motion="reduce", **settings) as visitor:
        page = visitor.page
        page.goto(address)
        expect(page.locator("#alert-list > li")).to_have_count(4)
        expect(page.locator("#health-mark")).to_have_text("1")
        if settings["viewport"] == DESK:
            expect(tile(page, "yard")).to_contain_text("Live")
            expect(tile(page, "yard").locator(".track")).to_have_count(2)
        visitor.wait_until(
            "[...document.querySelectorAll('.thumb img')].some((each) => each.naturalWidth > 0)"
        )
        shot = np.frombuffer(page.screenshot(), np.uint8)
    picture = cv2.imdecode(shot, cv2.IMREAD_COLOR)
    assert picture is not None
    return np.asarray(picture, np.uint8)


def _lay_out(desk: Picture, phone: Picture) -> Picture:
    """Put the phone's screen beside the desk's, as tall as it."""
    height = desk.shape[0]
    width = round(phone.shape[1] * height / phone.shape[0])
    small = cv2.resize(phone, (width, height), interpolation=cv2.INTER_AREA)
    gap = np.full((height, GAP_PX, 3), GROUND, np.uint8)
    return np.hstack([desk, gap, np.asarray(small, np.uint8)])


if __name__ == "__main__":
    main()
