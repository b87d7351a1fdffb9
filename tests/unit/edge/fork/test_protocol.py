"""Messages of the fork server: what is understood, what is refused and with which id."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.fork.protocol import Reply, Request, encode, parse_reply, parse_request

ARGUMENT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=9)


@given(st.integers(0, 2**53 - 1), st.lists(ARGUMENT, min_size=1, max_size=64))
def test_request_is_read_as_it_was_written(number: int, argv: list[str]) -> None:
    request = Request(id=number, argv=argv)
    assert parse_request(encode(request)) == request


@given(st.binary(max_size=200))
def test_no_bytes_raise(data: bytes) -> None:
    parse_request(data)


@pytest.mark.parametrize(
    ("data", "number"),
    [
        (b"", None),
        (b"[]", None),
        (b'{"argv":["x"]}', None),
        (b'{"id":"1","argv":["x"]}', None),
        (b'{"id":true,"argv":["x"]}', None),
        (b'{"id":1,"argv":"x"}', 1),
        (b'{"id":1,"argv":[]}', 1),
        (b'{"id":1,"argv":["x"],"more":1}', 1),
        (b'{"id":1,"argv":["' + b'x","' * 64 + b'y"]}', 1),
    ],
)
def test_what_is_no_request_is_refused_with_its_id(data: bytes, number: int | None) -> None:
    reply = parse_request(data)
    assert isinstance(reply, Reply)
    assert (reply.id, reply.pid) == (number, None)
    assert str(reply.error).startswith("not a request: ")


def test_replies_carry_only_what_they_say() -> None:
    assert encode(Reply(pid=9, exit=0)) == b'{"pid":9,"exit":0}'
    assert encode(Reply(id=0, pid=9)) == b'{"id":0,"pid":9}'
    assert parse_reply(b'{"pid":9,"signal":11}') == Reply(pid=9, signal=11)
    with pytest.raises(ValueError, match="truncated"):
        parse_reply(b"{")
