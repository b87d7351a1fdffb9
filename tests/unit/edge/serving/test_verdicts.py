from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.errors import ValidationError
from edge.serving.verdicts import Ack, Resolve, check_note, says_more

SUMMARY = b'{"id":"01J","resolved":{"at":"x","by":"desk","verdict":"real","note":"two men"}}'
OPEN = b'{"id":"01J","resolved":null}'


@pytest.mark.parametrize(
    ("resolve", "summary", "is_news"),
    [
        (Resolve("real"), OPEN, True),
        (Resolve("real"), SUMMARY, False),
        (Resolve("real", "two men"), SUMMARY, False),
        (Resolve("real", "three men"), SUMMARY, True),
        (Resolve("false", "two men"), SUMMARY, True),
        (Resolve("test"), SUMMARY, True),
    ],
)
def test_resolve_is_news_when_it_says_something_else(
    resolve: Resolve, summary: bytes, is_news: bool
) -> None:
    assert says_more(resolve, summary) is is_news


@pytest.mark.parametrize("note", [None, "", "two men at the gate", "警察已到", "x" * 500, "👩‍🚒"])
def test_note_is_taken_when_it_can_be_read(note: str | None) -> None:
    check_note(note)


@pytest.mark.parametrize(
    "note",
    ["x" * 501, "a\nb", "\x1b[2J", "\x00", "\x85", "\u2028", "\u202eexe.gnp", "\u2066a", "\ud800"],
)
def test_note_is_refused_when_it_could_do_more_than_be_read(note: str) -> None:
    with pytest.raises(ValidationError):
        check_note(note)


@given(st.text(max_size=600))
def test_note_that_is_taken_is_one_short_line(note: str) -> None:
    try:
        check_note(note)
    except ValidationError:
        return
    assert len(note) <= 500
    assert len(note.splitlines()) <= 1


@given(st.one_of(st.binary(), st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(
        st.sampled_from(["note", "verdict", "by"]), inner), max_leaves=8,
).map(msgspec.json.encode)))  # fmt: skip
def test_body_is_understood_or_refused_whatever_is_sent(raw: bytes) -> None:
    for kind in (Ack, Resolve):
        try:
            found = msgspec.json.decode(raw, type=kind)
        except (msgspec.DecodeError, UnicodeDecodeError):
            continue
        assert isinstance(found, kind)
        assert found.note is None or isinstance(found.note, str)
