"""Media on disk, named by their hash: taken over from an eye's folder, not on its word."""

from __future__ import annotations

import hashlib
import os
import stat
from dataclasses import dataclass
from pathlib import Path

from edge.errors import MediaError
from edge.whole_file import sync_folder

MEDIA_NAME = "media"
"""The folder's name in the data folder."""
FILE_BYTES_MAX = 2 * 2**30
"""A minute of 4K at 100 Mbit/s is 750 MB; what is larger is no clip of ours."""
_READ_BYTES = 1 << 20
_MODE = 0o640


@dataclass(frozen=True, slots=True)
class Kept:
    """A file that is on disk under its hash."""

    sha256: str
    size_bytes: int


class MediaFolder:
    """The files of one pole: `ab/abcdef…`, by the first two digits of their SHA-256."""

    def __init__(self, path: Path) -> None:
        """`path` is made if need be.

        Raises:
            MediaError: it can't be.
        """
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as exc:
            raise MediaError(f"{path}: can't be made a folder ({exc.strerror})") from exc
        self._path = path

    def path_of(self, sha256: str) -> Path:
        """Where a file of this hash is, or would be."""
        return media_path(self._path, sha256)

    def adopt(self, folder: Path, name: str, *, sha256: str) -> Kept:
        """Take a finished file over from an eye's folder.

        It is opened without following links, hashed here, synced, and given its name last, so that
        a file under its hash is whole at any instant. What is there already is not written again.

        Args:
            folder: the eye's own, on the same file system.
            name: a plain file name in it.
            sha256: what the eye says; another hash is refused.

        Raises:
            MediaError: it is missing, no plain file, too large, changed since, or can't be kept.
        """
        assert "/" not in name
        try:
            descriptor = os.open(folder / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError as exc:
            raise MediaError(f"{name}: can't be opened ({exc.strerror})") from exc
        try:
            kept = _weigh(descriptor, name)
            if kept.sha256 != sha256:
                raise MediaError(f"{name}: its hash is {kept.sha256}, the eye said {sha256}")
            self._place(descriptor, folder / name, kept)
        except MediaError:
            raise
        except OSError as exc:
            raise MediaError(f"{name}: can't be kept ({exc.strerror})") from exc
        finally:
            os.close(descriptor)
        return kept

    def _place(self, descriptor: int, source: Path, kept: Kept) -> None:
        path = self.path_of(kept.sha256)
        path.parent.mkdir(exist_ok=True)
        if path.exists():
            source.unlink()
            return
        os.fchmod(descriptor, _MODE)
        os.fsync(descriptor)
        source.rename(path)
        sync_folder(path.parent)
        sync_folder(self._path)


def media_path(folder: Path, sha256: str) -> Path:
    """Where a file of this hash is in a folder of media, or would be."""
    assert len(sha256) == 64  # noqa: PLR2004 - hexadecimal digits of 32 bytes
    return folder / sha256[:2] / sha256


def _weigh(descriptor: int, name: str) -> Kept:
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        raise MediaError(f"{name}: no plain file")
    if status.st_nlink != 1:
        raise MediaError(f"{name}: it has another name elsewhere, and could change behind us")
    if status.st_size > FILE_BYTES_MAX:
        raise MediaError(f"{name}: {status.st_size} bytes, more than {FILE_BYTES_MAX}")
    digest = hashlib.sha256()
    size_bytes = 0
    while block := os.read(descriptor, _READ_BYTES):
        digest.update(block)
        size_bytes += len(block)
    return Kept(digest.hexdigest(), size_bytes)
