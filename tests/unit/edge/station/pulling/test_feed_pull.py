"""One feed: kept before it is acknowledged, and never moved by what contradicts itself."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest

from edge.errors import PoleUnreachable, PoleWrong, StoreError
from edge.evidence import START_HASH, Link, seal
from edge.feeds import ClockReading, Cursor, Feed, make_record
from edge.station.own_alerts import OwnAlerts, Pen
from edge.station.ports.vault import Batch, CheckedRecord, Identity, Kept
from edge.station.pulling.chain import CheckedPage
from edge.station.pulling.contact import Contacts
from edge.station.pulling.feed_pull import FeedPull, find_breaks
from edge.station.pulling.flaw_book import TURN_S, FlawBook
from edge.station.pulling.one_pole import MeetAgain, Met, OnePole
from edge.station.pulling.ports import CursorGone, FeedPage, TooLong, Who
from edge.supervise import Passing
from tests.support.aio import run_async
from tests.support.clocks import ManualClock
from tests.support.fake_client import FakeClient
from tests.support.fake_vault import FakeVault
from tests.support.sealed_chain import LIFE, make_chain, make_draft

CHAIN = make_chain(6)
OTHER = Cursor("0ther", 0)
WHO = Who(Identity("SG-017", "a" * 64, "pem", "station"), "k3f9", 1_795_368_785_120, {})


@dataclass
class Bench:
    """A feed to pull, and everything around it."""

    client: FakeClient = field(default_factory=FakeClient)
    vault: FakeVault = field(default_factory=FakeVault)
    clock: ManualClock = field(default_factory=lambda: ManualClock(utc_ms=WHO.at_ms))

    def __post_init__(self) -> None:
        pen = Pen(self.clock, lambda: ClockReading("synced", "b00t", 1))
        self.own = OwnAlerts(self.vault, pen)
        self.contact = Contacts({"P1": None}, self.clock).of("P1")
        self.flaws = FlawBook("P1", self.own, self.contact, self.clock)
        self.pole = OnePole(
            "P1", None, self.client, self.vault, self.contact, self.own, self.flaws,
            Passing(self.clock, self.sleep),
        )  # fmt: skip

    async def sleep(self, seconds: float) -> None:
        """Let the time pass."""
        self.clock.move(seconds)

    def pull(self, place: Link | None = None) -> FeedPull:
        """A feed that has been met."""
        pull = FeedPull(self.pole, "alerts")
        pull.begin(Met(WHO, 0), place, None)
        return pull

    @property
    def seqs(self) -> list[int]:
        return [record.link.seq for record in self.vault.records("P1", "alerts")]


def page(*bodies: bytes, upto: int, more: bool = False, oldest: int = 0) -> FeedPage:
    return FeedPage(bodies, Cursor("k3f9", upto), Cursor("k3f9", oldest), more)


@run_async
async def test_page_is_kept_before_it_is_acknowledged_and_acknowledged_once() -> None:
    bench = Bench()
    pull = bench.pull()
    bench.client.pages = [page(*CHAIN[:2], upto=2), page(upto=2), page(*CHAIN[2:], upto=6)]

    await pull.ack()
    for _ in range(3):
        await pull.pull(wait_s=0)
        await pull.ack()
        await pull.ack()

    assert bench.seqs == [1, 2, 3, 4, 5, 6]
    assert bench.client.asked == [None, Cursor("k3f9", 2), Cursor("k3f9", 2)]
    assert bench.client.acked == [Cursor("k3f9", 2), Cursor("k3f9", 6)]
    assert len(bench.vault.batches) == 2, "an empty page is not worth a commit"


@run_async
async def test_nothing_is_acknowledged_and_the_page_is_asked_again_when_the_disk_is_full() -> None:
    bench = Bench()
    pull = bench.pull()
    bench.client.pages = [page(*CHAIN[:2], upto=2), page(*CHAIN[:2], upto=2)]
    bench.vault.fault = "the disk is full; make room"

    with pytest.raises(StoreError):
        await pull.pull(wait_s=0)
    await pull.ack()
    bench.vault.fault = None
    await pull.pull(wait_s=0)

    assert bench.client.acked == []
    assert bench.client.asked == [None, None]
    assert bench.seqs == [1, 2]


@pytest.mark.parametrize(
    "contradiction",
    [
        page(upto=0, more=True),
        page(*CHAIN[:3], upto=2),
        page(*CHAIN[:3], upto=2, more=True),
    ],
)
@run_async
async def test_page_that_contradicts_itself_moves_nothing(contradiction: FeedPage) -> None:
    bench = Bench()
    pull = bench.pull()
    bench.client.pages = [contradiction]

    with pytest.raises(PoleWrong):
        await pull.pull(wait_s=0)

    assert (bench.seqs, pull.place) == ([], None)


@run_async
async def test_records_that_the_pole_passes_over_are_told_as_missing() -> None:
    bench = Bench()
    pull = bench.pull()
    bench.client.pages = [page(*CHAIN[:2], upto=4), page(*CHAIN[4:], upto=6)]

    await pull.pull(wait_s=0)
    await pull.pull(wait_s=0)

    assert bench.seqs == [1, 2, 5, 6]
    assert [name for _, name in bench.vault.rules()] == ["chain"]
    assert "alerts 3 to 4: missing" in str(bench.vault.told[0].data["detail"])


async def pull_all(pull: FeedPull) -> None:
    for _ in range(3):
        await pull.pull(wait_s=0)


class DyingVault(FakeVault):
    """A station that is killed when it is to keep what follows seq 2, or another log."""

    async def keep(self, batch: Batch) -> Kept:
        if batch.place.seq > 2 or batch.is_new_life:
            raise StoreError("killed")
        return await super().keep(batch)


@pytest.mark.parametrize("rule", ["chain", "fork"])
@run_async
async def test_flaw_is_told_before_its_page_is_kept_so_that_a_kill_does_not_hide_it(
    rule: str,
) -> None:
    client = LogClient(log=CHAIN[:2])
    bench = Bench(client=client, vault=DyingVault())
    pull = bench.pull()
    await pull.pull(wait_s=0)
    if rule == "chain":
        client.log, client.oldest = CHAIN, 4
    else:
        client.log = make_chain(6, same_upto=1)

    with pytest.raises(StoreError):
        await pull_all(pull)

    assert bench.vault.rules() == [("alert.open", rule)]
    assert bench.seqs[:2] == [1, 2]


@run_async
async def test_each_break_is_told_before_its_page_is_kept_when_they_come_seconds_apart() -> None:
    """Whoever stops the station in between finds each place in its sealed alert."""
    bench = Bench()
    pull = bench.pull()
    chain = make_chain(9)
    bench.client.pages = [
        page(*chain[1:3], upto=4), page(*chain[5:6], upto=7), page(*chain[8:], upto=9),
    ]  # fmt: skip
    told = []

    for _ in range(3):
        await pull.pull(wait_s=0)
        told.append([each.data["breaks"] for each in bench.vault.told])
        bench.clock.move(1)

    assert told[0] == [[[1, 1], [4, 4]]]
    assert told[1] == [[[1, 1], [4, 4]], [[5, 5], [7, 7]]]
    assert told[2][2:] == [[[8, 8]]]
    assert {each.alert for each in bench.vault.told} == {bench.vault.told[0].alert}


@run_async
async def test_pole_with_a_break_on_each_page_is_pulled_slowly() -> None:
    bench = Bench()
    pull = bench.pull()
    chain = make_chain(80)
    bench.client.pages = [page(body, upto=seq) for seq, body in enumerate(chain, 1) if seq % 2]
    begun_ns = bench.clock.monotonic_ns()

    for _ in range(40):
        await pull.pull(wait_s=0)

    assert len(bench.vault.told) == 39, "the first record is no break"
    assert bench.clock.monotonic_ns() - begun_ns >= 38 * TURN_S * 10**9


@pytest.mark.parametrize(
    ("records", "upto", "breaks"),
    [
        ([(1, ""), (2, "")], 2, []),
        ([(3, "missing"), (4, "")], 6, [(1, 2), (5, 6)]),
        ([(1, ""), (2, "replaced"), (3, "")], 3, [(2, 1)]),
        ([(1, ""), (3, "")], 3, [(2, 2)]),
        ([], 5, [(1, 5)]),
    ],
)
def test_breaks_of_a_page_are_where_what_is_kept_does_not_follow(
    records: list[tuple[int, str]], upto: int, breaks: list[tuple[int, int]]
) -> None:
    draft = make_draft(1)
    kept = tuple(
        CheckedRecord(Link("k3f9", "alerts", seq, "b" * 64), draft, b"", flaw)
        for seq, flaw in records
    )
    checked = CheckedPage(kept, Link("k3f9", "alerts", upto, ""), (), ())

    assert find_breaks(Link("k3f9", "alerts", 0, START_HASH), checked) == breaks


@run_async
async def test_records_that_left_before_they_were_pulled_are_told_and_passed_over() -> None:
    bench = Bench()
    pull = bench.pull(Link("k3f9", "alerts", 1, "b" * 64))
    bench.client.pages = [CursorGone("left", Cursor("k3f9", 4)), page(*CHAIN[4:], upto=6, oldest=4)]

    await pull.pull(wait_s=0)
    await pull.pull(wait_s=0)

    assert bench.seqs == [5, 6]
    assert "alerts 2 to 4: left the pole" in str(bench.vault.told[0].data["detail"])


@run_async
async def test_feed_begins_at_the_oldest_record_when_earlier_ones_have_left() -> None:
    bench = Bench()
    pull = bench.pull()
    bench.client.pages = [page(*CHAIN[3:], upto=6, oldest=3)]

    await pull.pull(wait_s=0)

    assert bench.seqs == [4, 5, 6]
    assert bench.vault.told == [], "what was never to be had is no hole"


@run_async
async def test_others_go_on_while_a_page_that_was_made_to_be_slow_is_checked() -> None:
    bench = Bench()
    pull = bench.pull()
    heavy = make_record(make_draft(1), LIFE, seq=1, prev=START_HASH)
    heavy["data"] = {"x": [[1]] * 40_000}
    bench.client.pages = [page(seal(heavy).body, upto=1)]
    turns = 0

    async with asyncio.TaskGroup() as group:
        pulling = group.create_task(pull.pull(wait_s=0))
        while not pulling.done():
            turns += 1
            await asyncio.sleep(0)

    assert bench.seqs == [1]
    assert turns > 50, "a check on the event loop leaves one"


@dataclass
class LogClient(FakeClient):
    """A pole with a log of which the oldest records have left."""

    log: list[bytes] = field(default_factory=list)
    oldest: int = 0

    async def page(
        self, feed: Feed, *, after: Cursor | None, limit: int, wait_s: float
    ) -> FeedPage:
        oldest, seq = Cursor("k3f9", self.oldest), after.seq if after else self.oldest
        if not self.oldest <= seq <= len(self.log):
            raise CursorGone("it is not here", oldest)
        items = tuple(self.log[seq : seq + limit])
        following = Cursor("k3f9", seq + len(items))
        return FeedPage(items, following, oldest, following.seq < len(self.log))


@pytest.mark.parametrize(("oldest", "shared"), [(0, 12), (9, 12), (12, 12), (14, 14)])
@run_async
async def test_put_back_log_is_gone_on_with_where_it_leaves_ours_when_old_records_have_left(
    oldest: int, shared: int
) -> None:
    client = LogClient(log=make_chain(20))
    bench = Bench(client=client)
    pull = bench.pull()
    await pull.pull(wait_s=0)
    client.log, client.oldest = make_chain(16, same_upto=12), oldest

    for _ in range(3):
        await pull.pull(wait_s=0)

    assert bench.vault.rules() == [("alert.open", "fork")], "nothing is told to be missing"
    assert f"alerts {shared + 1} to 20: kept here" in str(bench.vault.told[0].data["detail"])
    assert bench.seqs == [*range(1, 21), *range(shared + 1, 17)]


@pytest.mark.parametrize(
    "news", [CursorGone("another log", OTHER), FeedPage((), OTHER, OTHER, False)]
)
@run_async
async def test_pole_is_met_again_when_its_log_is_another(news: FeedPage | Exception) -> None:
    bench = Bench()
    pull = bench.pull(Link("k3f9", "alerts", 1, "b" * 64))
    bench.client.pages = [news]

    with pytest.raises(MeetAgain):
        await pull.pull(wait_s=0)


@run_async
async def test_less_is_asked_for_at_once_when_a_page_is_too_long() -> None:
    bench = Bench()
    pull = bench.pull()
    too_long: list[FeedPage | Exception] = [TooLong("longer than it may be")] * 6
    bench.client.pages = [*too_long[:3], page(*CHAIN, upto=6)]

    await pull.pull(wait_s=0)

    assert bench.seqs == [1, 2, 3, 4, 5, 6]
    assert bench.client.limits == [200, 100, 50, 25]
    bench.client.pages = too_long
    with pytest.raises(TooLong):
        await pull.pull(wait_s=0)
    assert bench.client.limits[4:] == [50, 25, 12, 6, 5]


@run_async
async def test_less_is_asked_for_when_the_link_breaks_and_more_again_when_it_holds() -> None:
    bench = Bench()
    pull = bench.pull()
    cuts: list[FeedPage | Exception] = [PoleUnreachable("cut")] * 6
    bench.client.pages = [*cuts, page(CHAIN[0], upto=1), page(*CHAIN[1:], upto=6), page(upto=6)]

    for _ in cuts:
        with pytest.raises(PoleUnreachable):
            await pull.pull(wait_s=0)
    for _ in range(3):
        await pull.pull(wait_s=0)

    assert bench.client.limits == [200, 100, 50, 25, 12, 6, 5, 10, 20]


@run_async
async def test_flaws_of_a_feed_are_one_alert_with_a_count_that_ends_when_it_is_clean() -> None:
    bench = Bench()

    await bench.flaws.note("chain", "alerts", "k3f9", ["first 1", "second 2"])
    await bench.flaws.note("chain", "alerts", "k3f9", ["second 3"])
    assert bench.vault.rules() == [("alert.open", "chain")]
    bench.clock.move(31)
    await bench.flaws.settle()
    assert bench.vault.rules() == [("alert.open", "chain"), ("alert.update", "chain")]
    data = bench.vault.told[-1].data
    assert (data["count"], data["first"], data["detail"]) == (3, "first 1", "second 3")
    again = FlawBook("P1", bench.own, bench.contact, bench.clock)
    bench.clock.move(3601)
    await again.settle()

    assert bench.vault.rules()[2:] == [("alert.close", "chain")]
    assert bench.contact.view().troubles == ()
