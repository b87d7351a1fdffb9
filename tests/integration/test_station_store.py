"""The station's store: what comes in, what desks see of it, and what is there after a restart."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from edge.errors import EvidenceError, StoreError, ValidationError
from edge.evidence import Statement, open_seal, sign
from edge.feeds import FEEDS, Cursor
from edge.station.desk_fold import TOO_LONG
from edge.station.ports.desk import Asked, DeskPage
from edge.station.ports.vault import Batch, Identity
from edge.station.store.reader import open_store_reader
from edge.station.store.station_store import StationStore
from tests.support.aio import run_async
from tests.support.drafts import AT_MS, KEY
from tests.support.station_store import (
    PolePages,
    alert_id,
    bring,
    make_alert,
    make_file,
    make_store,
    make_word,
    shown,
)

pytestmark = pytest.mark.timeout(120)

ALL = Asked(state="all")
ME = Identity("SG-017", "ab" * 32, "PEM", "station-token")


def read(page: DeskPage) -> list[dict[str, Any]]:
    return [msgspec.json.decode(body) for body in page.bodies]


def ids(page: DeskPage) -> list[str]:
    return [alert["id"] for alert in read(page)]


@run_async
async def test_page_is_kept_with_its_place_and_shown_worst_first(tmp_path: Path) -> None:
    pages = PolePages()
    async with make_store(tmp_path / "store", sites={"SG-017": "east"}) as store:
        kept = await store.keep(pages.page(make_alert(1), make_alert(2, severity="critical")))
        assert (kept.new_count, kept.new_alerts) == (2, 2)
        assert await store.places("SG-017") == {"alerts": pages.link("alerts")}
        page = await store.alerts(Asked(), after=None, limit=10)
        assert ids(page) == [alert_id(2), alert_id(1)]
        assert read(page)[0]["site"] == "east"
        assert (page.next, page.change) == (None, 2)
        assert await store.counts() == {
            "open": 2, "new": 2, "new_critical": 1, "new_major": 1, "new_minor": 0, "new_info": 0,
        }  # fmt: skip
    async with make_store(tmp_path / "store", sites={"SG-017": "east"}) as store:
        assert await store.places("SG-017") == {"alerts": pages.link("alerts")}
        assert store.change == 2
        assert len((await store.records("SG-017", alert_id(1))).bodies) == 1


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
        arrivals = await store.arrivals(after=0, feeds=["alerts"], limit=9)
        assert [each.number for each in arrivals] == [1, 2]


@run_async
async def test_page_is_refused_whole_when_another_record_stands_there(tmp_path: Path) -> None:
    pages = PolePages()
    forked = pages.branch_off()
    async with make_store(tmp_path) as store:
        await store.keep(pages.page(make_alert(1)))
        with pytest.raises(EvidenceError, match="the log has forked"):
            await store.keep(forked.page(make_alert(2), make_alert(3)))
        assert ids(await store.alerts(ALL, after=None, limit=9)) == [alert_id(1)]
        flawed = replace(forked.page(make_alert(4)), records=())
        other = forked.page(make_alert(5))
        assert flawed.place.seq == 3
        marked = replace(other.records[0], link=pages.link("alerts"), flaw="inserted")
        kept = await store.keep(replace(other, records=(marked,)))
        assert kept.new_count == 1
        assert (await shown(store, 5))["flaw"] == "inserted"


@run_async
async def test_one_bad_page_fails_alone_when_several_are_written_together(tmp_path: Path) -> None:
    async with make_store(tmp_path) as store:
        poles = [PolePages(name=f"P{number}") for number in range(30)]
        for pole in poles:
            await store.keep(pole.page(make_alert(1)))
        bad = poles[7]
        bad.links.clear()
        pages = [pole.page(make_alert(2)) for pole in poles]
        told = await asyncio.gather(*map(store.keep, pages), return_exceptions=True)
        assert [isinstance(each, EvidenceError) for each in told] == [pole is bad for pole in poles]
        assert len((await store.alerts(ALL, after=None, limit=100)).bodies) == 59


@run_async
async def test_new_epoch_is_another_life_and_its_place_begins_anew(tmp_path: Path) -> None:
    old, new = PolePages(), PolePages(epoch="e2")
    async with make_store(tmp_path) as store:
        await store.keep(old.page(make_alert(1)))
        page = new.page(make_alert(2))
        with pytest.raises(EvidenceError, match="in epoch e1, not e2"):
            await store.keep(page)
        await store.keep(replace(page, is_new_life=True))
        assert await store.places("SG-017") == {"alerts": page.place}
        assert (await store.keep(replace(page, is_new_life=True))).new_count == 0
    with open_store_reader(tmp_path) as reader:
        lives = [(feed.head.epoch, feed.branch, feed.is_current) for feed in reader.feeds()
                 if feed.pole == "SG-017"]  # fmt: skip
    assert lives == [("e1", 0, False), ("e2", 0, True)]


@run_async
async def test_open_alerts_are_interrupted_when_their_log_is_over(tmp_path: Path) -> None:
    old, new = PolePages(), PolePages(epoch="e2")
    async with make_store(tmp_path, sites={"SG-017": None}) as store:
        await store.keep(old.page(make_alert(1), make_alert(2)))
        await store.say([make_word(1, "alert.resolve", verdict="real")])
        page = new.page(make_alert(3), received_ms=AT_MS + 5000)
        await store.keep(replace(page, is_new_life=True))
        assert await _ends(store) == {
            alert_id(1): ("done", "interrupted"),
            alert_id(2): ("open", "interrupted"),
            alert_id(3): ("open", None),
        }


@run_async
async def test_open_alerts_are_interrupted_when_their_pole_is_pulled_no_longer(
    tmp_path: Path,
) -> None:
    async with make_store(tmp_path, sites={"SG-017": None, "P2": None}) as store:
        await store.keep(PolePages().page(make_alert(1)))
        await store.keep(PolePages(name="P2").page(make_alert(2)))
    async with make_store(tmp_path, sites={"P2": None}) as store:
        assert await _ends(store) == {
            alert_id(1): ("open", "interrupted"),
            alert_id(2): ("open", None),
        }


async def _ends(store: StationStore) -> dict[str, tuple[str, str | None]]:
    alerts = read(await store.alerts(ALL, after=None, limit=10))
    return {each["id"]: (each["state"], each["close_reason"]) for each in alerts}


@run_async
async def test_log_that_was_put_back_is_a_branch_that_keeps_what_is_shared_once(
    tmp_path: Path,
) -> None:
    pages = PolePages()
    first = pages.page(make_alert(1), make_alert(2))
    put_back = pages.branch_off()
    second = pages.page(make_alert(3), make_alert(4))
    async with make_store(tmp_path) as store:
        await store.keep(first)
        await store.keep(second)
        again = put_back.page(make_alert(5))
        whole = replace(again, records=(*first.records, *again.records), is_new_life=True)
        assert (await store.keep(whole)).new_count == 1
        assert await store.places("SG-017") == {"alerts": again.place}
        assert (await store.keep(put_back.page(make_alert(6)))).new_count == 1
        arrivals = await store.arrivals(after=0, feeds=["alerts"], limit=99)
        assert len(arrivals) == 6
    with open_store_reader(tmp_path) as reader:
        _, branch = (feed for feed in reader.feeds() if feed.pole == "SG-017")
        assert (branch.branch, branch.start) == (1, first.place)
        assert [row.seq for row in reader.chain(branch)] == [3, 4]


@run_async
async def test_life_begins_where_the_pole_says_when_its_oldest_records_have_left(
    tmp_path: Path,
) -> None:
    pages = PolePages()
    left = pages.page(make_alert(1))
    page = pages.page(make_alert(2))
    async with make_store(tmp_path) as store:
        await store.keep(page)
        checkpoint = Statement("checkpoint", "SG-017", "e1", "alerts", 1, left.place.hash, "at")
        assert await store.keep_statements("SG-017", [sign(checkpoint, KEY)]) == []
        assert await store.signed_to("SG-017", "alerts") == left.place
    with open_store_reader(tmp_path) as reader:
        (feed,) = (feed for feed in reader.feeds() if feed.pole == "SG-017")
    assert (feed.start, feed.head) == (left.place, page.place)


@run_async
async def test_life_begins_behind_what_had_left_when_nothing_was_there_yet(
    tmp_path: Path,
) -> None:
    pages = PolePages()
    left = pages.page(make_alert(1))
    unknown = replace(left.place, hash="")
    async with make_store(tmp_path) as store:
        await store.keep(Batch("SG-017", unknown, (), AT_MS))
        checkpoint = Statement("checkpoint", "SG-017", "e1", "alerts", 1, left.place.hash, "at")
        assert await store.keep_statements("SG-017", [sign(checkpoint, KEY)]) == []
        page = pages.page(make_alert(2))
        await store.keep(page)
    with open_store_reader(tmp_path) as reader:
        (feed,) = (feed for feed in reader.feeds() if feed.pole == "SG-017")
    assert (feed.start, feed.head) == (left.place, page.place)


@run_async
async def test_empty_page_moves_the_place_of_a_feed(tmp_path: Path) -> None:
    pages = PolePages()
    async with make_store(tmp_path) as store:
        await store.keep(Batch("SG-017", pages.link("media"), (), AT_MS))
        assert await store.places("SG-017") == {"media": pages.link("media")}
        await store.keep(pages.page(make_file(1, b"x")))
        assert await store.places("SG-017") == {"media": pages.link("media")}


@run_async
async def test_what_is_no_record_is_kept_as_a_witness_and_its_place_goes_on(
    tmp_path: Path,
) -> None:
    pages = PolePages()
    page = pages.page(make_alert(1))
    async with make_store(tmp_path) as store:
        broken = replace(page, records=(), unreadable=(("its hash lies", b"{}"),))
        await store.keep(broken)
        await store.keep(broken)
        assert await store.places("SG-017") == {"alerts": page.place}
        far = replace(page.records[0].link, seq=2**70)
        assert (
            await store.keep(replace(page, records=(replace(page.records[0], link=far),)))
        ).new_count == 0
    with open_store_reader(tmp_path) as reader:
        rows = list(reader.connection.execute("SELECT reason FROM unreadable ORDER BY number"))
    assert rows == [("its hash lies",), ("its seq is none",)]


@run_async
async def test_signed_hash_that_is_another_is_named_and_proves_nothing(tmp_path: Path) -> None:
    pages = PolePages()
    page = pages.page(make_alert(1), make_alert(2))
    async with make_store(tmp_path) as store:
        await store.keep(page)
        one = page.records[0].link
        good = Statement("head", "SG-017", "e1", "alerts", 1, one.hash, "at")
        bad = Statement("head", "SG-017", "e1", "alerts", 2, "0" * 64, "at")
        beyond = Statement("head", "SG-017", "e1", "alerts", 3, "1" * 64, "at")
        lines = await store.keep_statements(
            "SG-017", [sign(each, KEY) for each in (good, bad, beyond)]
        )
        assert len(lines) == 1
        assert lines[0].startswith("alerts 2: signed as head is 0000000000000000…")
        assert await store.signed_to("SG-017", "alerts") == one
        assert await store.signed_to("SG-017", "media") is None


@run_async
async def test_identity_and_acks_are_as_they_were_after_a_restart(tmp_path: Path) -> None:
    async with make_store(tmp_path) as store:
        assert await store.identity("SG-017") is None
        me = replace(ME, position={"lat": 1.5, "lon": 2.0}, cameras=("yard", "gate"))
        await store.keep_identity("SG-017", me)
        await store.note_acked("SG-017", "alerts", Cursor("e1", 5))
        await store.note_told("dispatch", 7)
        await store.note_told("dispatch", 6)
    async with make_store(tmp_path) as store:
        assert await store.identity("SG-017") == me
        assert await store.acked("SG-017") == {"alerts": Cursor("e1", 5)}
        assert (await store.told_to("dispatch"), await store.told_to("other")) == (7, None)


@run_async
async def test_pole_is_told_all_anew_when_our_token_there_has_another_name(tmp_path: Path) -> None:
    pages, other = PolePages(), PolePages(name="SG-018")
    async with make_store(tmp_path) as store:
        for each in (pages, other):
            await store.keep_identity(each.name, ME)
            await store.keep(each.page(make_file(1, b"clip")))
            for wanted in await store.wanted(each.name, limit=9):  # one hash is one file
                await bring(store, wanted, b"clip")
            await store.note_files_acked(each.name, [wanted.sha256])
            await store.note_acked(each.name, "media", Cursor("e1", 1))
        await store.keep_identity("SG-017", replace(ME, version="2"))
        assert await store.acked("SG-017") == {"media": Cursor("e1", 1)}
        await store.keep_identity("SG-017", replace(ME, token_name="station-2"))
        assert await store.acked("SG-017") == {}
        assert await store.unacked_files("SG-017", limit=9) == [wanted.sha256]
        assert await store.acked("SG-018") == {"media": Cursor("e1", 1)}
        assert await store.unacked_files("SG-018", limit=9) == []


@run_async
async def test_word_counts_at_once_and_waits_for_the_pole(tmp_path: Path) -> None:
    pages = PolePages()
    async with make_store(tmp_path) as store:
        await store.keep_identity("SG-017", ME)
        await store.keep(pages.page(make_alert(1)))
        ack = make_word(1, "alert.ack", note="going there")
        (sealed,) = await store.say([ack], pass_on=True)
        assert open_seal(sealed.body)["pole"] == "station"
        assert (await shown(store, 1))["acked"]["by"] == "chen"
        assert (await store.counts())["new"] == 0
        assert await store.say([ack], pass_on=True) == [sealed]
        await store.say([make_word(1, "alert.resolve", verdict="false")], pass_on=True)
        first, second = await store.words_to_send("SG-017", limit=9)
        assert (first.what, first.body) == ("ack", {"note": "chen: going there"})
        assert (second.what, second.body) == ("resolve", {"note": "chen", "verdict": "false"})
        assert first.alert == alert_id(1)
        await store.note_sent(first)
        await store.note_sent(second, refused="404: no such alert")
        assert (await shown(store, 1))["refused"] == "404: no such alert"
        echo = make_alert(1, "alert.ack", camera=None, data={"by": "station-token"})
        await store.keep(pages.page(echo))
        assert (await shown(store, 1))["acked"]["by"] == "chen"
        assert len((await store.records("SG-017", alert_id(1))).bodies) == 4
    async with make_store(tmp_path) as store:
        assert await store.words_to_send("SG-017", limit=9) == []


@run_async
async def test_own_record_with_the_id_of_another_is_refused(tmp_path: Path) -> None:
    async with make_store(tmp_path) as store:
        note = make_word(1, "alert.note", text="a")
        await store.say([note])
        with pytest.raises(EvidenceError, match="another record has the id"):
            await store.say([replace(note, data={**note.data, "text": "b"})])
        with pytest.raises(EvidenceError):
            await store.say([make_word(2, "alert.note", text="\ud800")])
        assert len(await store.arrivals(after=0, feeds=FEEDS, limit=9)) == 1


@run_async
async def test_own_alert_is_shown_chained_and_signed_as_any_other(tmp_path: Path) -> None:
    rule = {"type": "station", "name": "silent"}
    async with make_store(tmp_path) as store:
        data = {"site": "east", "about": "east"}
        opened = make_alert(1, camera=None, rule=rule, data=data, severity="critical")
        await store.tell([opened])
        alert = await shown(store, 1, "station")
        assert (alert["pole"], alert["pole_id"], alert["site"]) == ("station", "station", "east")
        assert ids(await store.alerts(Asked(rule="station/silent"), after=None, limit=9)) == [
            alert_id(1)
        ]
        await store.tell([make_alert(1, "alert.close", camera=None, rule=rule)])
        assert (await shown(store, 1, "station"))["closed_at"] is not None
    with open_store_reader(tmp_path) as reader:
        own = next(feed for feed in reader.feeds() if feed.head.feed == "alerts")
        assert (own.pole, own.head.seq) == ("station", 2)
        signed = reader.statements(own)
        assert [(each.statement.seq, each.key) for each in signed] == [
            (1, reader.key), (2, reader.key),
        ]  # fmt: skip


@run_async
async def test_lists_are_walked_by_page_in_their_order(tmp_path: Path) -> None:
    severities = ("minor", "critical", "info", "major", "critical", "minor")
    async with make_store(tmp_path, sites={"P0": "east", "P1": None}) as store:
        for number, severity in enumerate(severities):
            pages = PolePages(name=f"P{number % 2}", epoch=f"e{number}")
            draft = make_alert(number, severity=severity, rule={"type": f"r{number % 3}"})
            page = pages.page(draft, received_ms=AT_MS + number, is_new_life=True)
            await store.keep(page)

        async def walk(asked: Asked) -> list[int]:
            found: list[int] = []
            after: str | None = None
            while True:
                page = await store.alerts(asked, after=after, limit=2)
                found += [int(each[3:]) for each in ids(page)]
                after = page.next
                if after is None:
                    return found

        assert await walk(Asked()) == [4, 1, 3, 5, 0, 2]
        assert await walk(ALL) == [4, 1, 3, 5, 0, 2]
        assert await walk(Asked(pole="P0")) == [4, 0, 2]
        assert await walk(Asked(site="east", state="new")) == [4, 0, 2]
        assert await walk(Asked(state="all", newest_first=True)) == [5, 4, 3, 2, 1, 0]
        assert await walk(Asked(state="all", newest_first=True, rule="r1")) == [4, 1]
        assert await walk(Asked(state="all", newest_first=True, site="east")) == [4, 2, 0]
        assert await walk(Asked(state="open", newest_first=True, pole="P1")) == [5, 3, 1]
        span = Asked(state="all", newest_first=True, since_ms=AT_MS + 2, until_ms=AT_MS + 5)
        assert await walk(span) == [4, 3, 2]
        assert await walk(replace(span, newest_first=False)) == [4, 3, 2]
        for after in ("w.x", "n.1.1", "", "w.99999999999999999999"):
            with pytest.raises(ValidationError, match="after"):
                await store.alerts(ALL, after=after, limit=2)


@run_async
async def test_alert_of_which_too_much_is_told_does_not_make_lists_heavy(tmp_path: Path) -> None:
    pages = PolePages()
    async with make_store(tmp_path) as store:
        await store.keep(pages.page(make_alert(1)))
        for number in range(3):
            data = {f"text{number}": "x" * 60_000}
            await store.keep(pages.page(make_alert(1, "alert.update", data=data, ordinal=number)))
        alert = await shown(store, 1)
        assert (alert["flaw"], alert["data"]) == (TOO_LONG, {})
        assert max(map(len, (await store.records("SG-017", alert_id(1))).bodies)) > 60_000


@run_async
async def test_changes_come_in_order_and_each_alert_once(tmp_path: Path) -> None:
    pages = PolePages()
    async with make_store(tmp_path) as store:
        await store.keep(pages.page(*(make_alert(number) for number in range(5))))
        await store.say([make_word(1, "alert.ack")])
        page = await store.changed(after=0, limit=3)
        assert ids(page) == [alert_id(0), alert_id(2), alert_id(3)]
        rest = await store.changed(after=int(page.next or 0), limit=3)
        assert (ids(rest), rest.next) == ([alert_id(4), alert_id(1)], None)
        assert not await store.wait_for_change(after=store.change, timeout_s=0.01)
        assert await store.wait_for_change(after=store.change - 1, timeout_s=60)


@run_async
async def test_who_waits_is_woken_by_what_is_on_disk(tmp_path: Path) -> None:
    pages = PolePages()
    async with make_store(tmp_path) as store, asyncio.TaskGroup() as tasks:
        change = tasks.create_task(store.wait_for_change(after=0, timeout_s=60))
        arrival = tasks.create_task(store.wait_for_arrival(after=0, timeout_s=60))
        await asyncio.sleep(0)
        await store.keep(pages.page(make_alert(1)))
        assert await change
        assert await arrival
        assert len(await store.arrivals(after=0, feeds=["alerts"], limit=9)) == 1


@run_async
async def test_responses_have_the_times_of_every_alert_of_a_span(tmp_path: Path) -> None:
    pages = PolePages()
    async with make_store(tmp_path, sites={"SG-017": "east"}) as store:
        await store.keep(pages.page(make_alert(1), make_alert(2, is_test=True)))
        await store.say([
            make_word(1, "alert.seen", by="wu"), make_word(1, "alert.ack"),
            make_word(1, "alert.resolve", verdict="false"),
        ])  # fmt: skip
        one, two = await store.responses(since_ms=AT_MS, until_ms=AT_MS + 1)
        assert (one.site, one.seen_ms, one.acked_ms, one.resolved_ms) == (
            "east", AT_MS, AT_MS, AT_MS,
        )  # fmt: skip
        assert (one.mark, one.by, one.is_test) == ("false", "chen", False)
        assert (two.mark, two.by, two.acked_ms, two.is_test) == ("", "", None, True)
        assert await store.responses(since_ms=AT_MS + 1, until_ms=AT_MS + 9) == []


@run_async
async def test_arrivals_are_of_the_feeds_that_are_asked_for(tmp_path: Path) -> None:
    pages = PolePages()
    async with make_store(tmp_path) as store:
        await store.keep(pages.page(make_alert(1)))
        await store.keep(pages.page(make_file(1, b"x")))
        await store.say([make_word(1, "alert.ack")])
        both = await store.arrivals(after=0, feeds=["media", "alerts", "alerts"], limit=9)
        assert [(each.number, each.pole) for each in both] == [
            (1, "SG-017"), (2, "SG-017"), (3, "station"),
        ]  # fmt: skip
        alerts = await store.arrivals(after=1, feeds=["alerts"], limit=9)
        assert [each.number for each in alerts] == [3]
        assert hashlib.sha256(both[0].body).digest() != hashlib.sha256(both[2].body).digest()


@run_async
async def test_store_is_refused_to_another_station_and_to_a_second_process(
    tmp_path: Path,
) -> None:
    async with make_store(tmp_path):
        with pytest.raises(StoreError, match="another station has it"):
            async with make_store(tmp_path):
                pass
    (tmp_path / "device.key").rename(tmp_path / "away")
    with pytest.raises(StoreError, match=r"device\.key is missing"):
        async with make_store(tmp_path):
            pass
