"""Sight lines are read back as they were written."""

from __future__ import annotations

import pytest

from edge import wire
from edge.errors import ValidationError
from edge.model import SightReport, Stamp

STAMP = Stamp("c", 20.5, 1_700_000_000_000)


def test_sight_line_is_read_back() -> None:
    sight = SightReport(
        frames=300, distinct=20, decoded=30, inferences=2, is_awake=True, state="dark",
        cpu_s=1.25, rss_mb=120.5,
    )  # fmt: skip
    assert wire.parse_sight(wire.encode_sight(STAMP, sight)) == (20.5, sight)


def test_other_lines_are_passed_over_and_broken_ones_refused() -> None:
    assert wire.parse_sight(wire.encode_end(STAMP, "stopped")) is None
    for line in (b"", b"[]", b'{"kind":"sight"}', b"\xff"):
        with pytest.raises(ValidationError):
            wire.parse_sight(line)
