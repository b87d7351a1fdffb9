"""Compiles `file_calls.c`, and reads what it notes."""

from __future__ import annotations

import ctypes
import shutil
import struct
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

_SOURCE = Path(__file__).with_name("file_calls.c")
_HEAD = struct.Struct("=c3xIIIQq")


@dataclass(frozen=True, slots=True)
class Call:
    """One note, see `file_calls.c`.

    `what`: c create, w write, t truncate, s sync a file, d sync a folder, r rename, l link,
    u unlink or rmdir, m mkdir; S bytes that go out over TCP, N a remark of the process.
    `offset` is where a write begins, what a file is cut to, or the mode of what is made.
    """

    what: str
    path: str
    data: bytes
    inode: int
    offset: int


def build_library(folder: Path) -> Path:
    """Compile the library; skips the test where there is no C compiler."""
    return compile_library(_SOURCE, folder)


def compile_library(source: Path, folder: Path) -> Path:
    """Compile a library that is to stand before the C library; skips where there is no compiler."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        pytest.skip(f"no C compiler: {source.stem} is not tried; install gcc")
    library = folder / f"{source.stem}.so"
    words = [compiler, "-O1", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC"]
    subprocess.run([*words, "-o", library, source, "-ldl", "-lpthread"], check=True, timeout=60)
    return library


def read_calls(path: Path) -> list[Call]:
    """Read all notes, in order; one that was cut off by a kill is left out."""
    content, at = path.read_bytes(), 0
    calls = []
    while at + _HEAD.size <= len(content):
        what, first, second, _pid, inode, offset = _HEAD.unpack_from(content, at)
        at += _HEAD.size
        name, data = content[at : at + first], content[at + first : at + first + second]
        calls.append(Call(what.decode(), name.decode(), data, inode, offset))
        at += first + second
    return calls


class Preloaded:
    """The library in this process, which was started with it."""

    def __init__(self) -> None:
        """Raises AttributeError where it is not loaded."""
        self._library = ctypes.CDLL(None)
        self._library.file_calls_begin.argtypes = (ctypes.c_char_p, ctypes.c_char_p, ctypes.c_long)
        self._library.file_calls_count.restype = ctypes.c_long
        self._library.file_calls_note.argtypes = (ctypes.c_char_p,)

    def begin(self, folder: Path, *, notes: Path | None = None, kill_before: int = 0) -> None:
        """Heed a folder from now on: note into a file, kill before a call; counted from 1."""
        self._library.file_calls_begin(str(folder).encode(), str(notes or "").encode(), kill_before)

    @property
    def count(self) -> int:
        """Calls since `begin`."""
        return int(self._library.file_calls_count())

    def note(self, text: str) -> None:
        """Put a remark among the notes."""
        self._library.file_calls_note(text.encode())
