"""Files of one pole: fetched by urgency, resumed at the byte, checked, kept, confirmed.

Two work at once, and one of them takes snapshots only: a clip never keeps a snapshot waiting.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import Path

from edge.clock import NS_PER_S
from edge.errors import PoleError, PoleRefused, PoleWrong, StoreError
from edge.model import Json
from edge.station.ports import Coming, Vault, Wanted
from edge.station.pulling.contact import PoleContact
from edge.station.pulling.own_alerts import OwnAlerts
from edge.station.pulling.part_file import PartFile, on_thread
from edge.station.pulling.ports import FileGone, PoleBusy, PoleClient
from edge.station.pulling.slots import Slots
from edge.station.pulling.urgency import is_snapshot, order, pick, place
from edge.supervise import JITTER_SHARE, Backoff, Passing

MEDIA_BYTES_MAX = 512 * 2**20
"""A minute of 4K at 60 Mbit/s; what is larger is no clip that a pole makes."""
TRIES_MAX = 3
LISTED_MAX = 500
"""Files known of one pole at once; what waits behind them is counted when its turn comes."""
ACKS_MAX = 900
"""As many as a pole takes at once."""
SPARE_BYTES = 64 * 2**20
"""So much more must fit in until it is said that there is room again."""
_ROOM = "room for files"
_NO_ROOM: Mapping[str, Json] = {
    "problem": "the quota or the reserve of the disk is reached: files wait at the poles, which may"
    " have to delete them; records and snapshots still come",
    "remedy": "give the store a larger disk or quota; nothing under its floor is deleted here",
}

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Waits:
    """How long what waits, in seconds.

    Attributes:
        ack_s: between confirmations, so that many files are one.
        report_s: between reports of how far files have come.
        look_s: without being woken; whatever was missed, files are not forgotten.
        turn_s: one transfer may go on while others wait; it goes on at its byte later.
        link_s: until a file that was cut off goes on, doubling; others have their turn.
        again_s: until one that was wrong or missing is asked for again, doubling.
        held_s: until the disk is asked again whether it has room.
        refused_s: until a pole that refuses us is asked again.
        longest_s: of those that double.
        forgive_s: after a lying hash, until a good file says that files come right again.
    """

    ack_s: float = 1.0
    report_s: float = 0.5
    look_s: float = 30.0
    turn_s: float = 120.0
    link_s: float = 3.0
    again_s: float = 20.0
    held_s: float = 60.0
    refused_s: float = 60.0
    longest_s: float = 300.0
    forgive_s: float = 600.0


@dataclass(frozen=True, slots=True)
class Yard:
    """What the transfers of all poles share; `parts` is the store's folder of what is not whole."""

    parts: Path
    slots: Slots
    own: OwnAlerts
    passing: Passing = field(default_factory=Passing)
    waits: Waits = Waits()


class _TurnOver(Exception):
    """Others have waited long enough."""


