"""Hands records to the log in the order in which they were made, without anybody waiting for it.

What has gathered while the log wrote goes to it at once, so that a burst shares a commit. Who
makes records by reading an eye waits when too many wait: then its eye waits, and nothing is lost.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from edge.errors import EvidenceError, StoreError
from edge.feeds import Draft

WAITING_MAX = 1_000
"""Beyond it eyes are not read on; 2 MB, and far more than a working disk lets gather."""
PATIENCE_S = 2.0
"""A log whose disk is in trouble keeps records in order by itself and need not be waited for."""

_log = logging.getLogger(__name__)


class Journal(Protocol):
    """The part of `ports.Log` that takes records."""

    async def append(self, drafts: Sequence[Draft]) -> Sequence[object]:
        """See `Log.append`."""
        ...


async def tell(log: Journal, draft: Draft, *, patience_s: float = PATIENCE_S) -> bool:
    """Write one record that nothing else waits for: a disk in trouble holds nobody up.

    Returns:
        Whether it is on disk. False: the log writes it later, or counts it as lost where too many
        wait for a bad disk.
    """
    try:
        async with asyncio.timeout(patience_s):
            await log.append([draft])
    except (TimeoutError, StoreError):
        return False
    return True


@dataclass(frozen=True, slots=True)
class _Item:
    """A record to write, or a mark between records, and who wants to know that it is on disk."""

    draft: Draft | None
    told: asyncio.Future[bool] | None = None

    def tell(self, *, is_on_disk: bool) -> None:
        if self.told is not None and not self.told.done():
            self.told.set_result(is_on_disk)


class Scribe:
    """The way of all eyes' records into the log."""

    def __init__(self, log: Journal, *, patience_s: float = PATIENCE_S) -> None:
        """Nothing is written before `run`."""
        self._log = log
        self._patience_s = patience_s
        self._waiting: list[_Item] = []
        self._is_closed = False
        self._is_behind = False
        self._has_work = asyncio.Event()
        self._has_room = asyncio.Event()
        self._has_room.set()

    def put(self, drafts: Sequence[Draft]) -> None:
        """Have records written; never waits."""
        self._add([_Item(draft) for draft in drafts])

    async def write(self, draft: Draft) -> bool:
        """Have a record written and wait for it.

        Returns:
            Whether it is on disk. False: the log has it, and writes it once its disk lets it.
        """
        return await self._add_and_wait(draft)

    async def settle(self) -> bool:
        """Wait until all that has been put so far is on disk; false as with `write`."""
        return await self._add_and_wait(None)

    async def wait_for_room(self) -> None:
        """Wait while too many wait."""
        await self._has_room.wait()

    def close(self) -> None:
        """Let `run` end once everything that was put has been handed over."""
        self._is_closed = True
        self._has_work.set()

    async def run(self) -> None:
        """Hand over until closed."""
        while not (self._is_closed and not self._waiting):
            await self._has_work.wait()
            self._has_work.clear()
            items, self._waiting = self._waiting, []
            self._has_room.set()
            if items:
                await self._write(items)

    async def _add_and_wait(self, draft: Draft | None) -> bool:
        told: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._add([_Item(draft, told)])
        return await told

    def _add(self, items: Sequence[_Item]) -> None:
        self._waiting += items
        if len(self._waiting) > WAITING_MAX:
            self._has_room.clear()
        if items:
            self._has_work.set()

    async def _write(self, items: Sequence[_Item]) -> None:
        drafts = [item.draft for item in items if item.draft is not None]
        try:
            if drafts:
                async with asyncio.timeout(self._patience_s):
                    await self._log.append(drafts)
                self._is_behind = False  # it writes in order: what came before is there too
        except (TimeoutError, StoreError):
            self._is_behind = True  # the log has them, or counts them as lost, and says why
        except EvidenceError as exc:
            if len(items) > 1:
                for item in items:  # one that can't be sealed spoils none of the others
                    await self._write([item])
                return
            _log.error("record refused: kind=%s reason=%s", drafts[0].kind, exc)
            items[0].tell(is_on_disk=False)
        for item in items:
            item.tell(is_on_disk=not self._is_behind)
