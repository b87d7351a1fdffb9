"""The station's store for the event loop: gives `ports.Vault`, `ports.Desk` and `ports.Arrivals`.

    async with StationStore(folder, StoreSettings.of(config), clock=…, read_clock=…) as store:

Every write goes to one thread, where what arrives together shares a commit, and is on disk when it
returns. Desks and those outside are told of nothing that is not.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence
from functools import partial

from edge.errors import StoreError
from edge.evidence import Link, Sealed, SignedStatement
from edge.feeds import Cursor, Draft, Feed, Severity
from edge.model import KeptMedia
from edge.station.desk_alert import TransferState
from edge.station.desk_fold import FileStand
from edge.station.ports.arrivals import Arrival
from edge.station.ports.desk import Asked, DeskPage, RecordPage, Response
from edge.station.ports.vault import Batch, Identity, Kept, Wanted, Word
from edge.station.store import desk_reader, feeds_table, files_table, outbox, own_log
from edge.station.store.core import StoreCore
from edge.station.store.reader import StoreReader
from edge.station.store.store_file import StoreFile
from edge.station.store.upkeep import StoreUpkeep

_DIGEST = re.compile("[0-9a-f]{64}")
_log = logging.getLogger(__name__)


class StoreVault(StoreCore):
    """What pulling needs; see `ports.Vault`."""

    async def identity(self, pole: str) -> Identity | None:
        """See `ports.Vault`."""
        return await self._read(lambda reader: reader.identity(pole))

    async def keep_identity(self, pole: str, identity: Identity) -> None:
        """See `ports.Vault`; under another token's name we have told the pole nothing yet."""

        def keep(file: StoreFile) -> None:
            known = feeds_table.load_identity(file.connection, pole)
            if known is not None and known.token_name != identity.token_name:
                outbox.forget_acked(file, pole)
            feeds_table.keep_identity(file, pole, identity)

        await self._write(keep)

    async def places(self, pole: str) -> Mapping[Feed, Link]:
        """See `ports.Vault`."""
        return await self._read(lambda reader: reader.places(pole))

    async def keep(self, batch: Batch) -> Kept:
        """See `ports.Vault`."""
        return await self._write(lambda file: feeds_table.keep_batch(file, batch))

    async def acked(self, pole: str) -> Mapping[Feed, Cursor]:
        """See `ports.Vault`."""
        return await self._read(lambda reader: reader.acked(pole))

    async def note_acked(self, pole: str, feed: Feed, upto: Cursor) -> None:
        """See `ports.Vault`."""
        await self._write(lambda file: feeds_table.note_acked(file, pole, feed, upto))

    async def signed_to(self, pole: str, feed: Feed) -> Link | None:
        """See `ports.Vault`."""
        return await self._read(lambda reader: reader.signed_to(pole, feed))

    async def keep_statements(self, pole: str, signed: Sequence[SignedStatement]) -> list[str]:
        """See `ports.Vault`."""
        return await self._write(lambda file: feeds_table.keep_statements(file, pole, signed))

    async def wanted(self, pole: str, *, limit: int) -> list[Wanted]:
        """See `ports.Vault`."""
        return await self._read(lambda reader: reader.wanted(pole, limit=limit))

    async def keep_file(self, wanted: Wanted, part: str) -> None:
        """See `ports.Vault`; the file has its name before its row is committed."""
        async with self._alone(wanted.sha256):
            adopt = partial(
                self._media.adopt, part, sha256=wanted.sha256, size_bytes=wanted.size_bytes
            )
            await self._loop.run_in_executor(self._file_threads, adopt)
            await self._write(lambda file: files_table.keep_file(file, wanted))

    async def give_up_file(self, wanted: Wanted, state: TransferState, reason: str) -> None:
        """See `ports.Vault`."""
        stand = FileStand(state, reason)
        await self._write(lambda file: files_table.give_up_file(file, wanted, stand))

    async def note_try(self, wanted: Wanted) -> None:
        """See `ports.Vault`."""
        await self._write(lambda file: files_table.note_try(file, wanted))

    async def unacked_files(self, pole: str, *, limit: int) -> list[str]:
        """See `ports.Vault`."""
        return await self._read(lambda reader: reader.unacked_files(pole, limit=limit))

    async def note_files_acked(self, pole: str, hashes: Sequence[str]) -> None:
        """See `ports.Vault`."""
        await self._write(lambda file: files_table.note_files_acked(file, pole, hashes))

    async def has_room(self, size_bytes: int, *, rank: int) -> bool:
        """See `ports.Vault`."""
        find = partial(self._media.find_left, rank, self._settings.store)
        return (await self._loop.run_in_executor(self._file_threads, find)).has(size_bytes)

    async def is_new(self, alert: str) -> bool:
        """See `ports.Vault`."""
        return await self._read(lambda reader: desk_reader.is_own_new(reader, alert))

    async def words_to_send(self, pole: str, *, limit: int) -> list[Word]:
        """See `ports.Vault`."""
        return await self._read(lambda reader: reader.words_to_send(pole, limit=limit))

    async def note_sent(self, word: Word, refused: str = "") -> None:
        """See `ports.Vault`."""
        await self._write(lambda file: outbox.note_sent(file, word, refused))

    async def tell(self, drafts: Sequence[Draft]) -> list[Sealed]:
        """See `ports.Vault`."""
        return await self._write(lambda file: own_log.append_own(file, drafts))


