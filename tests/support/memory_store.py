"""A station's store in memory, for tests of what stands before it: real folds, no disk.

`jam()` is a disk that refuses until `clear()`. One that hangs (`hang()`) keeps what was handed
over, also of callers who have gone, until `clear()` writes it or `fail()` lets go of it.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from edge.clock import Clock
from edge.errors import Fault, StoreError, ValidationError
from edge.evidence import START_HASH, Sealed, seal
from edge.feeds import Draft, Feed, Life, make_record
from edge.model import KeptMedia
from edge.station import desk_fold
from edge.station.desk_alert import TransferState
from edge.station.desk_fold import DeskFold, FileStand, Origin
from edge.station.ports.arrivals import Arrival
from edge.station.ports.desk import Asked, DeskPage, RecordPage, Response
from edge.waiters import Waiters
from edge.wire import parse_utc

_PLACE = re.compile(r"-?\d+\.-?\d+\.\d+")
FULL = "the disk is full; make room"
_RANK: dict[str, int] = {"critical": 0, "major": 1, "minor": 2, "info": 3}


class MemoryRecords:
    """What pulling would have brought."""

    def __init__(self, station: str, sites: Mapping[str, str | None], clock: Clock) -> None:
        """`sites` by pole."""
        self.station, self._sites, self._clock = station, sites, clock
        self.said: list[tuple[Draft, bool]] = []
        """Every own record that was handed over and not refused, and whether it is passed on."""
        self.asked_arrivals = 0
        self.waiting = 0
        """Who waits for changes or arrivals just now."""
        self.records_max = 1000
        """Records on one page of an alert's."""
        self._folds: dict[tuple[str, str], tuple[DeskFold, int, bytes]] = {}
        self._records: list[tuple[str, Feed, Arrival]] = []
        self._of_alert: dict[tuple[str, str], list[bytes]] = {}
        self._heads: dict[tuple[str, Feed], tuple[int, str]] = {}
        self._files: dict[tuple[str, str], KeptMedia] = {}
        self._change = 0
        self._changes, self._arrivals = Waiters(), Waiters()
        self._is_jammed = self._is_hanging = False
        self._handed: list[tuple[Sequence[Draft], asyncio.Future[list[Sealed]]]] = []

    def jam(self) -> None:
        """From now on the disk takes nothing."""
        self._is_jammed = True

    def hang(self) -> None:
        """From now on nothing comes back from the disk, which nobody has noticed yet."""
        self._is_hanging = True

    def clear(self) -> None:
        """It takes everything again, and what it was handed while it hung."""
        self._is_jammed = self._is_hanging = False
        for drafts, told in self._let_go():
            sealed = self._write(drafts)
            if not told.done():
                told.set_result(sealed)

    def fail(self) -> None:
        """What it was handed while it hung is not written, and it takes nothing."""
        self._is_jammed, self._is_hanging = True, False
        for drafts, told in self._let_go():
            self.said = [each for each in self.said if each[0] not in drafts]
            if not told.done():
                told.set_exception(StoreError(f"not kept: {FULL}"))

    def _let_go(self) -> list[tuple[Sequence[Draft], asyncio.Future[list[Sealed]]]]:
        handed, self._handed = self._handed, []
        return handed

    def of(self, kind: str) -> list[Draft]:
        """The station's own records of a kind."""
        return [draft for draft, _ in self.said if draft.kind == kind]

    def take(self, pole: str, draft: Draft, **origin: Any) -> None:
        """Keep a pole's record; `origin` is what is known of how it came."""
        received_ms = origin.pop("received_ms", self._clock.utc_ms())
        came = Origin(pole, self._sites.get(pole), received_ms, **origin)
        self._keep(pole, pole, draft, came)

    def set_file(self, pole: str, alert: str, sha256: str, stand: FileStand) -> None:
        """Note how far a file has come."""
        fold = self._folds[pole, alert][0]
        self._put((pole, alert), desk_fold.with_file(fold, sha256, stand))

    def refuse(self, pole: str, alert: str, reason: str) -> None:
        """Its pole will never take what was said of an alert."""
        self._put((pole, alert), replace(self._folds[pole, alert][0], refused=reason))

    def add_file(self, pole: str, alert: str, kept: KeptMedia) -> None:
        """Have a file here."""
        self._files[pole, kept.sha256] = kept
        here: TransferState = "here"
        self.set_file(pole, alert, kept.sha256, FileStand(here))

    @property
    def newest(self) -> int:
        return len(self._records)

    def _keep(self, owner: str, pole: str, draft: Draft, origin: Origin) -> Sealed:
        seq, prev = self._heads.get((owner, draft.feed), (0, START_HASH))
        sealed = seal(make_record(draft, Life(owner, None, "m3m0"), seq=seq + 1, prev=prev))
        self._heads[owner, draft.feed] = (seq + 1, sealed.hash)
        arrival = Arrival(self.newest + 1, owner, origin.received_ms, sealed.body)
        self._records.append((owner, draft.feed, arrival))
        self._arrivals.wake(self.newest)
        if draft.alert is not None and draft.feed in ("alerts", "media"):
            key = (pole, draft.alert)
            self._of_alert.setdefault(key, []).append(sealed.body)
            before = self._folds[key][0] if key in self._folds else None
            self._put(key, desk_fold.step(before, draft, origin))
        return sealed

    def _write(self, drafts: Sequence[Draft]) -> list[Sealed]:
        sealed = []
        for draft in drafts:
            about = draft.data.get("pole")
            pole = about if isinstance(about, str) else self.station
            origin = Origin(pole, self._sites.get(pole), self._clock.utc_ms(), is_own=True)
            sealed.append(self._keep(self.station, pole, draft, origin))
        return sealed

    def _put(self, key: tuple[str, str], fold: DeskFold | None) -> None:
        if fold is None or (key in self._folds and self._folds[key][0] is fold):
            return
        self._change += 1
        body = desk_fold.encode_alert(desk_fold.show(fold, change=self._change))
        self._folds[key] = (fold, self._change, body)
        self._changes.wake(self._change)


