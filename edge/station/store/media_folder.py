"""Files of poles on the station's disk: whole under their hash, parts apart; and the room for them.

A file under its hash is whole at any instant: it is synced before it gets that name. Files and rows
are kept in step by `StationStore`; what a kill left between the two is put right at the start.
"""

from __future__ import annotations

import hashlib
import logging
import os
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from edge.errors import StoreError
from edge.station.config import Store
from edge.station.urgency import CAPTURE, SNAPSHOT
from edge.whole_file import sync_folder

MEDIA_NAME, PARTS_NAME, SPOILED_NAME = "media", "parts", "spoiled"
ALERTS_PART = 8
"""One of so many parts of the room is for alerts' files alone."""
_DIGEST = re.compile(r"[0-9a-f]{64}")
_FAN_OUT = re.compile(r"[0-9a-f]{2}")
_PART = re.compile(r"[^/]*?([0-9a-f]{64})\.part")
_READ_BYTES = 1 << 20
_MODE = 0o700

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Left:
    """What is left of the room: on the disk, and under the quota; below 0 where there is less."""

    disk_bytes: int
    quota_bytes: int

    def has(self, size_bytes: int) -> bool:
        """Whether a file of so many bytes fits."""
        return size_bytes <= min(self.disk_bytes, self.quota_bytes)


