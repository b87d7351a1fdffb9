"""Audit records on their way into a store that lets nothing wait, in order and bounded.

The store refuses what its disk does not take: poles keep their records, nobody else has these. What
finds no room here is counted, and told by a `loss` record once the disk takes things again.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice

from aiohttp import web

from edge.errors import EvidenceError, StoreError
from edge.feeds import Draft
from edge.losses import Losses

RECORDS_MAX = 20_000
"""Records that wait: some 30 MiB, or days of a busy desk."""
GROUP_MAX = 64
"""Entries handed over at once; the store puts them into one commit."""
RETRY_S = 1.0
LAST_S = 2.0
"""How long the end waits for the disk."""
LAST_RETRY_S = 0.1
NO_ANSWER = "the disk did not answer"
_logger = logging.getLogger("polewatch.api")


@dataclass(eq=False, slots=True)
class _Entry:
    """Records of one call; `told` is done once they are on disk."""

    drafts: Sequence[Draft]
    told: asyncio.Future[None]


class AuditLine:
    """Writes audit records one after the other, again and again until the disk takes them.

    What a disk took and denied having taken is handed over twice; the store knows it by its id.
    """

    def __init__(
        self,
        say: Callable[[Sequence[Draft]], Awaitable[object]],
        *,
        make_id: Callable[[], str],
        records_max: int = RECORDS_MAX,
    ) -> None:
        """`say` writes into the store, `make_id` is for `loss` records; see `live`."""
        self._say, self._make_id, self._records_max = say, make_id, records_max
        self._line: deque[_Entry] = deque()
        self._count = 0
        self._losses, self._reason = Losses(), NO_ANSWER
        self._has_more = asyncio.Event()

    async def append(self, drafts: Sequence[Draft]) -> None:
        """Put records into the line; they are on disk when it returns, or later if it is cancelled.

        Raises:
            EvidenceError: they can't be written.
            StoreError: too many wait; these are counted as lost.
        """
        if self._count + len(drafts) > self._records_max:
            self._losses.add(drafts)
            raise StoreError(f"{self._count} records wait already; {self._reason}")
        await self._put(drafts).told

    async def live(self, _app: web.Application) -> AsyncIterator[None]:
        """Write while the server runs; at the end what waits has `LAST_S` more."""
        async with asyncio.TaskGroup() as group:
            writing = group.create_task(self._run())
            yield
            writing.cancel()
        with suppress(TimeoutError):
            async with asyncio.timeout(LAST_S):
                while self._line:
                    if not await self._write():
                        await asyncio.sleep(LAST_RETRY_S)
        if self._line:
            count = self._count + self._losses.kinds.total()
            _logger.error("audit: not on disk at the end: records=%d %s", count, self._reason)

    def _put(self, drafts: Sequence[Draft]) -> _Entry:
        entry = _Entry(drafts, asyncio.get_running_loop().create_future())
        self._line.append(entry)
        self._count += len(drafts)
        self._has_more.set()
        return entry

    async def _run(self) -> None:
        while True:
            await self._has_more.wait()
            self._has_more.clear()
            while self._line:
                if not await self._write():
                    await asyncio.sleep(RETRY_S)

    async def _write(self) -> bool:
        """Write those whose turn it is; false: the disk has refused, and they still wait."""
        group = list(islice(self._line, GROUP_MAX))
        are_done = await asyncio.gather(*(self._try(entry) for entry in group))
        for entry, is_done in zip(group, are_done, strict=True):
            if is_done:
                self._line.remove(entry)
                self._count -= len(entry.drafts)
        if not all(are_done):
            return False
        loss = self._losses.make_draft(id_=self._make_id(), reason=self._reason)
        if loss is not None:
            self._losses = Losses()
            self._put([loss])
        self._reason = NO_ANSWER
        return True

    async def _try(self, entry: _Entry) -> bool:
        """Write one entry and tell who waits for it; false: the disk has refused it."""
        error: EvidenceError | None = None
        try:
            await self._say(entry.drafts)
        except StoreError as exc:
            self._reason = str(exc)
            return False
        except EvidenceError as exc:
            error = exc
        if not entry.told.done():  # who waited may have gone: the disk was slow
            if error is None:
                entry.told.set_result(None)
            else:
                entry.told.set_exception(error)
        return True
