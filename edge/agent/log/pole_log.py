"""The pole's log for the event loop: records go to one writing thread, what is new stays in memory.

Nothing is told that is not on disk: pages end at the head as it was published here, which the
writer does after its commit.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge.agent.log.damage import Damage
from edge.agent.log.reader import Reader
from edge.agent.log.reader_thread import ReaderThread
from edge.agent.log.recent import COUNT_MAX, Recent
from edge.agent.log.records import Records
from edge.agent.log.reserve import Reserve
from edge.agent.log.tail import Tail
from edge.agent.log.waiting import Waiting
from edge.agent.log.writer import LogWriter, Pace
from edge.agent.media import MEDIA_NAME, MediaFolder
from edge.agent.ports import (
    AlertPage,
    AlertSummary,
    CameraSet,
    OldestUnacked,
    UnclosedAlert,
)
from edge.clock import Clock
from edge.config.model import Pole
from edge.errors import DiskFull, LogDamaged, StoreError
from edge.evidence import Sealed, SignedStatement
from edge.feeds import FEEDS, Draft, Feed, Head, Page, Placed
from edge.model import KeptMedia

_DIGEST = re.compile("[0-9a-f]{64}")


class PoleLog:
    """The log of one pole; gives `ports.Log`. To be entered before it is used.

    `make_id` gives ids above all that it has, in rising order. `reserve` is freed when the disk is
    full; somebody else makes it anew.
    """

    make_id: Callable[[], str]

    _loop: asyncio.AbstractEventLoop
    _damage: Damage
    _tail: Tail

    def __init__(
        self,
        folder: Path,
        pole: Pole,
        *,
        key: Ed25519PrivateKey,
        clock: Clock,
        pace: Pace | None = None,
    ) -> None:
        """Nothing is opened yet.

        Args:
            folder: the data folder; exists, and nobody else writes to it.
            pole: whose log it is.
            key: the pole's own.
            clock: says when something was signed.
            pace: for tests.
        """

        def open_log(epoch: str | None) -> Records:
            return Records(folder, pole, key=key, clock=clock, epoch=epoch)

        def publish(placed: Sequence[Placed]) -> None:
            self._loop.call_soon_threadsafe(self._tail.take_in, placed)

        def heed(exc: StoreError) -> bool:
            if isinstance(exc, LogDamaged):
                self._loop.call_soon_threadsafe(self._damage.note, exc)
            return isinstance(exc, DiskFull) and self.reserve.free()

        self._folder, self._pole = folder, pole
        self._media = MediaFolder(folder / MEDIA_NAME)
        self.reserve = Reserve(folder)
        self._writer = LogWriter(open_log, publish, clock=clock, pace=pace, heed=heed)
        self._waiting = Waiting()
        self.waiting = self._waiting.all
        self.hung_s = self._writer.hung_s
        self._reading = ReaderThread(lambda exc: self._damage.note(exc))
        self._epoch = ""

    async def __aenter__(self) -> PoleLog:
        """Open the log and take its newest records into memory.

        Raises:
            StoreError: it can't be opened, or is not this pole's.
        """
        self._loop = asyncio.get_running_loop()
        self._damage = Damage(self._folder)
        with ExitStack() as undo:
            undo.callback(self._reading.abandon)
            undo.callback(self._writer.close)
            self._epoch = await asyncio.to_thread(self._writer.start)
            self.make_id = self._writer.make_id
            await self._reading.open(self._folder)
            self._tail = Tail(await self._reading.run(_take_up))
            undo.pop_all()
        return self

    async def __aexit__(self, *_exc: object) -> None:
        """Write what waits, wake those who wait, and close.

        Raises:
            StoreError: something could not be written any more.
        """
        self._tail.let_go()
        try:  # the reader first: the last to close puts the WAL into the log
            await self._reading.close()
        finally:
            left = await asyncio.to_thread(self._writer.close)
        if left:
            raise StoreError(f"{left} records could not be written; {self._writer.fault}")

    async def watch(self) -> None:
        """Wait until the log can't go on: its thread has ended, or it is found to be damaged.

        Raises:
            LogDamaged: it is to be set aside at the next start.
            Whatever ended the thread, where nobody had asked it to end.
        """
        async with asyncio.TaskGroup() as group:
            damage = group.create_task(self._damage.wait())
            await asyncio.wrap_future(self._writer.running)
            damage.cancel()

    @property
    def pole(self) -> str:
        """Id of the pole."""
        return self._pole.id

    @property
    def epoch(self) -> str:
        """This life of the log."""
        return self._epoch

    @property
    def fault(self) -> str | None:
        """Why the disk takes no records just now; None while it does."""
        return self._writer.fault

    def head(self, feed: Feed) -> Head:
        """Where a feed ends and begins; from memory."""
        return self._tail.head(feed)

    async def append(self, drafts: Sequence[Draft]) -> list[Sealed]:
        """Write records; on disk when it returns. Cancelling the wait does not take them back.

        Raises:
            EvidenceError: a draft holds what can't be sealed, or an id that is there already.
            StoreError: given up, after the disk took nothing for long; see `backlog.py`.
        """
        if not drafts:
            return []
        written = self._writer.append(drafts)
        self._waiting.add(drafts, written)
        placed = await asyncio.wrap_future(written)
        return [each.sealed for each in placed]

    async def page(self, feed: Feed, *, after: int, limit: int, cameras: CameraSet) -> Page:
        """Read the records after a place, of these cameras only; `next_seq` is the last looked at.

        Raises:
            StoreError: it can't be read.
        """
        page = self._tail.page(feed, after=after, limit=limit, cameras=cameras)
        if page is not None:
            return page
        up_to = self.head(feed).seq
        return await self._reading.run(
            lambda reader: reader.page(feed, after=after, up_to=up_to, limit=limit, cameras=cameras)
        )

    async def wait_for_more(self, feed: Feed, *, after: int, timeout_s: float) -> bool:
        """Wait until a feed has records after a place; false: not in this time, or it ends."""
        return await self._tail.wait_for_more(feed, after=after, timeout_s=timeout_s)

    async def statements(self, feed: Feed, *, after: int, limit: int) -> list[SignedStatement]:
        """What was signed of a feed's places after one, in order."""
        return await self._reading.run(
            lambda reader: reader.statements(feed, after=after, limit=limit)
        )

    async def alerts(
        self, *, only_open: bool, after: str | None, limit: int, cameras: CameraSet
    ) -> AlertPage:
        """Alerts by falling severity, then the newest first; `after` is the last one seen.

        Raises:
            ValidationError: there is no alert `after`.
        """
        return await self._reading.run(
            lambda reader: reader.alerts(
                only_open=only_open, after=after, limit=limit, cameras=cameras
            )
        )

    async def alert(self, alert: str) -> AlertSummary | None:
        """One alert."""
        return await self._reading.run(lambda reader: reader.alert(alert))

    async def unclosed_alerts(self) -> list[UnclosedAlert]:
        """Alerts that were opened and not closed, the oldest first."""
        return await self._reading.run(Reader.unclosed_alerts)

    async def find_media(self, sha256: str) -> KeptMedia | None:
        """A finished file that a record names and that is still here."""
        if not _DIGEST.fullmatch(sha256):
            return None
        path = self._media.path_of(sha256)

        def find(reader: Reader) -> KeptMedia | None:
            found = reader.media(sha256)
            if found is None or not path.is_file():
                return None
            return KeptMedia(sha256, found.size_bytes, found.type, path, found.cameras)

        return await self._reading.run(find)

    async def ack(self, name: str, feed: Feed, seq: int) -> int:
        """Note that a token's owner has everything up to `seq`; it never goes back.

        Returns:
            What counts now: `seq`, or what had been acknowledged before if that was more.
        """
        assert 0 <= seq <= self.head(feed).seq
        return await asyncio.wrap_future(
            self._writer.ask(lambda records: records.ack(name, feed, seq))
        )

    async def acks(self, feed: Feed) -> Mapping[str, int]:
        """What each token's owner has acknowledged of a feed."""
        return await self._reading.run(lambda reader: reader.acks(feed))

    async def ack_media(self, name: str, hashes: Sequence[str]) -> list[str]:
        """Note that a token's owner has these files and has checked them; return unknown ones."""
        return await asyncio.wrap_future(
            self._writer.ask(lambda records: records.ack_media(name, hashes))
        )

    async def oldest_unacked(self, keepers: frozenset[str]) -> OldestUnacked:
        """The oldest record of `alerts` that not every keeper has acknowledged."""
        up_to = self.head("alerts").seq
        return await self._reading.run(lambda reader: reader.oldest_unacked(keepers, up_to=up_to))


def _take_up(reader: Reader) -> dict[Feed, Recent]:
    heads = reader.heads()
    return {feed: Recent(heads[feed], reader.newest(feed, count=COUNT_MAX)) for feed in FEEDS}
