"""Builders of packets and formats, and sources of packets that behave as they are told."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

from edge.errors import SourceError
from edge.eye.ports import PacketSource
from edge.model import TICKS_PER_S, Packet, StreamFormat

FRAME_90K = TICKS_PER_S // 10
"""Ten packets a second."""


def make_format(
    *, header: bytes = b"header", width: int = 320, fps: float = 10.0, gop_s: float = 1.0
) -> StreamFormat:
    """Make a format that nothing is decoded by."""
    return StreamFormat("h264", width, width * 3 // 4, fps, gop_s, header)


def make_packet(
    pts_90k: int, *, is_keyframe: bool = False, size_bytes: int = 100, utc_ms: int = 0
) -> Packet:
    """Make a packet of zeros; decoded when shown."""
    return Packet(bytes(size_bytes), pts_90k, pts_90k, is_keyframe, utc_ms)


def make_packets(
    count: int, *, start_90k: int = 0, gop: int = 10, size_bytes: int = 100
) -> list[Packet]:
    """Make packets at ten a second, every `gop`-th a keyframe, from a keyframe on."""
    return [
        make_packet(
            start_90k + index * FRAME_90K, is_keyframe=index % gop == 0, size_bytes=size_bytes
        )
        for index in range(count)
    ]


class ScriptedSource:
    """A `PacketSource` that yields what it is given and then ends, fails or hangs."""

    def __init__(
        self,
        items: Sequence[StreamFormat | Packet],
        *,
        error: Exception | None = None,
        is_hanging: bool = False,
    ) -> None:
        """Choose what comes.

        Args:
            items: yielded in order, as fast as they are taken.
            error: raised after them.
            is_hanging: after them nothing comes until `close`.
        """
        self._items = tuple(items)
        self._error = error
        self._is_hanging = is_hanging
        self._closed = threading.Event()

    def packets(self) -> Iterator[StreamFormat | Packet]:
        """See `PacketSource.packets`."""
        for item in self._items:
            if self._closed.is_set():
                return
            yield item
        if self._is_hanging:
            self._closed.wait()
        if self._error is not None and not self._closed.is_set():
            raise self._error

    def close(self) -> None:
        """See `PacketSource.close`."""
        self._closed.set()


class ScriptedCamera:
    """Gives one source after the other, as a camera that is opened again and again.

    The times of each source's packets are moved so that the first stands where it is asked to.
    """

    def __init__(self, *sources: Sequence[StreamFormat | Packet] | SourceError) -> None:
        """An error stands for a connection that fails; after the last one hangs."""
        self._sources = list(sources)
        self.starts_90k: list[int] = []

    def open(self, start: Callable[[], int]) -> ScriptedSource:
        """Make the next connection; see `edge.eye.reader.OpenSource`."""
        if not self._sources:
            return ScriptedSource((), is_hanging=True)
        script = self._sources.pop(0)
        if isinstance(script, SourceError):
            return ScriptedSource((), error=script)
        start_90k = start()
        self.starts_90k.append(start_90k)
        return ScriptedSource([_move(item, start_90k) for item in script])


def _move(item: StreamFormat | Packet, by_90k: int) -> StreamFormat | Packet:
    if isinstance(item, StreamFormat):
        return item
    return Packet(
        item.data,
        item.pts_90k + by_90k,
        item.dts_90k + by_90k,
        item.is_keyframe,
        item.wall_utc_ms,
    )


def take_all(
    source: PacketSource,
) -> tuple[list[StreamFormat | Packet], SourceError | None]:
    """Take all that one connection gives, and the error it ends with, if any."""
    items: list[StreamFormat | Packet] = []
    try:
        for item in source.packets():
            items.append(item)  # noqa: PERF402 - what came before an error is kept
    except SourceError as exc:
        return items, exc
    return items, None


def check_stream(items: Sequence[StreamFormat | Packet]) -> None:
    """Assert what `PacketSource` promises of whatever came.

    A format first; after each format of other parameters a keyframe; decode times strictly
    rising, nothing shown before it is decoded; nothing empty.
    """
    assert items, "nothing came"
    assert isinstance(items[0], StreamFormat)
    before: StreamFormat | None = None
    is_fresh = False
    for item in items:
        if isinstance(item, StreamFormat):
            is_fresh = is_fresh or before is None or before.header != item.header
            before = item
            assert item.width > 0
            assert item.fps > 0
            assert item.header
            continue
        assert item.data
        assert item.is_keyframe or not is_fresh, "a format is not followed by a keyframe"
        is_fresh = False
        assert item.pts_90k >= item.dts_90k
    packets = packets_of(items)
    assert all(a.dts_90k < b.dts_90k for a, b in pairwise(packets))


def packets_of(items: Sequence[StreamFormat | Packet]) -> list[Packet]:
    """Leave the formats out."""
    return [item for item in items if isinstance(item, Packet)]


def formats_of(items: Sequence[StreamFormat | Packet]) -> list[StreamFormat]:
    """Leave the packets out."""
    return [item for item in items if isinstance(item, StreamFormat)]
