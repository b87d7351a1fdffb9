"""One feed of one pole: asked, checked, kept, acknowledged, in that order."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from edge.errors import EvidenceError, PoleUnreachable, PoleWrong
from edge.evidence import START_HASH, Link
from edge.feeds import Cursor, Feed
from edge.station.ports.vault import Batch, Kept
from edge.station.pulling.chain import UNKNOWN, CheckedPage, check_page
from edge.station.pulling.feed_brake import FeedBrake
from edge.station.pulling.flaw_book import Kind, Place
from edge.station.pulling.fork import ForkSearch
from edge.station.pulling.one_pole import MeetAgain, Met, OnePole
from edge.station.pulling.pace import Allowance
from edge.station.pulling.ports import CursorGone, FeedPage, TooLong

LIMIT_MAX = 200
"""Records asked for at once: some 200 KB, checked in 15 ms."""
LIGHT_BYTES_MAX = 64 * 1024
"""What is checked on the event loop. Records made to be slow take 1 ms a KiB: a page of
them would keep every other pole and desk waiting for seconds."""
LIMIT_MIN = 5
"""On a link so bad that more never comes whole, or of records so long that no answer holds more."""


class FeedPull:
    """Where one feed stands, and how it goes on; `begin` before anything else."""

    def __init__(self, pole: OnePole, feed: Feed, allowance: Allowance | None = None) -> None:
        """Nothing is asked yet; `allowance` is what the feed may bring."""
        self.feed: Feed = feed
        self._brake = FeedBrake(pole, feed, allowance or Allowance())
        self._pole = pole
        self._limit = LIMIT_MAX
        self._met: Met | None = None
        self._place: Link | None = None
        self._is_new_life = False
        self._acked: Cursor | None = None
        self._is_doubted = False
        self.has_more = True
        """Whether the pole has told of records that have not been pulled."""
        self.forks = 0
        """How often the pole's log was found to leave what is kept here."""

    def begin(self, met: Met, place: Link | None, acked: Cursor | None) -> None:
        """Go on from what is on disk.

        Args:
            met: the pole as it was just met.
            place: where the feed stands here; of another life: that of before.
            acked: what the pole has confirmed.
        """
        self._met = met
        is_same = place is not None and place.epoch == met.who.epoch
        self._place = place if is_same else None
        self._is_new_life = place is not None and not is_same
        self._acked = acked
        self.has_more = True

    def met_again(self, met: Met) -> None:
        """The same pole has said again who it is: its clock, or ours, may have been set since."""
        self._met = met

    @property
    def place(self) -> Link | None:
        """Behind the last record that is on disk here; None: nothing has been asked."""
        return self._place

    def doubt(self) -> None:
        """Something else says that the pole's log is not the one that is kept: look next time."""
        self._is_doubted = True

    async def pull(self, *, wait_s: float) -> CheckedPage:
        """Ask once, and keep what comes.

        Args:
            wait_s: how long the pole may wait for news.

        Raises:
            MeetAgain: the pole's log is another one.
            PoleError: it gives nothing, or nothing that can be taken.
            StoreError: the disk here takes nothing.
        """
        place, client = self._place, self._pole.client
        after = None if place is None else Cursor(place.epoch, place.seq)
        if self._is_doubted and place is not None and place.seq > 0 and place.hash != UNKNOWN:
            is_there = await self._search().stands(place, self.feed)
            self._is_doubted = False
            if not is_there:
                return await self._leave(place)
        try:
            page = await client.page(self.feed, after=after, limit=self._limit, wait_s=wait_s)
        except CursorGone as exc:
            return await self._step_over(exc)
        except (PoleUnreachable, TooLong) as exc:
            asked, self._limit = self._limit, max(LIMIT_MIN, self._limit // 2)
            if isinstance(exc, TooLong) and self._limit < asked:
                return await self.pull(wait_s=wait_s)
            raise
        self._limit = min(LIMIT_MAX, self._limit * 2)
        await self._brake.take(sum(map(len, page.items)), page.next.epoch)
        return await self._take(page)

    def rest_s(self) -> float:
        """Seconds to leave the feed alone, as it has brought more than it may."""
        return self._brake.rest_s()

    async def ack(self) -> None:
        """Tell the pole what is on disk here, where it does not know yet.

        Raises:
            PoleError: it can't be told just now.
            StoreError: it was told, and that can't be noted.
        """
        place = self._place
        if place is None or place.seq == 0 or self._is_new_life:
            return
        upto = Cursor(place.epoch, place.seq)
        if upto == self._acked:
            return
        await self._pole.client.ack(self.feed, upto)
        await self._pole.vault.note_acked(self._pole.name, self.feed, upto)
        self._acked = upto

    async def _take(self, page: FeedPage) -> CheckedPage:
        """Check a page, keep it, tell what is wrong with it."""
        place = self._start(page)
        checked = await self._check(place, page)
        if checked.records and not self._is_new_life and self._breaks_off(place, checked):
            search = self._search()
            if not await search.stands(place, self.feed):
                return await self._leave(place)
        checked = _reconcile(place, page, checked)
        await self._keep(place, checked, has_more=page.has_more)
        return checked

    async def _check(self, place: Link, page: FeedPage) -> CheckedPage:
        """Check a page's records, a heavy page on a thread."""
        pole_id = self._known.who.identity.pole_id
        if sum(map(len, page.items)) <= LIGHT_BYTES_MAX:
            return check_page(place, page.items, pole_id=pole_id)
        check = partial(check_page, place, page.items, pole_id=pole_id)
        return await asyncio.get_running_loop().run_in_executor(self._pole.threads, check)

    def _start(self, page: FeedPage) -> Link:
        """Where a page begins."""
        epoch = self._known.who.epoch
        if page.next.epoch != epoch:
            raise MeetAgain(f"its log is {page.next.epoch} now and was {epoch} when it was met")
        if self._place is not None:
            return self._place
        seq = page.oldest.seq
        return Link(epoch, self.feed, seq, START_HASH if seq == 0 else UNKNOWN)

    async def _keep(self, start: Link, checked: CheckedPage, *, has_more: bool) -> None:
        """Tell a page's flaws, have it on disk; what was kept before is not kept twice.

        A kill between the two tells them twice: else nobody would ever learn of them.
        """
        pole = self._pole
        breaks = find_breaks(start, checked)
        await self._tell("chain", checked.place.epoch, checked.flaws, breaks)
        is_news = self._place != checked.place or self._is_new_life or bool(checked.unreadable)
        kept = await self._store(checked) if is_news else Kept(0, 0)  # most pages are empty
        self._place, self._is_new_life, self.has_more = checked.place, False, has_more
        pole.contact.took(
            self.feed, records=kept.new_count, alerts=kept.new_alerts, has_more=has_more
        )

    async def _store(self, checked: CheckedPage) -> Kept:
        """Commit a page; one that contradicts what is kept begins a branch of its own."""
        pole = self._pole
        batch = Batch(
            pole.name, checked.place, checked.records, pole.passing.clock.utc_ms(),
            unreadable=checked.unreadable,
            is_new_life=self._is_new_life,
            clock_ahead_ms=self._known.clock_ahead_ms,
        )  # fmt: skip
        try:
            return await pole.vault.keep(batch)
        except EvidenceError as exc:
            if self._is_new_life:
                raise PoleWrong(f"its {self.feed} contradict themselves: {exc}") from exc
            flaw = f"{self.feed} up to {checked.place.seq}: other records than are kept here: {exc}"
        await self._tell("fork", checked.place.epoch, [flaw])
        return await pole.vault.keep(replace(batch, is_new_life=True))

    async def _tell(
        self, kind: Kind, life: str, flaws: Sequence[str], breaks: Sequence[Place] = ()
    ) -> None:
        """Tell what is wrong before it is kept; what is new each time waits for its turn."""
        pole = self._pole
        if breaks or kind == "fork":
            await pole.passing.sleep(pole.flaws.turn_s(kind, self.feed))
        await pole.flaws.note(kind, self.feed, life, flaws, breaks=breaks)

    def _breaks_off(self, place: Link, checked: CheckedPage) -> bool:
        """Whether the first record stands where it should and holds another hash than ours."""
        first = checked.records[0]
        return bool(first.flaw) and first.link.seq == place.seq + 1

    def _search(self) -> ForkSearch:
        pole = self._pole
        return ForkSearch(pole.name, self._known.who.identity.pole_id, pole.client, pole.vault)

    async def _step_over(self, gone: CursorGone) -> CheckedPage:
        """Go on where the pole can: behind what has left, or where its log was put back."""
        place, oldest = self._place, gone.oldest
        if oldest is None or place is None:
            raise PoleWrong(f"it can't go on and does not say from where: {gone}") from gone
        if oldest.epoch != place.epoch:
            raise MeetAgain(f"its log is {oldest.epoch} now, and was {place.epoch}") from gone
        if oldest.seq <= place.seq:
            return await self._leave(place)
        flaw = f"{self.feed} {place.seq + 1} to {oldest.seq}: left the pole before they were pulled"
        behind = Link(place.epoch, self.feed, oldest.seq, UNKNOWN)
        checked = CheckedPage((), behind, (), (flaw,))
        await self._keep(place, checked, has_more=True)
        return checked

    async def _leave(self, place: Link) -> CheckedPage:
        """Take up a log that was put back to an older state, where it leaves what is kept here."""
        same = await self._search().find(place, self.feed)
        if same == place:
            raise PoleWrong(f"it can't go on from {place.epoch}.{place.seq}, and has that record")
        flaw = (
            f"{self.feed} {min(same.seq + 1, place.seq)} to {place.seq}: kept here, and no more at"
            f" the pole as far as they can be compared; its log is pulled from {same.seq + 1} on:"
            " it was put back, or two poles share it"
        )
        await self._tell("fork", place.epoch, [flaw])
        self.forks += 1
        self._is_new_life, self._place = True, None
        checked = CheckedPage((), same, (), ())
        await self._keep(same, checked, has_more=True)
        return checked

    @property
    def _known(self) -> Met:
        assert self._met is not None, "begin() comes first"
        return self._met


def find_breaks(start: Link, checked: CheckedPage) -> list[Place]:
    """Where the records of a page that can be kept will not follow each other; pure.

    Args:
        start: the place before the page.
        checked: the page.

    Returns:
        At most one more than there are records, in order.
    """
    breaks, last = [], start.seq
    for record in checked.records:
        seq = record.link.seq
        if seq > last + 1 or record.flaw:
            breaks.append((last + 1, seq - 1))
        last = seq
    if checked.place.seq > last:
        breaks.append((last + 1, checked.place.seq))
    return breaks


def _reconcile(place: Link, page: FeedPage, checked: CheckedPage) -> CheckedPage:
    """Hold the records of a page against where it says that it ends.

    Raises:
        PoleWrong: they contradict each other, or nothing moves; nothing is to be kept.
    """
    following, seq = page.next.seq, checked.place.seq
    if following < seq or following < place.seq:
        raise PoleWrong(f"its page of {place.feed} ends at {seq} and says {following}")
    if page.has_more and following == place.seq:
        raise PoleWrong(f"it has more of {place.feed} behind {place.seq} and does not give it")
    if following == seq:
        return checked
    flaw = f"{place.feed} {seq + 1} to {following}: missing; the pole passes over them"
    behind = Link(place.epoch, place.feed, following, UNKNOWN)
    return CheckedPage(checked.records, behind, checked.unreadable, (*checked.flaws, flaw))
