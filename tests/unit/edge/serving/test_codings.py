"""Gzip is sent to who takes it, and read within limits from who can't be trusted."""

from __future__ import annotations

import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.serving.codings import Inflation, compress, takes_gzip


@pytest.mark.parametrize(
    ("header", "taken"),
    [
        ("", False),
        ("gzip", True),
        ("GZIP;q=0.5, br", True),
        ("br, deflate", False),
        ("gzip;q=0", False),
        ("gzip;q=0.000, *", False),
        ("*", True),
        ("*;q=0", False),
        ("identity", False),
        ("x-gzip", True),
        ("gzip;q=nonsense", True),
        ("," * 5000, False),
    ],
)
def test_header_decides(header: str, taken: bool) -> None:
    assert takes_gzip(header) is taken


@given(st.binary(max_size=5000), st.integers(1, 700))
def test_what_was_packed_comes_out_again_in_any_pieces(body: bytes, piece: int) -> None:
    packed = compress(body)
    assert gzip.decompress(packed) == body
    assert compress(body) == packed
    inflation = Inflation(5000)
    out = [inflation.add(packed[at : at + piece]) for at in range(0, len(packed), piece)]
    assert b"".join(each or b"" for each in out) == body
    assert inflation.is_whole


def test_bomb_makes_no_more_than_is_allowed() -> None:
    bomb = compress(bytes(200_000_000))
    assert len(bomb) < 200_000
    assert Inflation(1_000_000).add(bomb) is None


@pytest.mark.parametrize("cut", [1, 5, 12])
def test_end_that_is_missing_is_noticed(cut: int) -> None:
    inflation = Inflation(5000)
    inflation.add(compress(b"records " * 99)[:-cut])
    assert not inflation.is_whole


def test_what_stands_behind_the_end_is_noticed() -> None:
    inflation = Inflation(5000)
    inflation.add(compress(b"records") + b"more")
    assert not inflation.is_whole


@pytest.mark.parametrize("bad", [b"plain", zlib.compress(b"zlib"), b"\x1f\x8b\x08\x00garbage...."])
def test_what_is_no_gzip_is_an_error(bad: bytes) -> None:
    inflation = Inflation(5000)
    try:
        inflation.add(bad)
    except ValueError:
        return
    assert not inflation.is_whole
