"""One pole, pulled for as long as the station runs: met, followed, and met again when it is lost.

Two long polls bring alerts and files' news at once; the other feeds, health and signatures are
asked about once a minute. Alerts come first: nothing else is asked before those are here.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

from edge.clock import NS_PER_S
from edge.errors import PoleError, PoleRefused, StoreError
from edge.evidence import Link
from edge.feeds import FEEDS, Feed
from edge.station.pulling.chain import CheckedPage
from edge.station.pulling.feed_pull import FeedPull
from edge.station.pulling.meeting import Meeting, Roster, who_changed
from edge.station.pulling.news import note_news
from edge.station.pulling.one_pole import MeetAgain, Met, OnePole
from edge.station.pulling.pace import Allowance
from edge.station.pulling.patience import Patience
from edge.station.pulling.ports import CursorGone
from edge.station.pulling.signed import SignedHeads
from edge.supervise import run_forever

ROUND_S = 60.0
SIGNED_EVERY_S = 120.0
ACK_EVERY_S = 3.0
"""The first goes at once; what an alert brings in the seconds after it is one more."""
FIRST_TRIES_PER_S = 50
REFUSED_S = 60.0
STORE_S = 5.0
AGAIN_S_MIN, AGAIN_S_MAX = 1.0, 30.0
MET_AGAIN_S_MAX = 15.0
"""The same of a pole that was met and could not be followed: it must not seem silent meanwhile."""
STEADY_S = 60.0
"""What ran for so long is asked again soon when it is lost."""
VAIN_S = 60.0
"""A feed that gives no page for so long is an alert; one bad answer is a line in the log."""
VAIN_AGAIN_S = 1800.0
"""It is told again so often, so that its alert does not close as over."""
QUICK_S = 1.0
"""An empty answer to a long poll that comes much too soon is asked again after this."""
GENTLE_S = 0.02
"""Between two pages of who has much to tell, so that it does not take the machine for itself."""
REASONS_MAX = 20
"""Why a pole was lost, in the log until it is met again: a hostile one may have ever another."""
_POLLED: tuple[Feed, ...] = ("alerts", "media")

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Rhythm:
    """The first try comes within `spread_s`, so that hundreds do not come at once.

    `wait_s` is how long the pole may hold a poll: below its own limit, and below what links between
    keep an idle connection for. `allowance` bounds what each feed brings.
    """

    spread_s: float = 0.0
    wait_s: float = 25.0
    allowance: Allowance = field(default_factory=Allowance)

    @classmethod
    def of(cls, poles: int) -> Rhythm:
        """That of each of so many poles: fifty first tries a second, whatever their number.

        5,000 are tried within 100 s; one that nobody has asked counts as silent after 120.
        """
        return cls(spread_s=poles / FIRST_TRIES_PER_S)


@dataclass(slots=True)
class _Vain:
    """A feed that is asked and has given no page since: when that is told, and why it may be."""

    due_ns: int
    reason: str = "no page of it has come for a minute"


class Words(Protocol):
    """Passes on what desks say while the pole is met."""

    async def run(self) -> None:
        """Go on until cancelled; what the pole refuses is its own to try again."""
        ...


class Files(Words, Protocol):
    """Fetches files while the pole is met."""

    def wake(self) -> None:
        """Records have named files."""
        ...


class Collector:
    """Pulls one pole; see `run`."""

    def __init__(
        self,
        pole: OnePole,
        files: Files,
        words: Words,
        *,
        roster: Roster,
        rhythm: Rhythm | None = None,
    ) -> None:
        """Nothing is asked before `run`.

        Args:
            pole: which, and where what it tells goes.
            files: runs while it is met.
            words: likewise.
            roster: the whole station's.
            rhythm: how long things may take.
        """
        self._pole, self._files, self._words = pole, files, words
        self._rhythm = rhythm or Rhythm()
        self._meeting, self._signed = Meeting(pole, roster), SignedHeads(pole)
        self._pulls = {feed: FeedPull(pole, feed, self._rhythm.allowance) for feed in FEEDS}
        self._again_s = AGAIN_S_MIN
        self._is_met = False
        self._said: set[str] = set()
        self._kept, self._has_alerts, self._hurry = (
            asyncio.Event(),
            asyncio.Event(),
            asyncio.Event(),
        )
        self._vain: dict[Feed, _Vain] = {}
        self._answered_ns = 0
        self._signed_ns: dict[Feed, tuple[int, int]] = {}

    async def run(self) -> None:
        """Pull until cancelled."""
        passing = self._pole.passing
        await passing.sleep(self._rhythm.spread_s * passing.dice())
        await run_forever(f"pole {self._pole.name}", self.run_once, passing)

    async def run_once(self) -> float:
        """Meet the pole and follow it until that can't go on; seconds until it is tried again."""
        clock = self._pole.passing.clock
        begun_ns = clock.monotonic_ns()
        error: BaseException
        try:
            met = await self._meet()
            self._say_met(met)
            await self._follow(met)
        except ExceptionGroup as group:
            error = _first(group)
        except (PoleError, StoreError) as exc:
            error = exc
        ran_s = (clock.monotonic_ns() - begun_ns) / NS_PER_S
        if not isinstance(error, PoleError | StoreError):
            raise error
        if not isinstance(error, MeetAgain) or self._again_s > AGAIN_S_MIN:
            self._pole.contact.failed(error)  # a new log is no fault; one each minute is
        wait_s = self._wait_s(error, ran_s)
        self._say_lost(error)
        return wait_s * (0.5 + self._pole.passing.dice())

    async def _meet(self) -> Met:
        """Meet it, and go on where what is on disk here ends."""
        met = await self._meeting.meet()
        now_ns = _now_ns(self._pole)
        if now_ns - self._answered_ns >= VAIN_S * NS_PER_S:  # it was silent, which is told
            for vain in self._vain.values():
                vain.due_ns = max(vain.due_ns, now_ns + round(VAIN_S * NS_PER_S))
        self._answered_ns = now_ns
        vault, name = self._pole.vault, self._pole.name
        places, acked = await vault.places(name), await vault.acked(name)
        await self._tell_new_life(met, places)
        for feed, pull in self._pulls.items():
            pull.begin(met, places.get(feed), acked.get(feed))
        self._met = met
        self._has_alerts.clear()
        self._kept.set()  # a station that was killed may not have told the pole what it has
        return met

    async def _tell_new_life(self, met: Met, places: Mapping[Feed, Link]) -> None:
        """Tell that a pole has begun another log, and what of the old one is lost."""
        left = [link for link in places.values() if link.epoch != met.who.epoch]
        if left:
            where = ", ".join(f"{link.feed} after {link.seq}" for link in left)
            flaw = (
                f"the pole has begun another log, {met.who.epoch} in place of {left[0].epoch}: what"
                f" it had not given of the old one is lost: {where}"
            )
            await self._pole.flaws.note_reset(met.who.epoch, flaw)

    async def _follow(self, met: Met) -> None:
        """Do everything at once until one of them can't go on."""
        async with asyncio.TaskGroup() as group:
            for feed in _POLLED:
                group.create_task(self._poll(self._pulls[feed]))
            group.create_task(self._watch_feeds())
            group.create_task(self._go_round())
            group.create_task(self._visit(met))
            group.create_task(self._ack())
            group.create_task(self._files.run())
            group.create_task(self._words.run())

    async def _poll(self, pull: FeedPull) -> None:
        """Follow a feed by long polls; the first time all alerts come before anything else."""
        is_first = pull.feed == "alerts"
        if not is_first:
            await self._has_alerts.wait()
        patience = Patience(self._pole)
        while True:
            wait_s = 0.0 if pull.has_more else self._rhythm.wait_s
            begun_ns = _now_ns(self._pole)
            page = await patience.ask(f"feed {pull.feed}", partial(self._pull, pull, wait_s))
            rest_s = pull.rest_s()
            if is_first and (page is None or not pull.has_more or rest_s):
                self._has_alerts.set()
            waited_s = (_now_ns(self._pole) - begun_ns) / NS_PER_S
            if page is not None and not page.records and waited_s < wait_s - QUICK_S:
                self._hurry.set()  # the pole ends its polls when it stops, and has said why
                await self._pole.passing.sleep(QUICK_S)
            if rest_s:
                await self._pole.passing.sleep(rest_s)

    async def _pull(self, pull: FeedPull, wait_s: float) -> CheckedPage:
        """Pull a page, and set off what follows from it."""
        due_ns = _now_ns(self._pole) + round(VAIN_S * NS_PER_S)
        vain = self._vain.setdefault(pull.feed, _Vain(due_ns))
        forks = pull.forks
        try:
            page = await pull.pull(wait_s=wait_s)
        except PoleError as exc:
            vain.reason = str(exc)
            raise
        except StoreError:
            del self._vain[pull.feed]  # the pole has given what it should
            raise
        except asyncio.CancelledError:
            if pull.feed != "alerts":  # which are asked first again, and may be what has failed
                del self._vain[pull.feed]
            raise
        del self._vain[pull.feed]
        self._answered_ns = _now_ns(self._pole)
        self._pole.contact.heard()
        if pull.forks > forks:  # a log is put back as a whole: a feed may have caught up meanwhile
            for other in self._pulls.values():
                other.doubt()
        if page.records:
            self._kept.set()
            self._signed.heed(page.records)
            if note_news(self._pole.contact, page.records):
                self._files.wake()
        if pull.has_more:
            await self._pole.passing.sleep(GENTLE_S)
        return page

    async def _watch_feeds(self) -> None:
        """Tell of a feed that can't be had, however it fails: its alerts may be missing.

        What is asked after a look is not due before the next one.
        """
        pole = self._pole
        while True:
            now_ns = _now_ns(self._pole)
            for feed, vain in list(self._vain.items()):
                if now_ns < vain.due_ns:
                    continue
                pole.contact.trouble(f"feed {feed}", vain.reason)
                flaw = f"{feed} can't be had: {vain.reason}"
                await pole.flaws.note("chain", feed, self._met.who.epoch, [flaw])
                vain.due_ns = now_ns + round(VAIN_AGAIN_S * NS_PER_S)
            dues_s = [(vain.due_ns - now_ns) / NS_PER_S for vain in self._vain.values()]
            await pole.passing.sleep(min(VAIN_S, *dues_s) if dues_s else VAIN_S)

    async def _go_round(self) -> None:
        """Bring the feeds that nobody waits for, and what was signed, about once a minute."""
        await self._has_alerts.wait()
        patience = Patience(self._pole)
        while True:
            self._hurry.clear()
            for feed, pull in self._pulls.items():
                if feed not in _POLLED:
                    await patience.ask(f"feed {feed}", partial(self._catch_up, pull))
            for feed, pull in self._pulls.items():
                await patience.ask(f"signatures {feed}", partial(self._pull_signed, pull))
            await self._pole.flaws.settle()
            await self._rest(ROUND_S)

    async def _catch_up(self, pull: FeedPull) -> None:
        """Bring a feed to its end, or as far as it may now; the others must not wait for it."""
        while not pull.rest_s():
            await self._pull(pull, 0)
            if not pull.has_more:
                return

    async def _pull_signed(self, pull: FeedPull) -> None:
        """Ask what was signed of a feed that has moved, or should have been; not too often."""
        place, now_ns = pull.place, _now_ns(self._pole)
        if place is None:
            return
        is_overdue = self._signed.is_overdue(place)
        seq, asked_ns = self._signed_ns.get(pull.feed, (0, -int(SIGNED_EVERY_S * NS_PER_S)))
        is_early = now_ns - asked_ns < SIGNED_EVERY_S * NS_PER_S
        if not is_overdue and (place.seq == seq or is_early):
            return
        if not await self._signed.pull(self._met, place):
            pull.doubt()
        self._signed_ns[pull.feed] = (place.seq, now_ns)

    async def _visit(self, met: Met) -> None:
        """Ask how it is, and see that it is still the one that was met, about once a minute."""
        pole, patience = self._pole, Patience(self._pole)
        while True:
            health = await patience.ask("health", pole.client.health)
            if health is not None:
                pole.contact.told_health(health)
            await self._pause(ROUND_S)
            self._met = await self._meeting.meet()
            self._answered_ns = _now_ns(self._pole)
            if who_changed(met.who, self._met.who):
                raise MeetAgain("it, its log or the name of our token there is another one now")
            for pull in self._pulls.values():
                pull.met_again(self._met)

    async def _ack(self) -> None:
        """Tell the pole what is on disk here, not more often than each `ACK_EVERY_S`."""
        patience = Patience(self._pole)
        while True:
            await self._kept.wait()
            self._kept.clear()
            for pull in self._pulls.values():
                await patience.ask(f"ack {pull.feed}", partial(self._ack_one, pull))
            await self._pole.passing.sleep(ACK_EVERY_S)

    async def _ack_one(self, pull: FeedPull) -> None:
        try:
            await pull.ack()
        except CursorGone:
            self._hurry.set()  # its log was put back, which the feed itself will find

    async def _rest(self, seconds: float) -> None:
        """Wait, or until there is hurry."""
        async with asyncio.TaskGroup() as group:
            both = (group.create_task(self._pause(seconds)), group.create_task(self._hurry.wait()))
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            for task in both:
                task.cancel()

    async def _pause(self, seconds: float) -> None:
        passing = self._pole.passing
        await passing.sleep(seconds * (0.9 + 0.2 * passing.dice()))

    def _wait_s(self, error: Exception, ran_s: float) -> float:
        """How long to wait before the next try, without jitter."""
        if isinstance(error, StoreError):
            return STORE_S
        if isinstance(error, PoleRefused):
            return REFUSED_S
        if ran_s >= STEADY_S:
            self._again_s = AGAIN_S_MIN
        waited_s, self._again_s = self._again_s, min(2 * self._again_s, AGAIN_S_MAX)
        return min(waited_s, MET_AGAIN_S_MAX) if self._is_met else waited_s

    def _say_met(self, met: Met) -> None:
        if not self._is_met:
            identity = met.who.identity
            _log.info(
                "pole met: pole=%s id=%s life=%s version=%s",
                self._pole.name, identity.pole_id, met.who.epoch, identity.version,
            )  # fmt: skip
        self._is_met = True
        self._said.clear()

    def _say_lost(self, error: Exception) -> None:
        """Log why it can't be pulled: each reason once until it is met again."""
        self._is_met = False
        reason = str(error)
        if reason not in self._said and len(self._said) < REASONS_MAX:
            self._said.add(reason)
            _log.warning("pole lost: pole=%s reason=%s", self._pole.name, reason)


def _now_ns(pole: OnePole) -> int:
    return pole.passing.clock.monotonic_ns()


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """What went wrong first of what a group of tasks ended with."""
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
