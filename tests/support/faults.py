"""What a camera can do wrong, and what it saw its clients do."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Faults:
    """The faults of a camera at one moment; the default is a healthy one.

    `…_at` count pictures from PLAY; None is never. Rates are shares of RTP packets, 0..1.

    Attributes:
        connect: `refuse` closes the port, `blackhole` leaves a connection attempt unanswered,
            `hang` accepts and reads but never answers a request.
        status: what every request of the method `status_on` is answered with, instead of 200.
        describe: what the answer to DESCRIBE carries; `endless` never stops sending
            lines (2.5 MB/s of 1 GiB), `huge_length` announces 1 GiB and sends a few lines, `drip`
            sends 5 bytes a second.
        stall_at: silence in the middle of that picture, the connection staying open.
        close_at: the connection closed in the middle of that picture.
        clock: RTP times `stuck` at one value, or jumped 4 h `forward` or `back` at `clock_at`.
        switch_at: the camera's second clip from that picture on; the SDP keeps to the first.
        is_frozen: the first GOP again and again, with RTP times going on.
        starts_late: the first picture sent is not a keyframe.
        has_sets: parameter sets in-band before each keyframe.
        has_marker: the last packet of each picture marked as RFC 6184 asks.
    """

    connect: Literal["accept", "refuse", "blackhole", "hang"] = "accept"
    status: int | None = None
    status_on: str = "DESCRIBE"
    describe: Literal[
        "good", "garbage", "no_video", "no_sprop", "endless", "huge_length", "drip"
    ] = "good"
    stall_at: int | None = None
    close_at: int | None = None
    flip_rate: float = 0.0
    drop_rate: float = 0.0
    clock: Literal["good", "stuck", "forward", "back"] = "good"
    clock_at: int = 0
    switch_at: int | None = None
    is_frozen: bool = False
    starts_late: bool = False
    has_sets: bool = True
    has_marker: bool = True


@dataclass(frozen=True, slots=True)
class Seen:
    """One thing a client did.

    `t_s` is on the monotonic clock; `connection` counts from 1; `what` is `connect`, `close` or
    a request's method; `status` is how the request was answered, None where it was not;
    `is_login_right` is None where the request carried no login.
    """

    t_s: float
    connection: int
    what: str
    status: int | None = None
    is_login_right: bool | None = None


class CameraLog:
    """What clients did, in order; safe to read while the camera runs."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: list[Seen] = []

    def add(
        self,
        what: str,
        connection: int,
        *,
        status: int | None = None,
        is_login_right: bool | None = None,
    ) -> None:
        """Note one thing, now."""
        seen = Seen(time.monotonic(), connection, what, status, is_login_right)
        with self._lock:
            self._seen.append(seen)

    @property
    def seen(self) -> tuple[Seen, ...]:
        """Everything so far."""
        with self._lock:
            return tuple(self._seen)

    def of(self, what: str) -> list[Seen]:
        """All connects, closes, or requests of one method."""
        return [seen for seen in self.seen if seen.what == what]

    @property
    def logins(self) -> list[Seen]:
        """The requests that carried a login, right or wrong."""
        return [seen for seen in self.seen if seen.is_login_right is not None]

    @property
    def open_count(self) -> int:
        """Connections open now."""
        return len(self.of("connect")) - len(self.of("close"))

    def wait_for(self, condition: Callable[[CameraLog], bool], *, timeout_s: float = 5.0) -> None:
        """Poll until a condition holds.

        Raises:
            AssertionError: it did not within the time.
        """
        deadline_s = time.monotonic() + timeout_s
        while not condition(self):
            assert time.monotonic() < deadline_s, f"not within {timeout_s} s: {self.seen}"
            threading.Event().wait(0.01)
