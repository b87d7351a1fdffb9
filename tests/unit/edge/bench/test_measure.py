"""Order of the rounds, and reading what the kernel says."""

from __future__ import annotations

import pytest

from edge.bench.measure import measure_rounds, parse_pss
from edge.errors import MeasureFailed

ROLLUP = """55d0c0a00000-7ffd5a5f2000 ---p 00000000 00:00 0                          [rollup]
Rss:              171652 kB
Pss:              112345 kB
Pss_Anon:          98000 kB
"""


def test_probes_take_turns_so_that_load_meets_all_alike() -> None:
    calls: list[str] = []

    def probe(name: str, value: float) -> float:
        calls.append(name)
        return value

    figures = measure_rounds(
        {"idle": lambda: probe("a", 1.0), "awake": lambda: probe("b", 2.0)},
        rounds=2,
        say=lambda _line: None,
    )
    assert calls == ["a", "b", "a", "b"]
    assert figures["idle"].values == (1.0, 1.0)
    assert figures["awake"].values == (2.0, 2.0)


def test_probe_that_failed_is_not_tried_again_and_keeps_its_reason() -> None:
    calls: list[str] = []

    def failing() -> float:
        calls.append("x")
        raise MeasureFailed("no such thing")

    figures = measure_rounds({"motion": failing}, rounds=3, say=lambda _line: None)
    assert calls == ["x"]
    assert (figures["motion"].values, figures["motion"].reason) == ((), "no such thing")


def test_pss_is_read_in_bytes() -> None:
    assert parse_pss(ROLLUP) == 112_345 * 1024
    with pytest.raises(MeasureFailed):
        parse_pss("Rss: 5 kB\n")
