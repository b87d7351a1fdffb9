"""Repairs a stream's time stamps: missing, backward, stuck or jumping ones become one steady line.

What comes out is media time: 90 kHz, decode order strictly rising, never a gap beyond
`GAP_S_MAX`. Where a live camera's stamps say nothing, the time its packets arrive decides; a
camera that sets its clock in mid-stream costs one odd frame, no more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from edge.model import TICKS_PER_S

GAP_S_MAX = 10.0
"""A longer step forward is a clock that was set, not a pause: reads time out after 5 s."""
REORDER_S_MAX = 2.0
"""Presentation further than this from decoding is damage; B-frame delay stays far below."""
FRAME_SHARE_MIN = 4
"""Packets without time that arrive in one burst are set a quarter of a frame apart."""
FPS_ASSUMED = 25
FPS_MIN, FPS_MAX = 0.1, 1000.0
"""A container that claims less or more does not know."""


@dataclass(frozen=True, slots=True)
class RawTime:
    """A packet's time stamps as received, in 90 kHz ticks; None where the source gave none.

    `arrived_90k` is when it came by a clock that never steps, None for a file.
    """

    pts_90k: int | None
    dts_90k: int | None
    arrived_90k: int | None = None

    @property
    def decode_90k(self) -> int | None:
        """Decode time, or what comes nearest."""
        return self.dts_90k if self.dts_90k is not None else self.pts_90k


@dataclass(frozen=True, slots=True)
class TimingState:
    """Where the line stands.

    `frame_90k` is the nominal distance of frames; `last_90k` the last decode time given out, and
    `last_raw_90k` what it came in as; `offset_90k` is media time less arrival time, as measured
    on the last packet whose stamps made sense.
    """

    start_90k: int
    frame_90k: int
    last_90k: int | None = None
    last_raw_90k: int | None = None
    offset_90k: int | None = None


def make_timing(*, start_90k: int, fps: float) -> TimingState:
    """Begin a line of media time.

    Args:
        start_90k: media time of the first packet: of its presentation where this is 0, the
            beginning of the run, else of its decoding, which must not step back.
        fps: nominal frames a second, for packets without time; 0 when unknown (25 is assumed).
    """
    return TimingState(start_90k, frame_ticks(fps))


def frame_ticks(fps: float) -> int:
    """Ticks from one frame to the next."""
    return round(TICKS_PER_S / (fps if FPS_MIN <= fps <= FPS_MAX else FPS_ASSUMED))


def step(state: TimingState, raw: RawTime) -> tuple[TimingState, tuple[int, int]]:
    """Place one packet on the line.

    Returns:
        The new state and (pts_90k, dts_90k), pts >= dts > the dts before.
    """
    lead_90k = _lead(raw)
    raw_90k = raw.decode_90k
    is_sane = False
    if state.last_90k is None:
        dts_90k = state.start_90k - (lead_90k if state.start_90k == 0 else 0)
    else:
        delta_90k = _own_step(state, raw_90k)
        is_sane = delta_90k is not None
        dts_90k = state.last_90k + (delta_90k or _guessed_step(state, raw.arrived_90k))
    offset_90k = state.offset_90k
    if raw.arrived_90k is not None and (is_sane or offset_90k is None):
        offset_90k = dts_90k - raw.arrived_90k
    advanced = replace(state, last_90k=dts_90k, last_raw_90k=raw_90k, offset_90k=offset_90k)
    return advanced, (dts_90k + lead_90k, dts_90k)


def fill_start(raws: Sequence[RawTime], *, frame_90k: int) -> list[RawTime]:
    """Give times to the first packets of a stream by the first that has them.

    RTSP knows no time before the second packet, and with B-frames no decode time before the
    third; guessing forwards would show the first pictures in the wrong order.

    Args:
        raws: the first packets in decode order; all but the last may lack their times.
        frame_90k: nominal distance of frames.
    """
    known = next((i for i, raw in enumerate(raws) if raw.dts_90k is not None), None)
    if not known:
        return list(raws)
    anchor_90k = raws[known].dts_90k
    assert anchor_90k is not None
    shown = [raw.pts_90k for raw in raws if raw.pts_90k is not None]
    filled = []
    for index, raw in enumerate(raws[:known]):
        dts_90k = anchor_90k - (known - index) * frame_90k
        pts_90k = raw.pts_90k
        if pts_90k is None:  # the keyframe: shown before everything that follows it
            pts_90k = max(dts_90k, min(shown, default=dts_90k) - frame_90k)
        filled.append(replace(raw, pts_90k=pts_90k, dts_90k=dts_90k))
    return [*filled, *raws[known:]]


def _lead(raw: RawTime) -> int:
    """How long after its decoding a packet is shown; 0 where that makes no sense."""
    if raw.pts_90k is None or raw.dts_90k is None:
        return 0
    lead_90k = raw.pts_90k - raw.dts_90k
    return lead_90k if 0 <= lead_90k <= REORDER_S_MAX * TICKS_PER_S else 0


def _own_step(state: TimingState, raw_90k: int | None) -> int | None:
    """The source's own step where it is sane."""
    if raw_90k is None or state.last_raw_90k is None:
        return None
    delta_90k = raw_90k - state.last_raw_90k
    return delta_90k if 0 < delta_90k <= GAP_S_MAX * TICKS_PER_S else None


def _guessed_step(state: TimingState, arrived_90k: int | None) -> int:
    """One frame; of a live source as much as has passed since its stamps made sense."""
    if arrived_90k is None or state.offset_90k is None or state.last_90k is None:
        return state.frame_90k
    passed_90k = arrived_90k + state.offset_90k - state.last_90k
    shortest_90k = max(state.frame_90k // FRAME_SHARE_MIN, 1)
    return min(max(passed_90k, shortest_90k), round(GAP_S_MAX * TICKS_PER_S))
