from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from edge.evidence import canonical_json
from edge.serving.plain_text import plain_text


def test_what_ends_lines_or_moves_the_cursor_is_replaced() -> None:
    assert plain_text("a\r\nADMIN logged in\x1b[2J") == "a\ufffd\ufffdADMIN logged in\ufffd[2J"
    assert plain_text("\u202egpj.exe\u2028\x85") == "\ufffdgpj.exe\ufffd\ufffd"
    assert plain_text("北门 gate") == "北门 gate"
    assert plain_text("tag\U000e0041 soft\u00ad") == "tag\ufffd soft\ufffd"
    assert len(plain_text("x" * 5000)) == 200


@given(st.text(st.characters(codec=None), max_size=300))
def test_any_text_is_one_printable_line_that_can_be_sealed(text: str) -> None:
    plain = plain_text(text)
    assert len(plain.splitlines()) <= 1
    assert canonical_json(plain)
