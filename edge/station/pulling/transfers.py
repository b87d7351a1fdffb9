"""Files of one pole: fetched by urgency, resumed at the byte, checked, kept, confirmed.

Two work at once, and one of them takes snapshots only: a clip never keeps a snapshot waiting.
"""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import Executor
from dataclasses import dataclass, field
from pathlib import Path

from edge.clock import NS_PER_S
from edge.errors import PoleError, PoleRefused, StoreError
from edge.station.own_alerts import OwnAlerts
from edge.station.ports.vault import Vault, Wanted
from edge.station.pulling.contact import PoleContact
from edge.station.pulling.file_list import LISTED_MAX, FileList, Waits
from edge.station.pulling.part_file import PartFile, Parts
from edge.station.pulling.ports import FileGone, FileWrong, PoleBusy, PoleClient
from edge.station.pulling.receipts import Receipts
from edge.station.pulling.slots import Slots
from edge.station.urgency import is_snapshot, rank_of
from edge.supervise import Passing

MEDIA_BYTES_MAX = 512 * 2**20
"""A minute of 4K at 60 Mbit/s; what is larger is no clip that a pole makes."""
TRIES_MAX = 3

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Yard:
    """What the transfers of all poles share.

    `parts` is the store's folder of what is not whole; `threads` write there, None: the loop's.
    """

    parts: Path
    slots: Slots
    own: OwnAlerts
    passing: Passing = field(default_factory=Passing)
    waits: Waits = field(default_factory=Waits)
    threads: Executor | None = None


class _TurnOver(Exception):
    """Others have waited long enough."""