class StationMedia:
    """The folders: `media/ab/abcdef…`, `parts` for what is on its way, `spoiled` for witnesses.

    What is spoiled is for a person to look at and take away; until then it counts as the rest.
    """

    def __init__(self, folder: Path) -> None:
        """Nothing is touched yet; see `make`."""
        self.media, self.parts = folder / MEDIA_NAME, folder / PARTS_NAME
        self.spoiled = folder / SPOILED_NAME
        self.total_bytes = 0
        """What all files but parts have together; known once `sweep` has counted."""

    def make(self) -> None:
        """Make the folders.

        Raises:
            StoreError: they can't be made.
        """
        try:
            for path in (self.media, self.parts):
                path.mkdir(mode=_MODE, exist_ok=True)
            sync_folder(self.media.parent)
        except OSError as exc:
            raise _refusal(self.media.parent, exc) from exc

    def path_of(self, sha256: str) -> Path:
        """Where a file of this hash is, or would be."""
        assert _DIGEST.fullmatch(sha256)
        return self.media / sha256[:2] / sha256

    def adopt(self, part: str, *, sha256: str, size_bytes: int) -> None:
        """Give a part that is whole, checked and synced its name; what is there and whole stays.

        Raises:
            StoreError: there is no such part, it has another size, or the disk refuses.
        """
        assert "/" not in part
        source, path = self.parts / part, self.path_of(sha256)
        try:
            if path.exists():
                if self.is_whole(sha256):
                    source.unlink(missing_ok=True)
                    return
                self.set_aside(sha256)
            found_bytes = source.lstat().st_size
            if found_bytes != size_bytes:
                raise StoreError(f"{source}: has {found_bytes} bytes, not {size_bytes}")
            if not path.parent.is_dir():
                path.parent.mkdir(mode=_MODE, exist_ok=True)
                sync_folder(self.media)
            source.rename(path)
            sync_folder(path.parent)
        except StoreError:
            raise
        except OSError as exc:
            raise _refusal(source, exc) from exc
        self.total_bytes += size_bytes

    def remove(self, sha256: str) -> None:
        """Let a file go; one that is not there is gone.

        Raises:
            StoreError: the disk refuses.
        """
        path = self.path_of(sha256)
        try:
            size_bytes = path.lstat().st_size
            path.unlink()
        except FileNotFoundError:
            return
        except OSError as exc:
            raise _refusal(path, exc) from exc
        self.total_bytes -= size_bytes

    def set_aside(self, sha256: str) -> None:
        """Lay a file that is not what it was among the spoiled ones; one that is missing is gone.

        Raises:
            StoreError: the disk refuses.
        """
        source, number = self.path_of(sha256), 1
        if not source.exists():
            return
        try:
            self.spoiled.mkdir(mode=_MODE, exist_ok=True)
            while (target := self.spoiled / f"{sha256}.{number}").exists():
                number += 1
            source.rename(target)
            for folder in (self.spoiled, source.parent, self.spoiled.parent):
                sync_folder(folder)
        except OSError as exc:
            raise _refusal(source, exc) from exc

    def count_spoiled(self) -> int:
        """How many files were set aside and are still there.

        Raises:
            StoreError: the disk does not say.
        """
        try:
            return len(self._list_spoiled())
        except OSError as exc:
            raise _refusal(self.spoiled, exc) from exc

    def find_left(self, rank: int, limits: Store) -> Left:
        """What may still come in of files of a rank of `urgency`.

        Half of the reserve is for alerts' snapshots, beyond the quota too. An eighth of all room
        is for alerts' files: what one pole takes for captures must not keep out another's alert.

        Raises:
            StoreError: the disk does not say.
        """
        disk_bytes = self._free_bytes() - limits.reserve_bytes
        if rank == SNAPSHOT:
            return Left(disk_bytes + limits.reserve_bytes // 2, sys.maxsize)
        quota_bytes = limits.quota_bytes or sys.maxsize
        left = Left(disk_bytes, quota_bytes - self.total_bytes)
        if rank != CAPTURE:
            return left
        room_bytes = min(quota_bytes, self.total_bytes + disk_bytes)
        share_bytes = max(0, room_bytes) // ALERTS_PART
        return Left(left.disk_bytes - share_bytes, left.quota_bytes - share_bytes)

    def _free_bytes(self) -> int:
        try:
            status = os.statvfs(self.media)
        except OSError as exc:
            raise _refusal(self.media, exc) from exc
        return status.f_bavail * status.f_frsize

    def sweep(
        self,
        *,
        here: Callable[[str], Iterator[str]],
        is_wanted: Callable[[str], bool],
        settle: Callable[[str, int], bool],
    ) -> list[str]:
        """Put the files in step with what is noted, and count what they hold.

        What lies under a wanted hash and does not have it was about to be set aside, and is now.

        Args:
            here: hashes that are noted to be here, of those that begin with two digits.
            is_wanted: whether a file of this name is to come.
            settle: called with name and length of a whole file that is not noted: whether it is
                now.

        Returns:
            Hashes that are noted and whose files are not here.

        Raises:
            StoreError: the disk can't be read or written.
        """
        missing: list[str] = []
        try:
            self.total_bytes = sum(each.lstat().st_size for each in self._list_spoiled())
            for number in range(256):
                missing += self._sweep_one(f"{number:02x}", here, is_wanted, settle)
            for entry in os.scandir(self.media):
                if not (_FAN_OUT.fullmatch(entry.name) and entry.is_dir(follow_symlinks=False)):
                    _log.warning("media folder holds what is not ours: name=%s", entry.name)
        except OSError as exc:
            raise _refusal(self.media, exc) from exc
        return missing

    def sweep_parts(self, *, is_wanted: Callable[[str], bool]) -> None:
        """Remove parts of files that nobody waits for.

        Raises:
            StoreError: the disk can't be read or written.
        """
        try:
            for part in list(os.scandir(self.parts)):
                match = _PART.fullmatch(part.name)
                if match is None or not is_wanted(match[1]):
                    _remove(part, "nobody waits for it")
        except OSError as exc:
            raise _refusal(self.parts, exc) from exc

    def _list_spoiled(self) -> list[Path]:
        return list(self.spoiled.iterdir()) if self.spoiled.is_dir() else []

    def is_whole(self, sha256: str) -> bool:
        """Whether a file that lies under a hash has it.

        Raises:
            OSError: it can't be read.
        """
        if not _DIGEST.fullmatch(sha256) or not self.path_of(sha256).is_file():
            return False
        digest = hashlib.sha256()
        with self.path_of(sha256).open("rb") as file:
            while block := file.read(_READ_BYTES):
                digest.update(block)
        return digest.hexdigest() == sha256

    def _sweep_one(
        self,
        digits: str,
        here: Callable[[str], Iterator[str]],
        is_wanted: Callable[[str], bool],
        settle: Callable[[str, int], bool],
    ) -> list[str]:
        folder = self.media / digits
        noted = set(here(digits))
        if not folder.is_dir():
            return sorted(noted)
        for entry in list(os.scandir(folder)):
            size_bytes = entry.stat(follow_symlinks=False).st_size
            if entry.name in noted:
                noted.discard(entry.name)
            elif is_wanted(entry.name) and not self.is_whole(entry.name):
                _log.warning("file spoiled: path=%s", entry.path)
                self.set_aside(entry.name)
            elif not settle(entry.name, size_bytes):
                _remove(entry, "no record needs it")
                continue
            self.total_bytes += size_bytes
        return sorted(noted)


def _remove(entry: os.DirEntry[str], reason: str) -> None:
    """Let go of a file that lies in our folders; a folder there is none of ours."""
    if entry.is_dir(follow_symlinks=False):
        _log.warning("folder left alone: path=%s reason=%s", entry.path, reason)
        return
    _log.warning("file removed: path=%s reason=%s", entry.path, reason)
    Path(entry.path).unlink()


def _refusal(path: Path, exc: OSError) -> StoreError:
    return StoreError(f"{path}: can't be read or written ({exc.strerror}); check the disk")
