"""Checks one file that was kept under its hash: there, of the right size, unchanged."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path


def find_fault(path: Path, sha256: str, size_bytes: int) -> str:
    """Read a file without following a link; say what is wrong with it, empty: nothing.

    Args:
        path: where it must be.
        sha256: what it must hash to, hex.
        size_bytes: what it must measure.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as exc:
        return f"media {sha256} can't be opened ({exc.strerror})"
    with os.fdopen(descriptor, "rb") as file:
        found_bytes = os.fstat(descriptor).st_size
        if found_bytes != size_bytes:
            return f"media {sha256} has {found_bytes} bytes, its record says {size_bytes}"
        try:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as exc:
            return f"media {sha256} can't be read ({exc.strerror})"
    return "" if digest == sha256 else f"media {sha256} was changed: its hash is {digest}"
