"""Disks that are small or can't be written; only root may mount them, else the test is skipped."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def small_disk(folder: Path, *, size_bytes: int, mode: str = "rw") -> Iterator[Path]:
    """Mount a file system of a few pages on a folder that is made for it."""
    folder.mkdir()
    _mount(folder, "-t", "tmpfs", "-o", f"size={size_bytes},{mode}", "tmpfs")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@contextmanager
def read_only(folder: Path) -> Iterator[Path]:
    """Let a folder be on a disk that can't be written, with all that is in it."""
    _mount(folder, "--bind", str(folder))
    try:
        _mount(folder, "-o", "remount,ro,bind")
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def _mount(folder: Path, *words: str) -> None:
    if os.geteuid() != 0:
        pytest.skip("a disk can only be mounted by root")
    done = subprocess.run(
        ["mount", *words, str(folder)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.skip(f"no such disk can be mounted here: {done.stderr.strip()}")
