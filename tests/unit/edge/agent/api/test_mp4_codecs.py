"""What a browser has to know of a fragmented MP4 before it takes it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.agent.api.mp4_codecs import HEAD_BYTES_MAX, find_codec, head_bytes
from tests.support.fragments import make_fragments


def make_box(kind: bytes, body: bytes) -> bytes:
    return (len(body) + 8).to_bytes(4, "big") + kind + body


def make_head(entry: bytes, record: bytes) -> bytes:
    """`ftyp` and a `moov` with one track whose sample entry holds one record."""
    body = b"\0" * 8 + make_box(entry, b"\0" * 78 + make_box(b"pasp", b"12345678") + record)
    for kind in (b"stsd", b"stbl", b"minf", b"mdia", b"trak", b"moov"):
        body = make_box(kind, body)
    return make_box(b"ftyp", b"isom") + body


def test_h264_is_named_by_profile_constraints_and_level() -> None:
    record = make_box(b"avcC", bytes([1, 0x64, 0x00, 0x28, 0xFF]))
    assert find_codec(make_head(b"avc1", record)) == "avc1.640028"


def test_h265_is_named_as_browsers_want_it() -> None:
    """Main profile, compatible with 1 and 2, main tier, level 3.1 (93), progressive frames."""
    record = bytes([1, 0x01, 0x60, 0, 0, 0, 0xB0, 0, 0, 0, 0, 0, 93])
    assert find_codec(make_head(b"hvc1", make_box(b"hvcC", record))) == "hvc1.1.6.L93.B0"


def test_h265_of_another_space_and_tier_is_named_too() -> None:
    record = bytes([1, 0x62, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 120])
    assert find_codec(make_head(b"hev1", make_box(b"hvcC", record))) == "hev1.A2.4.H120"


def test_real_fragments_are_named() -> None:
    fragments = make_fragments("libx264", profile="baseline", level="3.1")
    end = head_bytes(fragments)
    assert end is not None
    assert fragments[end + 4 : end + 8] == b"moof"
    assert find_codec(fragments[:end]) == "avc1.42C01F"


def test_unknown_codec_has_no_name() -> None:
    assert find_codec(make_head(b"mp4v", make_box(b"esds", b"\0" * 20))) is None
    assert find_codec(make_head(b"avc1", make_box(b"avcC", b"\1\2"))) is None
    assert find_codec(make_box(b"ftyp", b"isom")) is None
    assert find_codec(b"") is None


def test_head_is_known_only_when_it_is_whole() -> None:
    head = make_head(b"avc1", make_box(b"avcC", bytes(7)))
    assert head_bytes(head + b"moof") == len(head)
    assert head_bytes(head) == len(head)
    assert head_bytes(head[:20]) is None
    assert head_bytes(b"") is None


@pytest.mark.parametrize(
    "begun",
    [b"HTTP/1.1", (HEAD_BYTES_MAX + 1).to_bytes(4, "big") + b"ftyp", b"\0\0\0\7moov"],
)
def test_what_is_no_mp4_is_refused_when_its_first_box_comes(begun: bytes) -> None:
    with pytest.raises(ValueError, match="no MP4"):
        head_bytes(begun)


@given(st.binary(max_size=400), st.integers(0, 300))
def test_damaged_head_never_breaks_the_reader(noise: bytes, at: int) -> None:
    head = make_head(b"avc1", make_box(b"avcC", bytes([1, 0x64, 0, 0x28])))
    damaged = head[:at] + noise + head[at + len(noise) :]
    name = find_codec(damaged)
    assert name is None or isinstance(name, str)
