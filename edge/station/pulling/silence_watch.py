"""Looks at all poles each second and tells which are silent; see `silence.py` for what that is."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import Protocol

from edge.errors import StoreError
from edge.feeds import Feed
from edge.station.own_alerts import OpenOwn, OwnAlerts
from edge.station.pulling.contact import Contacts, Missed
from edge.station.pulling.news import recall_news
from edge.station.pulling.silence import State, Told, rebuild, step
from edge.station.pulling.silence_alert import Member
from edge.station.pulling.silence_pole import USUAL, Patience
from edge.supervise import Passing

LOOK_EVERY_S = 1.0
RECALLED_MAX = 200
"""Records of a feed that are looked through at the start: hours of health."""
_NEWS_FEEDS: tuple[Feed, ...] = ("alerts", "health")

_log = logging.getLogger(__name__)


class Memory(Protocol):
    """What an earlier process of the station has kept."""

    async def newest_of(self, pole: str, feed: Feed, *, limit: int) -> list[bytes]:
        """The last records of a feed of a pole's present life, in order."""
        ...


class SilenceWatch:
    """The watch over all poles; for one event loop."""

    def __init__(
        self,
        contacts: Contacts,
        own: OwnAlerts,
        *,
        passing: Passing,
        patience: Patience = USUAL,
    ) -> None:
        """Nobody is silent yet; see `take_up`."""
        self._contacts, self._own = contacts, own
        self._passing, self._patience = passing, patience
        self._state = State()

    def take_up(self, alerts: Iterable[OpenOwn]) -> None:
        """Go on with what was open when the station began: it is the same silence."""
        sites = {name: self._contacts.of(name).site for name in self._contacts.names}
        told = (each.data for each in alerts if each.name == "silent")
        self._state = rebuild(told, sites)
        for name, member in _quiet_members(self._state).items():
            contact = self._contacts.of(name)
            contact.fell_silent(is_again=False)
            # What its last records said is known from the alert alone.
            contact.noted_power(is_lost=member.cause == "mains")
            contact.noted_end(is_stopped=member.cause == "stopped")
        for silence in self._state.open.values():
            for name, member in silence.members.items():
                missed = Missed(member.alerts, member.records, member.files)
                self._contacts.of(name).missed = missed

    async def recall(self, memory: Memory) -> None:
        """Learn what each pole's last records said of mains and of its agent's end.

        Raises:
            StoreError: they can't be read.
        """
        for name in self._contacts.names:
            bodies = [
                body
                for feed in _NEWS_FEEDS
                for body in await memory.newest_of(name, feed, limit=RECALLED_MAX)
            ]
            recall_news(self._contacts.of(name), bodies)

    async def run(self) -> None:
        """Look until cancelled; what the store does not take is told again a second later."""
        while True:
            try:
                await self.look()
            except StoreError as exc:
                _log.debug("silence not told: reason=%s", exc)
            await self._passing.sleep(LOOK_EVERY_S)

    async def look(self) -> None:
        """Look once.

        Raises:
            StoreError: something could not be told; the next look tells it.
        """
        now_ms = self._passing.clock.utc_ms()
        state, told = step(self._state, now_ms, self._contacts.observe(), self._patience)
        before, now = _quiet_members(self._state), _quiet_members(state)
        for name in now.keys() - before.keys():
            self._contacts.of(name).fell_silent(is_again=self._state.find(name) == state.find(name))
        for each in told:
            await self._tell(each)
        # Only now: what was not written is news again. What was written is not told twice.
        self._state = state
        self._say(before, now)

    async def _tell(self, told: Told) -> None:
        if told.reason:
            await self._own.over("silent", told.about, told.reason, told.data)
        else:
            await self._own.say("silent", told.about, told.data)

    def _say(self, before: Mapping[str, Member], now: Mapping[str, Member]) -> None:
        for name in sorted(now.keys() - before.keys()):
            _log.warning(
                "pole silent: pole=%s cause=%s reason=%s", name, now[name].cause, now[name].detail
            )
        for name in sorted(before.keys() - now.keys()):
            _log.info("pole heard again: pole=%s", name)


def _quiet_members(state: State) -> dict[str, Member]:
    """Who is in an alert and has not been heard again."""
    return {
        name: member
        for silence in state.open.values()
        for name, member in silence.members.items()
        if member.back_ms is None
    }
