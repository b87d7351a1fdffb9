"""How far the machine's clock can be trusted now, and the records that put earlier times right.

`step` is pure; `ClockTrust` asks the kernel, which knows whether something keeps its clock in time.
"""

from __future__ import annotations

import asyncio
import ctypes
import json
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from edge.clock import Clock
from edge.feeds import ClockReading, ClockState, Draft
from edge.wire import format_utc

YEAR_MIN = 2025
"""This program is younger: a clock that shows an earlier year was never set."""
STEP_MS_MIN = 1000
"""Kernel and time service slew what is less; the monotonic clock is slewed along."""
CHECK_EVERY_S = 5.0
ERROR_US_MAX = 2_500_000
"""A clock that may be further off is held over. The kernel lets this grow by 500 ppm while nobody
corrects the clock: two questions of a time service, 34 minutes apart, may have gone unanswered."""
HOLDOVER_MS_MAX = 600_000_000
"""7 days: a board's crystal of 100 ppm is a minute off by then, which is late or not."""
_UNSET_BEFORE_MS = int(datetime(YEAR_MIN, 1, 1, tzinfo=UTC).timestamp()) * 1000
_NS_PER_MS = 1_000_000
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_TIME_ERROR = 5


@dataclass(frozen=True, slots=True)
class Sample:
    """One look at the clocks; `is_synced` is the kernel's word."""

    is_synced: bool
    utc_ms: int
    mono_ms: int


@dataclass(frozen=True, slots=True)
class Trust:
    """What is known of the clock in this boot.

    Attributes:
        synced_mono_ms: when it was last seen synced in this boot, by the monotonic clock.
        state: at the last look; None before the first.
        offset_ms: wall time less monotonic time, as the last record had it, or the first look.
    """

    synced_mono_ms: int | None = None
    state: ClockState | None = None
    offset_ms: int = 0


@dataclass(frozen=True, slots=True)
class Correction:
    """The clock became good, or was set: by how much, as far as it is known."""

    reason: Literal["synced", "stepped"]
    step_ms: int


def step(trust: Trust, sample: Sample) -> tuple[Trust, Correction | None]:
    """Take one look in.

    Returns:
        What is known now, and what to tell where the clock has become good or was set by more than
        `STEP_MS_MIN`; several smaller steps are told when together they are more.
    """
    state = _judge(trust, sample)
    offset_ms = sample.utc_ms - sample.mono_ms
    moved_ms = offset_ms - trust.offset_ms if trust.state is not None else 0
    synced_mono_ms = sample.mono_ms if state == "synced" else trust.synced_mono_ms
    after = replace(trust, synced_mono_ms=synced_mono_ms, state=state)
    if state == "synced" and (trust.synced_mono_ms is None or trust.state == "unset"):
        return replace(after, offset_ms=offset_ms), Correction("synced", moved_ms)
    if abs(moved_ms) > STEP_MS_MIN:
        return replace(after, offset_ms=offset_ms), Correction("stepped", moved_ms)
    return (after if trust.state is not None else replace(after, offset_ms=offset_ms)), None


def find_synced(bodies: Iterable[bytes], boot: str) -> int | None:
    """When the clock was last synced in this boot, as far as these records tell.

    Returns:
        By the monotonic clock, in milliseconds. 0: it was, but when is not told, so that the whole
        boot may have gone since. None: nothing says that it was.
    """
    clocks = [json.loads(body)["clock"] for body in bodies]
    mine = [each for each in clocks if each["boot"] == boot]
    synced = [int(each["mono_ms"]) for each in mine if each["state"] == "synced"]
    was_synced = any(each["state"] == "holdover" for each in mine)
    return max(synced, default=0 if was_synced else None)


def read_boot_id() -> str:
    """The kernel's name of this boot; a new one at each."""
    return _BOOT_ID.read_text(encoding="ascii").strip()


def kernel_is_synced() -> bool:
    """Whether the kernel's clock is kept in time by something. Changes nothing.

    Source: adjtimex(2): TIME_ERROR is returned while STA_UNSYNC is set; `maxerror` is what chrony
    or the like last told, and grows from then on.
    """
    asked = Timex()
    result: int = ctypes.CDLL(None).adjtimex(ctypes.byref(asked))
    return 0 <= result != _TIME_ERROR and int(asked.maxerror) <= ERROR_US_MAX


class Timex(ctypes.Structure):
    """`struct timex`, 64-bit; `modes` 0 asks and sets nothing. Source: adjtimex(2)."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        *((name, ctypes.c_long) for name in ("offset", "freq", "maxerror", "esterror")),
        ("status", ctypes.c_int),
        *((name, ctypes.c_long) for name in ("constant", "precision", "tolerance")),
        *((name, ctypes.c_long) for name in ("seconds", "microseconds", "tick")),
        ("rest", ctypes.c_byte * 112),
    )


class ClockTrust:
    """The clock's state for every record, and a `clock` record when times have to be put right."""

    def __init__(
        self,
        clock: Clock,
        *,
        boot: str,
        make_id: Callable[[], str],
        synced_mono_ms: int | None = None,
        is_synced: Callable[[], bool] = kernel_is_synced,
    ) -> None:
        """Look at nothing yet.

        Args:
            clock: the machine's.
            boot: see `read_boot_id`.
            make_id: for records.
            synced_mono_ms: see `find_synced`: this process is not the first of its boot.
            is_synced: the kernel's word.
        """
        self._clock, self._boot, self._is_synced = clock, boot, is_synced
        self._make_id = make_id
        self._trust = Trust(synced_mono_ms=synced_mono_ms)

    def read(self) -> ClockReading:
        """The state now, for a record that is being made."""
        sample = self._look()
        return ClockReading(_judge(self._trust, sample), self._boot, sample.mono_ms)

    def check(self) -> list[Draft]:
        """Look whether the clock has become good or was set; the record that says so, if any."""
        sample = self._look()
        self._trust, correction = step(self._trust, sample)
        if correction is None:
            return []
        reading = ClockReading(_judge(self._trust, sample), self._boot, sample.mono_ms)
        draft = Draft(
            "alerts", self._make_id(), "clock", sample.utc_ms, reading,
            data={
                "reason": correction.reason,
                "boot": self._boot,
                "mono_ms": sample.mono_ms,
                "utc": format_utc(sample.utc_ms),
                "step_ms": correction.step_ms,
            },
        )  # fmt: skip
        return [draft]

    async def run(self, append: Callable[[Sequence[Draft]], Awaitable[object]]) -> None:
        """Watch the clock until cancelled; `append` is the log's."""
        while True:
            drafts = self.check()
            if drafts:
                await append(drafts)
            await asyncio.sleep(CHECK_EVERY_S)

    def _look(self) -> Sample:
        mono_ms = self._clock.monotonic_ns() // _NS_PER_MS
        return Sample(self._is_synced(), self._clock.utc_ms(), mono_ms)


def _judge(trust: Trust, sample: Sample) -> ClockState:
    """Nobody has vouched for a clock that was not synced in this boot, whatever it shows."""
    if sample.utc_ms < _UNSET_BEFORE_MS:
        return "unset"
    if sample.is_synced:
        return "synced"
    if trust.synced_mono_ms is None:
        return "unset"
    is_fresh = sample.mono_ms - trust.synced_mono_ms <= HOLDOVER_MS_MAX
    return "holdover" if is_fresh else "unset"
