"""What leaves a station's store by itself: files and records after their days, nothing held."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from edge.database import bring_up, open_to_write
from edge.device_key import PUBLIC_NAME, load_or_make_key, load_public_key
from edge.evidence import open_seal
from edge.feeds import ClockReading, Draft
from edge.model import Json
from edge.station.config import Store
from edge.station.own_alerts import OwnAlerts, Pen
from edge.station.ports.vault import Batch
from edge.station.store.reader import open_store_reader
from edge.station.store.retention import SIGN_EVERY_S, Retention
from edge.station.store.schema import STEPS, STORE_NAME
from edge.station.store.station_store import StationStore
from edge.station.verify import Keys, verify_store
from edge.station.verify_files import count_files
from tests.support.aio import run_async
from tests.support.clocks import ManualClock
from tests.support.drafts import AT_MS
from tests.support.retention import DAY_S, bring_alert, make_retention
from tests.support.station_store import (
    PolePages,
    alert_id,
    bring,
    make_alert,
    make_file,
    make_store,
    make_word,
    shown,
    states,
)

pytestmark = pytest.mark.timeout(120)


def problems(folder: Path) -> Sequence[str]:
    """What verification finds wrong."""
    with open_store_reader(folder) as reader:
        keys = Keys(load_public_key(folder / PUBLIC_NAME), {})
        checked = list(verify_store(reader, keys, tell=lambda _line: None))
    return [each.problem for feed in checked for each in (*feed.findings, *feed.holes)]


@run_async
async def test_file_goes_after_its_days_and_is_recorded_as_gone(tmp_path: Path) -> None:
    clock, pages = ManualClock(utc_ms=AT_MS), PolePages()
    async with make_store(tmp_path, clock=clock) as store:
        await bring_alert(store, pages, 1, AT_MS)
        clock.move(29 * DAY_S)
        await bring_alert(store, pages, 2, clock.utc_ms())
        retention = make_retention(store, clock)
        await retention.run_once()
        assert states(await shown(store, 1)) == ["here"]
        clock.move(1.1 * DAY_S)
        await retention.run_once()
        alert = await shown(store, 1)
        assert states(alert) == ["expired"]
        assert alert["media"][0]["reason"] == "kept for 30 days"
        assert states(await shown(store, 2)) == ["here"]
        assert await store.find_media("SG-017", alert["media"][0]["sha256"]) is None
        files = [path for path in (tmp_path / "media").rglob("*") if path.is_file()]
        assert [path.read_bytes() for path in files] == [b"clip 2"]
        (gone,) = [
            record
            for each in await store.arrivals(after=0, feeds=["media"], limit=99)
            if (record := open_seal(each.body))["pole"] == "station"
        ]
        assert (gone["kind"], gone["alert"]) == ("media.gone", alert_id(1))
        assert await store.unacked_files("SG-017", limit=9) == [
            files[0].name
        ]  # what has left is not told of as kept
    assert problems(tmp_path) == []


@pytest.mark.parametrize(("limits", "days"), [(Store(key_target=True), 90), (Store(), 30)])
@run_async
async def test_file_stays_for_the_days_of_its_target(
    tmp_path: Path, limits: Store, days: int
) -> None:
    clock, pages = ManualClock(utc_ms=AT_MS), PolePages()
    async with make_store(tmp_path, clock=clock, limits=limits) as store:
        await bring_alert(store, pages, 1, AT_MS)
        clock.move((days - 1) * DAY_S)
        assert await store.expire_files() == 0
        clock.move(1.1 * DAY_S)
        assert await store.expire_files() == 1


@run_async
async def test_nothing_of_a_held_alert_goes_until_the_hold_ends(tmp_path: Path) -> None:
    clock, pages = ManualClock(utc_ms=AT_MS), PolePages()
    async with make_store(tmp_path, clock=clock) as store:
        for number in (1, 2, 3):
            await bring_alert(store, pages, number, AT_MS)
        await store.say([make_word(2, "alert.hold", case="2026-17")])
        retention = make_retention(store, clock)
        await retention.run_once()
        clock.move(500 * DAY_S)
        await retention.run_once()
        assert [states(await shown(store, number)) for number in (1, 2, 3)] == [
            ["expired"], ["here"], ["expired"],
        ]  # fmt: skip
        assert len((await store.records("SG-017", alert_id(1))).bodies) == 1  # media.gone
        assert len((await store.records("SG-017", alert_id(2))).bodies) == 4
        assert len((await store.records("SG-017", alert_id(3))).bodies) == 4  # behind the held one
        await store.say([make_word(2, "alert.hold", case=None, ordinal=41)])
        await retention.run_once()
        assert states(await shown(store, 2)) == ["expired"]
    assert problems(tmp_path) == []


@run_async
async def test_old_records_leave_behind_a_checkpoint_and_the_rest_is_proved(
    tmp_path: Path,
) -> None:
    clock, pages = ManualClock(utc_ms=AT_MS), PolePages()
    async with make_store(tmp_path, clock=clock) as store:
        await bring_alert(store, pages, 1, AT_MS)
        await store.keep(
            pages.page(make_alert(5, "sight", feed="health", alert=None), received_ms=AT_MS)
        )
        retention = make_retention(store, clock)
        await retention.run_once()
        clock.move(200 * DAY_S)
        late_ms = clock.utc_ms()
        health = make_alert(6, "sight", feed="health", alert=None)
        await store.keep(pages.page(health, received_ms=late_ms))
        resolve = make_alert(1, "alert.resolve", camera=None, data={"by": "x", "verdict": "real"})
        await store.keep(pages.page(resolve, make_alert(2), received_ms=late_ms))
        await retention.run_once()
        arrivals = await store.arrivals(after=0, feeds=["health"], limit=9)
        assert [each.received_ms for each in arrivals] == [late_ms]
        assert len((await store.records("SG-017", alert_id(1))).bodies) == 5
        clock.move(201 * DAY_S)
        await retention.run_once()
        bodies = (await store.records("SG-017", alert_id(1))).bodies
        assert [open_seal(body)["kind"] for body in bodies] == [
            "media.ready", "alert.resolve", "media.gone",
        ]  # fmt: skip
        assert await store.alert("SG-017", alert_id(1)) is None
        assert await store.places("SG-017") == {
            feed: pages.link(feed) for feed in ("alerts", "health", "media")
        }
        assert (await store.keep(pages.page(make_alert(3)))).new_count == 1
    assert problems(tmp_path) == []
    with open_store_reader(tmp_path) as reader:
        feeds = {feed.head.feed: feed for feed in reader.feeds() if feed.pole == "SG-017"}
        assert {name: feed.start.seq for name, feed in feeds.items()} == {
            "alerts": 2, "health": 1, "media": 0,
        }  # fmt: skip
        (said,) = reader.statements(feeds["health"])
        assert (said.statement.kind, said.key) == ("checkpoint", reader.key)


@run_async
async def test_record_that_told_of_a_hole_stays_as_long_as_the_hole(tmp_path: Path) -> None:
    clock, pages = ManualClock(utc_ms=AT_MS), PolePages()
    pen = Pen(clock, lambda: ClockReading("synced", "b", 1))

    async def pass_days(store: StationStore, days: float) -> None:
        clock.move(days * DAY_S)
        await Retention(store, own, clock=clock).run_once()

    async def own_count(store: StationStore) -> int:
        arrivals = await store.arrivals(after=0, feeds=["alerts"], limit=99)
        return sum(open_seal(each.body)["pole"] == "station" for each in arrivals)

    async with make_store(tmp_path, clock=clock) as store:
        own = OwnAlerts(store, pen)
        await store.keep(pages.page(make_alert(1), make_alert(1, "alert.close")))
        pages.seal(make_alert(2))
        hole: dict[str, Json] = {"pole": "SG-017", "feed": "alerts", "life": "e1"}
        await own.say("chain", "SG-017 alerts", {**hole, "breaks": [[3, 3]]})
        await own.over("chain", "SG-017 alerts", "no more of it was found")
        await store.keep(Batch("SG-017", replace(pages.link("alerts"), hash=""), (), AT_MS))
        await pass_days(store, 3)
        await store.keep(pages.page(make_alert(4), received_ms=clock.utc_ms()))
        await own.say("clock", "SG-017", {"pole": "SG-017"})
        await pass_days(store, 500)
        assert await own_count(store) == 3
        assert problems(tmp_path) == ["alerts 3: missing; 4 follows 2"]
        with open_store_reader(tmp_path) as reader:
            keys = Keys(load_public_key(tmp_path / PUBLIC_NAME), {})
            checked = verify_store(reader, keys, tell=lambda _line: None)
            assert [each.findings for each in checked if each.findings] == []
        await store.keep(pages.page(make_alert(5), received_ms=clock.utc_ms()))
        await pass_days(store, 401)
        await pass_days(store, 0)
        assert await own_count(store) == 1, "the hole has left, and with it what told of it"
    assert problems(tmp_path) == []


@run_async
async def test_alert_that_nobody_has_resolved_is_never_forgotten(tmp_path: Path) -> None:
    clock, pages = ManualClock(utc_ms=AT_MS), PolePages()
    async with make_store(tmp_path, clock=clock) as store:
        await bring_alert(store, pages, 1, AT_MS)
        clock.move(500 * DAY_S)
        await make_retention(store, clock).run_once()
        assert (await shown(store, 1))["state"] == "open"
        assert (await store.counts())["open"] == 1


@pytest.mark.parametrize(
    ("before_ms", "after_ms"), [(0, AT_MS), (AT_MS, 4_102_444_800_000), (AT_MS, 0)]
)
@run_async
async def test_nothing_goes_before_its_time_when_the_clock_leaps(
    tmp_path: Path, before_ms: int, after_ms: int
) -> None:
    """A machine that began in 1970 and was set later, one that came to be in 2100, one set back."""
    clock, pages = ManualClock(utc_ms=before_ms), PolePages()
    async with make_store(tmp_path, clock=clock) as store:
        retention = make_retention(store, clock)
        for number in (1, 2):
            await bring_alert(store, pages, number, clock.utc_ms())
        await store.say([make_word(1, "alert.resolve", verdict="false")])
        await retention.run_once()
        clock.set_to(after_ms)
        clock.move(29 * DAY_S)
        await retention.run_once()
        assert states(await shown(store, 1)) == ["here"]
        assert len((await store.records("SG-017", alert_id(1))).bodies) == 4
        clock.move(1.1 * DAY_S)
        await retention.run_once()
        assert states(await shown(store, 1)) == ["expired"]
    assert problems(tmp_path) == []


@run_async
async def test_days_are_counted_over_starts_while_the_station_is_there(tmp_path: Path) -> None:
    clock, pages = ManualClock(utc_ms=AT_MS), PolePages()
    for day in range(31):
        async with make_store(tmp_path, clock=clock) as store:
            if day == 0:
                await bring_alert(store, pages, 1, AT_MS)
            clock.move(DAY_S)
            await make_retention(store, clock).run_once()
            assert states(await shown(store, 1)) == (["here"] if day < 30 else ["expired"])
        clock.move(DAY_S)  # nobody was there


@run_async
async def test_file_of_an_older_store_has_its_days_from_now_on(tmp_path: Path) -> None:
    clock = ManualClock(utc_ms=AT_MS)
    store = make_store(tmp_path, clock=clock)
    connection = open_to_write(tmp_path / STORE_NAME, may_begin=True)
    bring_up(connection, STEPS[:1], noun="the store")
    digest = hashlib.sha256(b"old").hexdigest()
    connection.execute(
        "INSERT INTO file VALUES ('P1', ?, 3, 'video/mp4', 'clip', NULL, 0, 1, 1, 0, 'here', '',"
        " ?, 1)",
        (digest, AT_MS),
    )
    connection.close()
    load_or_make_key(tmp_path)
    (tmp_path / "media" / digest[:2]).mkdir(parents=True)
    (tmp_path / "media" / digest[:2] / digest).write_bytes(b"old")
    async with store:
        clock.move(29.9 * DAY_S)
        assert await store.expire_files() == 0
        clock.move(0.2 * DAY_S)
        assert await store.expire_files() == 1


@run_async
async def test_record_that_has_left_is_not_kept_anew_when_its_log_is_compared(
    tmp_path: Path,
) -> None:
    clock, pages = ManualClock(utc_ms=AT_MS), PolePages()
    async with make_store(tmp_path, clock=clock) as store:
        retention = make_retention(store, clock)
        left = pages.page(make_alert(1, "sight", feed="health", alert=None))
        await store.keep(left)
        await retention.run_once()
        clock.move(200 * DAY_S)
        newest = pages.page(make_alert(2, "sight", feed="health", alert=None))
        await store.keep(newest)
        await retention.run_once()
        assert (await store.keep(replace(left, place=newest.place))).new_count == 0
        assert len(await store.arrivals(after=0, feeds=["health"], limit=9)) == 1
    assert problems(tmp_path) == []


@run_async
async def test_file_of_two_poles_goes_when_neither_needs_it(tmp_path: Path) -> None:
    clock = ManualClock(utc_ms=AT_MS)
    one, two = PolePages(name="P1"), PolePages(name="P2")
    async with make_store(tmp_path, clock=clock) as store:
        await store.keep(one.page(make_file(1, b"same")))
        (wanted,) = await store.wanted("P1", limit=9)
        await bring(store, wanted, b"same")
        clock.move(20 * DAY_S)
        await store.keep(two.page(make_file(1, b"same"), received_ms=clock.utc_ms()))
        clock.move(11 * DAY_S)
        assert await store.expire_files() == 1
        assert await store.find_media("P1", wanted.sha256) is None
        assert await store.find_media("P2", wanted.sha256) is not None
        clock.move(20 * DAY_S)
        assert await store.expire_files() == 1
        assert await store.find_media("P2", wanted.sha256) is None
        assert [path for path in (tmp_path / "media").rglob("*") if path.is_file()] == []


@run_async
async def test_heads_are_signed_each_hour(tmp_path: Path) -> None:
    clock = ManualClock(utc_ms=AT_MS)
    async with make_store(tmp_path, clock=clock) as store:
        retention = make_retention(store, clock)
        await store.say([make_word(1, "alert.note", text="x")])
        await retention.run_once()
        with open_store_reader(tmp_path) as reader:
            own = next(feed for feed in reader.feeds() if feed.head.feed == "alerts")
            assert reader.statements(own) == []
            clock.move(SIGN_EVERY_S)
            await retention.run_once()
            assert [each.statement.seq for each in reader.statements(own)] == [1]


@run_async
async def test_what_is_noted_of_captures_leaves_with_their_records(tmp_path: Path) -> None:
    clock, pages = ManualClock(utc_ms=AT_MS), PolePages()

    def capture(number: int) -> Draft:
        draft = make_file(number, b"face %d" % number, "face")
        return replace(draft, kind="capture", feed="captures", alert=None)

    async with make_store(tmp_path, clock=clock) as store:
        retention = make_retention(store, clock)
        for number in range(5):
            await store.keep(pages.page(capture(number)))
        kept, bad, gone, *_ = await store.wanted("SG-017", limit=9)
        for number in range(5):
            if hashlib.sha256(b"face %d" % number).hexdigest() == kept.sha256:
                await bring(store, kept, b"face %d" % number)
        await store.give_up_file(bad, "bad", "another hash")
        await store.give_up_file(gone, "gone", "the pole has it no more")
        for wanted in await store.wanted("SG-017", limit=9):
            await store.give_up_file(wanted, "gone", "the pole has it no more")
        counts = []
        for days in (0, 29, 2, 31, 31):
            clock.move(days * DAY_S)
            await retention.run_once()
            with open_store_reader(tmp_path) as reader:
                counts.append(sum(count_files(reader).values()))
        newest = hashlib.sha256(b"face 4").hexdigest()
        with open_store_reader(tmp_path) as reader:
            (left,) = reader.connection.execute("SELECT sha256 FROM file")
        assert counts[:2] == [5, 5]
        assert counts[-1] == 1
        assert left == (newest,), "the newest record of a feed never leaves"
    assert problems(tmp_path) == []


@run_async
async def test_words_that_a_pole_refused_leave_with_their_alert(tmp_path: Path) -> None:
    clock, pages = ManualClock(utc_ms=AT_MS), PolePages()
    async with make_store(tmp_path, clock=clock) as store:
        await bring_alert(store, pages, 1, AT_MS)
        await store.say([make_word(1, "alert.resolve", verdict="real")], pass_on=True)
        (word,) = await store.words_to_send("SG-017", limit=9)
        await store.note_sent(word, "the pole will not take it")
        retention = make_retention(store, clock)
        counts = []
        for days in (0, 399, 2):
            clock.move(days * DAY_S)
            await retention.run_once()
            with open_store_reader(tmp_path) as reader:
                counts += next(reader.connection.execute("SELECT count(*) FROM word"))
        assert counts == [1, 1, 0]
