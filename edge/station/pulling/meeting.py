"""Whether what answers is the pole that is meant: its key, its id, its clock.

The first key that is met is remembered. Whoever shows another one later gets nothing taken from
him, until the configuration names that key: a stolen address must not look like the pole.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace

from edge.clock import NS_PER_S
from edge.errors import PoleRefused
from edge.model import Json
from edge.station.ports.vault import Identity
from edge.station.pulling.one_pole import Met, OnePole
from edge.station.pulling.ports import Who

CLOCK_OFF_MS = 60_000
"""Clocks further apart than this are told; alerts' times are then no use for people."""
CLOCK_RIGHT_MS = 50_000
"""A clock that was told of is right again below this: one that stays at a minute is one alert."""

_log = logging.getLogger(__name__)


class Roster:
    """Which pole id and which key belong to which configured pole; one for the whole station."""

    def __init__(self, known: Mapping[str, Identity]) -> None:
        """`known` is who was met in earlier days, by the pole's name: who came first goes on."""
        self._ids: dict[str, str] = {}
        self._keys: dict[str, str] = {}
        self._named: set[str] = set()
        for name, identity in known.items():
            self._ids.setdefault(identity.pole_id, name)
            self._keys.setdefault(identity.key_sha256, name)

    def name_key(self, name: str, key_sha256: str) -> None:
        """The configuration names a pole's key: whoever was met with it before is not that pole.

        His id goes with it, so that two that have changed places can be told so. Where two poles
        name one key it is the first one's.
        """
        if key_sha256 in self._named:
            return
        self._named.add(key_sha256)
        holder = self._keys.get(key_sha256, name)
        if holder != name:
            self._ids = {key: held for key, held in self._ids.items() if held != holder}
        self._keys[key_sha256] = name

    def claim(self, name: str, identity: Identity) -> str:
        """Take an id and a key for a pole.

        Returns:
            The name of another pole that has one of them; empty: they are this one's now.
        """
        for taken, mark in ((self._ids, identity.pole_id), (self._keys, identity.key_sha256)):
            if taken.get(mark, name) != name:
                return taken[mark]
        for taken, mark in ((self._ids, identity.pole_id), (self._keys, identity.key_sha256)):
            for other in [known for known, holder in taken.items() if holder == name]:
                del taken[other]
            taken[mark] = name
        return ""


class Meeting:
    """Meets one pole, again and again."""

    def __init__(self, pole: OnePole, roster: Roster) -> None:
        """Nobody has been met."""
        self._pole, self._roster = pole, roster
        if pole.key is not None:
            roster.name_key(pole.name, pole.key)

    async def meet(self) -> Met:
        """Ask who it is.

        Raises:
            PoleRefused: it is not the one that is meant.
            PoleError: it gives no answer that can be taken.
            StoreError: the disk here takes nothing.
        """
        pole, clock = self._pole, self._pole.passing.clock
        begun_ns = clock.monotonic_ns()
        who = await pole.client.who()
        answer_ms = (clock.monotonic_ns() - begun_ns) * 1000 / NS_PER_S
        ahead_ms = who.at_ms - clock.utc_ms() + round(answer_ms / 4)
        await self._check(replace(who.identity, epoch=who.epoch))
        pole.contact.met(who, clock_ahead_ms=ahead_ms, answer_ms=answer_ms)
        await self._look_at_clock(ahead_ms)
        return Met(who, ahead_ms)

    async def _check(self, identity: Identity) -> None:
        """See that it is the pole that was met before, and nobody else's."""
        pole = self._pole
        known = await pole.vault.identity(pole.name)
        wanted = pole.key or (known.key_sha256 if known is not None else identity.key_sha256)
        if identity.key_sha256 != wanted:
            await self._refuse(
                f"it has the key {identity.key_sha256} and should have {wanted}",
                f'if it was made anew, write key = "{identity.key_sha256}" in its [[pole]]',
            )
        if other := self._roster.claim(pole.name, identity):
            await self._refuse(
                f"it has the id or the key of {other}: {identity.pole_id}",
                "one pole stands twice in the configuration, or two share a data folder",
                other=other,
            )
        if identity != known:
            await pole.vault.keep_identity(pole.name, identity)
        await pole.own.over("identity", pole.name, "it is the one that is meant")
        pole.contact.clear("identity")

    async def _refuse(self, why: str, remedy: str, *, other: str = "") -> None:
        pole = self._pole
        data: dict[str, Json] = {"pole": pole.name, "detail": f"{why}; {remedy}"}
        if other:
            data["other"] = other
        pole.contact.trouble("identity", why)
        await pole.own.say("identity", pole.name, data)
        raise PoleRefused(f"{why}; {remedy}")

    async def _look_at_clock(self, ahead_ms: int) -> None:
        """Tell of a clock that is off, once, and when it is right again."""
        pole = self._pole
        is_told = pole.own.find("clock", pole.name) is not None
        if abs(ahead_ms) <= (CLOCK_RIGHT_MS if is_told else CLOCK_OFF_MS):
            await pole.own.over("clock", pole.name, "its clock is right")
            pole.contact.clear("clock")
            return
        detail = f"its clock is {_span(ahead_ms)} the station's; set the one that is wrong"
        pole.contact.trouble("clock", detail)
        if not is_told:  # by how much it is off changes each minute
            data: dict[str, Json] = {"pole": pole.name, "ahead_ms": ahead_ms, "detail": detail}
            _log.warning("clock off: pole=%s ahead_s=%d", pole.name, ahead_ms // 1000)
            await pole.own.say("clock", pole.name, data)


def _span(ahead_ms: int) -> str:
    """How far ahead or behind, in the unit that says most."""
    seconds = abs(ahead_ms) // 1000
    size, unit = next(
        (each for each in ((86_400, "days"), (3_600, "hours"), (60, "min")) if seconds >= each[0]),
        (1, "s"),
    )
    return f"{seconds // size} {unit} {'ahead of' if ahead_ms > 0 else 'behind'}"


def who_changed(before: Who, after: Who) -> bool:
    """Whether a pole has become another one, its log another log, or our token's name another."""
    return _marks(before) != _marks(after)


def _marks(who: Who) -> tuple[str, str, str]:
    return who.epoch, who.identity.key_sha256, who.identity.token_name
