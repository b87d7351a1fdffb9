"""Disks that are small or can't be written; only root may mount them, else the test is skipped."""

from __future__ import annotations

import fcntl
import os
import struct
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

_EXT4_IOC_SHUTDOWN = 0x8004587D
_NO_LOG_FLUSH = 2
"""fs/ext4/ext4.h: the file system ends in place, its journal unwritten."""


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


@contextmanager
def mortal_disk(folder: Path, image: Path) -> Iterator[Callable[[], None]]:
    """Mount an ext4 of 32 MiB that lies in a file; what is given lets it die: I/O errors only."""
    folder.mkdir()
    with image.open("wb") as file:
        file.truncate(32 * 2**20)
    made = subprocess.run(["mkfs.ext4", "-q", "-F", str(image)], capture_output=True, check=False)
    if made.returncode:
        pytest.skip("no ext4 can be made here")
    _mount(folder, "-o", "loop", str(image))

    def die() -> None:
        descriptor = os.open(folder, os.O_RDONLY)
        fcntl.ioctl(descriptor, _EXT4_IOC_SHUTDOWN, struct.pack("I", _NO_LOG_FLUSH))
        os.close(descriptor)

    try:
        yield die
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