class Transfers:
    """All transfers of one pole; for one event loop."""

    def __init__(self, client: PoleClient, vault: Vault, contact: PoleContact, yard: Yard) -> None:
        """Nothing is fetched before `run`."""
        self._client, self._vault, self._contact, self._yard = client, vault, contact, yard
        self._pole = contact.name
        passing, waits = yard.passing, yard.waits
        self._list = FileList(waits, passing)
        self._parts = Parts(yard.parts, contact.name, yard.threads)
        self._receipts = Receipts(client, vault, contact, passing=passing, every_s=waits.ack_s)
        self._held: set[str] = set()
        self._is_told = False
        self._bad_ns = passing.clock.monotonic_ns()
        self._is_stale = True
        self._reading = asyncio.Lock()
        self._woken = {is_first: asyncio.Event() for is_first in (True, False)}
        self._news = asyncio.Event()

    def wake(self) -> None:
        """New files may have been named."""
        self._is_stale = True
        for each in self._woken.values():
            each.set()

    async def run(self) -> None:
        """Fetch until cancelled; what the pole or the disk refuses is tried again later."""
        self._receipts.wake()  # a station that was killed may not have told the pole
        self.wake()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._work(is_first=True))
            group.create_task(self._work(is_first=False))
            group.create_task(self._receipts.run())
            group.create_task(self._report())

    # Which one ---------------------------------------------------------------------------------

    async def _work(self, *, is_first: bool) -> None:
        """Fetch one after the other; the first worker takes alerts' snapshots only."""
        failures = 0
        while True:
            self._woken[is_first].clear()  # before looking: what is told meanwhile is not lost
            try:
                wanted = await self._next(is_first=is_first)
                if wanted is None:
                    await self._rest(is_first=is_first, wait_s=self._list.rest_s())
                    continue
                await self._take(wanted)
                failures = 0
            except PoleRefused as exc:
                self._contact.trouble("files", str(exc))
                await self._rest(is_first=is_first, wait_s=self._yard.waits.refused_s)
            except OSError as exc:  # the link's, the store's and the disk's are all of them
                _log.debug("no file: pole=%s reason=%s", self._pole, exc)
                wait_s = self._list.later_s(self._yard.waits.link_s, failures)
                failures += 1
                await self._rest(is_first=is_first, wait_s=wait_s)

    async def _next(self, *, is_first: bool) -> Wanted | None:
        """The most urgent file that may be tried now."""
        async with self._reading:
            if self._is_stale:
                await self._read()
        return self._list.next(snapshots_only=is_first)

    async def _read(self) -> None:
        self._is_stale = False
        try:
            over = self._list.fill(await self._vault.wanted(self._pole, limit=LISTED_MAX))
        except StoreError:
            self._is_stale = True
            raise
        await self._parts.remove(over)
        self._news.set()
        self._receipts.wake()  # what another pole has brought is here without a transfer

    async def _rest(self, *, is_first: bool, wait_s: float) -> None:
        """Wait until there may be something to do: the pole has told news, or it is time."""
        try:
            async with asyncio.timeout(wait_s):
                await self._woken[is_first].wait()
        except TimeoutError:
            self._is_stale = self._is_stale or not is_first

    # One file ----------------------------------------------------------------------------------

    async def _take(self, wanted: Wanted) -> None:
        """Try one file.

        Raises:
            PoleRefused: the pole gives us no files.
            OSError: the link, the store or the disk: the next file will not do better.
        """
        if wanted.size_bytes > MEDIA_BYTES_MAX:
            await self._give_up(wanted, f"{wanted.size_bytes} bytes, more than {MEDIA_BYTES_MAX}")
            return
        self._list.begin(wanted)
        try:
            if await self._has_room(wanted):
                async with self._yard.slots.turn(is_snapshot=is_snapshot(wanted)):
                    await self._fetch(wanted)
        except _TurnOver:
            return
        except FileGone as exc:
            await self._note_missing(wanted, exc)
        except FileWrong as exc:
            await self._note_wrong(wanted, exc)
        except PoleBusy as exc:
            self._cut_off(wanted, exc)
        except PoleRefused:
            raise
        except OSError as exc:
            self._cut_off(wanted, exc)
            raise
        finally:
            self._list.end(wanted)
            self._news.set()

    async def _fetch(self, wanted: Wanted) -> None:
        async with self._parts.open(wanted.sha256, size_bytes=wanted.size_bytes) as part:
            if part.got_bytes < wanted.size_bytes:
                await self._download(wanted, part)
            is_right = await self._parts.call(lambda: part.finish(wanted.sha256))
        if not is_right:
            raise FileWrong("its bytes have another hash than its record says")
        await self._vault.keep_file(wanted, self._parts.name_of(wanted.sha256))
        await self._note_kept(wanted)

    async def _download(self, wanted: Wanted, part: PartFile) -> None:
        first, size_bytes = part.got_bytes, wanted.size_bytes
        clock = self._yard.passing.clock
        end_ns = clock.monotonic_ns() + round(self._yard.waits.turn_s * NS_PER_S)
        async with self._client.media(wanted.sha256, first=first, size_bytes=size_bytes) as blocks:
            async for block in blocks:
                part.add(block)
                self._list.note_progress(wanted, part.got_bytes)
                self._news.set()
                if part.is_block:
                    await self._parts.call(part.write)
                if part.got_bytes < size_bytes and clock.monotonic_ns() > end_ns:
                    self._end_turn(wanted)
        if part.got_bytes != size_bytes:
            raise FileWrong(f"{part.got_bytes} bytes came, its record says {size_bytes}")

    def _end_turn(self, wanted: Wanted) -> None:
        """Stop where another one, of this pole or any other, has waited long enough."""
        if self._yard.slots.is_crowded or self._list.has_better(wanted):
            raise _TurnOver

    async def _has_room(self, wanted: Wanted) -> bool:
        """Whether it may come in; where not it is held back, of which the store's upkeep tells."""
        rank = rank_of(wanted.role, is_alert=wanted.is_alert)
        if await self._vault.has_room(wanted.size_bytes, rank=rank):
            return True
        for each in self._list.hold_back(wanted):
            if each.sha256 not in self._held:
                await self._vault.give_up_file(each, "held back", "no room for it at the station")
                self._held.add(each.sha256)
        return False

    # How it went -------------------------------------------------------------------------------

    async def _note_kept(self, wanted: Wanted) -> None:
        await self._drop(wanted)
        self._contact.landed()
        self._clear_trouble()
        self._receipts.wake()
        passed_ns = self._yard.passing.clock.monotonic_ns() - self._bad_ns
        if passed_ns > self._yard.waits.forgive_s * NS_PER_S:
            self._contact.clear("media")
            await self._yard.own.over("media", self._pole, "files come right again")

    def _cut_off(self, wanted: Wanted, exc: OSError) -> None:
        """It goes on later; what is cut off again and again is told of, in the log once."""
        cuts = self._list.cut_off(wanted)
        if not isinstance(exc, PoleError):
            return
        if cuts > 1:  # once is a link like any
            self._contact.trouble("files", f"{wanted.role}: {exc}")
        if self._list.is_lasting and not self._is_told:
            self._is_told = True
            _log.warning(
                "files do not come: pole=%s role=%s sha256=%s reason=%s",
                self._pole, wanted.role, wanted.sha256, exc,
            )  # fmt: skip

    def _clear_trouble(self) -> None:
        """Files come; but one that is cut off each time is not over because others are here."""
        if not self._list.is_lasting:
            self._contact.clear("files")
            self._is_told = False

    async def _note_missing(self, wanted: Wanted, exc: FileGone) -> None:
        """A pole that has no such file is asked twice: it may have been about to have it."""
        await self._vault.note_try(wanted)
        if wanted.tries:
            await self._vault.give_up_file(wanted, "gone", str(exc))
            await self._drop(wanted)
            _log.warning("file gone: pole=%s sha256=%s", self._pole, wanted.sha256)
        else:
            self._list.fail(wanted)
            self._is_stale = True

    async def _note_wrong(self, wanted: Wanted, exc: FileWrong) -> None:
        """What comes is not what was promised."""
        self._contact.trouble("files", f"{wanted.role}: {exc}")
        await self._vault.note_try(wanted)
        if wanted.tries + 1 < TRIES_MAX:
            self._list.fail(wanted)
            self._is_stale = True
        else:
            await self._give_up(wanted, f"{exc}; tried {TRIES_MAX} times")

    async def _give_up(self, wanted: Wanted, reason: str) -> None:
        """A pole that promises what it does not give is worth an alert, one however many files."""
        self._bad_ns = self._yard.passing.clock.monotonic_ns()
        sha256 = wanted.sha256
        await self._vault.give_up_file(wanted, "bad", reason)
        await self._drop(wanted)
        _log.warning("file given up: pole=%s sha256=%s reason=%s", self._pole, sha256, reason)
        self._contact.trouble("media", f"{wanted.role} {sha256[:12]}: {reason}")
        before = self._yard.own.find("media", self._pole) or {}
        count = before.get("count")
        told = (count if isinstance(count, int) else 0) + 1
        await self._yard.own.say(
            "media", self._pole,
            {"pole": self._pole, "count": told, "role": wanted.role, "sha256": sha256,
             "camera": wanted.camera, "problem": reason},
        )  # fmt: skip

    async def _drop(self, wanted: Wanted) -> None:
        await self._parts.remove([wanted.sha256])
        self._held.discard(wanted.sha256)
        if self._list.drop(wanted):
            self.wake()

    async def _report(self) -> None:
        """Tell how far files have come, at most twice a second."""
        while True:
            await self._news.wait()
            self._news.clear()
            coming = self._list.coming()
            count, size_bytes = self._list.waiting()
            self._contact.coming(coming, files_waiting=count, bytes_waiting=size_bytes)
            if not coming and not count:
                self._clear_trouble()
            await self._yard.passing.sleep(self._yard.waits.report_s)
