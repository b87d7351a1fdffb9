"""Which moments can be asked for."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.serving.moments import read_moment
from edge.serving.problems import Problem


def test_moment_is_read_with_its_offset() -> None:
    assert read_moment("2026-11-22T17:33:05.120Z", "at") == 1_795_368_785_120
    assert read_moment("2026-11-23T01:33:05.120+08:00", "at") == 1_795_368_785_120


@pytest.mark.parametrize(
    "text",
    ["", "yesterday", "2026-11-22T17:33:05", "2026-11-22T17:33:05 08:00", "1969-12-31T23:59:59Z",
     "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "\ud800"],
)  # fmt: skip
def test_what_is_no_moment_is_refused_by_its_name(text: str) -> None:
    with pytest.raises(Problem, match="from is no") as refused:
        read_moment(text, "from")
    assert refused.value.status == 400


@given(st.text(max_size=40))
def test_any_text_is_a_moment_or_a_problem(text: str) -> None:
    with contextlib.suppress(Problem):
        assert read_moment(text, "at") >= 0
