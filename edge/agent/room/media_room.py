"""Keeps media below their quota: room is made before a file comes in, and what goes is recorded."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import os
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Sequence
from pathlib import Path
from typing import TypeAlias

from edge.agent.log.reader import open_reader
from edge.agent.log.reserve import RESERVE_BYTES, Reserve
from edge.agent.media import MEDIA_NAME, media_path
from edge.agent.ports import Log
from edge.agent.room.order import HeldFile, choose, describe_loss
from edge.errors import MediaError, StoreError
from edge.feeds import Draft
from edge.supervise import Passing
from edge.whole_file import sync_folder

LOOK_EVERY_S = 60.0
DISK_SHARE = 0.8
"""Of a disk, where no quota is configured: log, eyes and the system need some of it."""
SPARE_PART, SPARE_BYTES_MAX = 64, 256 * 2**20
"""So much more goes when something must: not each clip costs another one, and a `loss` record."""
REASON = "no room"
_Choose: TypeAlias = Callable[[Iterable[HeldFile], int], list[HeldFile]]
"""Chooses what goes of all files, which have so many bytes."""

_log = logging.getLogger(__name__)


class MediaRoom:
    """The room for media of one pole; for one event loop."""

    def __init__(
        self,
        folder: Path,
        log: Log,
        *,
        quota_bytes: int | None,
        read_keepers: Callable[[], Collection[str]],
        make_draft: Callable[..., Draft],
    ) -> None:
        """Nothing is looked at yet.

        Args:
            folder: the pole's data folder.
            log: takes the records of what goes.
            quota_bytes: what media may take; None: most of their disk.
            read_keepers: names of the tokens whose acks count.
            make_draft: makes a record of now.
        """
        self._folder, self._log = folder, log
        self._quota_bytes = quota_bytes
        self._read_keepers, self._make_draft = read_keepers, make_draft
        self._turn = asyncio.Lock()
        self._coming_bytes = 0
        self._used_bytes_max = math.inf  # of what is noted, and what comes in just now

    @property
    def used_bytes(self) -> int | None:
        """What media take; None: not known yet."""
        return None if math.isinf(self._used_bytes_max) else int(self._used_bytes_max)

    @property
    def quota_bytes(self) -> int | None:
        """What they may take; None: the disk can't be asked."""
        try:
            return self._read_quota()
        except OSError:
            return None

    async def run(self, passing: Passing, reserve: Reserve) -> None:
        """See now and then that media are below the quota and the reserve is whole.

        Until cancelled. On a disk that is full what others keep goes until it is; nothing else,
        for what fills the disk need not be ours.
        """
        while True:
            with contextlib.suppress(MediaError):
                await self.make(0)
                if not await asyncio.to_thread(reserve.make):
                    await self._make_reserve(reserve)
            await passing.sleep(LOOK_EVERY_S)

    async def _make_reserve(self, reserve: Reserve) -> None:
        async with self._turn:
            keepers = frozenset(self._read_keepers())
            await self._free(
                lambda held, _: choose(
                    (file for file in held if file.is_kept), RESERVE_BYTES, spare_bytes=0
                ),
                keepers, "the disk is full",
            )  # fmt: skip
        await asyncio.to_thread(reserve.make)

    @contextlib.asynccontextmanager
    async def for_file(self, size_bytes: int) -> AsyncIterator[None]:
        """Make room for a file that comes in within the block, and whose record is written there.

        Raises:
            MediaError: it is larger than the quota, or what is there can't be looked at.
        """
        async with self._turn:
            await self._make(size_bytes)
            self._coming_bytes += size_bytes
        try:
            yield
        finally:
            self._coming_bytes -= size_bytes

    async def make(self, size_bytes: int) -> None:
        """See `for_file`."""
        async with self._turn:
            await self._make(size_bytes)

    async def _make(self, size_bytes: int) -> None:
        try:
            quota_bytes = await asyncio.to_thread(self._read_quota)
        except OSError as exc:
            raise MediaError(f"the disk of the media can't be asked ({exc.strerror})") from exc
        if size_bytes > quota_bytes:
            raise MediaError(f"{size_bytes} bytes, and the quota of all media is {quota_bytes}")
        keepers = frozenset(self._read_keepers())
        room_bytes = quota_bytes - size_bytes
        if self._used_bytes_max <= room_bytes:
            self._used_bytes_max += size_bytes
            return
        spare_bytes = min(SPARE_BYTES_MAX, quota_bytes // SPARE_PART)

        def choose_gone(held: Iterable[HeldFile], used_bytes: int) -> list[HeldFile]:
            need_bytes = used_bytes - room_bytes
            return choose(held, need_bytes, spare_bytes=spare_bytes) if need_bytes > 0 else []

        await self._free(choose_gone, keepers, REASON)
        self._used_bytes_max += size_bytes

    async def _free(self, choose_gone: _Choose, keepers: Collection[str], reason: str) -> None:
        """Delete what is chosen, and tell of it.

        Raises:
            MediaError: the log or the disk does not let it.
        """
        try:
            gone = await asyncio.to_thread(self._let_go, choose_gone, keepers)
        except StoreError as exc:
            raise MediaError(f"the log can't be read, which names the media: {exc}") from exc
        except OSError as exc:
            raise MediaError(f"media can't be let go of ({exc.strerror}); check the disk") from exc
        if gone:
            await self._tell(gone, reason)
            self._used_bytes_max -= sum(file.size_bytes for file in gone)

    def _read_quota(self) -> int:
        disk = os.statvfs(self._folder)
        most_bytes = int(disk.f_blocks * disk.f_frsize * DISK_SHARE)
        return most_bytes if self._quota_bytes is None else min(self._quota_bytes, most_bytes)

    def _let_go(self, choose_gone: _Choose, keepers: Collection[str]) -> list[HeldFile]:
        """Delete what is too much; files go before their rows: a full disk takes no row."""
        with open_reader(self._folder) as reader:
            self._used_bytes_max = reader.media_bytes() + self._coming_bytes
            gone = choose_gone(reader.held_media(keepers), int(self._used_bytes_max))
        media = self._folder / MEDIA_NAME
        for file in gone:
            media_path(media, file.sha256).unlink(missing_ok=True)
        for parent in {media_path(media, file.sha256).parent for file in gone}:
            with contextlib.suppress(FileNotFoundError):
                sync_folder(parent)
        return gone

    async def _tell(self, gone: Sequence[HeldFile], reason: str) -> None:
        """Record what has gone, in one commit with what of it is lost."""
        drafts = [
            self._make_draft(
                "media", "media.gone", alert=alert, camera=camera,
                data={"role": file.role, "sha256": file.sha256, "reason": reason},
            )
            for file in gone
            for alert, camera in file.uses or ((None, None),)
        ]  # fmt: skip
        loss = describe_loss(gone, reason)
        if loss is not None:
            drafts.append(self._make_draft("alerts", "loss", severity="major", data=loss))
        _log.warning("media gone: files=%d reason=%s", len(gone), reason)
        try:
            await self._log.append(drafts)
        except StoreError as exc:
            raise MediaError(f"what has gone can't be recorded: {exc}") from exc
