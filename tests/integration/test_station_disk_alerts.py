"""What a station tells of its own disk: files spoiled, writing refused, room short."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from edge.feeds import ClockReading
from edge.station.config import Store
from edge.station.own_alerts import OwnAlerts, Pen, read_open
from edge.station.store.retention import Retention
from edge.station.urgency import CLIP
from tests.support.aio import run_async, wait_until
from tests.support.clocks import ManualClock
from tests.support.disks import small_disk
from tests.support.drafts import AT_MS
from tests.support.retention import DAY_S, bring_alert, make_retention, own_alerts
from tests.support.station_store import PolePages, bring, make_file, make_store, shown, states

pytestmark = pytest.mark.timeout(120)

MIB = 2**20


@run_async
async def test_files_that_were_spoiled_are_an_alert_until_they_are_taken_away(
    tmp_path: Path,
) -> None:
    clock, pages = ManualClock(utc_ms=AT_MS), PolePages()
    async with make_store(tmp_path, clock=clock) as store:
        await bring_alert(store, pages, 1, AT_MS)
        sha256 = hashlib.sha256(b"clip 1").hexdigest()
        (tmp_path / "media" / sha256[:2] / sha256).write_bytes(b"clap 1")
        await store.set_aside(sha256)
        retention = make_retention(store, clock)
        await retention.run_once()
        (told,) = await own_alerts(store)
        assert (told["rule"]["name"], told["data"]["files"]) == ("disk", 1)
        assert states(await shown(store, 1)) == ["waiting"]
        for path in (tmp_path / "spoiled").iterdir():
            path.unlink()
        await retention.run_once()
        (told,) = await own_alerts(store)
        assert told["closed_at"] is not None


@run_async
async def test_disk_that_is_short_or_was_at_fault_is_an_alert(tmp_path: Path) -> None:
    clock, pages = ManualClock(utc_ms=AT_MS), PolePages()
    with small_disk(tmp_path / "disk", size_bytes=8 * MIB) as disk:
        limits = Store(reserve_bytes=2 * MIB)
        sites = {"SG-017": None}
        async with make_store(disk / "store", clock=clock, limits=limits, sites=sites) as store:
            retention = make_retention(store, clock)
            await store.keep(pages.page(make_file(1, b"clip")))
            await retention.run_once()
            assert await own_alerts(store) == []
            (disk / "filler").write_bytes(bytes(6 * MIB - MIB // 4))
            (wanted,) = await store.wanted("SG-017", limit=9)
            await store.give_up_file(wanted, "held back", "no room")
            await retention.run_once()
            await retention.run_once()
            (short,) = await own_alerts(store)
            assert (short["rule"], short["severity"], short["closed_at"]) == (
                {"type": "station", "name": "disk"}, "critical", None,
            )  # fmt: skip
            assert short["data"]["files"] == 1
            assert "only its reserve" in short["data"]["reason"]
            (disk / "filler").unlink()
            await retention.run_once()
            (short,) = await own_alerts(store)
            assert (short["closed_at"], short["data"]["files"]) == (None, 1)
            assert "was no room for files when their turn came" in short["data"]["reason"]
            assert "when their poles answer" in short["data"]["remedy"]
            await bring(store, wanted, b"clip")
            (disk / "store" / "station.db").rename(disk / "store" / "away")
            await wait_until(lambda: store.fault is not None)
            (disk / "store" / "away").rename(disk / "store" / "station.db")
            await wait_until(lambda: store.fault is None)
            await retention.run_once()
            fault, short = await own_alerts(store)
            assert short["close_reason"] == "there is room again"
            assert "was taken away" in fault["data"]["reason"]
            assert fault["close_reason"] == "the disk takes records again"


@run_async
async def test_fault_that_was_told_before_a_kill_is_over_when_the_disk_takes_records(
    tmp_path: Path,
) -> None:
    clock = ManualClock(utc_ms=AT_MS)
    pen = Pen(clock, lambda: ClockReading("synced", "b", 1))
    async with make_store(tmp_path, clock=clock) as store:
        await OwnAlerts(store, pen).say("disk", "writing", {"reason": "full", "times": 1})
    async with make_store(tmp_path, clock=clock) as store:
        own = OwnAlerts(store, pen)
        async for each in read_open(store, "station"):
            own.take_up(each)
        await Retention(store, own, clock=clock).run_once()
        (told,) = await own_alerts(store)
        assert told["close_reason"] == "the disk takes records again"


@run_async
async def test_want_of_room_is_one_alert_until_there_is_some_to_spare(tmp_path: Path) -> None:
    clock, pages, away = ManualClock(utc_ms=AT_MS), PolePages(), PolePages(name="SG-099")
    limits = Store(quota_bytes=1600, reserve_bytes=MIB)
    sites = {"SG-017": None}
    async with make_store(tmp_path, clock=clock, limits=limits, sites=sites) as store:
        retention = make_retention(store, clock)

        async def offer(source: PolePages, number: int, size_bytes: int) -> None:
            content = b"%04d" % number * (size_bytes // 4)
            await store.keep(source.page(make_file(number, content), received_ms=AT_MS))
            (wanted,) = await store.wanted(source.name, limit=9)
            if await store.has_room(size_bytes, rank=CLIP):
                await bring(store, wanted, content)
            else:
                await store.give_up_file(wanted, "held back", "no room")
            await retention.run_once()

        await offer(pages, 1, 1480)
        await offer(away, 2, 400)
        assert await own_alerts(store) == [], "nobody pulls that pole any more"
        await offer(pages, 3, 400)
        (wanted,) = await store.wanted("SG-017", limit=9)
        await store.give_up_file(wanted, "gone", "the pole has it no more")
        await offer(pages, 4, 40)
        (short,) = await own_alerts(store)
        assert (short["data"]["files"], short["closed_at"]) == (0, None)
        assert "quota is reached" in short["data"]["reason"]
        clock.move(31 * DAY_S)
        await retention.run_once()
        (short,) = await own_alerts(store)
        assert short["close_reason"] == "there is room again"
