"""A folder of pictures as a stream: in order of their names, encoded like a camera's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import av
import cv2

from edge.errors import SourceUnusable
from edge.eye.header import describe_annex_b
from edge.eye.sources.av_source import WallClock
from edge.eye.sources.encoder import GopEncoder
from edge.eye.sources.probe import Picture, StreamProbe
from edge.model import TICKS_PER_S, Packet, StreamFormat

FPS = 5
"""Pictures in a folder carry no time; this many a second lets the tracker follow."""
SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp"})
FILE_BYTES_MAX = 64 * 2**20


class PicturesSource:
    """The pictures of one folder, once through."""

    def __init__(self, folder: Path, *, start_90k: int, wall: WallClock) -> None:
        """Nothing is read before `packets`."""
        self._folder = folder
        self._start_90k = start_90k
        self._wall = wall
        self._is_closed = False

    def packets(self) -> Iterator[StreamFormat | Packet]:
        """See `PacketSource.packets`; a picture that can't be read is left out."""
        probe = StreamProbe(_describe)
        encoder = GopEncoder()
        pts_90k = self._start_90k
        for path in sorted(self._folder.iterdir()):
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
        if pts_90k == self._start_90k:
            raise SourceUnusable(f"{self._folder.name}: no picture in this folder could be read")

    def close(self) -> None:
        """See `PacketSource.close`."""
        self._is_closed = True


def _describe(keyframe: bytes | None) -> Picture:
    if keyframe is None:
        return Picture("h264", 0, 0, b"")
    return describe_annex_b(keyframe, "h264")


def _load(path: Path) -> av.VideoFrame | None:
    if path.suffix.lower() not in SUFFIXES or path.stat().st_size > FILE_BYTES_MAX:
        return None
    pixels = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if pixels is None or min(pixels.shape[:2]) < 2:
        return None
    return av.VideoFrame.from_ndarray(pixels, format="bgr24")
