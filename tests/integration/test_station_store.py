"""The station's store: what comes in, what desks see of it, and what is there after a restart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from edge.station.ports import Asked, DeskPage, Identity
from edge.station.store.station_store import StationStore
from tests.support.aio import run_async
from tests.support.station_store import (
    PolePages,
    alert_id,
    make_alert,
    make_store,
)

pytestmark = pytest.mark.timeout(120)

ALL = Asked(state="all")
ME = Identity("SG-017", "ab" * 32, "PEM", "station-token")


def read(page: DeskPage) -> list[dict[str, Any]]:
    return [msgspec.json.decode(body) for body in page.bodies]


async def shown(store: StationStore, number: int, pole: str = "SG-017") -> dict[str, Any]:
    body = await store.alert(pole, alert_id(number))
    assert body is not None
    alert: dict[str, Any] = msgspec.json.decode(body)
    return alert


@run_async
async def test_page_is_kept_with_its_place_and_shown_when_it_came(tmp_path: Path) -> None:
    pages = PolePages()
    async with make_store(tmp_path / "store", sites={"SG-017": "east"}) as store:
        kept = await store.keep(pages.page(make_alert(1), make_alert(2, severity="critical")))
        assert (kept.new_count, kept.new_alerts) == (2, 2)
        assert await store.places("SG-017") == {"alerts": pages.link("alerts")}
        page = await store.alerts(Asked(), after=None, limit=10)
        assert [alert["id"] for alert in read(page)] == [alert_id(2), alert_id(1)]
        assert read(page)[0]["site"] == "east"
        assert await store.counts() == {
            "open": 2, "new": 2, "new_critical": 1, "new_major": 1, "new_minor": 0, "new_info": 0,
        }  # fmt: skip
        assert store.change == 2
    async with make_store(tmp_path / "store") as store:
        assert await store.places("SG-017") == {"alerts": pages.link("alerts")}
        assert store.change == 2
        assert len(await store.records("SG-017", alert_id(1))) == 1


@run_async
async def test_record_is_kept_once_when_its_page_comes_again(tmp_path: Path) -> None:
    pages = PolePages()
    first = pages.page(make_alert(1))
    second = pages.page(make_alert(1, "alert.close"))
    async with make_store(tmp_path) as store:
        await store.keep(first)
        await store.keep(second)
        assert (await store.keep(first)).new_count == 0
        assert (await store.keep(second)).new_count == 0
        assert await store.places("SG-017") == {"alerts": second.place}
        assert [
            each.number for each in await store.arrivals(after=0, feeds=["alerts"], limit=9)
        ] == [1, 2]
