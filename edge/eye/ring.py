"""Recent packets in memory by whole GOPs: the pre-roll, and where a best shot is decoded from.

Capped in bytes and in seconds; the oldest GOP goes first and goes whole. Appending and pruning
are O(1) a packet.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from edge.eye.gate import GOP_S_MAX
from edge.model import TICKS_PER_S, Packet, StreamFormat

_LOOK_BACK_90K = round((GOP_S_MAX + 0.5) * TICKS_PER_S)
"""Where GOPs are longer than `GOP_S_MAX` an eye decodes everything and does not look back."""


@dataclass(slots=True)
class Gop:
    """A keyframe and the packets up to the next one, all of one format.

    `is_cut_off` says that packets were lost after its last one.
    """

    format: StreamFormat
    is_cut_off: bool = False
    packets: list[Packet] = field(default_factory=list)
    size_bytes: int = 0

    @property
    def first_90k(self) -> int:
        """Media time at which it starts."""
        return self.packets[0].pts_90k

    @property
    def last_90k(self) -> int:
        """Media time of its last packet so far."""
        return self.packets[-1].pts_90k


class Ring:
    """The last seconds of one stream."""

    def __init__(self, *, bytes_max: int, seconds_max: float) -> None:
        """`bytes_max` is never passed; within it, whole GOPs beyond `seconds_max` go."""
        self._bytes_max = bytes_max
        self._span_90k_max = round(seconds_max * TICKS_PER_S)
        self._gops: deque[Gop] = deque()
        self._size_bytes = 0
        self._format: StreamFormat | None = None
        self._is_open = False
        self._is_capped = False

    @property
    def size_bytes(self) -> int:
        """Bytes held."""
        return self._size_bytes

    @property
    def span_s(self) -> float:
        """Seconds from the oldest packet to the newest."""
        if not self._gops:
            return 0.0
        return (self._gops[-1].last_90k - self._gops[0].first_90k) / TICKS_PER_S

    @property
    def last_90k(self) -> int:
        """Media time of the newest packet; 0 while there is none."""
        return self._gops[-1].last_90k if self._gops else 0

    @property
    def oldest(self) -> Packet | None:
        """What it begins with."""
        return self._gops[0].packets[0] if self._gops else None

    @property
    def newest(self) -> Packet | None:
        """What came last."""
        return self._gops[-1].packets[-1] if self._gops else None

    @property
    def is_short(self) -> bool:
        """Whether the byte cap keeps the ring from holding the seconds asked for.

        A GOP that alone is larger than the cap goes whole, and with it everything.
        """
        return self._is_capped

    def media_time_of(self, utc_ms: int) -> int | None:
        """Find the media time (90 kHz) of a wall time by the nearest keyframe's capture time."""
        keyframes = [gop.packets[0] for gop in self._gops]
        if not keyframes:
            return None
        near = min(keyframes, key=lambda packet: abs(packet.wall_utc_ms - utc_ms))
        return near.pts_90k + (utc_ms - near.wall_utc_ms) * TICKS_PER_S // 1000

    def begin(self, stream_format: StreamFormat) -> None:
        """Note the format of what follows; the next packet kept is a keyframe."""
        if self._format is not None and self._format.header == stream_format.header:
            self._format = stream_format
            return
        self._format = stream_format
        self._is_open = False

    def append(self, packet: Packet) -> None:
        """Keep a packet; without a keyframe before it there is nothing to keep it for."""
        assert self._format is not None
        if packet.is_keyframe:
            self._gops.append(Gop(self._format))
            self._is_open = True
        if not self._is_open:
            return
        gop = self._gops[-1]
        gop.packets.append(packet)
        gop.size_bytes += len(packet.data)
        self._size_bytes += len(packet.data)
        self._prune()

    def interrupt(self) -> None:
        """Packets were lost here: what follows needs a keyframe first."""
        self._is_open = False
        if self._gops:
            self._gops[-1].is_cut_off = True

    def gops_from(self, from_90k: int) -> list[Gop]:
        """The GOPs from the one that holds `from_90k` (or the oldest kept) to the newest.

        One that ended before, where the stream broke off, does not hold it.
        """
        chosen: list[Gop] = []
        for gop in reversed(self._gops):
            if gop.is_cut_off and gop.last_90k < from_90k:
                break
            chosen.append(gop)
            if gop.first_90k <= from_90k:
                break
        chosen.reverse()
        return chosen

    def gop_at(self, at_90k: int) -> Gop | None:
        """The last GOP that began at or before a moment; None when that has left the ring.

        It need not reach the moment: packets may have been lost, or are still to come.
        """
        for gop in reversed(self._gops):
            if gop.first_90k <= at_90k:
                return gop
        return None

    def _prune(self) -> None:
        while self._is_beyond_span():
            self._drop_oldest()
            self._is_capped = False
        while self._size_bytes > self._bytes_max:
            self._drop_oldest()
            self._is_capped = self.span_s * TICKS_PER_S < self._span_90k_max

    def _drop_oldest(self) -> None:
        gone = self._gops.popleft()
        self._size_bytes -= gone.size_bytes
        self._is_open = self._is_open and bool(self._gops)

    def _is_beyond_span(self) -> bool:
        """The oldest GOP may go when the next one alone still reaches back far enough.

        Far enough from the GOP before the newest: an eye that wakes at a keyframe looks back at
        what led up to it, and may open an alert there.
        """
        if len(self._gops) <= 1:
            return False
        now_90k = max(self._gops[-2].first_90k, self._gops[-1].last_90k - _LOOK_BACK_90K)
        return now_90k - self._gops[1].first_90k >= self._span_90k_max