class StoreLogs(StoreCore):
    """What is asked of logs that are kept: `ports.KeptLogs`, `pulling.silence_watch.Memory`."""

    async def kept_near(self, pole: str, after: Link, *, before: int) -> list[Link]:
        """See `ports.KeptLogs`."""
        return await self._read(
            lambda reader: feeds_table.kept_near(reader.connection, pole, after, before=before)
        )

    async def newest_of(self, pole: str, feed: Feed, *, limit: int) -> list[bytes]:
        """See `pulling.silence_watch.Memory`."""
        return await self._read(lambda reader: reader.newest(pole, feed, limit=limit))


class StoreDesk(StoreCore):
    """What the API needs; see `ports.Desk`."""

    async def alerts(self, asked: Asked, *, after: str | None, limit: int) -> DeskPage:
        """See `ports.Desk`; of few that are asked for a page may be short and have a `next`."""
        return await self._read(
            lambda reader: desk_reader.list_alerts(reader, asked, after=after, limit=limit)
        )

    async def alert(self, pole: str, alert: str) -> bytes | None:
        """See `ports.Desk`."""
        return await self._read(lambda reader: desk_reader.read_alert(reader, pole, alert))

    async def changed(self, *, after: int, limit: int) -> DeskPage:
        """See `ports.Desk`; `next` is the change to go on after."""
        return await self._read(
            lambda reader: desk_reader.list_changed(reader, after=after, limit=limit)
        )

    async def wait_for_change(self, *, after: int, timeout_s: float) -> bool:
        """See `ports.Desk`."""
        if self._change > after:
            return True
        return await self._changes.wait(after=after, timeout_s=timeout_s)

    async def counts(self) -> Mapping[str, int]:
        """See `ports.Desk`."""
        return await self._read(desk_reader.count_alerts)

    async def records(self, pole: str, alert: str, *, after: int = 0) -> RecordPage:
        """See `ports.Desk`; a page ends after 4 MiB."""
        return await self._read(
            lambda reader: desk_reader.read_records(reader, pole, alert, after=after)
        )

    async def severity(self, pole: str, alert: str, *, before: int) -> Severity | None:
        """See `outward.message.AlertDesk`."""
        return await self._read(
            lambda reader: desk_reader.read_severity(reader, pole, alert, before=before)
        )

    async def find_media(self, pole: str, sha256: str) -> KeptMedia | None:
        """See `ports.Desk`."""
        if not _DIGEST.fullmatch(sha256):
            return None
        path = self._media.path_of(sha256)

        def find(reader: StoreReader) -> KeptMedia | None:
            found = reader.file_of(pole, sha256)
            if found is None or not path.is_file():
                return None
            return KeptMedia(sha256, found.size_bytes, found.type, path, frozenset())

        return await self._read(find)

    async def set_aside(self, sha256: str) -> None:
        """See `ports.Desk`; its row is committed first, `adopt` looks at what lies there."""
        async with self._alone(sha256):
            check = partial(self._media.is_whole, sha256)
            try:
                if await self._loop.run_in_executor(self._file_threads, check):
                    return
            except OSError as exc:
                raise StoreError(f"media {sha256}: can't be read ({exc.strerror})") from exc
            count = await self._write(partial(files_table.want_again, sha256=sha256))
            _log.warning("file spoiled, wanted again: sha256=%s poles=%d", sha256, count)
            await self._loop.run_in_executor(self._file_threads, self._media.set_aside, sha256)

    async def say(self, drafts: Sequence[Draft], *, pass_on: bool = False) -> list[Sealed]:
        """See `ports.Desk`."""
        return await self._write(lambda file: own_log.append_own(file, drafts, pass_on=pass_on))

    async def responses(self, *, since_ms: int, until_ms: int) -> list[Response]:
        """See `ports.Desk`; read on a thread of its own, a year takes seconds."""
        return await self._long_reading.run(
            lambda reader: desk_reader.read_responses(reader, since_ms=since_ms, until_ms=until_ms)
        )


class StoreArrivals(StoreCore):
    """What those outside are told; see `ports.Arrivals`."""

    @property
    def newest(self) -> int:
        """See `ports.Arrivals`."""
        return self._number

    async def arrivals(self, *, after: int, feeds: Sequence[Feed], limit: int) -> list[Arrival]:
        """See `ports.Arrivals`."""
        return await self._read(
            lambda reader: reader.arrivals(after=after, feeds=feeds, limit=limit)
        )

    async def wait_for_arrival(self, *, after: int, timeout_s: float) -> bool:
        """See `ports.Arrivals`."""
        if self._number > after:
            return True
        return await self._numbers.wait(after=after, timeout_s=timeout_s)

    async def told_to(self, webhook: str) -> int | None:
        """See `ports.Arrivals`."""
        return await self._read(lambda reader: reader.told_to(webhook))

    async def note_told(self, webhook: str, number: int) -> None:
        """See `ports.Arrivals`."""
        await self._write(lambda file: outbox.note_told(file, webhook, number))


class StationStore(StoreVault, StoreLogs, StoreDesk, StoreArrivals, StoreUpkeep):
    """The store of one station; to be entered before it is used."""

    async def __aenter__(self) -> StationStore:
        """See `StoreCore`."""
        await super().__aenter__()
        return self
