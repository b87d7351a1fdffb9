"""The thread of one stream: opens its source, reads it into the intake, opens it again."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from edge.clock import NS_PER_S, Clock
from edge.errors import SourceError, SourceRefused
from edge.eye.intake import Intake, Lane, SourceEnded, SourceLost
from edge.eye.logins import LOGIN_TRIES, LOGIN_WAIT_S, Logins
from edge.eye.ports import PacketSource
from edge.eye.reopen import wait_after
from edge.model import TICKS_PER_S, Packet

HEALTHY_S = 10.0
"""Packets for this long make earlier failures forgotten."""

OpenSource = Callable[[Callable[[], int]], PacketSource]
"""Make one connection; what it is given tells the media time (90 kHz ticks) of its first packet
and is to be asked when that packet is there."""


class MediaClock:
    """The media time of a camera's streams: it begins with the first packet of any of them."""

    def __init__(self, clock: Clock) -> None:
        """Nothing has arrived yet."""
        self._clock = clock
        self._lock = threading.Lock()
        self._begun_ns: int | None = None

    def now_90k(self) -> int:
        """Media time (90 kHz ticks) of a packet that arrives now; 0 for the first of all."""
        now_ns = self._clock.monotonic_ns()
        with self._lock:
            if self._begun_ns is None:
                self._begun_ns = now_ns
            return (now_ns - self._begun_ns) * TICKS_PER_S // NS_PER_S


@dataclass(frozen=True, slots=True)
class Pace:
    """How a stream is read.

    `media_clock` is there for a camera, whose streams share it and are opened again when lost; a
    file ends. `is_real_time`: a file is held back to its own speed. `logins` is shared by the
    streams of one camera. `rest` waits for so many seconds or until the event is set.
    """

    media_clock: MediaClock | None = None
    is_real_time: bool = False
    logins: Logins | None = None
    rest: Callable[[threading.Event, float], object] = threading.Event.wait


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
        self._last_90k: int | None = None
        self._failures = 0
        self._connected_ns = 0
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
        """Read, and open again, until the end; an eye whose reader breaks ends, and says so."""
        end = SourceEnded(SourceError(f"{self._lane}: its reader broke; see the trace above"))
        try:
            end = self._run()
        finally:
            self._intake.put(self._lane, end)

    def _run(self) -> SourceEnded:
        while not self._stopping.is_set():
            if self._pace.logins is not None and (hold_s := self._pace.logins.hold_s()):
                self._pace.rest(self._stopping, hold_s)
                continue
            try:
                self._run_once()
                error = None
            except SourceError as exc:
                error = exc
            if self._stopping.is_set():
                break
            if self._pace.media_clock is None:
                return SourceEnded(error)
            self._wait_after(error or SourceError(f"{self._lane}: the camera ended the stream"))
        return SourceEnded(None)

    def _run_once(self) -> None:
        self._source = self._open_source(self._resume_90k)
        begun_ns: int | None = None
        for item in self._source.packets():
            if isinstance(item, Packet):
                if begun_ns is None:
                    begun_ns = self._begin(item)
                self._go_on(item, begun_ns)
            if not self._intake.put(self._lane, item) or self._stopping.is_set():
                return

    def _begin(self, packet: Packet) -> int:
        """Take note of a connection's first packet; say when media time 0 was."""
        if self._pace.logins is not None:
            self._pace.logins.accept()
        self._connected_ns = self._clock.monotonic_ns()
        return self._connected_ns - packet.dts_90k * NS_PER_S // TICKS_PER_S

    def _go_on(self, packet: Packet, begun_ns: int) -> None:
        self._last_90k = packet.dts_90k
        if self._clock.monotonic_ns() - self._connected_ns > HEALTHY_S * NS_PER_S:
            self._failures = 0
        due_ns = begun_ns + packet.dts_90k * NS_PER_S // TICKS_PER_S
        if self._pace.is_real_time:
            left_s = max(0, due_ns - self._clock.monotonic_ns()) / NS_PER_S
            self._pace.rest(self._stopping, left_s)

    def _resume_90k(self) -> int:
        """Media time goes on over an outage by the time that really passed."""
        if self._pace.media_clock is None:
            return 0
        now_90k = self._pace.media_clock.now_90k()
        return now_90k if self._last_90k is None else max(now_90k, self._last_90k + 1)

    def _wait_after(self, error: SourceError) -> None:
        """Say that the stream is lost and wait before the next try."""
        self._failures += 1
        is_login = isinstance(error, SourceRefused) and error.is_login
        is_refused = isinstance(error, SourceRefused) and not is_login
        wait_s = wait_after(self._failures, is_refused=is_refused)
        logins = self._pace.logins
        if logins is not None:
            if is_login:
                logins.refuse()
                error = _explain_hold(error) if logins.was_held else error
            wait_s = max(wait_s, logins.hold_s())
        self._intake.put(self._lane, SourceLost(error, wait_s))
        self._pace.rest(self._stopping, wait_s)


def _explain_hold(error: SourceError) -> SourceRefused:
    """Say that logins rest, in words that stay true until one is let in: so it is told once."""
    message = (
        f"{error}; after {LOGIN_TRIES} refusals no further try for {LOGIN_WAIT_S / 60:.0f} min:"
        " correct it and restart the eye"
    )
    return SourceRefused(message, is_login=True)
