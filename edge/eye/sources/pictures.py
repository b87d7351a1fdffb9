"""A folder of pictures as a stream: in order of their names, encoded like a camera's."""

from __future__ import annotations

import logging
import os
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
SIDE_PX_MIN, SIDE_PX_MAX = 16, 16_384
"""What H.264 codes."""

_log = logging.getLogger(__name__)


class PicturesSource:
    """The pictures of one folder, once through."""

    def __init__(self, folder: Path, *, start: StartTime, wall: WallClock) -> None:
        """Nothing is read before `packets`."""
        self._folder = folder
        self._name = folder.name or folder.resolve().name or str(folder)
        self._start = start
        self._wall = wall
        self._is_closed = False

    def packets(self) -> Iterator[StreamFormat | Packet]:
        """See `PacketSource.packets`; of a picture that can't be read the time alone passes."""
        probe = StreamProbe(_describe, codec="h264", has_start_codes=True)
        encoder = GopEncoder()
        pts_90k = start_90k = self._start()
        paths = self._list()
        bad: list[Path] = []
        for path in paths:
            if self._is_closed:
                break
            frame = _load(path)
            if frame is None:
                bad.append(path)
                pts_90k += TICKS_PER_S // FPS if pts_90k > start_90k else 0
                continue
            for data, is_keyframe in encoder.encode(frame, pts_90k):
                packet = Packet(data, pts_90k, pts_90k, is_keyframe, self._wall(pts_90k))
                yield from probe.push(packet)
            pts_90k += TICKS_PER_S // FPS
        yield from probe.flush()
        if len(bad) == len(paths):
            raise self._explain_nothing(bad)
        if bad:
            _log.warning(
                "%s: %d of %d pictures can't be read and are left out, the first is %s; get whole"
                " copies",
                self._name, len(bad), len(paths), _show(bad[0]),
            )  # fmt: skip

    def close(self) -> None:
        """See `PacketSource.close`."""
        self._is_closed = True

    def _list(self) -> list[Path]:
        try:
            paths = sorted(self._folder.iterdir())
        except OSError as exc:
            message = f"{self._name}: can't be listed ({exc.strerror}); check owner and mode"
            raise SourceRefused(message) from exc
        return [path for path in paths if path.suffix.lower() in SUFFIXES]

    def _explain_nothing(self, bad: list[Path]) -> SourceUnusable:
        kinds = ", ".join(sorted(SUFFIXES))
        if not bad:
            return SourceUnusable(f"{self._name}: no picture in this folder; put {kinds} in")
        return SourceUnusable(
            f"{self._name}: none of the {len(bad)} pictures in it can be read, the first is"
            f" {_show(bad[0])}; get whole copies, sides {SIDE_PX_MIN} to {SIDE_PX_MAX} pixels"
        )


def _describe(keyframe: bytes | None) -> Picture | None:
    return describe_annex_b(keyframe, "h264") if keyframe is not None else None


def _show(path: Path) -> str:
    """Give a file's name as text, also where it is not UTF-8."""
    return os.fsencode(path.name).decode("utf-8", "replace")


def _load(path: Path) -> av.VideoFrame | None:
    """Decode one picture; opened as a stream of bytes, so that no name is taken for a pattern.

    A pipe, which would be waited for, is none.
    """
    try:
        if not path.is_file() or path.stat().st_size > FILE_BYTES_MAX:
            return None
        with path.open("rb") as file, av.open(file, mode="r") as container:
            frame = next(container.decode(video=0), None)
    except (av.FFmpegError, OSError, IndexError):
        return None  # one bad picture does not take the others away
    if frame is None:
        return None
    smaller, larger = sorted((frame.width, frame.height))
    return frame if smaller >= SIDE_PX_MIN and larger <= SIDE_PX_MAX else None
