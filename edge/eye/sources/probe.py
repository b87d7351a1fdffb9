"""Looks at a stream's first packets and says what it is before letting them through.

Holds back at most `PROBE_S_MAX` of media: until the second keyframe tells the GOP. What was held
back may have come in one burst, and where times are made up from arrival its rate is none: it is
held against what follows, and told again if that is otherwise.
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
FPS_STEP = 1.25
"""The rate of what was held back is wrong when what follows differs by this factor."""
STEPS_MIN = 8
"""So many packets tell a rate, also when a few are lost."""


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
        self._last_90k = 0
        self._steps: list[int] | None = None  # None: the rate is known for good

    def push(self, packet: Packet) -> list[StreamFormat | Packet]:
        """Take the next packet in decode order; those before the first keyframe are dropped."""
        out: list[StreamFormat | Packet] = []
        if packet.is_keyframe:
            out += self._look(packet)
        if self._picture is None:
            return []
        if self._format is not None:
            return [*out, *self._measure(packet), packet]
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
        self._last_90k, self._steps = held[-1].dts_90k, []
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

    def _measure(self, packet: Packet) -> list[StreamFormat]:
        """Say where a GOP ends that was longer or faster than what is known."""
        assert self._format is not None
        if self._steps is not None and len(self._steps) < PROBE_PACKETS_MAX:
            self._steps.append(packet.dts_90k - self._last_90k)
        self._last_90k = packet.dts_90k
        if not packet.is_keyframe:
            return []
        measured = replace(self._format, fps=self._measure_fps(), gop_s=self._measure_gop(packet))
        if measured == self._format:
            return []
        self._format = measured
        return [measured]

    def _measure_fps(self) -> float:
        """Measure until two in a row agree: a camera that slows down at night is no news."""
        assert self._format is not None
        fps = self._format.fps
        if self._steps is None or len(self._steps) < STEPS_MIN:
            return fps
        measured = _rate(self._steps)
        is_same = measured <= fps * FPS_STEP and fps <= measured * FPS_STEP
        self._steps = None if is_same else []
        return fps if is_same else measured

    def _measure_gop(self, keyframe: Packet) -> float:
        assert self._format is not None
        gop_s = round((keyframe.dts_90k - self._keyframe_90k) / TICKS_PER_S, 3)
        self._keyframe_90k = keyframe.dts_90k
        return gop_s if gop_s > self._format.gop_s * GOP_STEP else self._format.gop_s


def _is_enough(held: list[Packet]) -> bool:
    if held[1:] == []:
        return False
    keyframes = sum(packet.is_keyframe for packet in held)
    span_s = (held[-1].dts_90k - held[0].dts_90k) / TICKS_PER_S
    return keyframes > 1 or span_s > PROBE_S_MAX or len(held) >= PROBE_PACKETS_MAX


def _rate(steps: list[int]) -> float:
    """Packets a second; 25 where nothing is known."""
    step_90k = median(steps) if steps else TICKS_PER_S / 25
    return round(TICKS_PER_S / max(step_90k, 1), 2)


def _make_format(held: list[Packet], picture: Picture) -> StreamFormat:
    steps = [after.dts_90k - before.dts_90k for before, after in pairwise(held)]
    keyframes = [packet.dts_90k for packet in held if packet.is_keyframe]
    last = held[-1].dts_90k
    gops = [after - before for before, after in pairwise(keyframes)] or [last - held[0].dts_90k]
    assert picture.codec in ("h264", "hevc")
    return StreamFormat(
        codec="h264" if picture.codec == "h264" else "hevc",
        width=picture.width,
        height=picture.height,
        fps=_rate(steps),
        gop_s=round(max(gops) / TICKS_PER_S, 3),
        header=picture.header,
        start_code_sets=picture.start_code_sets,
    )
