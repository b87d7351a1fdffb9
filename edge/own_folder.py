"""A folder that belongs to one user and, while it runs, to one process."""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
from pathlib import Path

from edge.errors import StoreError
from edge.whole_file import sync_folder

LOCK_NAME = "lock"
_OTHERS = 0o027
"""What is taken away: writing by the group, and everything by others."""


def make_own_folder(path: Path) -> None:
    """Make a folder, and those above it, that is its owner's alone.

    Raises:
        StoreError: it can't be made or read, or belongs to somebody else.
    """
    try:
        _make_on_disk(path)
        status = path.stat()
    except FileExistsError as exc:
        raise StoreError(f"{exc.filename}: is no folder; give another one") from exc
    except OSError as exc:
        raise StoreError(f"{path}: can't be made or read ({exc.strerror}); check the disk") from exc
    if status.st_uid != os.geteuid():
        raise StoreError(
            f"{path}: belongs to user {status.st_uid}, this is user {os.geteuid()};"
            " start it as its owner, or chown it"
        )
    if status.st_mode & _OTHERS:
        try:
            path.chmod(stat.S_IMODE(status.st_mode) & ~_OTHERS)
        except OSError as exc:
            raise StoreError(f"{path}: others may look in, and chmod 700 fails: {exc}") from exc


def _make_on_disk(path: Path) -> None:
    """Make a folder, and those above it, so that a power cut does not take it away again."""
    if path.is_dir():
        return
    _make_on_disk(path.parent)
    path.mkdir(mode=0o700, exist_ok=True)
    sync_folder(path.parent)


def lock_folder(path: Path, *, holder: str) -> int:
    """Hold a folder's lock file; the kernel lets go of it when this process ends, however it does.

    Args:
        path: the folder.
        holder: what the process is, for whoever comes second.

    Returns:
        A descriptor; closing it lets go.

    Raises:
        StoreError: another process has it, or it takes no files.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        lock = os.open(path / LOCK_NAME, flags, 0o600)
    except OSError as exc:
        raise StoreError(
            f"{path}: takes no files ({exc.strerror}); check the disk and the folder's mode"
        ) from exc
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as exc:
        pid = os.read(lock, 20).decode(errors="replace").strip()
        os.close(lock)
        raise StoreError(
            f"{path}: another {holder} has it (process {pid or 'unknown'}); stop that one first"
        ) from exc
    with contextlib.suppress(OSError):  # who has it is a comfort; a full disk takes no word of it
        os.ftruncate(lock, 0)
        os.write(lock, f"{os.getpid()}\n".encode())
    return lock
