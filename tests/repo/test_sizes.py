"""Size limits, with a ratchet: a list of today's exceptions that may only shrink."""

from __future__ import annotations

import pytest

from tests.repo.sizes import Key, measure, over_limit, ratchet_offences
from tests.repo.tree import python_files

EXCUSED: dict[Key, int] = {}
"""Nothing is over its limit. An entry needs its reason in a comment."""


def test_no_file_grows_over_its_limits() -> None:
    over: dict[Key, int] = {}
    for path, text in python_files("edge", "board", "tests", "image-build").items():
        over |= over_limit(measure(path, text))

    offences = ratchet_offences(over, EXCUSED)
    assert not offences, "\n".join(offences)


def lines(count: int, line: str = "    pass") -> str:
    return "\n".join([line] * count)


@pytest.mark.parametrize(
    ("fits", "over"),
    [
        (lines(500, "pass"), lines(501, "pass")),
        (f"def f():\n{lines(69)}", f"def f():\n{lines(70)}"),
        (f"def f():\n{lines(10, '    if x: pass')}", f"def f():\n{lines(11, '    if x: pass')}"),
        (
            f"def f():\n    try: pass\n{lines(10, '    except E: pass')}",
            f"def f():\n    try: pass\n{lines(11, '    except E: pass')}",
        ),
        (
            "def f():\n for a in b:\n  with c:\n   while d:\n    if e: pass\n    elif g: pass",
            "def f():\n for a in b:\n  with c:\n   while d:\n    if e:\n     if g: pass",
        ),
        ("class C:\n def f(self, a, b, c, d, e): pass", "def f(a, b, *, c, d, e, g): pass"),
        ("def f(a, b, c, d, e): pass", "async def f(a, b, c, *d, e, **g): pass"),
        (
            f"class C:\n{lines(20, '    def f(self): pass')}",
            f"class C:\n{lines(21, '    def f(self): pass')}",
        ),
    ],
    ids=["file", "function", "ifs", "handlers", "nesting", "self", "stars", "methods"],
)
def test_planted_excess_is_caught_and_the_limit_itself_passes(fits: str, over: str) -> None:
    assert over_limit(measure("a.py", fits)) == {}
    assert len(over_limit(measure("a.py", over))) == 1


def test_inner_function_is_measured_by_itself() -> None:
    inner = "def f():\n    def g():\n" + lines(11, "        if x: pass")

    assert over_limit(measure("a.py", inner)) == {("a.py", "f.g", "branches"): 11}


@pytest.mark.parametrize(
    ("value", "excuse", "offences"),
    [(501, None, 1), (501, 501, 0), (502, 501, 1), (501, 502, 1), (None, 501, 1), (None, None, 0)],
)
def test_ratchet_only_tightens(value: int | None, excuse: int | None, offences: int) -> None:
    key = ("a.py", "", "lines per file")
    over = {} if value is None else {key: value}
    excused = {} if excuse is None else {key: excuse}

    assert len(ratchet_offences(over, excused)) == offences
