from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.agent.api.cursors import oldest_cursor, why_gone, why_not_acked
from edge.feeds import Cursor, Head, parse_cursor

HEAD = Head(seq=10, hash="", oldest=4)
"""Records 4 to 10 are kept."""

epochs = st.text(string.ascii_lowercase + string.digits, min_size=1, max_size=32)


@given(epochs, st.integers(0, 10**16 - 1))
def test_cursor_is_read_as_it_was_written(epoch: str, seq: int) -> None:
    assert parse_cursor(str(Cursor(epoch, seq))) == Cursor(epoch, seq)


@given(st.text())
def test_cursor_has_one_spelling_whatever_is_sent(text: str) -> None:
    cursor = parse_cursor(text)

    assert cursor is None or str(cursor) == text


@pytest.mark.parametrize(
    "text",
    ["", ".", "k3f9", "k3f9.", ".5", "k3f9.05", "k3f9.-1", "k3f9.+1", "k3f9.1.2", "K3F9.1",
     "k3f9.1\n", " k3f9.1", "k3f9.1e3", "k3f9.٣", "k3f9.99999999999999999"],
)  # fmt: skip
def test_cursor_is_none_when_it_is_spelt_otherwise(text: str) -> None:
    assert parse_cursor(text) is None


@pytest.mark.parametrize(
    ("cursor", "is_gone"),
    [
        (Cursor("k3f9", 2), True),  # record 3 has left
        (Cursor("k3f9", 3), False),
        (Cursor("k3f9", 10), False),
        (Cursor("k3f9", 11), True),
        (Cursor("abcd", 5), True),
    ],
)
def test_cursor_has_gone_when_something_after_it_can_not_be_had(
    cursor: Cursor, is_gone: bool
) -> None:
    assert bool(why_gone(cursor, "k3f9", HEAD)) is is_gone


@given(st.integers(0, 1000), st.integers(0, 1000))
def test_oldest_cursor_always_leads_on(seq: int, gone: int) -> None:
    head = Head(seq, "", min(gone, seq) + 1)

    assert why_gone(oldest_cursor("k3f9", head.oldest), "k3f9", head) == ""


@pytest.mark.parametrize(
    ("cursor", "is_refused"),
    [
        (Cursor("k3f9", 0), False),  # what has left was had by somebody, it may be
        (Cursor("k3f9", 10), False),
        (Cursor("k3f9", 11), True),
        (Cursor("abcd", 5), True),
    ],
)
def test_ack_is_refused_when_nobody_can_have_so_much(cursor: Cursor, is_refused: bool) -> None:
    assert bool(why_not_acked(cursor, "k3f9", HEAD)) is is_refused
