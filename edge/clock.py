"""Time as an input: the wall clock for people, the monotonic one for intervals; and ULIDs."""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Callable
from typing import Protocol

NS_PER_S = 1_000_000_000
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_ULID_RANDOM_BYTES = 10
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
    value = (utc_ms & (2**48 - 1)) << 80 | int.from_bytes(random, "big")
    return "".join(_CROCKFORD[value >> shift & 31] for shift in range(125, -5, -5))


def make_ids(clock: Clock) -> Callable[[int], str]:
    """Make a source of unique ids for live work: the time now and 80 random bits."""
    return lambda _ordinal: encode_ulid(clock.utc_ms(), secrets.token_bytes(_ULID_RANDOM_BYTES))


def make_repeatable_ids(seed: bytes) -> Callable[[int], str]:
    """Make ids that are the same in each run over the same file.

    Args:
        seed: the file's hash; together with the ordinal it gives the id.
    """

    def make(ordinal: int) -> str:
        digest = hashlib.sha256(seed + ordinal.to_bytes(8, "big")).digest()
        return encode_ulid(ordinal, digest[:_ULID_RANDOM_BYTES])

    return make
