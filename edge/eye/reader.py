"""The thread of one stream: opens its source, reads it into the intake, opens it again."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from edge.clock import Clock
from edge.errors import SourceError, SourceRefused
from edge.eye.intake import Intake, Lane, SourceEnded, SourceLost
from edge.eye.ports import PacketSource
from edge.eye.sources.reopen import ReopenState, step
from edge.model import TICKS_PER_S, Packet

_NS_PER_S = 1_000_000_000
HEALTHY_S = 10.0
"""Packets for this long make earlier failures forgotten."""

OpenSource = Callable[[int], PacketSource]
"""Make one connection whose first packet has the given media time (90 kHz ticks)."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How a stream is read.

    `is_live`: it is opened again when lost; a file ends. `is_real_time`: a file is held back to
    its own speed.
    """

    is_live: bool
    is_real_time: bool


class Reader:
    """Reads one stream until it ends or the eye stops."""

    def __init__(
        self, lane: Lane, open_source: OpenSource, intake: Intake, *, pace: Pace, clock: Clock
    ) -> None:
        """Nothing is opened before `start`."""
        self._lane = lane
        self._open_source = open_source
        self._intake = intake
        self._pace = pace
        self._clock = clock
        self._stopping = threading.Event()
        self._source: PacketSource | None = None
        self._last: tuple[int, int] | None = None
        self._reopen = ReopenState()
        self._thread = threading.Thread(target=self.run, name=f"reader-{lane}")

    def start(self) -> None:
        """Begin reading on a thread of its own."""
        self._thread.start()

    def stop(self) -> None:
        """Ask the thread to end; it does within the source's own time-outs."""
        self._stopping.set()
        if self._source is not None:
            self._source.close()

    def join(self, timeout_s: float) -> bool:
        """Wait for the thread; false when it is still running."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def run(self) -> None:
        """Read, and open again, until the end."""
        while not self._stopping.is_set():
            try:
                self._run_once()
                error = None
            except SourceError as exc:
                error = exc
            if self._stopping.is_set():
                return
            if not self._pace.is_live:
                self._intake.put(self._lane, SourceEnded(error))
                return
            self._wait_after(error or SourceError("the camera ended the stream"))

    def _run_once(self) -> None:
        start_90k = self._resume_90k()
        begun_ns = self._clock.monotonic_ns()
        self._source = self._open_source(start_90k)
        for item in self._source.packets():
            if isinstance(item, Packet):
                self._hold_back(item, start_90k, begun_ns)
                now_ns = self._clock.monotonic_ns()
                if now_ns - begun_ns > HEALTHY_S * _NS_PER_S:
                    self._reopen = ReopenState()
                self._last = (item.dts_90k, now_ns)
            if not self._intake.put(self._lane, item) or self._stopping.is_set():
                return

    def _resume_90k(self) -> int:
        """Media time goes on over an outage by the time that really passed."""
        if self._last is None:
            return 0
        last_90k, last_ns = self._last
        gap_ns = self._clock.monotonic_ns() - last_ns
        return last_90k + max(gap_ns * TICKS_PER_S // _NS_PER_S, 1)

    def _hold_back(self, packet: Packet, start_90k: int, begun_ns: int) -> None:
        if not self._pace.is_real_time:
            return
        due_ns = begun_ns + (packet.dts_90k - start_90k) * _NS_PER_S // TICKS_PER_S
        self._stopping.wait(max(0, due_ns - self._clock.monotonic_ns()) / _NS_PER_S)

    def _wait_after(self, error: SourceError) -> None:
        is_login = isinstance(error, SourceRefused) and error.is_login
        self._reopen, wait_s = step(self._reopen, is_login=is_login)
        self._intake.put(self._lane, SourceLost(error, wait_s))
        self._stopping.wait(wait_s)
