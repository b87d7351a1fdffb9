"""What the store does by itself: files and records whose time is over go, heads are signed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Literal, TypeAlias

from edge.feeds import FEEDS, Draft
from edge.model import Json
from edge.station.config import Store
from edge.station.store import alerts_table, files_table, own_log
from edge.station.store.age import find_mark, note_age
from edge.station.store.core import StoreCore
from edge.station.store.files_table import Expired
from edge.station.store.media_folder import Left
from edge.station.store.old_records import DAYS, DROP_MAX, drop_old, find_old
from edge.station.store.store_file import StoreFile
from edge.station.urgency import CAPTURE, CLIP

EXPIRE_MAX = 200
"""Files that go in one commit."""
SPARE_BYTES_MAX = 64 * 2**20
Want: TypeAlias = Literal["disk", "quota", "share", "past"]


def _spare(limit_bytes: int) -> int:
    """What must be left of a limit until it is said that there is room again."""
    return min(SPARE_BYTES_MAX, limit_bytes // 16)


def _is_ample(left: Left, limits: Store) -> bool:
    is_disk = left.disk_bytes >= _spare(limits.reserve_bytes)
    return is_disk and left.quota_bytes >= _spare(limits.quota_bytes or 0)


@dataclass(frozen=True, slots=True)
class Room:
    """What the disk has left; `held_back` files wait for want of it.

    Between short and ample is neither: who has been told that it is short is told of no end yet.
    `want` is of what there is too little: of the disk, of the quota, or of what either leaves to
    captures; "past": of nothing any more, and files that were held back have not come since.
    """

    is_short: bool
    is_ample: bool
    want: Want
    held_back: int


class StoreUpkeep(StoreCore):
    """What `Retention` needs of the store."""

    @property
    def fault_count(self) -> int:
        """How often the disk has begun to take nothing."""
        return self._writing.fault_count

    @property
    def last_fault(self) -> str | None:
        """Why the disk took nothing the last time it did."""
        return self._writing.last_fault

    async def expire_files(self) -> int:
        """Let go of the oldest files whose days are over, recorded as media.gone; how many.

        They are no longer noted before they are removed: a kill in between leaves files that
        nobody needs, which go at the next start.
        """
        days = self._settings.store.media_days_kept
        gone = await self._write(lambda file: self._expire(file, days))
        for each in gone:
            if each.is_last:
                await self._remove(each.sha256)
        return len(gone)

    async def drop_old_records(self) -> int:
        """Let records go that are older than their feed is kept; how many."""
        days = {**DAYS, "media": self._settings.store.media_days_kept}
        upto = await self._write(
            lambda file: {
                feed: find_mark(file.connection, file.keeper.age, days=days[feed]).record
                for feed in FEEDS
            }
        )
        total = 0
        for old in await self._long_reading.run(lambda reader: find_old(reader, upto)):
            count = DROP_MAX
            while count == DROP_MAX:
                count = await self._write(partial(drop_old, old=old))
                total += count
        return total

    async def forget_alerts(self) -> int:
        """Let alerts go that are done and as old as the oldest records; how many."""

        def forget(file: StoreFile) -> int:
            upto = find_mark(file.connection, file.keeper.age, days=DAYS["alerts"])
            return alerts_table.forget_alerts(file, upto=upto.alert, limit=DROP_MAX)

        return await self._write(forget)

    async def forget_files(self) -> int:
        """Let go of what is noted of files that ended before any record that is kept; how many."""
        days = {False: max(DAYS["captures"], self._settings.store.media_days_kept)}
        total = 0
        for is_alert, kept in {**days, True: DAYS["alerts"]}.items():
            forget = partial(files_table.forget_files, is_alert=is_alert, days=kept, limit=DROP_MAX)
            count = DROP_MAX
            while count == DROP_MAX:
                count = await self._write(forget)
                total += count
        return total

    async def count_spoiled(self) -> int:
        """How many files lie aside that are not what was recorded."""
        return await self._loop.run_in_executor(self._file_threads, self._media.count_spoiled)

    async def open_orphans(self) -> int:
        """Show alerts of which nothing but media has come for long; how many."""
        before_ms = self._clock.utc_ms() - alerts_table.ORPHAN_MS
        return await self._write(lambda file: alerts_table.open_orphans(file, before_ms=before_ms))

    async def note_age(self) -> None:
        """Note how old the store is: what is let go of goes by that."""
        await self._write(lambda file: note_age(file.connection, file.keeper.age))

    async def sign_heads(self) -> None:
        """Sign what has been written since the last time."""
        await self._write(own_log.sign_heads)

    async def room(self) -> Room:
        """How the disk stands."""
        limits = self._settings.store

        def find() -> tuple[Left, Left]:
            return self._media.find_left(CLIP, limits), self._media.find_left(CAPTURE, limits)

        poles = self._settings.sites.keys()
        held_back = await self._long_reading.run(lambda reader: reader.count_held_back(poles))
        left, least = await self._loop.run_in_executor(self._file_threads, find)
        is_short = left.disk_bytes < 0 or left.quota_bytes <= 0 or held_back > 0
        want: Want = "past"
        if not _is_ample(left, limits):
            want = "disk" if left.disk_bytes < _spare(limits.reserve_bytes) else "quota"
        elif not _is_ample(least, limits):
            want = "share"
        return Room(is_short, want == "past" and not is_short, want, held_back)

    def _expire(self, file: StoreFile, days: int) -> list[Expired]:
        reason = f"kept for {days} days"
        gone = files_table.expire(file, days=days, reason=reason, limit=EXPIRE_MAX)
        own_log.append_own(file, [self._gone_draft(each, reason) for each in gone])
        return gone

    def _gone_draft(self, gone: Expired, reason: str) -> Draft:
        data: dict[str, Json] = {
            "pole": gone.pole, "sha256": gone.sha256, "role": gone.role, "reason": reason,
        }  # fmt: skip
        return Draft(
            "media", self._make_id(0), "media.gone", self._clock.utc_ms(), self._read_clock(),
            camera=gone.camera, alert=gone.alert, data=data,
        )  # fmt: skip

    async def _remove(self, sha256: str) -> None:
        """Remove a file that nobody needs, unless it was brought anew since."""
        async with self._alone(sha256):
            if await self._write(lambda file: files_table.is_here(file, sha256)):
                return
            await self._loop.run_in_executor(self._file_threads, self._media.remove, sha256)
