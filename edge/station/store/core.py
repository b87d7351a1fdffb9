"""The store's parts together: who writes, who reads, the folders, and who waits for news."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TypeVar

from edge.clock import Clock, make_ids
from edge.device_key import load_or_make_key
from edge.errors import StoreError
from edge.feeds import ClockReading
from edge.own_folder import lock_folder, make_own_folder
from edge.station.store import alerts_table, files_table, own_log
from edge.station.store.age import Age
from edge.station.store.media_folder import StationMedia
from edge.station.store.reader import StoreReader
from edge.station.store.reading_thread import ReadingThread
from edge.station.store.schema import STORE_NAME
from edge.station.store.store_file import Keeper, StoreFile, StoreSettings
from edge.station.store.writing_thread import Pace, WritingThread
from edge.waiters import Waiters

FILE_THREADS = 4
"""Files that are given their names at once; more would only share the disk's speed."""

_log = logging.getLogger(__name__)
_Outcome = TypeVar("_Outcome")


class StoreCore:
    """One open store; see `StationStore`, which is built of it."""

    _loop: asyncio.AbstractEventLoop
    _keeper: Keeper
    _writing: WritingThread[StoreFile]

    def __init__(
        self,
        folder: Path,
        settings: StoreSettings,
        *,
        clock: Clock,
        read_clock: Callable[[], ClockReading],
        pace: Pace | None = None,
    ) -> None:
        """Nothing is opened yet.

        Args:
            folder: made where there is none; its parts are the lock, the station's key, the
                database, `media` and `parts`.
            settings: of the configuration.
            clock: for all times.
            read_clock: how far the station's clock can be trusted, for its own records.
            pace: for tests.
        """
        self._folder, self._settings, self._clock = folder, settings, clock
        self._read_clock, self._pace = read_clock, pace
        self._make_id = make_ids(clock)
        self._media = StationMedia(folder)
        self._reading = ReadingThread("store-reader")
        self._long_reading = ReadingThread("store-statistics")
        self._file_threads = ThreadPoolExecutor(FILE_THREADS, thread_name_prefix="store-files")
        self._busy_files: dict[str, asyncio.Future[None]] = {}
        self._change = self._number = 0
        self._changes, self._numbers = Waiters(), Waiters()
        self._closing = ExitStack()

    @property
    def parts_folder(self) -> Path:
        """Where files lie that are on their way: `<pole>-<sha256>.part`."""
        return self._media.parts

    @property
    def fault(self) -> str | None:
        """Why the disk takes nothing just now; None while it does."""
        return self._writing.fault

    @property
    def change(self) -> int:
        """The newest change of any alert that is on disk."""
        return self._change

    async def __aenter__(self) -> StoreCore:
        """Take the folder, open the store, put folders and rows in step.

        Raises:
            StoreError: it can't be opened, is another station's, or another process has it.
        """
        self._loop = asyncio.get_running_loop()
        with ExitStack() as undo:
            undo.callback(self._file_threads.shutdown)
            undo.callback(self._reading.abandon)
            undo.callback(self._long_reading.abandon)
            await asyncio.to_thread(self._open, undo)
            await self._reading.open(self._folder)
            await self._long_reading.open(self._folder)
            self._closing = undo.pop_all()
        return self

    async def __aexit__(self, *_exc: object) -> None:
        """Write what waits, sign, wake those who wait, and close."""
        self._changes.let_go()
        self._numbers.let_go()
        try:  # readers first: the last to close puts the WAL into the file
            await self._reading.close()
            await self._long_reading.close()
        finally:
            await asyncio.to_thread(self._closing.close)

    async def watch(self) -> None:
        """Wait until the writing thread has ended: without it nothing is kept.

        Raises:
            Whatever ended it, where nobody had asked it to end.
        """
        await asyncio.wrap_future(self._writing.running)

    def _open(self, undo: ExitStack) -> None:
        """Open everything that is opened on a thread; `undo` closes it again."""
        make_own_folder(self._folder)
        undo.callback(os.close, lock_folder(self._folder, holder="station"))
        _check_parts(self._folder)
        key = load_or_make_key(self._folder)
        self._media.make()
        age = Age(self._clock)
        self._keeper = Keeper(self._settings, key, self._clock, self._read_clock, age)
        epoch: str | None = None

        def open_file() -> StoreFile:
            nonlocal epoch
            file = StoreFile(self._folder, self._keeper, epoch=epoch)
            epoch = file.epoch
            return file

        self._writing = WritingThread(open_file, self._publish, pace=self._pace)
        undo.callback(self._writing.close)
        self._writing.start()
        undo.callback(self._sign_last)
        self._sweep()
        self._writing.ask(alerts_table.interrupt_unpulled).result()
        self._change, self._number = self._writing.ask(_newest).result()

    def _sign_last(self) -> None:
        told = self._writing.ask(own_log.sign_heads)
        told.exception()  # a disk that takes nothing has been told of already

    def _sweep(self) -> None:
        """Put files and rows in step, whatever a kill has left between them."""

        def here(digits: str) -> Iterator[str]:
            return iter(self._writing.ask(partial(files_table.noted, digits=digits)).result())

        def is_wanted(sha256: str) -> bool:
            return self._writing.ask(partial(files_table.is_wanted, sha256=sha256)).result()

        def settle(sha256: str, size_bytes: int) -> bool:
            note = partial(files_table.settle, sha256=sha256, size_bytes=size_bytes)
            return self._writing.ask(note).result()

        for sha256 in self._media.sweep(here=here, is_wanted=is_wanted, settle=settle):
            count = self._writing.ask(partial(files_table.want_again, sha256=sha256)).result()
            _log.warning("file missing, wanted again: sha256=%s poles=%d", sha256, count)
        self._media.sweep_parts(is_wanted=is_wanted)

    def _publish(self, file: StoreFile) -> None:
        """Tell the event loop what is on disk now; on the writing thread."""
        change, number = _newest(file)
        if (change, number) != (self._change, self._number):
            self._loop.call_soon_threadsafe(self._take_in, change, number)

    def _take_in(self, change: int, number: int) -> None:
        self._change, self._number = change, number
        self._changes.wake(change)
        self._numbers.wake(number)

    @asynccontextmanager
    async def _alone(self, sha256: str) -> AsyncIterator[None]:
        """Let nobody else name or remove a file of this hash: file and row are two steps."""
        while (busy := self._busy_files.get(sha256)) is not None:
            await asyncio.wait([busy])
        self._busy_files[sha256] = done = self._loop.create_future()
        try:
            yield
        finally:
            del self._busy_files[sha256]
            done.set_result(None)

    async def _write(self, work: Callable[[StoreFile], _Outcome]) -> _Outcome:
        return await asyncio.wrap_future(self._writing.ask(work))

    async def _read(self, work: Callable[[StoreReader], _Outcome]) -> _Outcome:
        return await self._reading.run(work)


def _newest(file: StoreFile) -> tuple[int, int]:
    return file.tally("change"), file.newest_number()


def _check_parts(folder: Path) -> None:
    """See that no part is missing without which the store must not be taken up."""
    has_store = _size(folder / STORE_NAME) > 0
    if has_store and not (folder / "device.key").exists():
        raise StoreError(
            f"{folder}: device.key is missing beside the store that it signed; put it back,"
            f" or move {STORE_NAME} away to begin anew"
        )
    if not has_store and _size(folder / f"{STORE_NAME}-wal") > 0:
        raise StoreError(
            f"{folder}: {STORE_NAME} is missing beside its {STORE_NAME}-wal, which holds records;"
            f" put it back, or move {STORE_NAME}-wal away to begin anew"
        )


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
