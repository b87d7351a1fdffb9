"""The station's own alerts: one for each thing that is wrong, for as long as it is, restarts too.

What is open is read from the store at the start, so that a fault that outlasts the station's
process is the same alert before and after.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol

import msgspec

from edge.clock import Clock, make_ids
from edge.feeds import ClockReading, Draft, Severity
from edge.model import Json
from edge.station.ports.desk import Asked, DeskPage
from edge.station.ports.vault import Vault

RULE_TYPE = "station"
Name = Literal["silent", "chain", "fork", "signature", "identity", "media", "clock", "disk"]
_SEVERITY: dict[str, Severity] = {
    "silent": "major", "chain": "major", "fork": "critical", "signature": "critical",
    "identity": "critical", "media": "major", "clock": "minor", "disk": "critical",
}  # fmt: skip
"""What may be somebody's deceit is critical; a clock that is wrong hides nothing."""
NOT_PULLED = "its pole is pulled no longer"
_PAGE = 200


@dataclass(frozen=True, slots=True)
class OpenOwn:
    """An own alert that is not closed; `data` is the newest that was told of it."""

    alert: str
    name: str
    data: Mapping[str, Json]


class OwnDesk(Protocol):
    """What is needed of the store to find what is open."""

    async def alerts(self, asked: Asked, *, after: str | None, limit: int) -> DeskPage:
        """See `Desk`."""
        ...


@dataclass(frozen=True, slots=True)
class Pen:
    """What every record of the station's own needs besides: times, the clock's state, fresh ids."""

    clock: Clock
    read_clock: Callable[[], ClockReading]

    def write(self, kind: str, own: OpenOwn) -> Draft:
        """A record of an own alert, of now."""
        now_ms = self.clock.utc_ms()
        return Draft(
            "alerts", self.make_id(), kind, now_ms, self.read_clock(),
            severity=_SEVERITY.get(own.name, "major"), alert=own.alert,
            rule={"type": RULE_TYPE, "name": own.name}, data=own.data,
        )  # fmt: skip

    def make_id(self) -> str:
        """A fresh ULID."""
        return make_ids(self.clock)(0)


async def read_open(desk: OwnDesk, station_id: str) -> AsyncIterator[OpenOwn]:
    """Read which of the station's own alerts are not closed.

    Raises:
        StoreError: the store can't be read.
    """
    after: str | None = None
    while True:
        page = await desk.alerts(Asked(state="open", pole=station_id), after=after, limit=_PAGE)
        for body in page.bodies:
            fields: dict[str, Any] = msgspec.json.decode(body)
            rule = fields["rule"]
            if fields["closed_at"] is None and rule.get("type") == RULE_TYPE:
                yield OpenOwn(fields["id"], rule.get("name", ""), fields["data"])
        after = page.next
        if after is None:
            return


class OwnAlerts:
    """Opens, updates and closes alerts by what they are about; for one event loop.

    `about` tells alerts of one name apart: a pole, or a pole and a feed. It stands in the data.
    """

    def __init__(self, vault: Vault, pen: Pen) -> None:
        """Nothing is open yet; see `take_up`."""
        self._vault, self._pen = vault, pen
        self._open: dict[tuple[str, str], OpenOwn] = {}
        self._turn = asyncio.Lock()

    def take_up(self, own: OpenOwn) -> None:
        """Go on with an alert that was open when the station began."""
        self._open[own.name, str(own.data.get("about", ""))] = own

    async def let_go(self, poles: Collection[str]) -> None:
        """Close what is open of a pole that is none of these: nobody would ever see it end.

        Raises:
            StoreError: it could not be written.
        """
        for (name, about), own in list(self._open.items()):
            pole = own.data.get("pole")
            if isinstance(pole, str) and pole not in poles:
                await self._close(name, about, {"reason": NOT_PULLED})

    def find(self, name: Name, about: str) -> Mapping[str, Json] | None:
        """What was told last of an alert that is open; None where none is."""
        own = self._open.get((name, about))
        return own.data if own is not None else None

    def of_pole(self, name: Name, pole: str) -> dict[str, Mapping[str, Json]]:
        """What was told last of each open alert of one name and pole, by what it is about."""
        return {
            about: own.data
            for (rule, about), own in self._open.items()
            if rule == name and own.data.get("pole") == pole
        }

    async def is_known(self, name: Name, about: str) -> bool:
        """Whether somebody has acknowledged an alert that is open: it makes no sound any more.

        Raises:
            StoreError: the store can't be read.
        """
        own = self._open.get((name, about))
        return own is not None and not await self._vault.is_new(own.alert)

    async def say(self, name: Name, about: str, data: Mapping[str, Json]) -> None:
        """Tell that something is wrong: opens its alert, or updates it where there is news.

        Args:
            name: of the rule.
            about: which of its alerts.
            data: for people; `pole` names the pole it is about.

        Raises:
            StoreError: it could not be written; say it again.
        """
        told: dict[str, Json] = {**data, "about": about}
        async with self._turn:
            own = self._open.get((name, about))
            if own is not None and {**own.data, **told} == own.data:
                return
            kind = "alert.open" if own is None else "alert.update"
            own = OpenOwn(self._pen.make_id() if own is None else own.alert, name, told)
            await self._vault.tell([self._pen.write(kind, own)])
            self._open[name, about] = own

    async def over(
        self, name: Name, about: str, reason: str, data: Mapping[str, Json] | None = None
    ) -> None:
        """Tell that it is over, where it was told at all; `data`: the last that is known of it.

        Raises:
            StoreError: it could not be written; say it again.
        """
        await self._close(name, about, {**(data or {}), "reason": reason})

    async def _close(self, name: str, about: str, data: Mapping[str, Json]) -> None:
        async with self._turn:
            own = self._open.get((name, about))
            if own is None:
                return
            last = replace(own, data={**own.data, **data})
            await self._vault.tell([self._pen.write("alert.close", last)])
            del self._open[name, about]
