"""The analysed stream: decodes what the gate asks for and hands each due frame to the analysis."""

from __future__ import annotations

import zlib
from collections import deque
from dataclasses import dataclass, replace
from typing import Protocol

from edge.eye import gate
from edge.eye.analysis import Analysis, Seen
from edge.eye.decode import Decoder
from edge.eye.gate import GateState, Mode
from edge.eye.ring import Ring
from edge.model import Frame, Luma, Packet, StreamFormat

FROZEN_KEYFRAMES = 3
FROZEN_STRIDE = 8
"""Every eighth line tells a live sensor from a frozen one; all of them cost 0.6 ms a keyframe."""
SETTLE_S = 2.0
"""Where every frame is decoded the one that wakes the eye shows a sliver of what comes. The look at
the whole waits until it has come in: at once it cost a car park a third of its recall, and 1 s
later still some; less than `gate.LINGER_S`, so that each waking has its own.
"""
FROZEN_S = 10.0
"""A camera that sends the same keyframe again and again is alive and blind."""
KEYFRAMES_MAX = 64
"""Keyframes remembered until they are decoded: a decoder holds back 16 frames at most, and those
that are damaged never come out of it.
"""


@dataclass(slots=True)
class Counters:
    """Since the start of the eye."""

    frames: int = 0
    distinct: int = 0
    decoded: int = 0
    inferences: int = 0


@dataclass(frozen=True, slots=True)
class _Stillness:
    """The last keyframe's luma (checksum), and when and how often in a row it was the same."""

    checksum: int | None = None
    first_t: float = 0.0
    last_t: float = 0.0
    count: int = 0


class Watching(Protocol):
    """What the loop needs of whoever looks at the analysed stream, and of one who does not."""

    @property
    def counters(self) -> Counters:
        """What has come and been done so far."""
        ...

    @property
    def proofs(self) -> int:
        """How often it was shown that the camera gives pictures; sight lasts while this rises."""
        ...

    @property
    def gop_s_max(self) -> float:
        """Longest distance between keyframes, in seconds, that costs nothing more."""
        ...

    @property
    def is_awake(self) -> bool:
        """Whether every frame is decoded now."""
        ...

    @property
    def is_frozen(self) -> bool:
        """Whether the camera sends the same picture again and again."""
        ...

    def begin(self, stream_format: StreamFormat) -> None:
        """Take note of the format of what follows."""
        ...

    def pause(self, *, is_paused: bool) -> None:
        """While the head moves nothing is judged."""
        ...

    def push(self, packet: Packet) -> list[Seen]:
        """Take the next packet, already in the ring; say what was seen.

        Raises:
            ModelError: inference failed.
        """
        ...

    def drain(self) -> list[Seen]:
        """Say what is still to be seen, at the end of the stream."""
        ...


