"""Packets to MP4, remuxed and never re-encoded."""

from __future__ import annotations

import contextlib
import hashlib
import os
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av

from edge.errors import ClipError
from edge.eye.header import add_stream
from edge.model import TICKS_PER_S, Packet, StreamFormat

_OPTIONS = {"movflags": "hybrid_fragmented"}
"""Fragments while it is written, so that a cut-off file still plays; a plain MP4 once finished."""
_TIME_BASE = Fraction(1, TICKS_PER_S)
_READ_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class FinishedFile:
    """A file under its final name, on disk."""

    name: str
    size_bytes: int
    sha256: str


class ClipWriter:
    """One clip being written under a temporary name."""

    def __init__(self, path: Path, stream_format: StreamFormat) -> None:
        """Begin a clip.

        Args:
            path: its final name; until `finish` it is written as `.part` beside it.
            stream_format: of all packets that follow.

        Raises:
            ClipError: it can't be written.
        """
        self._path = path
        self._part = path.with_name(f".{path.name}.part")
        self._first_90k: int | None = None
        self.header = stream_format.header
        self.span_90k = (0, 0)
        try:
            self._container = av.open(str(self._part), "w", format="mp4", options=_OPTIONS)
            self._stream = add_stream(self._container, stream_format)
            self._container.start_encoding()
        except (av.FFmpegError, OSError) as exc:
            _remove(self._part)
            raise ClipError(f"{path.name}: can't be begun: {exc.strerror}") from exc

    def write(self, packet: Packet) -> None:
        """Add the next packet in decode order; the first one is a keyframe.

        Raises:
            ClipError: it can't be written.
        """
        if self._first_90k is None:
            assert packet.is_keyframe
            self._first_90k = packet.dts_90k
            self.span_90k = (packet.pts_90k, packet.pts_90k)
        unit = av.Packet(packet.data)
        unit.pts = packet.pts_90k - self._first_90k
        unit.dts = packet.dts_90k - self._first_90k
        unit.time_base, unit.is_keyframe, unit.stream = _TIME_BASE, packet.is_keyframe, self._stream
        try:
            self._container.mux_one(unit)
        except (av.FFmpegError, OSError) as exc:
            self.abandon()
            raise ClipError(f"{self._path.name}: can't be written: {exc.strerror}") from exc
        self.span_90k = (self.span_90k[0], max(self.span_90k[1], packet.pts_90k))

    def finish(self) -> FinishedFile:
        """Close the file, put it on disk and give it its name.

        Raises:
            ClipError: it can't be finished; nothing is left under the final name.
        """
        try:
            self._container.close()
            return finish_file(self._part, self._path)
        except (av.FFmpegError, OSError) as exc:
            self.abandon()
            raise ClipError(f"{self._path.name}: can't be finished: {exc.strerror}") from exc

    def abandon(self) -> None:
        """Give up; what was written goes."""
        with contextlib.suppress(av.FFmpegError, OSError):
            self._container.close()
        _remove(self._part)


def finish_file(part: Path, path: Path) -> FinishedFile:
    """Sync a finished temporary file, rename it, sync the folder; hash what is on disk.

    Raises:
        OSError: any of it failed.
    """
    digest = hashlib.sha256()
    with part.open("rb") as file:
        while block := file.read(_READ_BYTES):
            digest.update(block)
        os.fsync(file.fileno())
        size_bytes = file.tell()
    part.rename(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return FinishedFile(path.name, size_bytes, digest.hexdigest())


def save_file(path: Path, data: bytes) -> FinishedFile:
    """Write a small file whole or not at all.

    Raises:
        ClipError: it can't be written.
    """
    part = path.with_name(f".{path.name}.part")
    try:
        part.write_bytes(data)
        return finish_file(part, path)
    except OSError as exc:
        _remove(part)
        raise ClipError(f"{path.name}: can't be written: {exc.strerror}") from exc


def _remove(part: Path) -> None:
    """Remove what was begun; a disk that takes no writes any more keeps it."""
    with contextlib.suppress(OSError):
        part.unlink(missing_ok=True)
