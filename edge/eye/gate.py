"""How much to decode now: keyframes while idle, every frame while awake.

Decoding is what costs on a board, so an idle eye looks at keyframes only. What it sees there may
have begun up to a GOP earlier: on waking the last GOP is taken from the ring.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import Enum

GOP_S_MAX = 2.0
"""Above this, keyframes come too seldom to wake by; events shorter than the GOP would be missed."""
AWAKE_FPS_AIM = 10.0
"""Frames a second that are analysed while awake; boxes need at least 5 to follow."""
IDLE_FPS = 2.0
"""Frames a second analysed while idle on a stream with long GOPs."""
LINGER_S = 3.0
"""Quiet seconds before an awake eye goes back to sleep."""
_EPSILON_S = 1e-6


class Mode(Enum):
    """What to do with the packets that come."""

    KEYFRAMES = "keyframes"
    ALL_SLOWLY = "all, analysed slowly"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class GateState:
    """`active_t` is when something last moved; `analysed_t` when a frame was last let through."""

    is_awake: bool = True
    active_t: float = 0.0
    analysed_t: float = -math.inf
    is_held_open: bool = False


def mode(state: GateState, *, gop_s: float) -> Mode:
    """Say what the decoder has to do for a stream with this distance between keyframes."""
    if state.is_awake or state.is_held_open:
        return Mode.ALL
    return Mode.ALL_SLOWLY if gop_s > GOP_S_MAX else Mode.KEYFRAMES


def is_due(state: GateState, t: float, *, fps: float) -> bool:
    """Tell whether a decoded frame at `t` is to be analysed.

    Every n-th frame while awake, n from the stream's rate; each while held open.
    """
    if state.is_held_open:
        return True
    every_s = stride(fps) / max(fps, 1.0) if state.is_awake else 1.0 / IDLE_FPS
    half_frame_s = 0.5 / max(fps, 1.0)
    return t - state.analysed_t >= every_s - half_frame_s - _EPSILON_S


def stride(fps: float) -> int:
    """Every how manieth frame is analysed while awake."""
    return max(1, round(fps / AWAKE_FPS_AIM))


def step(state: GateState, *, t: float, is_active: bool) -> GateState:
    """Take in what the analysis of the frame at `t` saw.

    Args:
        state: as the last call returned it.
        t: media time in seconds.
        is_active: something moves that is not known to be barren, or a track that is not at rest.
    """
    if is_active:
        return replace(state, is_awake=True, active_t=t, analysed_t=t)
    is_awake = state.is_awake and t - state.active_t < LINGER_S
    return replace(state, is_awake=is_awake, analysed_t=t)
