"""A log that was put back, and a real store: all that the pole has is kept, and it stays sound."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from edge.feeds import ClockReading, Cursor, Feed
from edge.station.own_alerts import OwnAlerts, Pen
from edge.station.ports.vault import CheckedRecord, Identity
from edge.station.pulling.contact import Contacts
from edge.station.pulling.feed_pull import FeedPull
from edge.station.pulling.flaw_book import FlawBook
from edge.station.pulling.one_pole import Met, OnePole
from edge.station.pulling.ports import CursorGone, FeedPage, Who
from edge.station.store.station_store import StationStore
from edge.supervise import Passing
from tests.support.aio import run_async
from tests.support.clocks import ManualClock
from tests.support.drafts import AT_MS
from tests.support.fake_client import FakeClient
from tests.support.station_store import PolePages, make_alert, make_store, shown
from tests.support.verified_store import findings, verify

Log = list[CheckedRecord]


@dataclass
class LogClient(FakeClient):
    """A pole that has the records of a log after its oldest place."""

    log: Sequence[CheckedRecord] = ()
    oldest: int = 0
    clock: ManualClock = field(default_factory=lambda: ManualClock(utc_ms=AT_MS))

    async def page(
        self, feed: Feed, *, after: Cursor | None, limit: int, wait_s: float
    ) -> FeedPage:
        oldest, seq = Cursor("e1", self.oldest), after.seq if after else self.oldest
        if not self.oldest <= seq <= len(self.log):
            raise CursorGone("it is not here", oldest)
        items = tuple(each.body for each in self.log[seq : seq + limit])
        upto = seq + len(items)
        return FeedPage(items, Cursor("e1", upto), oldest, upto < len(self.log))

    async def pull(self, store: StationStore, log: Log, *, oldest: int = 0) -> None:
        """Have it pulled to its end with another log in place of what it had."""
        self.log, self.oldest = log, oldest
        own = OwnAlerts(store, Pen(self.clock, lambda: ClockReading("synced", "b00t", 1)))
        contact = Contacts({"SG-017": None}, self.clock).of("SG-017")
        flaws = FlawBook("SG-017", own, contact, self.clock)
        pole = OnePole(
            "SG-017", None, self, store, contact, own, flaws, Passing(self.clock, self.sleep)
        )
        feed = FeedPull(pole, "alerts")
        who = Who(Identity("SG-017", "a" * 64, "pem", "station"), "e1", AT_MS, {})
        places = await store.places("SG-017")
        feed.begin(Met(who, 0), places.get("alerts"), None)
        while feed.has_more:
            await feed.pull(wait_s=0)
        assert feed.place == log[-1].link

    async def sleep(self, seconds: float) -> None:
        """Let the time pass."""
        self.clock.move(seconds)


def write(pages: PolePages, count: int, *, first: int) -> Log:
    return [pages.seal(make_alert(first + number)) for number in range(count)]


def make_logs(*, shared: int, old: int, new: int) -> tuple[Log, Log]:
    """The log that was pulled, and what it became after it was put back: so many records each."""
    pages = PolePages()
    both = write(pages, shared, first=1)
    other = pages.branch_off()
    return both + write(pages, old - shared, first=100), both + write(
        other, new - shared, first=200
    )


async def arrived(store: StationStore) -> list[bytes]:
    page = await store.arrivals(after=0, feeds=["alerts"], limit=500)
    return [each.body for each in page if each.pole == "SG-017"]


@pytest.mark.parametrize("shared", [1, 4, 5, 6, 8])
@pytest.mark.parametrize("new", [9, 13])
def test_put_back_log_is_pulled_whole_when_records_are_missing_here(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], shared: int, new: int
) -> None:
    """Records 5 and 6 left the pole before they were pulled: there nothing can be compared."""
    old_log, new_log = make_logs(shared=shared, old=10, new=new)

    @run_async
    async def run() -> None:
        client = LogClient()
        async with make_store(tmp_path) as store:
            await client.pull(store, old_log[:4])
            await client.pull(store, old_log, oldest=6)
            await client.pull(store, new_log)
            kept = await arrived(store)
        assert len(kept) == len(set(kept)), "nothing comes twice"
        missing = [each.link.seq for each in new_log if each.body not in kept]
        assert missing == ([5, 6] if shared == 8 else []), "told when the old log was pulled"

    run()
    code, report = verify(capsys, tmp_path)
    assert (code, findings(report)) == (0, set())


@pytest.mark.parametrize("new", [15, 20, 25, 35])
def test_all_of_a_put_back_log_is_pulled_when_nothing_that_is_kept_can_be_compared(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], new: int
) -> None:
    """What lay before was never here, or has been let go: the pole is told of none unpulled."""
    old_log, new_log = make_logs(shared=5, old=30, new=new)

    @run_async
    async def run() -> None:
        client = LogClient()
        async with make_store(tmp_path) as store:
            await client.pull(store, old_log, oldest=20)
            await client.pull(store, new_log)
            kept = await arrived(store)
            assert [body for body in kept if body not in {each.body for each in old_log[20:]}] == [
                each.body for each in new_log
            ]

    run()
    code, report = verify(capsys, tmp_path)
    assert (code, findings(report)) == (0, set())


def test_two_poles_that_share_a_log_are_gone_on_with_where_each_was(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one, two = make_logs(shared=5, old=20, new=16)
    longer = PolePages(links={"alerts": one[-1].link})
    more = one + write(longer, 3, first=300)

    @run_async
    async def run() -> None:
        client = LogClient()
        async with make_store(tmp_path) as store:
            for log in (one, two, more):
                await client.pull(store, log)
            assert await arrived(store) == [each.body for each in (*one, *two[5:], *more[20:])]

    run()
    code, report = verify(capsys, tmp_path)
    assert (code, findings(report)) == (0, set())


@run_async
async def test_alerts_begun_behind_the_fork_end_as_interrupted(tmp_path: Path) -> None:
    old_log, new_log = make_logs(shared=2, old=4, new=5)
    client = LogClient()
    async with make_store(tmp_path, sites={"SG-017": None}) as store:
        await client.pull(store, old_log)
        await client.pull(store, new_log)
        ends = {
            number: (await shown(store, number))["close_reason"]
            for number in (1, 2, 100, 101, 200, 201, 202)
        }
    assert ends == {
        1: None, 2: None, 100: "interrupted", 101: "interrupted", 200: None, 201: None, 202: None,
    }  # fmt: skip
