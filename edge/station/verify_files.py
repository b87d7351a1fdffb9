"""Checks a station's files: each that is noted as here, and whether records and notes agree."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, TypeAlias

import msgspec

from edge.station.store.chain_reader import KeptFeed, KeptFile
from edge.station.store.media_folder import StationMedia
from edge.station.store.reader import StoreReader
from edge.station.store.schema import explained
from edge.station.verify import PoleFinding
from edge.verify_file import find_fault

_DIGEST = re.compile("[0-9a-f]{64}")
_Digest: TypeAlias = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
_NAMING = ("media", "captures")


class _Item(msgspec.Struct, frozen=True):
    sha256: _Digest


class _Record(msgspec.Struct, frozen=True):
    seq: int
    media: list[_Item]


class _GoneData(msgspec.Struct, frozen=True):
    pole: str
    sha256: _Digest


class _Gone(msgspec.Struct, frozen=True):
    data: _GoneData


_decoder = msgspec.json.Decoder(_Record)
_gone_decoder = msgspec.json.Decoder(_Gone)


@dataclass(frozen=True, slots=True)
class FileFault:
    """A file that is not as it is noted."""

    sha256: str
    problem: str


def count_files(reader: StoreReader) -> dict[str, int]:
    """How many files are noted in which state: `here`, `waiting`, `gone` and the others.

    Raises:
        StoreError: the store can't be read.
    """
    with explained():
        rows = reader.connection.execute("SELECT state FROM file")
        return dict(sorted(Counter(state for (state,) in rows).items()))


def check_kept_files(
    folder: Path, files: list[KeptFile], *, tell: Callable[[str], None]
) -> Iterator[FileFault]:
    """Check every file that is noted as here.

    Args:
        folder: the store's.
        files: what is noted.
        tell: called with one line for people before each file.
    """
    media = StationMedia(folder)
    for count, file in enumerate(files, 1):
        tell(f"media: {count} of {len(files)} files")
        if not _is_digest(file.sha256):
            yield FileFault(file.sha256, f"media {file.sha256!r} is noted, which is no hash")
            continue
        problem = find_fault(media.path_of(file.sha256), file.sha256, file.size_bytes)
        if problem:
            yield FileFault(file.sha256, problem)


class NamedFiles:
    """What poles' records name, held against what is noted."""

    def __init__(self, reader: StoreReader) -> None:
        """Read which files the station has recorded as deleted.

        Raises:
            StoreError: the store can't be read.
        """
        self._reader = reader
        own = [each for each in reader.feeds() if each.pole == reader.station]
        self._let_go = {
            (gone.pole, gone.sha256)
            for feed in own
            if feed.start.feed == "media"
            for gone in _read_gone(reader, feed)
        }

    def check(self, feed: KeptFeed) -> Iterator[PoleFinding]:
        """Check one feed; one that names no files has nothing to check.

        Raises:
            StoreError: the store can't be read.
        """
        name = feed.start.feed
        if name not in _NAMING or feed.pole == self._reader.station:
            return
        for row in self._reader.chain(feed):
            try:
                record = _decoder.decode(row.body)
            except (msgspec.DecodeError, UnicodeDecodeError):
                continue  # the check of the chain has named it
            for item in record.media:
                problem = self._find_disagreement(feed.pole, item.sha256)
                if problem:
                    yield PoleFinding(feed.pole, feed.start.epoch, name, row.seq, problem)

    def _find_disagreement(self, pole: str, sha256: str) -> str:
        with explained():
            found = self._reader.connection.execute(
                "SELECT state FROM file WHERE pole = ? AND sha256 = ?", (pole, sha256)
            )
            row = next(found, None)
        if row is None:
            return f"media {sha256} is named, and nothing is noted of it"
        if row[0] == "expired" and (pole, sha256) not in self._let_go:
            return f"media {sha256} is noted as deleted here, and no record says so"
        return ""


def unnoted_files(folder: Path, files: list[KeptFile]) -> list[str]:
    """Paths among a store's files that are not noted, relative to it, in order."""
    media = StationMedia(folder)
    known = {media.path_of(file.sha256) for file in files if _is_digest(file.sha256)}
    paths = (path for each in (media.media, media.spoiled) for path in each.rglob("*"))
    found = (path for path in paths if not path.is_dir())
    return sorted(str(path.relative_to(folder)) for path in found if path not in known)


def _is_digest(text: str) -> bool:
    return _DIGEST.fullmatch(text) is not None


def _read_gone(reader: StoreReader, feed: KeptFeed) -> Iterator[_GoneData]:
    for row in reader.chain(feed):
        with suppress(msgspec.DecodeError, UnicodeDecodeError):
            yield _gone_decoder.decode(row.body).data