class Transfers:
    """All transfers of one pole; for one event loop."""

    def __init__(self, client: PoleClient, vault: Vault, contact: PoleContact, yard: Yard) -> None:
        """Nothing is fetched before `run`."""
        self._client, self._vault, self._contact, self._yard = client, vault, contact, yard
        self._pole = contact.name
        self._files: dict[str, Wanted] = {}
        self._got: dict[str, int] = {}
        self._due_ns: dict[str, int] = {}
        self._cuts: dict[str, int] = {}
        self._held: set[str] = set()
        self._bad_ns = yard.passing.clock.monotonic_ns()
        self._is_stale = True
        self._reading = asyncio.Lock()
        self._woken = {is_first: asyncio.Event() for is_first in (True, False)}
        self._news, self._kept = asyncio.Event(), asyncio.Event()

    def wake(self) -> None:
        """New files may have been named."""
        self._is_stale = True
        self._rouse()

    async def run(self) -> None:
        """Fetch until cancelled; what the pole or the disk refuses is tried again later."""
        self._got.clear()
        self._kept.set()  # a station that was killed may not have told the pole
        self.wake()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._work(is_first=True))
            group.create_task(self._work(is_first=False))
            group.create_task(self._confirm())
            group.create_task(self._report())

    # Which one ---------------------------------------------------------------------------------

    async def _work(self, *, is_first: bool) -> None:
        """Fetch one after the other; the first worker takes alerts' snapshots only."""
        failures = 0
        while True:
            try:
                wanted = await self._next(is_first=is_first)
                if wanted is None:
                    await self._rest(is_first=is_first, wait_s=self._next_due_s())
                    continue
                await self._take(wanted)
                failures = 0
            except PoleRefused as exc:
                self._contact.trouble("files", str(exc))
                await self._rest(is_first=is_first, wait_s=self._yard.waits.refused_s)
            except OSError as exc:  # the link's, the store's and the disk's are all of them
                _log.debug("no file: pole=%s reason=%s", self._pole, exc)
                wait_s = self._later_s(self._yard.waits.link_s, failures)
                failures += 1
                await self._rest(is_first=is_first, wait_s=wait_s)

    async def _next(self, *, is_first: bool) -> Wanted | None:
        """The most urgent file that may be tried now."""
        async with self._reading:
            if self._is_stale:
                self._is_stale = False
                await self._read()
        now_ns = self._yard.passing.clock.monotonic_ns()
        files: Iterable[Wanted] = self._files.values()
        if is_first:
            files = takewhile(is_snapshot, files)  # they stand before all others
        return pick(files, taken=self._got, due_ns=self._due_ns, now_ns=now_ns)

    async def _read(self) -> None:
        try:
            files = await self._vault.wanted(self._pole, limit=LISTED_MAX)
        except StoreError:
            self._is_stale = True
            raise
        self._files = {each.sha256: each for each in order(files)}
        self._due_ns = {sha: due for sha, due in self._due_ns.items() if sha in self._files}
        self._cuts = {sha: cuts for sha, cuts in self._cuts.items() if sha in self._files}
        self._held &= self._files.keys()
        self._news.set()
        self._kept.set()  # what another pole has brought is here without a transfer

    def _next_due_s(self) -> float:
        """Seconds until a file that was put off is due, or until it is time to look again."""
        now_ns = self._yard.passing.clock.monotonic_ns()
        due = (due - now_ns for due in self._due_ns.values() if due > now_ns)
        return min(min(due, default=2**62) / NS_PER_S, self._yard.waits.look_s)

    async def _rest(self, *, is_first: bool, wait_s: float) -> None:
        """Wait until there may be something to do: the pole has told news, or it is time."""
        woken = self._woken[is_first]
        woken.clear()
        try:
            async with asyncio.timeout(wait_s):
                await woken.wait()
        except TimeoutError:
            self._is_stale = self._is_stale or not is_first

    def _rouse(self) -> None:
        for each in self._woken.values():
            each.set()

    # One file ----------------------------------------------------------------------------------

    async def _take(self, wanted: Wanted) -> None:
        """Try one file.

        Raises:
            PoleRefused: the pole gives us no files.
            OSError: the link, the store or the disk: the next file will not do better.
        """
        sha256 = wanted.sha256
        if wanted.size_bytes > MEDIA_BYTES_MAX:
            await self._give_up(wanted, f"{wanted.size_bytes} bytes, more than {MEDIA_BYTES_MAX}")
            return
        self._got[sha256] = 0
        try:
            if await self._has_room(wanted):
                async with self._yard.slots.turn(is_snapshot=is_snapshot(wanted)):
                    await self._fetch(wanted)
        except _TurnOver:
            return
        except FileGone as exc:
            await self._note_missing(wanted, exc)
        except PoleWrong as exc:
            await self._note_wrong(wanted, exc)
        except PoleBusy:
            self._cut_off(sha256)
        except PoleRefused:
            raise
        except OSError:
            self._cut_off(sha256)
            raise
        finally:
            del self._got[sha256]
            self._news.set()

    async def _fetch(self, wanted: Wanted) -> None:
        name = f"{self._pole}-{wanted.sha256}.part"
        path = self._yard.parts / name
        part = await on_thread(lambda: PartFile(path, size_bytes=wanted.size_bytes))
        try:
            if part.got_bytes < wanted.size_bytes:
                await self._download(wanted, part)
            is_right = await on_thread(lambda: part.finish(wanted.sha256))
        finally:
            part.close()
        if not is_right:
            raise PoleWrong("its bytes have another hash than its record says")
        await self._vault.keep_file(wanted, name)
        await self._keep_note(wanted)

    async def _download(self, wanted: Wanted, part: PartFile) -> None:
        first, size_bytes = part.got_bytes, wanted.size_bytes
        clock = self._yard.passing.clock
        end_ns = clock.monotonic_ns() + round(self._yard.waits.turn_s * NS_PER_S)
        async with self._client.media(wanted.sha256, first=first, size_bytes=size_bytes) as blocks:
            async for block in blocks:
                part.add(block)
                self._note_progress(wanted.sha256, part.got_bytes)
                if part.is_block:
                    await on_thread(part.write)
                if part.got_bytes < size_bytes and clock.monotonic_ns() > end_ns:
                    self._end_turn(wanted)
        if part.got_bytes != size_bytes:
            raise PoleWrong(f"{part.got_bytes} bytes came, its record says {size_bytes}")

    def _end_turn(self, wanted: Wanted) -> None:
        """Stop where another one, of this pole or any other, has waited long enough."""
        others = (each for each in self._files.values() if each.sha256 not in self._got)
        if self._yard.slots.is_crowded or any(place(each) < place(wanted) for each in others):
            raise _TurnOver

    async def _has_room(self, wanted: Wanted) -> bool:
        sha256, is_still = wanted.sha256, is_snapshot(wanted)
        if await self._vault.has_room(wanted.size_bytes, is_snapshot=is_still):
            if not is_still:
                await self._note_room(wanted)
            return True
        for each in self._files.values():
            is_alike = is_snapshot(each) == is_still
            if is_alike and each.size_bytes >= wanted.size_bytes:
                self._put_off(
                    each.sha256, self._yard.waits.held_s
                )  # a full disk is asked about once, not for each
        if sha256 not in self._held:
            await self._vault.give_up_file(wanted, "held back", "no room for it at the station")
            self._held.add(sha256)
        await self._yard.own.say("disk", _ROOM, _NO_ROOM)
        return False

    async def _note_room(self, wanted: Wanted) -> None:
        """There is room again, and not only for this one."""
        own = self._yard.own
        if own.find("disk", _ROOM) is None:
            return
        if await self._vault.has_room(wanted.size_bytes + SPARE_BYTES):
            await own.over("disk", _ROOM, "there is room for files again")

    # How it went -------------------------------------------------------------------------------

    async def _keep_note(self, wanted: Wanted) -> None:
        self._drop(wanted)
        self._contact.landed()
        self._contact.clear("files")
        self._kept.set()
        passing = self._yard.passing
        if passing.clock.monotonic_ns() - self._bad_ns > self._yard.waits.forgive_s * NS_PER_S:
            self._contact.clear("media")
            await self._yard.own.over("media", self._pole, "files come right again")

    async def _note_missing(self, wanted: Wanted, exc: FileGone) -> None:
        """A pole that has no such file is asked twice: it may have been about to have it."""
        await self._vault.note_try(wanted)
        if wanted.tries:
            await self._vault.give_up_file(wanted, "gone", str(exc))
            self._drop(wanted)
            _log.warning("file gone: pole=%s sha256=%s", self._pole, wanted.sha256)
        else:
            self._try_later(wanted)

    async def _note_wrong(self, wanted: Wanted, exc: PoleWrong) -> None:
        """What comes is not what was promised."""
        self._contact.trouble("files", f"{wanted.role}: {exc}")
        await self._vault.note_try(wanted)
        if wanted.tries + 1 < TRIES_MAX:
            self._try_later(wanted)
        else:
            await self._give_up(wanted, f"{exc}; tried {TRIES_MAX} times")

    async def _give_up(self, wanted: Wanted, reason: str) -> None:
        """A pole that promises what it does not give is worth an alert, one however many files."""
        self._bad_ns = self._yard.passing.clock.monotonic_ns()
        sha256 = wanted.sha256
        await self._vault.give_up_file(wanted, "bad", reason)
        self._drop(wanted)
        _log.warning("file given up: pole=%s sha256=%s reason=%s", self._pole, sha256, reason)
        path = self._yard.parts / f"{self._pole}-{sha256}.part"
        await on_thread(lambda: path.unlink(missing_ok=True))
        before = self._yard.own.find("media", self._pole) or {}
        count = before.get("count")
        told = (count if isinstance(count, int) else 0) + 1
        self._contact.trouble("media", f"{wanted.role} {sha256[:12]}: {reason}")
        await self._yard.own.say(
            "media", self._pole,
            {"pole": self._pole, "count": told, "role": wanted.role, "sha256": sha256,
             "camera": wanted.camera, "problem": reason},
        )  # fmt: skip

    def _try_later(self, wanted: Wanted) -> None:
        self._put_off(wanted.sha256, self._later_s(self._yard.waits.again_s, wanted.tries))
        self._is_stale = True

    def _cut_off(self, sha256: str) -> None:
        """The file is not to blame, but one that is cut off each time must not keep others."""
        cuts = self._cuts.get(sha256, 0)
        self._cuts[sha256] = cuts + 1
        self._put_off(sha256, self._later_s(self._yard.waits.link_s, cuts))

    def _later_s(self, first_s: float, times: int) -> float:
        """A wait that doubles each time, with jitter."""
        wait_s = min(first_s * (1 << min(times, 16)), self._yard.waits.longest_s)
        return wait_s * (1 + JITTER_SHARE * self._yard.passing.dice())

    def _put_off(self, sha256: str, wait_s: float) -> None:
        now_ns = self._yard.passing.clock.monotonic_ns()
        self._due_ns[sha256] = now_ns + round(wait_s * NS_PER_S)

    def _drop(self, wanted: Wanted) -> None:
        """It is wanted no longer; a list that was full may go on behind it."""
        is_full = len(self._files) >= LISTED_MAX // 2
        self._files.pop(wanted.sha256, None)
        self._due_ns.pop(wanted.sha256, None)
        self._cuts.pop(wanted.sha256, None)
        if is_full and len(self._files) < LISTED_MAX // 2:
            self.wake()

    # What is told of it ------------------------------------------------------------------------

    def _note_progress(self, sha256: str, got_bytes: int) -> None:
        self._got[sha256] = got_bytes
        self._news.set()

    async def _report(self) -> None:
        """Tell how far files have come, at most twice a second."""
        while True:
            await self._news.wait()
            self._news.clear()
            coming = [
                Coming(sha256, each.role, each.size_bytes, got_bytes)
                for sha256, got_bytes in self._got.items()
                if (each := self._files.get(sha256)) is not None
            ]
            waiting = [each for each in self._files.values() if each.sha256 not in self._got]
            self._contact.coming(
                coming,
                files_waiting=len(waiting),
                bytes_waiting=sum(each.size_bytes for each in waiting),
            )
            await self._yard.passing.sleep(self._yard.waits.report_s)

    async def _confirm(self) -> None:
        """Tell the pole which files are on disk here, many at once."""
        backoff = Backoff()
        while True:
            await self._kept.wait()
            self._kept.clear()
            try:
                await self._confirm_all()
            except (PoleError, StoreError) as exc:
                self._kept.set()
                wait_s = backoff.wait_s(0.0)
                _log.debug("files not confirmed: pole=%s reason=%s", self._pole, exc)
                await self._yard.passing.sleep(wait_s)
            else:
                backoff = Backoff()
                await self._yard.passing.sleep(self._yard.waits.ack_s)

    async def _confirm_all(self) -> None:
        while hashes := await self._vault.unacked_files(self._pole, limit=ACKS_MAX):
            await self._client.ack_media(hashes)
            await self._vault.note_files_acked(self._pole, hashes)
