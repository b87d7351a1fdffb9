"""Looks at a stream's first packets and says what it is before letting them through.

Holds back at most `PROBE_S_MAX` of media: until the second keyframe tells the GOP.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import median

from edge.eye.gate import GOP_S_MAX
from edge.eye.sources.nal import parse_parameter_sets
from edge.model import TICKS_PER_S, Packet, StreamFormat

PROBE_S_MAX = GOP_S_MAX + 0.5
"""A longer GOP counts as long for the gate, so no need to wait for its end; half a second more
lets one that is just short enough end."""
PROBE_PACKETS_MAX = 512
GOP_STEP = 1.25
"""A longer GOP is news only when it is longer by this factor; cameras vary a frame or two."""


@dataclass(frozen=True, slots=True)
class Picture:
    """Codec, size in pixels and templates (see `StreamFormat`) of the packets that follow."""

    codec: str
    width: int
    height: int
    header: bytes
    start_code_sets: bytes = b""


Describe = Callable[[bytes | None], Picture | None]
"""Describe the stream, by the container (None) or by a keyframe's own bytes; None if damaged."""


class StreamProbe:
    """Puts a format before its packets, and a new one wherever the stream changes."""

    def __init__(self, describe: Describe, *, codec: str, has_start_codes: bool) -> None:
        """`describe` is called at the first keyframe and when parameter sets change.

        `has_start_codes` says that packets do, so that parameter sets can be looked for in them.
        """
        self._describe = describe
        self._codec = codec
        self._has_start_codes = has_start_codes
        self._picture: Picture | None = None
        self._sets = b""
        self._held: list[Packet] = []
        self._format: StreamFormat | None = None
        self._keyframe_90k = 0

    def push(self, packet: Packet) -> list[StreamFormat | Packet]:
        """Take the next packet in decode order; those before the first keyframe are dropped."""
        out: list[StreamFormat | Packet] = []
        if packet.is_keyframe:
            out += self._look(packet)
        if self._picture is None:
            return []
        if self._format is not None:
            return [*out, *self._measure_gop(packet), packet]
        self._held.append(packet)
        if _is_enough(self._held):
            out += self.flush()
        return out

    def flush(self) -> list[StreamFormat | Packet]:
        """Let go of what is held back; to be called at the stream's end."""
        if not self._held:
            return []
        assert self._picture is not None
        held, self._held = self._held, []
        self._format = _make_format(held, self._picture)
        self._keyframe_90k = max(packet.dts_90k for packet in held if packet.is_keyframe)
        return [self._format, *held]

    def _look(self, keyframe: Packet) -> list[StreamFormat | Packet]:
        """Notice a beginning or other parameter sets; hand out what belongs to the old ones."""
        sets = parse_parameter_sets(keyframe.data, self._codec) if self._has_start_codes else b""
        if not sets or sets == self._sets:
            if self._picture is None:
                self._picture = self._describe(None)
            return []
        picture = self._describe(keyframe.data)
        if picture is None:
            return []
        before = self.flush()
        self._sets = sets
        if picture != self._picture:
            self._picture = picture
            self._format = None
        return before

    def _measure_gop(self, packet: Packet) -> list[StreamFormat]:
        assert self._format is not None
        if not packet.is_keyframe:
            return []
        gop_s = round((packet.dts_90k - self._keyframe_90k) / TICKS_PER_S, 3)
        self._keyframe_90k = packet.dts_90k
        if gop_s <= self._format.gop_s * GOP_STEP:
            return []
        self._format = replace(self._format, gop_s=gop_s)
        return [self._format]


def _is_enough(held: list[Packet]) -> bool:
    if held[1:] == []:
        return False
    keyframes = sum(packet.is_keyframe for packet in held)
    span_s = (held[-1].dts_90k - held[0].dts_90k) / TICKS_PER_S
    return keyframes > 1 or span_s > PROBE_S_MAX or len(held) >= PROBE_PACKETS_MAX


def _make_format(held: list[Packet], picture: Picture) -> StreamFormat:
    steps = [after.dts_90k - before.dts_90k for before, after in pairwise(held)]
    step_90k = median(steps) if steps else TICKS_PER_S / 25
    keyframes = [packet.dts_90k for packet in held if packet.is_keyframe]
    last = held[-1].dts_90k
    gops = [after - before for before, after in pairwise(keyframes)] or [last - held[0].dts_90k]
    assert picture.codec in ("h264", "hevc")
    return StreamFormat(
        codec="h264" if picture.codec == "h264" else "hevc",
        width=picture.width,
        height=picture.height,
        fps=round(TICKS_PER_S / max(step_90k, 1), 2),
        gop_s=round(max(gops) / TICKS_PER_S, 3),
        header=picture.header,
        start_code_sets=picture.start_code_sets,
    )
