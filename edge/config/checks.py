"""Conditions a single value of the configuration must meet, to stand in its type annotation.

`Annotated[float, in_range(0, 60, "s")]`; the walker runs them. Pure: nothing here opens a file.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from edge.errors import Fault
from edge.model import Polygon
from edge.plane import find_self_crossing, signed_area

SHOWN_CHARS_MAX = 40
_DIGEST = re.compile(r"[0-9a-f]{64}")
AREA_MIN = 1e-6
"""Two pixels of a 1920 by 1080 picture: anything smaller is a slip, not a zone."""
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MINUTES_PER_DAY = 24 * 60
NETWORK_SCHEMES = ("rtsp", "rtsps", "http", "https")
LATER_SCHEMES = ("cptv", "lepton", "mlx90640-uart", "isapi", "sim")
"""Known to the format, not to this version."""
SCHEMES = (*NETWORK_SCHEMES, "isapi")
"""Sources written with `://`; the others (`v4l2:`, `sim:`, paths) have no host and no password."""


@dataclass(frozen=True, slots=True)
class Check:
    """One condition; `test` gives a fault whose path is relative to the value, or None."""

    test: Callable[[Any], Fault | None]


@dataclass(frozen=True, slots=True)
class OneOrMany:
    """Marks a list that may also be written as its only element."""


@dataclass(frozen=True, slots=True)
class Variants:
    """Marks a table whose dataclass depends on its `type`; `later` are types not built yet."""

    classes: dict[str, type]
    later: tuple[str, ...] = ()


def quote(value: object) -> str:
    """Show a value in a fault: one line, shortened, control characters escaped."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return f"{value:g}" if isinstance(value, float) else str(value)
    text = json.dumps(str(value), ensure_ascii=False)
    return text if len(text) <= SHOWN_CHARS_MAX else f'{text[: SHOWN_CHARS_MAX - 2]}…"'


def in_range(low: float, high: float, unit: str = "") -> Check:
    """Make the check that a number lies in low..high, both ends included."""
    span = f"{low:g}..{high:g}" if high < 1e6 else f"{low:.0f}..{high:.0f}"  # noqa: PLR2004
    wanted = f"{span} {unit}".rstrip()

    def test(value: float) -> Fault | None:
        return None if low <= value <= high else Fault("", f"{quote(value)} is not in {wanted}")

    return Check(test)


def matches(pattern: str, remedy: str) -> Check:
    """Make the check that the whole text matches a regular expression."""
    compiled = re.compile(pattern)

    def test(value: str) -> Fault | None:
        if compiled.fullmatch(value):
            return None
        return Fault("", f"{quote(value)} can't stand here", remedy)

    return Check(test)


def is_digest(remedy: str) -> Check:
    """Make the check that the text is a SHA-256 in hex; what stands there instead is not repeated.

    It may be the secret itself of which the digest was asked for, and faults go into logs.
    """

    def test(value: str) -> Fault | None:
        if _DIGEST.fullmatch(value):
            return None
        return Fault("", f"{len(value)} characters that are no SHA-256 can't stand here", remedy)

    return Check(test)


def one_of(allowed: Sequence[str]) -> Check:
    """Make the check that a text is one of a few words."""

    def test(value: str) -> Fault | None:
        if value in allowed:
            return None
        return Fault("", f"{quote(value)} is not known", f"one of {', '.join(allowed)}")

    return Check(test)


def count_between(low: int, high: int, what: str) -> Check:
    """Make the check that a list has low..high elements."""

    def test(value: Sequence[object]) -> Fault | None:
        if low <= len(value) <= high:
            return None
        wanted = f"at least {low}" if len(value) < low else f"at most {high}"
        return Fault("", f"has {len(value)} {what}", f"give {wanted}")

    return Check(test)


