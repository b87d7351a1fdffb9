"""Files of a pole at the station: fetched once, resumed at the byte, never what they are not."""

from __future__ import annotations

import asyncio
import hashlib
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from edge.station.config import Store
from edge.station.pulling.transfers import MEDIA_BYTES_MAX, TRIES_MAX
from tests.support.aio import run_async, wait_until
from tests.support.disks import small_disk
from tests.support.own_records import own_alerts
from tests.support.pulled_files import BRISK, POLE, PulledFiles, pulled_files
from tests.support.station_store import make_alert

pytestmark = pytest.mark.timeout(120)
CLIP = os.urandom(2_000_000)


@run_async
async def test_a_file_is_kept_once_and_confirmed_when_it_has_come_whole(tmp_path: Path) -> None:
    async with pulled_files(tmp_path / "t") as pulled:
        sha256 = await pulled.offer(1, CLIP)
        async with pulled.running():
            await pulled.wait_for(1, "here")
            await pulled.wait_until_confirmed()
            await wait_until(lambda: pulled.contact.view().coming == ())

        assert await pulled.kept(sha256) == CLIP
        assert pulled.bad.count("POST /v1/media/ack") == 1
        assert pulled.bad.media_bytes == len(CLIP)
        assert list(pulled.store.parts_folder.iterdir()) == []
        assert pulled.contact.view().files_waiting == 0


