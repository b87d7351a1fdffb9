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

from edge.clock import Clock, make_ids
from edge.feeds import ClockReading, ClockState, Draft
from edge.wire import format_utc

YEAR_MIN = 2025
"""This program is younger: a clock that shows an earlier year was never set."""
STEP_MS_MIN = 1000
"""Kernel and time service slew what is less; the monotonic clock is slewed along."""
CHECK_EVERY_S = 5.0
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
        was_synced: at some time in this boot.
        state: at the last look; None before the first.
        offset_ms: wall time less monotonic time, as the last record had it, or the first look.
    """

    was_synced: bool = False
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
    after = replace(trust, was_synced=trust.was_synced or state == "synced", state=state)
    if state == "synced" and not trust.was_synced:
        return replace(after, offset_ms=offset_ms), Correction("synced", moved_ms)
    if abs(moved_ms) > STEP_MS_MIN:
        return replace(after, offset_ms=offset_ms), Correction("stepped", moved_ms)
    return (after if trust.state is not None else replace(after, offset_ms=offset_ms)), None


def was_synced_before(bodies: Iterable[bytes], boot: str) -> bool:
    """Whether one of these records was written in this boot after the clock had been good."""
    clocks = [json.loads(body)["clock"] for body in bodies]
    return any(clock["boot"] == boot and clock["state"] != "unset" for clock in clocks)


def read_boot_id() -> str:
    """The kernel's name of this boot; a new one at each."""
    return _BOOT_ID.read_text(encoding="ascii").strip()


def kernel_is_synced() -> bool:
    """Whether the kernel's clock is kept in time by something. Changes nothing.

    Source: adjtimex(2): TIME_ERROR is returned while STA_UNSYNC is set, which the kernel does
    itself when nobody has corrected the clock for hours.
    """
    result: int = ctypes.CDLL(None).adjtimex(ctypes.byref(Timex()))
    return 0 <= result != _TIME_ERROR


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
        was_synced: bool = False,
        is_synced: Callable[[], bool] = kernel_is_synced,
    ) -> None:
        """Look at nothing yet.

        Args:
            clock: the machine's.
            boot: see `read_boot_id`.
            was_synced: see `was_synced_before`: this process is not the first of its boot.
            is_synced: the kernel's word.
        """
        self._clock, self._boot, self._is_synced = clock, boot, is_synced
        self._make_id = make_ids(clock)
        self._trust = Trust(was_synced=was_synced)

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
            "alerts", self._make_id(0), "clock", sample.utc_ms, reading,
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
    return "holdover" if trust.was_synced else "unset"
