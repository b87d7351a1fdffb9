"""A disk as it is after the power went: rebuilt from the calls that were made, at any cut.

What may be there is what POSIX promises and no more: what a file holds is on disk from its sync on,
that it has a name from the sync of its folder on. Journalling file systems keep more, which is why
a sync that is missing shows here and not on a test machine. What was not synced yet is there in
one of three ways:

* `in order`: all of it; a kill of the process alone.
* `cache lost`: nothing of it.
* `torn`: of each sector of 512 bytes any of its states, names up to any moment.

A sector is written whole or not at all, and what lies beside it is not harmed: SQLite calls that
power-safe overwrite. SQLite's shared memory (`-shm`) is not on the disk's account: it is made anew.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Literal

from tests.faults.file_calls import Call

Mode = Literal["in order", "cache lost", "torn"]
MODES: tuple[Mode, ...] = ("in order", "cache lost", "torn")
SECTOR_BYTES = 512


@dataclass
class _File:
    """`durable` is what is on disk for certain, `late` what was asked for since, in order."""

    durable: bytearray = field(default_factory=bytearray)
    late: list[Call] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Naming:
    """A change of names; `file` is what is named by it, None for a folder or a removal."""

    call: Call
    file: _File | None = None


class Disk:
    """Takes calls in order; gives the disk at the cut."""

    def __init__(self) -> None:
        """An empty one."""
        self._files: dict[int, _File] = {}
        self._namings: list[_Naming] = []
        self._is_durable: list[bool] = []

    def take(self, call: Call) -> None:
        """Take one call in."""
        if call.what in "cmurl":
            made = None
            if call.what == "c":
                made = self._files[call.inode] = _File()
            self._namings.append(_Naming(call, made))
            self._is_durable.append(False)
        elif call.what in "wt":
            self._files.setdefault(call.inode, _File()).late.append(call)
        elif call.what == "s":
            file = self._files.setdefault(call.inode, _File())
            for each in file.late:
                _apply(file.durable, each)
            file.late.clear()
        elif call.what == "d":
            for number, naming in enumerate(self._namings):
                if _folder_of(naming.call) == call.path:
                    self._is_durable[number] = True

    def rebuild(self, folder: Path, mode: Mode, dice: random.Random) -> None:
        """Write the disk out as it would be found.

        Args:
            folder: made; what was the noted folder.
            mode: what became of what was not synced.
            dice: says which of it is there, where that is open.
        """
        seen = dice.randint(0, len(self._namings)) if mode == "torn" else 0
        is_there = [
            is_durable or mode == "in order" or number < seen
            for number, is_durable in enumerate(self._is_durable)
        ]
        names: dict[str, _File | None] = {}
        for naming, is_made in zip(self._namings, is_there, strict=True):
            if is_made:
                _name(names, naming)
        folder.mkdir(parents=True, mode=0o700)
        for path, file in sorted(names.items(), key=lambda item: item[0]):
            if path.endswith("-shm") or _is_unreachable(path, names):
                continue
            if file is None:
                (folder / path).mkdir(mode=0o700)
            else:
                (folder / path).write_bytes(_content(file, mode, dice))
                (folder / path).chmod(0o600)


def _name(names: dict[str, _File | None], naming: _Naming) -> None:
    call = naming.call
    if call.what in "cm":
        names[call.path] = naming.file
    elif call.what == "u":
        for path in [each for each in names if _is_at(each, call.path)]:
            del names[path]
    else:
        target = call.data.decode()
        for path in [each for each in names if _is_at(each, call.path)]:
            names[target + path.removeprefix(call.path)] = names[path]
            if call.what == "r":
                del names[path]


def _is_at(path: str, place: str) -> bool:
    return path == place or path.startswith(f"{place}/")


def _is_unreachable(path: str, names: dict[str, _File | None]) -> bool:
    """Whether a folder above it is not there."""
    above = [str(each) for each in PurePosixPath(path).parents if str(each) != "."]
    return any(each not in names for each in above)


def _folder_of(call: Call) -> str:
    """The folder whose sync puts a change of names on disk; of a move the one moved to."""
    path = call.data.decode() if call.what in "rl" else call.path
    above = str(PurePosixPath(path).parent)
    return "" if above == "." else above


def _content(file: _File, mode: Mode, dice: random.Random) -> bytes:
    content = bytearray(file.durable)
    if mode == "in order":
        for call in file.late:
            _apply(content, call)
    elif mode == "torn":
        for call in _torn(file.late, dice):
            _apply(content, call)
    return bytes(content)


def _torn(late: Sequence[Call], dice: random.Random) -> list[Call]:
    """Some of what was asked for: up to a moment, and of each sector up to one of its own."""
    late = late[: dice.randint(0, len(late))]
    pieces = [(number, piece) for number, call in enumerate(late) for piece in _sectors(call)]
    ends: dict[int, int] = {}
    for _, piece in pieces:
        ends.setdefault(piece.offset // SECTOR_BYTES, dice.randint(0, len(late)))
    return [
        piece for number, piece in pieces
        if piece.what == "t" or number < ends[piece.offset // SECTOR_BYTES]
    ]  # fmt: skip


def _sectors(call: Call) -> list[Call]:
    if call.what == "t":
        return [call]
    first, end = call.offset, call.offset + len(call.data)
    bounds = [first, *range(first - first % SECTOR_BYTES + SECTOR_BYTES, end, SECTOR_BYTES), end]
    return [
        replace(call, offset=start, data=call.data[start - first : stop - first])
        for start, stop in itertools.pairwise(bounds)
    ]


def _apply(content: bytearray, call: Call) -> None:
    """Write or cut; a gap is zeros."""
    end = call.offset + len(call.data)
    if len(content) < end:
        content.extend(bytes(end - len(content)))
    if call.what == "t":
        del content[call.offset :]
    else:
        content[call.offset : end] = call.data
