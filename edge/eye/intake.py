"""Where reader threads hand packets to the main loop: bounded, in order of media time.

Live lanes never block a camera: when full, they drop whole GOPs and count them. Lossless lanes
(`--pace max`) block the reader, and packets of two streams come out strictly by media time, so
that a run can be repeated.
"""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from edge.errors import SourceError
from edge.model import Packet, StreamFormat

LANE_BYTES_MAX = 8 * 2**20
LANE_PACKETS_MAX = 300


@dataclass(frozen=True, slots=True)
class SourceLost:
    """The stream is gone; the reader tries again after `retry_s`."""

    error: SourceError
    retry_s: float


@dataclass(frozen=True, slots=True)
class SourceEnded:
    """The stream is over for good: end of file, or an error that retrying can't mend."""

    error: SourceError | None


Item: TypeAlias = StreamFormat | Packet | SourceLost | SourceEnded
Lane: TypeAlias = Literal["main", "sub"]


@dataclass(slots=True)
class _LaneState:
    items: deque[Item] = field(default_factory=deque)
    bytes_held: int = 0
    last_90k: int = 0
    is_dropping: bool = False
    is_ended: bool = False


class Intake:
    """The packets of one eye's streams on their way to its main loop."""

    def __init__(self, lanes: tuple[Lane, ...], *, is_lossless: bool) -> None:
        """`is_lossless` blocks readers instead of dropping."""
        self._lanes: dict[Lane, _LaneState] = {lane: _LaneState() for lane in lanes}
        self._is_lossless = is_lossless
        self._is_closed = False
        self._changed = threading.Condition()
        self.dropped = 0

    def put(self, lane: Lane, item: Item) -> bool:
        """Hand over one item; false when the eye is stopping and the reader should end."""
        with self._changed:
            state = self._lanes[lane]
            if isinstance(item, Packet):
                while self._is_lossless and self._is_full(state) and not self._is_closed:
                    self._changed.wait()
                if self._is_dropped(state, item):
                    return not self._is_closed
                state.bytes_held += len(item.data)
            state.items.append(item)
            self._changed.notify_all()
            return not self._is_closed

    def take(self, timeout_s: float) -> tuple[Lane, Item] | None:
        """Take the item that is next in media time, or None when nothing came in time."""
        with self._changed:
            lane = self._next_lane()
            if lane is None and not self._is_closed:
                self._changed.wait(timeout_s)
                lane = self._next_lane()
            if lane is None:
                return None
            state = self._lanes[lane]
            item = state.items.popleft()
            if isinstance(item, Packet):
                state.bytes_held -= len(item.data)
                state.last_90k = item.dts_90k
            state.is_ended = state.is_ended or isinstance(item, SourceEnded)
            self._changed.notify_all()
            return lane, item

    def wake(self) -> None:
        """Make a waiting `take` return at once."""
        with self._changed:
            self._changed.notify_all()

    def close(self) -> None:
        """Let blocked readers go; what they still bring is refused."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()

    def _is_full(self, state: _LaneState) -> bool:
        return state.bytes_held >= LANE_BYTES_MAX or len(state.items) >= LANE_PACKETS_MAX

    def _is_dropped(self, state: _LaneState, packet: Packet) -> bool:
        """Once full, drop up to the next keyframe that finds room again."""
        if self._is_lossless:
            return self._is_closed
        if packet.is_keyframe:
            state.is_dropping = False
        state.is_dropping = state.is_dropping or self._is_full(state)
        self.dropped += state.is_dropping
        return state.is_dropping

    def _next_lane(self) -> Lane | None:
        waiting = [lane for lane, state in self._lanes.items() if state.items]
        if self._is_lossless:
            pending = [lane for lane, state in self._lanes.items() if not state.is_ended]
            if any(not self._lanes[lane].items for lane in pending):
                return None
        return min(waiting, key=self._due_90k, default=None)

    def _due_90k(self, lane: Lane) -> int:
        state = self._lanes[lane]
        first = state.items[0]
        return first.dts_90k if isinstance(first, Packet) else state.last_90k
