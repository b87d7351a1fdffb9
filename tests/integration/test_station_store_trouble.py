"""A station's disk that is full, read-only, failing or gone: told in a line, nothing half kept."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from edge.errors import StoreError
from edge.station.config import Store
from edge.station.ports.desk import Asked
from edge.station.ports.vault import Batch, Kept
from edge.station.store.schema import STORE_NAME
from edge.station.store.station_store import StationStore
from edge.station.urgency import CAPTURE, CLIP, SNAPSHOT
from tests.support.aio import run_async, wait_until
from tests.support.disks import mortal_disk, read_only, small_disk
from tests.support.station_store import (
    PolePages,
    bring,
    make_alert,
    make_file,
    make_store,
    make_word,
    put_part,
)

pytestmark = pytest.mark.timeout(120)

MIB = 2**20
TEXT = "x" * 1500
TINY = Store(reserve_bytes=0)


def fill(path: Path, size_bytes: int) -> None:
    """Take all room that is left."""
    with path.open("wb", buffering=0) as file:
        try:
            for _ in range(size_bytes // 4096 + 1):
                file.write(bytes(4096))
        except OSError:
            pass


def make_pages(pages: PolePages) -> Iterator[Batch]:
    """Pages without end."""
    for number in range(1, 10**6):
        yield pages.page(make_alert(number, data={"text": TEXT}))


async def keep_until_refused(store: StationStore, pages: Iterator[Batch]) -> tuple[int, Batch]:
    """Keep pages until one is refused; how many were kept, and the refused one."""
    for count, page in enumerate(pages):
        try:
            await store.keep(page)
        except StoreError:
            return count, page
    raise AssertionError("it was never refused")


async def keep_again(store: StationStore, page: Batch) -> Kept:
    """Keep a page as pulling does: again and again until the disk takes it."""
    while True:
        try:
            return await store.keep(page)
        except StoreError:
            await asyncio.sleep(0.01)


async def check_all(store: StationStore, count: int) -> None:
    arrivals = await store.arrivals(after=0, feeds=["alerts"], limit=5000)
    assert len(arrivals) == count
    assert (await store.counts())["open"] == count


@run_async
async def test_full_disk_refuses_and_goes_on_when_there_is_room(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", size_bytes=8 * MIB) as disk:
        async with make_store(disk / "store", limits=TINY) as store:
            pages = PolePages()
            endless = make_pages(pages)
            await store.keep(next(endless))
            fill(disk / "filler", 8 * MIB)
            count, refused = await keep_until_refused(store, endless)
            assert store.fault == "the store takes no record: the disk is full; make room"
            assert len((await store.alerts(Asked(), after=None, limit=100)).bodies) == min(
                100, count + 1
            )
            with pytest.raises(StoreError, match="disk is full"):
                await store.say([make_word(1, "alert.ack")])
            (disk / "filler").unlink()
            assert (await keep_again(store, refused)).new_count == 1
            await wait_until(lambda: store.fault is None)
            assert store.fault_count == 1
            await store.keep(next(endless))
            await check_all(store, count + 3)
            assert (await store.counts())["new"] == count + 3


@run_async
async def test_file_stays_wanted_when_the_disk_can_not_note_it(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", size_bytes=8 * MIB) as disk:
        async with make_store(disk / "store", limits=TINY) as store:
            pages = PolePages()
            await store.keep(pages.page(make_file(1, b"clip")))
            (wanted,) = await store.wanted("SG-017", limit=9)
            part = put_part(store, "SG-017", b"clip")
            fill(disk / "filler", 8 * MIB)
            await keep_until_refused(store, make_pages(pages))
            with pytest.raises(StoreError):
                await store.keep_file(wanted, part)
            assert await store.wanted("SG-017", limit=9) == [wanted]
            (disk / "filler").unlink()
            await wait_until(lambda: store.fault is None)
            await bring(store, wanted, b"clip")
            assert await store.find_media("SG-017", wanted.sha256) is not None
            assert await store.wanted("SG-017", limit=9) == []


@run_async
async def test_store_on_a_disk_that_can_not_be_written_is_not_opened(tmp_path: Path) -> None:
    async with make_store(tmp_path / "store"):
        pass
    with read_only(tmp_path / "store") as folder:
        store = make_store(folder)
        with pytest.raises(StoreError, match="check the disk and the folder's mode"):
            await store.__aenter__()


@run_async
async def test_failing_disk_is_told_to_all_who_wait(tmp_path: Path) -> None:
    with mortal_disk(tmp_path / "disk", tmp_path / "image") as die:
        store = make_store(tmp_path / "disk" / "store", limits=TINY)
        async with store:
            pages = [PolePages(name=f"P{number}") for number in range(20)]
            for pole in pages:
                await store.keep(pole.page(make_alert(1)))
            die()
            told = await asyncio.gather(
                *(store.keep(pole.page(make_alert(2))) for pole in pages), return_exceptions=True
            )
            assert all(isinstance(each, StoreError) for each in told)
            await wait_until(lambda: store.fault is not None)


@run_async
async def test_store_that_is_taken_away_is_noticed_before_anything_is_told(tmp_path: Path) -> None:
    folder = tmp_path / "store"
    async with make_store(folder) as store:
        pages = PolePages()
        first, second = pages.page(make_alert(1)), pages.page(make_alert(2))
        await store.keep(first)
        (folder / STORE_NAME).rename(folder / "elsewhere")
        with pytest.raises(StoreError, match="was taken away"):
            await store.keep(second)
        (folder / "elsewhere").rename(folder / STORE_NAME)
        assert (await keep_again(store, second)).new_count == 1
        await check_all(store, 2)


@run_async
async def test_another_store_in_its_place_is_not_gone_on_with(tmp_path: Path) -> None:
    async with make_store(tmp_path / "other"):
        pass
    async with make_store(tmp_path / "store") as store:
        for path in (tmp_path / "store").glob(f"{STORE_NAME}*"):
            path.rename(tmp_path / path.name)
        (tmp_path / "other" / STORE_NAME).rename(tmp_path / "store" / STORE_NAME)
        await wait_until(lambda: store.fault is not None)
        with pytest.raises(StoreError, match="signed by the key"):
            await store.keep(PolePages().page(make_alert(1)))


@run_async
async def test_room_is_what_quota_and_reserve_leave(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", size_bytes=8 * MIB) as disk:
        limits = Store(reserve_bytes=4 * MIB, quota_bytes=MIB)
        async with make_store(disk / "store", limits=limits) as store:
            pages = PolePages()
            assert await store.has_room(MIB, rank=CLIP)
            assert not await store.has_room(MIB + 1, rank=CLIP)
            assert await store.has_room(MIB + 1, rank=SNAPSHOT)
            clip = bytes(MIB // 2)
            await store.keep(pages.page(make_file(1, clip)))
            (wanted,) = await store.wanted("SG-017", limit=9)
            await bring(store, wanted, clip)
            assert not await store.has_room(MIB // 2 + 1, rank=CLIP)
            (disk / "filler").write_bytes(bytes(4 * MIB))
            assert not await store.has_room(1, rank=CLIP)
            assert await store.has_room(1, rank=SNAPSHOT)
            assert (await store.room()).is_short
        async with make_store(disk / "store", limits=limits) as store:
            (disk / "filler").unlink()
            assert not await store.has_room(MIB // 2 + 1, rank=CLIP)  # counted anew at the start
            assert not (await store.room()).is_short


@pytest.mark.parametrize("quota_bytes", [8 * MIB, None])
@run_async
async def test_captures_of_one_pole_leave_room_for_an_alert_of_another(
    tmp_path: Path, quota_bytes: int | None
) -> None:
    with small_disk(tmp_path / "disk", size_bytes=12 * MIB) as disk:
        limits = Store(reserve_bytes=2 * MIB, quota_bytes=quota_bytes)
        async with make_store(disk / "store", limits=limits, sites={"P1": None}) as store:
            pages, count = PolePages(name="P1"), 0
            while True:
                capture = bytes([count]) * (MIB // 4)
                draft = make_file(count, capture, "face")
                draft = replace(draft, kind="capture", feed="captures", alert=None)
                await store.keep(pages.page(draft))
                (wanted,) = await store.wanted("P1", limit=9)
                if not await store.has_room(wanted.size_bytes, rank=CAPTURE):
                    break
                await bring(store, wanted, capture)
                count += 1
            assert count > 12, "most of the room is theirs"
            assert await store.has_room(MIB // 2, rank=CLIP)
            await store.give_up_file(wanted, "held back", "no room")
            room = await store.room()
            assert (room.is_short, room.is_ample, room.want) == (True, False, "share")
