"""A store's upkeep to test with, and alerts with a file for it to look after."""

from __future__ import annotations

from typing import Any

import msgspec

from edge.feeds import ClockReading
from edge.station.own_alerts import OwnAlerts, Pen
from edge.station.ports.desk import Asked
from edge.station.store.retention import Retention
from edge.station.store.station_store import StationStore
from tests.support.clocks import ManualClock
from tests.support.station_store import PolePages, bring, make_alert, make_file

DAY_S = 86_400.0


def make_retention(store: StationStore, clock: ManualClock) -> Retention:
    """The upkeep as it begins in a process."""
    pen = Pen(clock, lambda: ClockReading("synced", "b", 1))
    return Retention(store, OwnAlerts(store, pen), clock=clock)


async def bring_alert(store: StationStore, pages: PolePages, number: int, at_ms: int) -> None:
    """An alert with one file, ended."""
    content = b"clip %d" % number
    await store.keep(pages.page(make_alert(number), received_ms=at_ms))
    await store.keep(pages.page(make_file(number, content), received_ms=at_ms))
    (wanted,) = await store.wanted(pages.name, limit=9)
    await bring(store, wanted, content)
    await store.keep(pages.page(make_alert(number, "alert.close"), received_ms=at_ms))


async def own_alerts(store: StationStore) -> list[dict[str, Any]]:
    """The station's own alerts, open or not."""
    page = await store.alerts(Asked(state="all", pole="station"), after=None, limit=99)
    return [msgspec.json.decode(body) for body in page.bodies]