def check_polygon(points: Polygon) -> Fault | None:
    """Refuse corners that repeat, edges that cross and polygons without area."""
    for index, point in enumerate(points):
        if point == points[index - 1]:
            first, second = (index, index - 1) if index else (len(points) - 1, 0)
            return Fault(f"[{first}]", f"repeats points[{second}]", "leave it out")
    crossing = find_self_crossing(points)
    if abs(signed_area(points)) < AREA_MIN and (crossing is None or len(points) == 3):  # noqa: PLR2004
        return Fault("", "the polygon has no area", "its points lie on one line; move one")
    if crossing is None:
        return None
    i, j = crossing
    ends = (i + 1) % len(points), (j + 1) % len(points)
    return Fault(
        "",
        f"the edge {i} to {ends[0]} meets the edge {j} to {ends[1]}",
        "list the corners in order around the zone",
    )


def parse_days(text: str) -> frozenset[int]:
    """Parse `mon-fri`, `sat,sun`, `fri-mon` into days of the week.

    Args:
        text: days and spans of days, separated by commas; lower case; a span may pass Sunday.

    Returns:
        Days, 0 = Monday … 6 = Sunday.

    Raises:
        ValueError: a word is not a day.
    """
    days: set[int] = set()
    for part in text.split(","):
        first, _, last = part.strip().partition("-")
        start, end = DAYS.index(first.strip()), DAYS.index((last or first).strip())
        days.update(day % 7 for day in range(start, end + 1 if end >= start else end + 8))
    return frozenset(days)


def parse_clock(text: str) -> int:
    """Parse `HH:MM` into minutes since midnight, 0..1440 (`24:00` is the day's end).

    Raises:
        ValueError: it is not a time of day.
    """
    if not re.fullmatch(r"[0-9]{2}:[0-9]{2}", text):
        raise ValueError(text)
    hour, minute = int(text[:2]), int(text[3:])
    if minute > 59 or hour * 60 + minute > MINUTES_PER_DAY:  # noqa: PLR2004
        raise ValueError(text)
    return hour * 60 + minute


def check_days(text: str) -> Fault | None:
    """Refuse what `parse_days` can't read."""
    try:
        parse_days(text)
    except ValueError:
        return Fault("", f"{quote(text)} are not days", 'write "mon-fri", "sat,sun" or "mon-sun"')
    return None


def check_clock(text: str) -> Fault | None:
    """Refuse what `parse_clock` can't read."""
    try:
        parse_clock(text)
    except ValueError:
        return Fault("", f"{quote(text)} is not a time of day", 'write "07:00", up to "24:00"')
    return None


def check_source(text: str) -> Fault | None:
    """Refuse an unknown scheme, a URL without host and a password inside; never repeat the URL."""
    scheme, found, _ = text.partition("://")
    if not text.strip():
        return Fault("", "is empty", "a URL, a device or a path")
    if not found:
        return None
    if scheme.lower() not in SCHEMES:
        known = ", ".join(f"{name}://" for name in SCHEMES)
        return Fault("", f"{quote(scheme)} is not a known kind of URL", f"one of {known}")
    try:
        parts = urlsplit(text)
        host, password, _ = parts.hostname, parts.password, parts.port
    except ValueError:
        return Fault("", "is not a URL", "write rtsp://HOST[:PORT]/PATH")
    if password is not None:
        remedy = "put user and password in a file of mode 0600 and name it in credentials"
        return Fault("", "has a password inside", remedy)
    return None if host else Fault("", "has no host", "write rtsp://HOST[:PORT]/PATH")


def has_user(source: str) -> bool:
    """Tell whether a source that `check_source` lets through has a user part, be it empty."""
    return "://" in source and "@" in urlsplit(source).netloc


def check_listen(text: str) -> Fault | None:
    """Refuse what is not an address and a port."""
    host, _, port = text.rpartition(":")
    is_host = re.fullmatch(r"\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+", host)
    if is_host and re.fullmatch("[0-9]{1,5}", port):
        return in_range(1, 65535).test(int(port))
    return Fault("", f"{quote(text)} is not an address", 'write "127.0.0.1:8470"')
