"""Moments as callers write them."""

from __future__ import annotations

from edge.errors import ValidationError
from edge.serving.queries import bad_parameter
from edge.wire import parse_utc

_YEAR_9999_MS = 253_370_764_800_000


def read_moment(text: str, name: str) -> int:
    """Give a parameter that is a moment, in milliseconds since 1970.

    Raises:
        Problem: 400, it is none.
    """
    try:
        utc_ms = parse_utc(text)
    except (ValidationError, OverflowError) as exc:
        remedy = "is not RFC 3339; write 2026-11-22T17:33:05Z, or an offset with + as %2B"
        raise bad_parameter(name, remedy) from exc
    if not 0 <= utc_ms < _YEAR_9999_MS:
        raise bad_parameter(name, "is no time of a camera; give one from 1970 to 9998")
    return utc_ms
