"""Lines are cut from any blocks alike, and what is too long is refused once."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from edge.eye.commands import LineSplitter

LINES_MAX = 20


def split(data: bytes, cuts: list[int], *, bytes_max: int = LINES_MAX) -> list[bytes]:
    splitter = LineSplitter(bytes_max=bytes_max)
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    found = [line for start, end in pairwise(edges) for line in splitter.push(data[start:end])]
    return found + splitter.finish()


@given(st.text("ab \n", max_size=200), st.lists(st.integers(0, 200), max_size=8))
def test_lines_come_out_the_same_however_the_blocks_are_cut(text: str, cuts: list[int]) -> None:
    data = text.encode()
    expected = [
        line[: LINES_MAX + 1] for line in data.split(b"\n") if line[: LINES_MAX + 1].strip()
    ]
    found = split(data, cuts)
    assert [line for line in found if len(line) <= LINES_MAX] == [
        line for line in expected if len(line) <= LINES_MAX
    ]
    assert all(len(line) <= LINES_MAX + 1 for line in found)


def test_line_that_is_too_long_comes_out_once_and_the_next_one_whole() -> None:
    data = b"a" * 100 + b"\nnext\n"
    for cuts in ([], [30], [30, 60, 90], [100], [101]):
        assert split(data, cuts) == [b"a" * (LINES_MAX + 1), b"next"]


def test_longest_line_that_fits_comes_out_whole() -> None:
    assert split(b"a" * LINES_MAX + b"\n", [5]) == [b"a" * LINES_MAX]


def test_half_a_line_comes_out_at_the_end_only() -> None:
    splitter = LineSplitter(bytes_max=LINES_MAX)
    assert splitter.push(b"one\ntw") == [b"one"]
    assert splitter.push(b"") == []
    assert splitter.finish() == [b"tw"]
    assert splitter.finish() == []


def test_empty_lines_are_none() -> None:
    assert split(b"\n \n\r\n", []) == []
