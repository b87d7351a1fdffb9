"""Repairs a stream's time stamps: missing, backward, stuck or jumping ones become one steady line.

What comes out is media time: 90 kHz, decode order strictly rising, never a gap beyond
`GAP_S_MAX`. A camera that sets its clock in mid-stream costs one odd frame, no more.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from edge.model import TICKS_PER_S

GAP_S_MAX = 10.0
"""A longer step forward is a clock that was set, not a pause: reads time out after 5 s."""
REORDER_S_MAX = 2.0
"""Presentation further than this from decoding is damage; B-frame delay stays far below."""


@dataclass(frozen=True, slots=True)
class RawTime:
    """A packet's time stamps as received, in 90 kHz ticks; None where the source gave none."""

    pts_90k: int | None
    dts_90k: int | None


@dataclass(frozen=True, slots=True)
class TimingState:
    """Where the line stands: the last decode time out, the last one in, ticks between frames."""

    next_90k: int
    frame_90k: int
    last_90k: int | None = None
    last_raw_90k: int | None = None
    is_rebased: bool = False


def make_timing(*, start_90k: int, fps: float) -> TimingState:
    """Begin a line of media time.

    Args:
        start_90k: media time of the first packet's decoding.
        fps: nominal frames a second, for packets without time; 0 when unknown (25 is assumed).
    """
    frame_90k = round(TICKS_PER_S / fps) if fps > 0 else TICKS_PER_S // 25
    return TimingState(next_90k=start_90k, frame_90k=max(frame_90k, 1))


def step(state: TimingState, raw: RawTime) -> tuple[TimingState, tuple[int, int]]:
    """Place one packet on the line.

    Returns:
        The new state and (pts_90k, dts_90k), pts >= dts > the dts before.
    """
    raw_90k = raw.dts_90k if raw.dts_90k is not None else raw.pts_90k
    dts_90k, is_rebased = _decode_time(state, raw_90k)
    lead_90k = 0
    if raw.pts_90k is not None and raw.dts_90k is not None:
        lead_90k = raw.pts_90k - raw.dts_90k
    if not 0 <= lead_90k <= REORDER_S_MAX * TICKS_PER_S:
        lead_90k = 0
    advanced = replace(
        state,
        next_90k=dts_90k + state.frame_90k,
        last_90k=dts_90k,
        last_raw_90k=raw_90k,
        is_rebased=is_rebased,
    )
    return advanced, (dts_90k + lead_90k, dts_90k)


def _decode_time(state: TimingState, raw_90k: int | None) -> tuple[int, bool]:
    """Continue by the source's own step where that is sane, else by one frame."""
    if state.last_90k is None:
        return state.next_90k, False
    if raw_90k is None or state.last_raw_90k is None:
        return state.next_90k, raw_90k is not None
    delta_90k = raw_90k - state.last_raw_90k
    if 0 < delta_90k <= GAP_S_MAX * TICKS_PER_S:
        return state.last_90k + delta_90k, False
    return state.next_90k, True
