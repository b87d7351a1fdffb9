"""A folder of pictures as a stream: in order of their names, encoded like a camera's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import av

from edge.errors import SourceRefused, SourceUnusable
from edge.eye.sources.av_source import StartTime, WallClock
from edge.eye.sources.describe import describe_annex_b
from edge.eye.sources.encoder import GopEncoder
from edge.eye.sources.probe import Picture, StreamProbe
from edge.model import TICKS_PER_S, Packet, StreamFormat

FPS = 5
"""Pictures in a folder carry no time; this many a second lets the tracker follow."""
SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp"})
FILE_BYTES_MAX = 64 * 2**20
SIDE_PX_MIN = 16
"""What H.264 codes at the least; nothing is to be seen in less."""


class PicturesSource:
    """The pictures of one folder, once through."""

    def __init__(self, folder: Path, *, start: StartTime, wall: WallClock) -> None:
        """Nothing is read before `packets`."""
        self._folder = folder
        self._start = start
        self._wall = wall
        self._is_closed = False

    def packets(self) -> Iterator[StreamFormat | Packet]:
        """See `PacketSource.packets`; a picture that can't be read is left out."""
        probe = StreamProbe(_describe, codec="h264", has_start_codes=True)
        encoder = GopEncoder()
        start_90k = self._start()
        pts_90k = start_90k
        for path in self._list():
            if self._is_closed:
                return
            frame = _load(path)
            if frame is None:
                continue
            for data, is_keyframe in encoder.encode(frame, pts_90k):
                packet = Packet(data, pts_90k, pts_90k, is_keyframe, self._wall(pts_90k))
                yield from probe.push(packet)
            pts_90k += TICKS_PER_S // FPS
        yield from probe.flush()
        if pts_90k == start_90k:
            kinds = ", ".join(sorted(SUFFIXES))
            raise SourceUnusable(f"{self._folder.name}: no picture in this folder; put {kinds} in")

    def close(self) -> None:
        """See `PacketSource.close`."""
        self._is_closed = True

    def _list(self) -> list[Path]:
        try:
            return sorted(self._folder.iterdir())
        except OSError as exc:
            message = f"{self._folder.name}: can't be listed ({exc.strerror}); check owner and mode"
            raise SourceRefused(message) from exc


def _describe(keyframe: bytes | None) -> Picture | None:
    return describe_annex_b(keyframe, "h264") if keyframe is not None else None


def _load(path: Path) -> av.VideoFrame | None:
    """Decode one picture; opened as a stream of bytes, so that no name is taken for a pattern."""
    try:
        if path.suffix.lower() not in SUFFIXES or path.stat().st_size > FILE_BYTES_MAX:
            return None
        with path.open("rb") as file, av.open(file, mode="r") as container:
            frame = next(container.decode(video=0), None)
    except (av.FFmpegError, OSError, IndexError):
        return None  # left out: one bad picture does not take the others away
    return frame if frame is not None and min(frame.width, frame.height) >= SIDE_PX_MIN else None
