"""A disk that is full or dies under a log: records go on by the reserve, alerts by memory."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

import pytest

from edge.agent.log.pole_log import PoleLog
from edge.agent.log.reserve import RESERVE_BYTES, Reserve
from edge.errors import StoreError
from edge.feeds import Draft
from edge.supervise import Passing
from tests.integration.test_log_trouble import BRISK, fill, numbers
from tests.integration.test_media_room import Post
from tests.support.aio import run_async, wait_until
from tests.support.clocks import ManualClock
from tests.support.disks import mortal_disk, small_disk
from tests.support.drafts import AT_MS, KEY, POLE, make_draft

pytestmark = pytest.mark.timeout(120)
MIB = 2**20
TEXT = "x" * 1500


def open_log(folder: Path) -> PoleLog:
    return PoleLog(folder, POLE, key=KEY, clock=ManualClock(utc_ms=AT_MS), pace=BRISK)


@run_async
async def test_full_disk_takes_records_from_its_reserve(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", size_bytes=24 * MIB) as folder:
        async with open_log(folder) as log:
            assert log.reserve.make()
            fill(folder / "filler", 24 * MIB)
            for number in range(400):
                await log.append([make_draft(number, data={"text": TEXT})])
            assert log.fault is None
            assert not log.reserve.is_whole
            assert not log.reserve.make(), "there is no room for it yet"
            assert not (folder / "reserve").exists(), "nor for half of it"
            (folder / "filler").unlink()
            assert log.reserve.make()
        assert numbers(folder) == list(range(400))


@run_async
async def test_log_of_a_full_disk_is_opened_by_its_reserve(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", size_bytes=24 * MIB) as folder:
        async with open_log(folder) as log:
            await log.append([make_draft(0)])
        assert Reserve(folder).make()
        fill(folder / "filler", 24 * MIB)
        async with open_log(folder) as log:
            await log.append([make_draft(1)])
        assert numbers(folder) == [0, 1]


@run_async
async def test_what_others_keep_makes_room_for_the_reserve_and_nothing_else(
    tmp_path: Path,
) -> None:
    with small_disk(tmp_path / "disk", size_bytes=48 * MIB) as folder:
        clock = ManualClock(utc_ms=AT_MS)
        async with PoleLog(folder, POLE, key=KEY, clock=clock, pace=BRISK) as log:
            post = Post(folder, log, clock, 40 * MIB, keepers={"desk"})
            alert = await post.alert("minor")
            files = [await post.bring(bytes([number]) * (6 * MIB), alert) for number in range(4)]
            await log.ack_media("desk", files[:3])
            fill(folder / "filler", 48 * MIB)

            stopped = asyncio.Event()

            async def stop(_seconds: float) -> None:
                stopped.set()
                await asyncio.Event().wait()

            looking = asyncio.create_task(post.room.run(Passing(clock, stop), log.reserve))
            await stopped.wait()
            looking.cancel()
            assert log.reserve.is_whole
            assert [post.has(sha256) for sha256 in files] == [False, False, False, True]
            gone = [e for e in await post.records("media") if e["kind"] == "media.gone"]
            assert [e["data"]["reason"] for e in gone] == ["the disk is full"] * 3
            assert not [e for e in await post.records("alerts") if e["kind"] == "loss"]


@run_async
async def test_alert_on_a_dead_disk_waits_in_memory_and_can_be_seen(tmp_path: Path) -> None:
    waiting: list[Draft] = []

    async def run_into_death() -> None:
        with mortal_disk(tmp_path / "disk", tmp_path / "image") as die:
            async with open_log(tmp_path / "disk") as log:
                await log.append([make_draft(1)])
                assert log.waiting() == []
                die()
                told = asyncio.create_task(log.append([make_draft(2)]))
                await wait_until(lambda: log.fault is not None)
                waiting.extend(log.waiting())
                assert not told.done()
                told.cancel()

    with contextlib.suppress(StoreError):
        await run_into_death()
    assert [each.id for each in waiting] == [make_draft(2).id]


def test_reserve_is_made_whole_or_not_at_all(tmp_path: Path) -> None:
    reserve = Reserve(tmp_path, size_bytes=MIB)
    assert reserve.make()
    assert reserve.make(), "again"
    (path,) = tmp_path.iterdir()
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.stat().st_blocks * 512 >= MIB, "no hole: it takes the room"
    assert reserve.free()
    assert not reserve.free()
    assert not Reserve(tmp_path / "missing").make()
    assert RESERVE_BYTES == 16 * MIB
