"""The folder in which a pole keeps everything: one agent at a time, nobody else may look in."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge.agent.log.log_file import LOG_NAME
from edge.agent.media import MEDIA_NAME
from edge.device_key import KEY_NAME, load_or_make_key
from edge.errors import StoreError
from edge.own_folder import lock_folder, make_own_folder


@dataclass(frozen=True, slots=True)
class DataFolder:
    """The folder of one pole, held by this process until it is closed.

    The log, the device's key and the tokens lie in `path` itself.
    """

    path: Path
    key: Ed25519PrivateKey
    lock: int

    @property
    def media(self) -> Path:
        """Finished files by their hash."""
        return self.path / MEDIA_NAME

    @property
    def eyes(self) -> Path:
        """The eyes' own folders, on the same file system as `media`."""
        return self.path / "eyes"

    @property
    def tls(self) -> Path:
        """The key and certificate of the HTTP API."""
        return self.path / "tls"

    def __enter__(self) -> DataFolder:
        """Let go of it at the end of the block."""
        return self

    def __exit__(self, *_exc: object) -> None:
        """See `close`."""
        self.close()

    def close(self) -> None:
        """Let another agent have it."""
        os.close(self.lock)


def open_data_folder(path: Path, *, mend: Callable[[Path], None] = lambda _: None) -> DataFolder:
    """Take a data folder for this process; make it, and the pole's key, where there is none.

    Args:
        path: the folder; those above it are made too.
        mend: called once nobody else can have the folder; may put right what is refused else.

    Raises:
        StoreError: it can't be made, written or taken, belongs to somebody else, another agent has
            it, or a part of it is missing that must not be made anew.
    """
    make_own_folder(path)
    lock = lock_folder(path, holder="agent")
    try:
        mend(path)
        check_log(path)
        return DataFolder(path, load_or_make_key(path), lock)
    except StoreError:
        os.close(lock)
        raise


def check_log(path: Path) -> None:
    """See that no part is missing without which the log must not be taken up.

    Raises:
        StoreError: one is.
    """
    has_log = _size(path / LOG_NAME) > 0
    if has_log and not (path / KEY_NAME).exists():
        raise StoreError(
            f"{path}: {KEY_NAME} is missing beside the log that it signed; put it back,"
            f" or move {LOG_NAME} away to begin a new log"
        )
    has_wal = _size(path / f"{LOG_NAME}-wal") > 0
    if has_log and not has_wal and _is_cut_off(path / LOG_NAME):
        raise StoreError(
            f"{path}: {LOG_NAME} is damaged: its end is missing; keep it for polewatch verify,"
            " move it away to begin anew"
        )
    if not has_log and has_wal:
        raise StoreError(
            f"{path}: {LOG_NAME} is missing beside its {LOG_NAME}-wal, which holds records;"
            f" put it back, or move {LOG_NAME}-wal away to begin a new log"
        )


def _is_cut_off(path: Path) -> bool:
    """Whether a database is shorter than it says; SQLite sees it only once it reads there.

    Not to be called while this process has it open: closing a file drops all locks on it. A power
    cut may leave one that is short until its WAL is written back.

    Source: sqlite.org/fileformat2.html §1.3, page size at 16, size in pages at 28.
    """
    with path.open("rb") as file:
        header = file.read(32)
    page_bytes = int.from_bytes(header[16:18], "big")
    page_count = int.from_bytes(header[28:32], "big")
    return _size(path) < page_bytes * page_count


def _size(path: Path) -> int:
    """Bytes of a file; 0 where there is none."""
    return path.stat().st_size if path.exists() else 0
