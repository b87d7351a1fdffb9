"""Draws the README's picture of the duty desk: an alert with its snapshot, the poles on a map.

The page and the API are the real ones; the poles are made up, and their cameras film the yard drawn
by code, so that nobody's footage goes into it. `make picture` runs it; the result is committed.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import cv2
import msgspec
import numpy as np
from playwright.sync_api import expect

from edge.station import config
from edge.station.ports.links import Coming
from tests.support.browser import Visitor, open_browser
from tests.support.drawn_eyes import draw_jpeg, walker_box
from tests.support.station_scene import add_scene, name_of, poles_of
from tests.support.station_server import STATION, TOKENS, StationServer

POLES = 120
ALERTS = 60
DESK = {"width": 1440, "height": 810}
MOMENT = 40
"""Of the walk through the drawn yard."""
COLUMNS = 10
WITHOUT_PLACE = 50
"""One in so many poles has told no position."""
QUAY = ((106.495, 29.595), (106.545, 29.595), (106.545, 29.672), (106.495, 29.672))
ROAD = ((106.495, 29.632), (106.52, 29.638), (106.545, 29.632))


def main() -> None:
    """Write the picture to the path given."""
    about = config.Station(id=STATION, name="Bonded port, duty desk", timezone="Asia/Shanghai")
    with (
        tempfile.TemporaryDirectory(prefix="polewatch-") as folder,
        StationServer(Path(folder), poles_of(POLES), about=about, geojson=_map()) as server,
        open_browser() as browser,
        Visitor(browser, viewport=DESK, reduced_motion="reduce") as visitor,
    ):
        add_scene(server, poles=POLES, alerts=ALERTS)
        _place(server)
        _add_chosen(server)
        page = visitor.page
        page.goto(f"{server.url}#token={TOKENS['supervisor']}")
        expect(page.locator("#alert-list .row").first).to_be_visible()
        page.keyboard.press("m")
        page.keyboard.press("g")
        expect(page.locator("#alert-title")).to_have_text("Intrusion · bonded-store")
        visitor.wait_until("document.querySelector('.boxed img')?.naturalWidth > 0")
        expect(page.locator(".transfer")).to_contain_text("64 %")
        expect(page.locator("#alert-pane .times")).to_contain_text("li")
        page.screenshot(path=sys.argv[1])


def _place(server: StationServer) -> None:
    """Let the poles stand in rows that fill the map."""
    for number in range(1, POLES + 1):
        row, column = divmod(number - 1, COLUMNS)
        lean = 0.0012 * (row % 3 - 1)
        lat, lon = 29.6 + 0.006 * row + lean * (column % 2), 106.5 + 0.004 * column + lean
        has_place = number % WITHOUT_PLACE != 0
        place = {"lat": lat, "lon": lon} if has_place else None
        server.set_pole(name_of(number), position=place)


def _draw_snapshot() -> bytes:
    """The walker without the camera's noise, which would be most of the picture's bytes."""
    drawn = cv2.imdecode(np.frombuffer(draw_jpeg(MOMENT), np.uint8), cv2.IMREAD_COLOR)
    assert drawn is not None
    is_made, jpeg = cv2.imencode(".jpg", cv2.medianBlur(drawn, 15), [cv2.IMWRITE_JPEG_QUALITY, 60])
    assert is_made
    return jpeg.tobytes()


def _add_chosen(server: StationServer) -> None:
    """The newest and worst: its snapshot is there, its clip on the way."""
    pole = name_of(38)
    server.open_alert(pole, age_s=1500, severity="minor", rule={"type": "line", "name": "gate"})
    alert = server.open_alert(
        pole, age_s=9, late_s=0.7, severity="critical",
        rule={"type": "intrusion", "name": "bonded-store"}, where={"box": list(walker_box(MOMENT))},
    )  # fmt: skip
    server.add_file(alert, "snapshot", _draw_snapshot())
    clip = server.add_file(alert, "clip", is_here=False)
    server.set_pole(pole, coming=(Coming(clip, "clip", 1000, 640),), files_waiting=1)
    server.say(alert, "alert.note", "chen", text="patrol 3 is on its way, two minutes")


def _map() -> bytes:
    """A port: its fence and its road."""
    shapes = (
        {"type": "Polygon", "coordinates": [[*QUAY, QUAY[0]]]},
        {"type": "LineString", "coordinates": ROAD},
    )
    features = [{"type": "Feature", "properties": {}, "geometry": shape} for shape in shapes]
    return msgspec.json.encode({"type": "FeatureCollection", "features": features})


if __name__ == "__main__":
    main()