class Watch:
    """Decodes and analyses one stream as far as the gate lets it; one who is `Watching`."""

    gop_s_max = gate.GOP_S_MAX

    def __init__(self, analysis: Analysis, ring: Ring, *, is_held_open: bool) -> None:
        """`ring` is the analysed stream's; `is_held_open` switches the gate off."""
        self._analysis = analysis
        self._ring = ring
        self._gate = GateState(is_held_open=is_held_open)
        self._decoder: Decoder | None = None
        self._format: StreamFormat | None = None
        self._keyframes_90k: deque[int] = deque(maxlen=KEYFRAMES_MAX)
        self._stillness = _Stillness()
        self._checksum: int | None = None
        self._is_paused = False
        self._has_woken = False
        self._settled_t: float | None = None
        self.counters = Counters()

    @property
    def proofs(self) -> int:
        """Decoded pictures: a camera may be connected, send packets and show nothing."""
        return self.counters.decoded

    @property
    def is_awake(self) -> bool:
        """Whether every frame is decoded now."""
        return self._gate.is_awake or self._gate.is_held_open

    @property
    def is_frozen(self) -> bool:
        """Whether the last keyframes were identical for long enough to mean a frozen camera."""
        still = self._stillness
        return still.count >= FROZEN_KEYFRAMES and still.last_t - still.first_t >= FROZEN_S

    def begin(self, stream_format: StreamFormat) -> None:
        """Take note of the format of what follows."""
        before = self._format
        self._format = stream_format
        if before is None or before.header != stream_format.header:
            is_rough = stream_format.gop_s <= gate.GOP_S_MAX  # what it leaves out adds up in a GOP
            self._decoder = Decoder(stream_format, is_rough=is_rough)
            self._keyframes_90k.clear()

    def pause(self, *, is_paused: bool) -> None:
        """While the head moves nothing is judged; afterwards it wakes to a scene it must learn."""
        self._is_paused = is_paused
        if not is_paused:
            self._analysis.forget_scene()
            self._gate = replace(self._gate, is_awake=True)
            self._has_woken = True

    def push(self, packet: Packet) -> list[Seen]:
        """Take the next packet, already in the ring; say what was seen, oldest first.

        Raises:
            ModelError: inference failed.
        """
        assert self._format is not None
        self.counters.frames += 1
        if packet.is_keyframe:
            self._keyframes_90k.append(packet.pts_90k)
        if gate.mode(self._gate, gop_s=self._format.gop_s) is not Mode.KEYFRAMES:
            return self._feed(packet)
        if not packet.is_keyframe:
            return []
        return self._glance(packet)

    def drain(self) -> list[Seen]:
        """Get what is still in the decoder, at the end of the stream."""
        assert self._decoder is not None
        return self._analyse(self._decoder.drain()) if self.is_awake else []

    def _feed(self, packet: Packet) -> list[Seen]:
        assert self._decoder is not None
        return self._analyse(self._decoder.decode(packet))

    def _glance(self, keyframe: Packet) -> list[Seen]:
        """Look at a keyframe; on suspicion go back to where it may have begun."""
        assert self._decoder is not None
        frame = self._decoder.decode_keyframe(keyframe)
        if frame is None:
            return []
        self._count(frame)
        glance = self._analysis.glance(frame)
        if self._is_paused:
            return []
        if not glance.is_suspicious:
            return [self._go_on(self._analysis.take(glance, is_awake=False))]
        self._gate = replace(self._gate, is_awake=True, active_t=frame.t)
        seen = self._catch_up(keyframe)
        self._has_woken = True
        return seen + self._feed(keyframe)

    def _catch_up(self, keyframe: Packet) -> list[Seen]:
        """Analyse the GOP before the keyframe that woke us, if the decoder is one for it."""
        assert self._format is not None
        gop = self._ring.gop_at(keyframe.pts_90k - 1)
        if gop is None or gop.format.header != self._format.header:
            return []
        return [seen for packet in list(gop.packets) for seen in self._feed(packet)]

    def _analyse(self, frames: list[Frame]) -> list[Seen]:
        assert self._format is not None
        seen = []
        for frame in frames:
            self._count(frame)
            is_due = self._has_woken or gate.is_due(self._gate, frame.t, fps=self._format.fps)
            if self._is_paused or not is_due:
                continue
            seen.append(self._take(frame))
        return seen

    def _take(self, frame: Frame) -> Seen:
        """Analyse a frame; the first one after waking counts as activity and is looked at whole."""
        has_woken, self._has_woken = self._has_woken, False
        if has_woken:
            self._gate = replace(self._gate, is_awake=True, active_t=frame.t)
        glance = self._analysis.glance(frame)
        if glance.is_suspicious and not self.is_awake:
            self._settled_t = frame.t + SETTLE_S
        elif self._settled_t is not None and frame.t >= self._settled_t:
            has_woken, self._settled_t = True, None
        is_awake = self.is_awake or glance.is_suspicious
        return self._go_on(self._analysis.take(glance, is_awake=is_awake, has_woken=has_woken))

    def _go_on(self, seen: Seen) -> Seen:
        self.counters.inferences += seen.inferences
        self._count_distinct(seen.luma)
        self._gate = gate.step(self._gate, t=seen.frame.t, is_active=seen.is_active)
        return seen

    def _count(self, frame: Frame) -> None:
        self.counters.decoded += 1
        if frame.pts_90k not in self._keyframes_90k:
            return
        while self._keyframes_90k and self._keyframes_90k[0] <= frame.pts_90k:
            self._keyframes_90k.popleft()
        checksum = zlib.crc32(frame.y[::FROZEN_STRIDE].tobytes())
        still = self._stillness
        if checksum != still.checksum:
            still = _Stillness(checksum, frame.t, frame.t)
        self._stillness = replace(still, last_t=frame.t, count=still.count + 1)

    def _count_distinct(self, luma: Luma) -> None:
        checksum = zlib.crc32(luma.data)
        self.counters.distinct += checksum != self._checksum
        self._checksum = checksum