@run_async
async def test_a_pole_that_takes_no_receipts_is_named_once_until_it_takes_them(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with pulled_files(tmp_path / "t") as pulled:
        pulled.bad.set(status_at=("/v1/media/ack", 500))
        await pulled.offer(1, b"clip")
        async with pulled.running():
            await wait_until(lambda: pulled.bad.count("POST /v1/media/ack") >= 2)
            (trouble,) = pulled.contact.view().troubles
            pulled.bad.heal()
            await pulled.wait_until_confirmed()
            await wait_until(lambda: pulled.contact.view().troubles == ())

        assert (trouble.what, "fails to answer (500)" in trouble.detail) == ("ack files", True)
        assert sum("files not confirmed" in each for each in caplog.messages) == 1


@run_async
async def test_a_file_goes_on_at_the_byte_when_it_is_cut_off_again_and_again(
    tmp_path: Path,
) -> None:
    async with pulled_files(tmp_path / "t") as pulled:
        pulled.bad.set(hang_up_at=150_000)
        sha256 = await pulled.offer(1, CLIP)
        async with pulled.running():
            await pulled.wait_for(1, "here")

        assert pulled.bad.count("GET /v1/media/") >= len(CLIP) // 150_000
        assert pulled.bad.media_bytes <= 1.2 * len(CLIP)
        assert await pulled.kept(sha256) == CLIP


@run_async
async def test_a_file_goes_on_at_the_byte_when_the_station_is_stopped_midway(
    tmp_path: Path,
) -> None:
    async with pulled_files(tmp_path / "t") as pulled:
        pulled.bad.set(hang_up_at=600_000)
        sha256 = await pulled.offer(1, CLIP)
        part = pulled.store.parts_folder / f"{POLE}-{sha256}.part"
        async with pulled.running():
            await wait_until(lambda: part.exists() and part.stat().st_size > 500_000)
        begun = part.stat().st_size

        async with pulled.running():
            await pulled.wait_for(1, "here")

        assert begun < len(CLIP)
        assert pulled.bad.media_bytes <= 1.2 * len(CLIP)
        assert await pulled.kept(sha256) == CLIP


@run_async
async def test_a_file_is_right_when_the_pole_ignores_where_it_should_begin(tmp_path: Path) -> None:
    async with pulled_files(tmp_path / "t") as pulled:
        sha256 = await pulled.offer(1, CLIP)
        (pulled.store.parts_folder / f"{POLE}-{sha256}.part").write_bytes(CLIP[:700_000])
        pulled.bad.set(ignores_range=True)
        async with pulled.running():
            await pulled.wait_for(1, "here")

        assert await pulled.kept(sha256) == CLIP


@run_async
async def test_a_file_is_fetched_anew_when_its_part_was_spoilt_on_our_disk(tmp_path: Path) -> None:
    async with pulled_files(tmp_path / "t") as pulled:
        sha256 = await pulled.offer(1, CLIP)
        (pulled.store.parts_folder / f"{POLE}-{sha256}.part").write_bytes(bytes(700_000))
        async with pulled.running():
            await pulled.wait_for(1, "here")

        assert await pulled.kept(sha256) == CLIP
        assert await own_alerts(pulled.store) == {}


@run_async
async def test_a_file_is_given_up_with_one_alert_when_its_hash_is_a_lie(tmp_path: Path) -> None:
    async with pulled_files(tmp_path / "t") as pulled:
        pulled.bad.set(lying_hash=True)
        hashes = [await pulled.offer(number, CLIP[number:]) for number in (1, 2)]
        async with pulled.running():
            reasons = {await pulled.wait_for(number, "bad") for number in (1, 2)}
            told = await wait_for_lies(pulled, 2)
            assert pulled.bad.count("GET /v1/media/") == 6

            pulled.bad.heal()
            await pulled.offer(3, CLIP[3:])
            await pulled.wait_for(3, "here")

        assert reasons == {"its bytes have another hash than its record says; tried 3 times"}
        assert told["data"]["pole"] == POLE
        assert [await pulled.kept(each) for each in hashes] == [None, None]
        assert list(pulled.store.parts_folder.iterdir()) == []


@pytest.mark.parametrize("faults", [{"status": 500}, {"status": 502}, {"is_compressed": True}])
@run_async
async def test_a_file_is_only_late_when_the_pole_fails_to_answer(
    tmp_path: Path, faults: dict[str, Any]
) -> None:
    async with pulled_files(tmp_path / "t") as pulled:
        pulled.bad.set(**faults)
        sha256 = await pulled.offer(1, CLIP)
        async with pulled.running():
            await wait_until(lambda: pulled.bad.count("GET /v1/media/") >= TRIES_MAX + 2)
            (wanted,) = await pulled.store.wanted(POLE, limit=9)
            pulled.bad.heal()
            await pulled.wait_for(1, "here")

        assert wanted.tries == 0
        assert await pulled.kept(sha256) == CLIP
        assert await own_alerts(pulled.store) == {}


@run_async
async def test_a_file_that_never_comes_whole_is_named_while_others_come(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def warnings() -> list[str]:
        return [each.message for each in caplog.records if "do not come" in each.message]

    async with pulled_files(tmp_path / "t") as pulled:
        pulled.bad.set(hang_up_at=60)
        await pulled.offer(1, CLIP[:4000])
        async with pulled.running():
            await wait_until(lambda: bool(warnings()))
            await pulled.offer(2, b"jpeg", role="snapshot")
            await pulled.wait_for(2, "here")
            assert (await pulled.state(1))[0] == "waiting"
            (trouble,) = pulled.contact.view().troubles

            pulled.bad.heal()
            await pulled.wait_for(1, "here")
            await wait_until(lambda: pulled.contact.view().troubles == ())

        assert trouble.what == "files"
        assert trouble.detail.startswith("clip: it hangs up")
        assert len(warnings()) == 1


@pytest.mark.parametrize("is_told", [False, True])
@run_async
async def test_no_part_stays_when_a_file_vanishes_midway(tmp_path: Path, is_told: bool) -> None:
    """The pole says so when it is asked, or by a record before."""
    async with pulled_files(tmp_path / "t") as pulled:
        pulled.bad.set(hang_up_at=500_000)
        sha256 = await pulled.offer(1, CLIP)
        part = pulled.store.parts_folder / f"{POLE}-{sha256}.part"
        async with pulled.running():
            await wait_until(lambda: part.exists() and part.stat().st_size > 400_000)
            if is_told:
                pulled.bad.set(status_at=("/v1/media/", 500))
                data = {"sha256": sha256, "reason": "quota"}
                gone = make_alert(1, "media.gone", feed="media", data=data)
                await pulled.store.keep(pulled.pages.page(gone))
                pulled.transfers.wake()
            else:
                pulled.bad.set(status_at=("/v1/media/", 404))
            await pulled.wait_for(1, "gone")
            await wait_until(lambda: not part.exists())


@run_async
async def test_a_file_is_gone_after_a_second_look_when_it_vanishes_midway(tmp_path: Path) -> None:
    async with pulled_files(tmp_path / "t") as pulled:
        pulled.bad.set(vanish_at=500_000)
        await pulled.offer(1, CLIP)
        async with pulled.running():
            reason = await pulled.wait_for(1, "gone")

            pulled.bad.heal()
            await pulled.offer(2, CLIP[2:])
            await pulled.wait_for(2, "here")

        assert reason == "the pole has this file no more"
        assert await own_alerts(pulled.store) == {}


@run_async
async def test_a_file_is_refused_unasked_when_it_is_too_large(tmp_path: Path) -> None:
    class Vast(bytes):
        def __len__(self) -> int:
            return MEDIA_BYTES_MAX + 1

    async with pulled_files(tmp_path / "t") as pulled:
        await pulled.want(1, Vast(b"vast"))
        async with pulled.running():
            reason = await pulled.wait_for(1, "bad")

        assert reason == "536870913 bytes, more than 536870912"
        assert pulled.bad.count("GET /v1/media/") == 0


@run_async
async def test_a_file_is_given_up_when_it_is_not_as_long_as_promised(tmp_path: Path) -> None:
    class Longer(bytes):
        def __len__(self) -> int:
            return 5

    async with pulled_files(tmp_path / "t") as pulled:
        await pulled.pole.keep_media(b"short", alert="a" * 26)
        await pulled.offer(1, b"longer than it was promised")
        await pulled.want(2, Longer(b"longer than it was promised "))
        await pulled.pole.keep_media(b"longer than it was promised ", alert="b" * 26)
        async with pulled.running():
            reason = await pulled.wait_for(2, "bad")
            await pulled.wait_for(1, "here")

        assert "another length is sent: 28" in reason


@run_async
async def test_snapshots_come_while_a_clip_drips(tmp_path: Path) -> None:
    async with pulled_files(tmp_path / "t") as pulled:
        pulled.bad.set(is_drip=True)
        await pulled.offer(1, CLIP)
        async with pulled.running():
            await wait_until(lambda: pulled.contact.view().coming != ())
            (coming,) = pulled.contact.view().coming
            pulled.bad.heal()
            await pulled.offer(2, b"jpeg", role="snapshot")
            await pulled.wait_for(2, "here")

            assert (await pulled.state(1))[0] == "waiting"
        assert (coming.role, coming.bytes) == ("clip", len(CLIP))


@run_async
async def test_a_slow_clip_steps_back_and_goes_on_later_when_a_newer_one_waits(
    tmp_path: Path,
) -> None:
    async with pulled_files(tmp_path / "t", waits=replace(BRISK, turn_s=0.0)) as pulled:
        pulled.bad.set(is_drip=True)
        old = await pulled.offer(1, CLIP)
        async with pulled.running():
            await wait_until(lambda: any(each.got_bytes for each in pulled.contact.view().coming))
            pulled.bad.heal()
            await pulled.offer(2, CLIP[2:])
            await pulled.wait_for(2, "here")
            await pulled.wait_for(1, "here")

        asked = [each for each in pulled.bad.asked if each.startswith("GET /v1/media/")]
        assert [old in each for each in asked] == [True, False, True]
        assert await pulled.kept(old) == CLIP


@run_async
async def test_snapshots_come_and_clips_are_held_back_when_the_quota_is_reached(
    tmp_path: Path,
) -> None:
    limits = Store(quota_bytes=64 * 2**20, reserve_bytes=16 * 2**20)
    big = os.urandom(1000) * 66_000
    async with pulled_files(tmp_path / "t", limits=limits) as pulled:
        await pulled.offer(1, big[: 63 * 2**20])
        async with pulled.running():
            await pulled.wait_for(1, "here")
            await pulled.offer(2, CLIP)
            await pulled.offer(4, CLIP + b"and some more")
            reason = await pulled.wait_for(2, "held back")
            await pulled.wait_for(4, "held back")
            await pulled.offer(3, b"jpeg" * 300_000, role="snapshot")
            await pulled.wait_for(3, "here")

            assert reason == "no room for it at the station"
            assert (await pulled.state(2))[0] == "held back"
            assert await own_alerts(pulled.store) == {}, "it is told once, by the store's upkeep"


@run_async
async def test_a_file_comes_when_a_disk_that_was_full_has_room_again(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", size_bytes=48 * 2**20) as disk:
        filler = disk / "filler"
        filler.write_bytes(bytes(20 * 2**20))
        async with pulled_files(tmp_path / "t", station=disk / "station") as pulled:
            content = os.urandom(14 * 2**20)
            sha256 = await pulled.offer(1, content)
            async with pulled.running():
                await pulled.wait_for(1, "held back")
                filler.unlink()
                await pulled.wait_for(1, "here")

            assert await pulled.kept(sha256) == content


@run_async
async def test_files_come_while_names_that_nobody_resolves_hold_the_loops_threads(
    tmp_path: Path,
) -> None:
    loop, resolved = asyncio.get_running_loop(), threading.Event()
    with ThreadPoolExecutor(2) as threads:
        async with pulled_files(tmp_path / "t", threads=threads) as pulled:
            loop.set_default_executor(ThreadPoolExecutor(1))
            resolving = loop.run_in_executor(None, resolved.wait)
            await pulled.offer(1, CLIP)
            try:
                async with pulled.running():
                    await pulled.wait_for(1, "here")
            finally:
                resolved.set()
                await resolving


@run_async
async def test_every_file_comes_once_when_hundreds_are_wanted(tmp_path: Path) -> None:
    async with pulled_files(tmp_path / "t") as pulled:
        contents = [b"clip %d" % number * 100 for number in range(120)]
        for number, content in enumerate(contents):
            await pulled.offer(number, content, "snapshot" if number % 2 else "clip")
        async with pulled.running():
            for number in range(len(contents)):
                await pulled.wait_for(number, "here")

        assert pulled.bad.count("GET /v1/media/") == len(contents)
        for content in contents:
            assert await pulled.kept(hashlib.sha256(content).hexdigest()) == content


async def wait_for_lies(pulled: PulledFiles, count: int) -> dict[str, Any]:
    """Wait until the alert about files that are not what they should be tells of so many."""
    while True:
        told = (await own_alerts(pulled.store)).get("media", {"data": {}})
        if told["data"].get("count") == count:
            return told
        await asyncio.sleep(0.01)
