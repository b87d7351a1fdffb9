"""Time as an input: the wall clock for people, the monotonic one for intervals; and ULIDs."""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from collections.abc import Callable
from typing import Protocol

NS_PER_S = 1_000_000_000
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_ULID_RANDOM_BYTES = 10
_ULID_CHARACTERS = 26
_MS_MASK = 2**48 - 1
_STEP_BITS = 48
"""A millisecond then has room for billions of ids."""
_NS_PER_MS = 1_000_000


class Clock(Protocol):
    """The two clocks an eye may read."""

    def utc_ms(self) -> int:
        """Wall time, milliseconds since 1970 UTC; may step."""
        ...

    def monotonic_ns(self) -> int:
        """Nanoseconds since some fixed moment; never steps back."""
        ...


class SystemClock:
    """The machine's own clocks."""

    def utc_ms(self) -> int:
        """Wall time of the machine."""
        return time.time_ns() // _NS_PER_MS

    def monotonic_ns(self) -> int:
        """CLOCK_MONOTONIC."""
        return time.monotonic_ns()


def encode_ulid(utc_ms: int, random: bytes) -> str:
    """Write a ULID.

    Args:
        utc_ms: 48-bit milliseconds; more than that is cut to its lowest 48 bits.
        random: exactly 10 bytes.

    Source: ULID specification, github.com/ulid/spec, "Binary Layout".
    """
    assert len(random) == _ULID_RANDOM_BYTES
    value = (utc_ms & _MS_MASK) << 80 | int.from_bytes(random, "big")
    return "".join(_CROCKFORD[value >> shift & 31] for shift in range(125, -5, -5))


def is_ulid(text: str) -> bool:
    """Whether it is one, written as `encode_ulid` does."""
    is_long = len(text) == _ULID_CHARACTERS and text[0] <= "7"
    return is_long and set(text) <= set(_CROCKFORD)


def _decode_ulid(ulid: str) -> int:
    assert is_ulid(ulid)
    value = 0
    for character in ulid:
        value = value << 5 | _CROCKFORD.index(character)
    return value


def make_ids(clock: Clock, *, after: str | None = None) -> Callable[[int], str]:
    """Make a source of unique ids for live work: the time now and 80 random bits.

    They rise from one to the next, also where the clock goes back: then the time of the last one
    stays, and a random step is added. Any thread may ask.

    Args:
        clock: the machine's.
        after: an id that all are to be above: the newest of an earlier process.

    Source: ULID specification, github.com/ulid/spec, "Monotonicity"; its step of 1 would let the
    next id be guessed.
    """
    last = _decode_ulid(after) if after is not None else 0
    lock = threading.Lock()

    def make(_ordinal: int) -> str:
        nonlocal last
        new = (clock.utc_ms() & _MS_MASK) << 80 | secrets.randbits(80)
        with lock:
            last = new if new > last else last + 1 + secrets.randbits(_STEP_BITS)
            return encode_ulid(last >> 80, (last & (2**80 - 1)).to_bytes(_ULID_RANDOM_BYTES, "big"))

    return make


def make_repeatable_ids(seed: bytes) -> Callable[[int], str]:
    """Make ids that are the same in each run over the same file.

    Args:
        seed: the file's hash; together with the ordinal it gives the id.
    """

    def make(ordinal: int) -> str:
        digest = hashlib.sha256(seed + ordinal.to_bytes(8, "big")).digest()
        return encode_ulid(ordinal, digest[:_ULID_RANDOM_BYTES])

    return make
