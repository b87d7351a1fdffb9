"""Small files written whole or not at all; folders synced, so that no power cut takes them back."""

from __future__ import annotations

import os
from pathlib import Path


def save_whole(path: Path, content: bytes, *, mode: int) -> None:
    """Replace a file; on disk when this returns, and never readable by more than its mode says.

    Args:
        path: in a folder that exists. One writer at a time.
        content: all of it.
        mode: as in `open`, from the first byte on.

    Raises:
        OSError: the file is as it was.
    """
    part = path.with_name(f".{path.name}.part")
    part.unlink(missing_ok=True)
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(descriptor)
    part.rename(path)
    sync_folder(path.parent)


def sync_folder(path: Path) -> None:
    """Have on disk which files a folder has: without it a power cut may take a new name away.

    Raises:
        OSError: it is not known.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_folder(path: Path, *, mode: int = 0o777) -> None:
    """Make a folder in one that exists; its name is on disk when this returns. Or it is there.

    Raises:
        OSError: it can't be made.
    """
    if not path.is_dir():
        path.mkdir(mode=mode, exist_ok=True)
        sync_folder(path.parent)
