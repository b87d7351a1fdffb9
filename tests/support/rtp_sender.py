"""The RTP side of the misbehaving camera: which bytes go out when, faults included (pure).

It knows no socket and no clock, so that the same faults and seed give the same bytes.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from tests.support.faults import Faults
from tests.support.rtp import (
    CLOCK_HZ,
    Clip,
    Unit,
    interleaved,
    rtp_packet,
    rtp_payloads,
)

JUMP_90K = 4 * 3600 * CLOCK_HZ
"""Less than half of the 32-bit range, so that clients see the direction that was meant."""


RTP_TIME_FIRST = 0x0800_0000
"""RFC 3550 §5.1 asks for an offset; FFmpeg takes an RTP time of 0 for "not yet known"."""


@dataclass(frozen=True, slots=True)
class Step:
    """What to do next: `at_90k` is media time since PLAY; `wait` means ask again."""

    action: Literal["send", "wait", "close"]
    at_90k: int
    data: bytes = b""


class RtpSender:
    """One stream from its PLAY on."""

    def __init__(
        self, clip: Clip, then: Clip, *, rounds: int | None, faults: Callable[[], Faults]
    ) -> None:
        """Start at the clip's first picture.

        Args:
            clip: sent `rounds` times, for ever where None.
            then: takes its place from picture `switch_at` on.
            rounds: how often a clip is sent before the stream ends.
            faults: asked before each picture.
        """
        self._clip, self._then, self._rounds = clip, then, rounds
        self._faults = faults
        self._random = random.Random(1)
        self._sequence = 0

    def steps(self) -> Iterator[Step]:
        """Give the stream's bytes picture by picture, then one `close`."""
        at_90k = 0
        for count, (unit, at_90k) in enumerate(self._pictures()):
            faults = self._faults()
            packets = self._packets(unit, count=count, at_90k=at_90k, faults=faults)
            if faults.close_at is not None and count >= faults.close_at:
                yield Step("send", at_90k, b"".join(packets[: len(packets) // 2]))
                break
            if faults.stall_at is not None and count >= faults.stall_at:
                yield Step("send", at_90k, b"".join(packets[: len(packets) // 2]))
                while self._faults().stall_at is not None:
                    yield Step("wait", at_90k)
                packets = packets[len(packets) // 2 :]
            yield Step("send", at_90k, b"".join(packets))
        yield Step("close", at_90k)

    def _pictures(self) -> Iterator[tuple[Unit, int]]:
        """Give pictures and their media times, round after round."""
        clip, base_90k, end_90k = self._clip, 0, 0
        count, index, rounds_done = 0, int(self._faults().starts_late), 0
        while rounds_done != self._rounds:
            faults = self._faults()
            if faults.switch_at == count:
                clip, index, base_90k = self._then, 0, end_90k
            unit = clip.units[index]
            yield unit, base_90k + unit.pts_90k
            end_90k = max(end_90k, base_90k + unit.pts_90k + clip.frame_90k)
            count, index = count + 1, index + 1
            if index >= (clip.gop_count if faults.is_frozen else len(clip.units)):
                index, rounds_done, base_90k = 0, rounds_done + 1, end_90k

    def _packets(self, unit: Unit, *, count: int, at_90k: int, faults: Faults) -> list[bytes]:
        """Packetise one picture, losing and damaging what the faults ask for."""
        sets = unit.parameter_sets if unit.is_keyframe and faults.has_sets else ()
        payloads = [p for nal in (*sets, *unit.nals) for p in rtp_payloads(nal)]
        rtp_time = _rtp_time(at_90k, count=count, faults=faults)
        packets = []
        for number, payload in enumerate(payloads, start=1):
            is_last = number == len(payloads) and faults.has_marker
            sent = self._flip(payload) if self._happens(faults.flip_rate) else payload
            packet = rtp_packet(
                sent, sequence=self._sequence, rtp_time=rtp_time, has_marker=is_last
            )
            self._sequence += 1
            if not self._happens(faults.drop_rate):
                packets.append(interleaved(packet, channel=0))
        return packets

    def _happens(self, rate: float) -> bool:
        return rate > 0 and self._random.random() < rate

    def _flip(self, payload: bytes) -> bytes:
        """Flip one bit behind the payload's header."""
        damaged = bytearray(payload)
        damaged[self._random.randrange(min(2, len(damaged) - 1), len(damaged))] ^= (
            1 << self._random.randrange(8)
        )
        return bytes(damaged)


def _rtp_time(at_90k: int, *, count: int, faults: Faults) -> int:
    if faults.clock == "stuck" and count >= faults.clock_at:
        return RTP_TIME_FIRST
    jump = {"forward": JUMP_90K, "back": -JUMP_90K}.get(faults.clock, 0)
    return RTP_TIME_FIRST + at_90k + (jump if count >= faults.clock_at else 0)
