"""Packets to MP4, remuxed and never re-encoded."""

from __future__ import annotations

import contextlib
import hashlib
import os
import struct
from dataclasses import dataclass
from pathlib import Path

import av

from edge.errors import ClipError
from edge.eye.remux import PacketCopier
from edge.model import Packet, StreamFormat

_OPTIONS = {"movflags": "hybrid_fragmented"}
"""Fragments while it is written, so that a cut-off file still plays; a plain MP4 once finished."""
_READ_BYTES = 1 << 20
_BOX_HEAD = struct.Struct(">I4s")


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
        self._pts_90k: list[int] = []
        self.header = stream_format.header
        self.span_90k = (0, 0)
        try:
            self._container = av.open(str(self._part), "w", format="mp4", options=_OPTIONS)
            self._copier = PacketCopier(self._container, stream_format)
        except (av.FFmpegError, OSError) as exc:
            _remove(self._part)
            raise ClipError(f"{path.name}: can't be begun: {exc.strerror}") from exc

    def write(self, packet: Packet) -> None:
        """Add the next packet in decode order; the first one is a keyframe.

        Raises:
            ClipError: it can't be written; what is left to do is `rescue` or `abandon`.
        """
        assert self._pts_90k or packet.is_keyframe
        try:
            self._copier.copy(packet)
        except (av.FFmpegError, OSError) as exc:
            raise ClipError(f"{self._path.name}: can't be written: {exc.strerror}") from exc
        self._pts_90k.append(packet.pts_90k)
        self.span_90k = (self._pts_90k[0], max(self.span_90k[1], packet.pts_90k))

    def finish(self) -> FinishedFile:
        """Close the file, put it on disk and give it its name.

        Raises:
            ClipError: it can't be finished; what is left to do is `rescue` or `abandon`.
        """
        try:
            self._container.close()
            return finish_file(self._part, self._path)
        except (av.FFmpegError, OSError) as exc:
            raise ClipError(f"{self._path.name}: can't be finished: {exc.strerror}") from exc

    def rescue(self) -> FinishedFile | None:
        """Keep what is whole of a clip that could not be written on, as on a full disk.

        Returns:
            The clip up to its last whole fragment, `span_90k` shortened to it; None when there is
            none, and then nothing is left.
        """
        self._close()
        try:
            count = cut_to_whole(self._part)
            if count:
                self.span_90k = (self._pts_90k[0], max(self._pts_90k[:count]))
                return finish_file(self._part, self._path)
        except (av.FFmpegError, OSError):
            pass  # the disk gives nothing back either
        _remove(self._part)
        return None

    def abandon(self) -> None:
        """Give up; what was written goes."""
        self._close()
        _remove(self._part)

    def _close(self) -> None:
        with contextlib.suppress(av.FFmpegError, OSError):
            self._container.close()


def cut_to_whole(path: Path) -> int:
    """Cut a fragmented MP4 that breaks off after its last whole fragment.

    Returns:
        How many packets it then holds.

    Raises:
        OSError: it can't be read or cut.

    Source: ISO/IEC 14496-12 §4.2: a box begins with its size and type, 4 bytes each.
    """
    size_bytes = path.stat().st_size
    whole_bytes = at = 0
    with path.open("r+b") as file:
        while len(head := file.read(_BOX_HEAD.size)) == _BOX_HEAD.size:
            box_bytes, kind = _BOX_HEAD.unpack(head)
            at += max(box_bytes, _BOX_HEAD.size)
            if at > size_bytes:
                break
            if kind == b"mdat":
                whole_bytes = at
            file.seek(at)
        file.truncate(whole_bytes)
    if not whole_bytes:
        return 0
    with av.open(str(path)) as container:
        return sum(packet.size > 0 for packet in container.demux(video=0))


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
