"""Checks the files that a log's records name: there, of the right size, of the right hash."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, TypeAlias

import msgspec

from edge.agent.log.reader import Reader
from edge.agent.media import MEDIA_NAME, media_path
from edge.verify_file import find_fault

_Digest: TypeAlias = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]


class _Item(msgspec.Struct, frozen=True):
    sha256: _Digest
    bytes: int


class _Gone(msgspec.Struct, frozen=True):
    sha256: str | None = None


class _Record(msgspec.Struct, frozen=True):
    seq: int
    kind: str
    media: list[_Item]
    data: _Gone


@dataclass(frozen=True, slots=True)
class NamedFile:
    """A file as the newest record that names it has it; `seq` is that record's in feed `media`."""

    seq: int
    size_bytes: int


_decoder = msgspec.json.Decoder(_Record)


def named_files(reader: Reader, *, after: int = 0) -> dict[str, NamedFile]:
    """Read which files must be there by the log: those that are ready and not gone since.

    Args:
        reader: of the log.
        after: only by records of feed `media` after this place.

    Raises:
        StoreError: the log can't be read.
    """
    return name_files(reader.chain("media", after=after))


def name_files(bodies: Iterable[bytes]) -> dict[str, NamedFile]:
    """Say which files must be there by records of feed `media`, given in order; pure."""
    named: dict[str, NamedFile] = {}
    for body in bodies:
        try:
            record = _decoder.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            continue  # the check of the chain has named it
        if record.kind == "media.gone" and record.data.sha256 is not None:
            named.pop(record.data.sha256, None)
        for item in record.media:
            named[item.sha256] = NamedFile(record.seq, item.bytes)
    return named


def check_files(
    folder: Path, named: Mapping[str, NamedFile], *, tell: Callable[[str], None]
) -> Iterator[tuple[str, str]]:
    """Check every named file in a data folder.

    Args:
        folder: the data folder.
        named: see `named_files`.
        tell: called with one line for people before each file.

    Yields:
        The hash of a file that is not as its record says, and what is wrong.
    """
    for count, (sha256, file) in enumerate(sorted(named.items()), 1):
        tell(f"media: {count} of {len(named)} files")
        problem = find_fault(media_path(folder / MEDIA_NAME, sha256), sha256, file.size_bytes)
        if problem:
            yield sha256, problem


def unnamed_files(folder: Path, named: Mapping[str, NamedFile]) -> list[str]:
    """Paths in a data folder's media that no record names, relative to it, in order."""
    media = folder / MEDIA_NAME
    known = {media_path(media, sha256) for sha256 in named}
    found = (Path(top) / name for top, _, names in os.walk(media) for name in names)
    return sorted(str(path.relative_to(folder)) for path in found if path not in known)
