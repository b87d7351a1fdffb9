"""Parameter sets are found, and nothing else is taken for one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.eye.sources.nal import is_annex_b, parse_parameter_sets

START = b"\x00\x00\x01"
SPS, PPS, IDR = b"\x67\x64\x0b", b"\x68\xee\x3c", b"\x65\x88\x84"


def test_sets_are_collected_in_order_when_a_keyframe_carries_them() -> None:
    unit = b"\x00" + START + SPS + START + PPS + START + IDR
    assert parse_parameter_sets(unit, "h264") == START + SPS + START + PPS


def test_nothing_is_found_when_a_keyframe_carries_none() -> None:
    assert parse_parameter_sets(START + IDR, "h264") == b""
    assert parse_parameter_sets(b"", "h264") == b""


def test_zeros_before_a_start_code_do_not_change_the_sets() -> None:
    padded = START + SPS + b"\x00\x00\x00" + START + PPS + b"\x00" + START + IDR
    assert parse_parameter_sets(padded, "h264") == START + SPS + START + PPS


def test_h265_sets_are_told_by_their_own_types() -> None:
    vps, sps, pps, picture = b"\x40\x01\x0c", b"\x42\x01\x01", b"\x44\x01\xc1", b"\x28\x01\xaf"
    unit = b"".join(START + each for each in (vps, sps, pps, picture))
    assert parse_parameter_sets(unit, "hevc") == unit[: -len(START + picture)]
    assert parse_parameter_sets(unit, "h264") != parse_parameter_sets(unit, "hevc")


@pytest.mark.parametrize(
    ("data", "is_one"),
    [(START, True), (b"\x00" + START, True), (b"\x01\x64\x00", False), (b"", False)],
)
def test_start_codes_are_told_from_lengths(data: bytes, is_one: bool) -> None:
    assert is_annex_b(data) is is_one


@given(st.binary(max_size=200))
def test_any_bytes_are_survived(data: bytes) -> None:
    found = parse_parameter_sets(data, "h264")
    assert found == b"" or found.startswith(START)
    assert parse_parameter_sets(found, "h264") == found


@given(st.lists(st.binary(min_size=1, max_size=20), min_size=1, max_size=5))
def test_sets_come_back_whole_when_between_start_codes(bodies: list[bytes]) -> None:
    units = [b"\x67" + body.replace(b"\x00", b"\x01") for body in bodies]
    joined = b"".join(START + unit for unit in units)
    assert parse_parameter_sets(joined + START + IDR, "h264") == joined