class MemoryDesk(MemoryRecords):
    """See `ports.Desk`."""

    @property
    def fault(self) -> str | None:
        return FULL if self._is_jammed else None

    @property
    def change(self) -> int:
        return self._change

    async def alerts(self, asked: Asked, *, after: str | None, limit: int) -> DeskPage:
        if after is not None and not _PLACE.fullmatch(after):
            raise ValidationError([Fault("after", "no place of such a list", "give `next`")])
        start = tuple(map(int, after.split("."))) if after else ()
        found = sorted(
            ((*_order(fold, asked), number), body)
            for number, (fold, _, body) in enumerate(self._folds.values())
            if _is_asked(fold, asked)
        )
        found = [(place, body) for place, body in found if place > start]
        following = ".".join(map(str, found[limit - 1][0])) if len(found) > limit else None
        return DeskPage(tuple(body for _, body in found[:limit]), following, self._change)

    async def alert(self, pole: str, alert: str) -> bytes | None:
        entry = self._folds.get((pole, alert))
        return entry[2] if entry is not None else None

    async def changed(self, *, after: int, limit: int) -> DeskPage:
        found = sorted(entry[1:] for entry in self._folds.values() if entry[1] > after)
        following = str(found[limit - 1][0]) if len(found) > limit else None
        return DeskPage(tuple(body for _, body in found[:limit]), following, self._change)

    async def wait_for_change(self, *, after: int, timeout_s: float) -> bool:
        if self._change > after:
            return True
        self.waiting += 1
        try:
            return await self._changes.wait(after=after, timeout_s=timeout_s)
        finally:
            self.waiting -= 1

    async def counts(self) -> Mapping[str, int]:
        folds = [fold for fold, _, _ in self._folds.values()]
        new: list[str] = [fold.summary.severity for fold in folds if fold.is_new]
        by_severity = {f"new_{severity}": new.count(severity) for severity in _RANK}
        return {"open": sum(fold.is_open for fold in folds), "new": len(new), **by_severity}

    async def records(self, pole: str, alert: str, *, after: int = 0) -> RecordPage:
        found = self._of_alert.get((pole, alert), [])[after:]
        bodies = tuple(found[: self.records_max])
        return RecordPage(bodies, after + len(bodies) if len(found) > len(bodies) else None)

    async def find_media(self, pole: str, sha256: str) -> KeptMedia | None:
        return self._files.get((pole, sha256))

    async def set_aside(self, sha256: str) -> None:
        """Files here do not spoil."""

    async def say(self, drafts: Sequence[Draft], *, pass_on: bool = False) -> list[Sealed]:
        if self._is_jammed:
            raise StoreError(f"not kept: {FULL}")
        self.said += [(draft, pass_on) for draft in drafts]
        if not self._is_hanging:
            return self._write(drafts)
        told: asyncio.Future[list[Sealed]] = asyncio.get_running_loop().create_future()
        self._handed.append((drafts, told))
        return await told

    async def responses(self, *, since_ms: int, until_ms: int) -> list[Response]:
        folds = [fold for fold, _, _ in self._folds.values()]
        return [_response(fold) for fold in folds if since_ms <= fold.received_ms < until_ms]


class MemoryStore(MemoryDesk):
    """See `ports.Arrivals`, besides the desk."""

    async def arrivals(self, *, after: int, feeds: Sequence[Feed], limit: int) -> list[Arrival]:
        self.asked_arrivals += 1
        found = [each for _, feed, each in self._records if feed in feeds and each.number > after]
        return found[:limit]

    async def wait_for_arrival(self, *, after: int, timeout_s: float) -> bool:
        if self.newest > after:
            return True
        self.waiting += 1
        try:
            return await self._arrivals.wait(after=after, timeout_s=timeout_s)
        finally:
            self.waiting -= 1

    async def told_to(self, webhook: str) -> int | None:
        return None

    async def note_told(self, webhook: str, number: int) -> None:
        return None


def _is_asked(fold: DeskFold, asked: Asked) -> bool:
    is_state = {"open": fold.is_open, "new": fold.is_new, "all": True}[asked.state]
    rule = fold.summary.rule
    rules = (None, rule.get("type"), f"{rule.get('type')}/{rule.get('name')}")
    return (
        is_state
        and asked.pole in (None, fold.pole)
        and asked.site in (None, fold.site)
        and asked.rule in rules
        and (asked.since_ms is None or fold.received_ms >= asked.since_ms)
        and (asked.until_ms is None or fold.received_ms < asked.until_ms)
    )


def _order(fold: DeskFold, asked: Asked) -> tuple[int, int]:
    return (0 if asked.newest_first else _RANK[fold.summary.severity], -fold.received_ms)


def _response(fold: DeskFold) -> Response:
    own = fold.summary
    return Response(
        fold.pole, fold.site, own.camera, str(own.rule.get("type", "")),
        str(own.rule.get("name", "")), own.severity, parse_utc(own.opened_at), fold.received_ms,
        parse_utc(fold.seen.at) if fold.seen else None,
        parse_utc(own.acked.at) if own.acked else None,
        parse_utc(own.resolved.at) if own.resolved else None,
        own.resolved.verdict if own.resolved else "", own.acked.by if own.acked else "", own.test,
    )  # fmt: skip
