"""Files at the station: wanted, brought, given up, and shown with how far they have come."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.errors import StoreError
from edge.station.desk_fold import NO_BEGINNING
from edge.station.store.alerts_table import ORPHAN_MS
from tests.support.aio import run_async
from tests.support.clocks import ManualClock
from tests.support.drafts import AT_MS
from tests.support.station_store import (
    PolePages,
    alert_id,
    bring,
    make_alert,
    make_file,
    make_store,
    shown,
    states,
)

pytestmark = pytest.mark.timeout(120)


@run_async
async def test_file_is_wanted_until_it_is_here_and_then_until_the_pole_knows(
    tmp_path: Path,
) -> None:
    pages = PolePages()
    async with make_store(tmp_path) as store:
        await store.keep(pages.page(make_alert(1)))
        await store.keep(pages.page(make_file(1, b"clip"), make_file(1, b"still", "snapshot")))
        still, clip = await store.wanted("SG-017", limit=9)
        assert [(each.role, each.size_bytes, each.is_alert) for each in (still, clip)] == [
            ("snapshot", 5, True), ("clip", 4, True),
        ]  # fmt: skip
        await bring(store, clip, b"clip")
        assert states(await shown(store, 1)) == ["here", "waiting"]
        kept = await store.find_media("SG-017", clip.sha256)
        assert kept is not None
        assert kept.path.read_bytes() == b"clip"
        assert await store.find_media("SG-018", clip.sha256) is None
        assert await store.find_media("SG-017", "../../etc/passwd") is None
        assert await store.unacked_files("SG-017", limit=9) == [clip.sha256]
        await store.note_files_acked("SG-017", [clip.sha256])
        assert await store.unacked_files("SG-017", limit=9) == []
        assert await store.wanted("SG-017", limit=9) == [still]


@run_async
async def test_files_are_wanted_in_their_order(tmp_path: Path) -> None:
    pages = PolePages()
    clock = ManualClock(utc_ms=AT_MS)
    async with make_store(tmp_path, clock=clock) as store:
        for number in (1, 2):
            await store.keep(pages.page(make_alert(number), received_ms=AT_MS + number))
            await store.keep(pages.page(
                make_file(number, b"c%d" % number), make_file(number, b"s%d" % number, "snapshot"),
                received_ms=AT_MS + number,
            ))  # fmt: skip
        order = [
            (each.role, each.opened_ms - AT_MS) for each in await store.wanted("SG-017", limit=9)
        ]
        assert order == [("snapshot", 2), ("snapshot", 1), ("clip", 2), ("clip", 1)]
        await store.note_try((await store.wanted("SG-017", limit=1))[0])
        tried = await store.wanted("SG-017", limit=2)
        assert [(each.opened_ms - AT_MS, each.tries) for each in tried] == [(1, 0), (2, 1)]


@run_async
async def test_file_that_will_not_come_is_told_with_its_reason(tmp_path: Path) -> None:
    pages = PolePages()
    async with make_store(tmp_path) as store:
        await store.keep(pages.page(make_alert(1)))
        await store.keep(pages.page(make_file(1, b"clip"), make_file(1, b"late", "thermal")))
        thermal, clip = await store.wanted("SG-017", limit=9)
        await store.give_up_file(clip, "bad", "its hash was another three times")
        await store.give_up_file(thermal, "held back", "no room")
        alert = await shown(store, 1)
        assert [(each["state"], each["reason"]) for each in alert["media"]] == [
            ("bad", "its hash was another three times"), ("held back", "no room"),
        ]  # fmt: skip
        assert await store.wanted("SG-017", limit=9) == [thermal]
        change = store.change
        await store.give_up_file(thermal, "held back", "no room")
        assert store.change == change
        sha256 = clip.sha256
        gone = make_alert(1, "media.gone", feed="media",
                          data={"sha256": thermal.sha256, "reason": "quota"})  # fmt: skip
        await store.keep(pages.page(gone))
        assert await store.wanted("SG-017", limit=9) == []
        assert states(await shown(store, 1)) == ["bad", "gone"]
        await store.keep(pages.page(make_file(1, b"clip", ordinal=2)))
        assert [each.sha256 for each in await store.wanted("SG-017", limit=9)] == [sha256]
        assert states(await shown(store, 1)) == ["gone", "waiting"]


@run_async
async def test_file_that_another_pole_has_brought_is_here_at_once(tmp_path: Path) -> None:
    one, two = PolePages(name="P1"), PolePages(name="P2")
    async with make_store(tmp_path) as store:
        for pole in (one, two):
            await store.keep(pole.page(make_alert(1)))
        await store.keep(one.page(make_file(1, b"same")))
        (wanted,) = await store.wanted("P1", limit=9)
        await bring(store, wanted, b"same")
        await store.keep(two.page(make_file(1, b"same")))
        assert await store.wanted("P2", limit=9) == []
        assert states(await shown(store, 1, "P2")) == ["here"]
        assert await store.unacked_files("P2", limit=9) == [wanted.sha256]
        assert await store.find_media("P2", wanted.sha256) is not None


@run_async
async def test_file_of_another_size_than_promised_is_not_taken_in(tmp_path: Path) -> None:
    pages = PolePages()
    async with make_store(tmp_path) as store:
        await store.keep(pages.page(make_file(1, b"clip")))
        (wanted,) = await store.wanted("SG-017", limit=9)
        part = f"SG-017-{wanted.sha256}.part"
        (store.parts_folder / part).write_bytes(b"clips")
        with pytest.raises(StoreError, match="has 5 bytes, not 4"):
            await store.keep_file(wanted, part)
        assert await store.wanted("SG-017", limit=9) == [wanted]


@run_async
async def test_media_that_come_before_their_alert_wait_for_it(tmp_path: Path) -> None:
    pages = PolePages()
    async with make_store(tmp_path) as store:
        await store.keep(pages.page(make_file(1, b"clip"), make_file(1, b"still", "snapshot")))
        (_, clip) = await store.wanted("SG-017", limit=9)
        await bring(store, clip, b"clip")
        assert await store.alert("SG-017", alert_id(1)) is None
        await store.keep(pages.page(make_alert(1)))
        alert = await shown(store, 1)
        assert (states(alert), alert["flaw"]) == (["here", "waiting"], "")


@run_async
async def test_alert_of_which_only_media_came_is_shown_after_a_while(tmp_path: Path) -> None:
    pages = PolePages()
    clock = ManualClock(utc_ms=AT_MS)
    async with make_store(tmp_path, clock=clock) as store:
        await store.keep(pages.page(make_file(1, b"clip"), make_file(1, b"still", "snapshot")))
        assert await store.open_orphans() == 0
        clock.move(ORPHAN_MS / 1000 + 1)
        assert await store.open_orphans() == 1
        alert = await shown(store, 1)
        assert (alert["flaw"], alert["severity"], len(alert["media"])) == (NO_BEGINNING, "major", 2)
        await store.keep(pages.page(make_alert(1, severity="minor")))
        healed = await shown(store, 1)
        assert (healed["flaw"], healed["rule"]["type"]) == ("", "fire")
        assert (await store.counts())["new_major"] == 1 - (healed["severity"] == "minor")
