"""Ids sort by time, are never the same twice, and are the same again where that is wanted."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.clock import SystemClock, encode_ulid, is_ulid, make_ids, make_repeatable_ids
from tests.support.clocks import ManualClock

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
RANDOM = st.binary(min_size=10, max_size=10)
TIMES = st.integers(0, 2**48 - 1)


@pytest.mark.parametrize(
    ("utc_ms", "random", "ulid"),
    [
        (0, b"\x00" * 10, "00000000000000000000000000"),
        (2**48 - 1, b"\xff" * 10, "7ZZZZZZZZZZZZZZZZZZZZZZZZZ"),
        # The example of the specification's own README has this time.
        (1469918176385, b"\x00" * 10, "01ARYZ6S410000000000000000"),
        (0, b"\x00" * 9 + b"\x21", "00000000000000000000000011"),
    ],
)
def test_ulid_is_written_as_specified(utc_ms: int, random: bytes, ulid: str) -> None:
    assert encode_ulid(utc_ms, random) == ulid


@given(TIMES, RANDOM)
def test_ulid_can_be_read_back(utc_ms: int, random: bytes) -> None:
    value = 0
    for letter in encode_ulid(utc_ms, random):
        value = value * 32 + ALPHABET.index(letter)
    assert value == utc_ms << 80 | int.from_bytes(random, "big")


@given(TIMES, TIMES, RANDOM, RANDOM)
def test_ulids_sort_by_time(one_ms: int, other_ms: int, one: bytes, other: bytes) -> None:
    ids = encode_ulid(one_ms, one), encode_ulid(other_ms, other)
    if one_ms != other_ms:
        assert (ids[0] < ids[1]) == (one_ms < other_ms)


def test_time_beyond_its_bits_is_cut() -> None:
    assert encode_ulid(2**48 + 5, bytes(10)) == encode_ulid(5, bytes(10))


def test_live_ids_carry_the_time_and_differ_within_it() -> None:
    clock = ManualClock(utc_ms=1469918176385)
    make_id = make_ids(clock)
    first, second = make_id(1), make_id(1)
    assert first[:10] == second[:10] == "01ARYZ6S41"
    assert first != second
    clock.move(1.0)
    assert make_id(1) > max(first, second)


@given(st.lists(TIMES, min_size=2), st.none() | st.builds(encode_ulid, TIMES, RANDOM))
def test_live_ids_rise_wherever_the_clock_goes(times: list[int], after: str | None) -> None:
    clock = ManualClock()
    make_id = make_ids(clock, after=after)
    made = [after or ""]
    for utc_ms in times:
        clock.set_to(utc_ms)
        made.append(make_id(0))
    assert made == sorted(set(made))
    assert all(is_ulid(each) for each in made[1:])


@pytest.mark.parametrize("text", ["", "0" * 25, "0" * 27, "8" + "0" * 25, "0" * 25 + "U", "é" * 26])
def test_what_is_no_ulid_is_not_taken_for_one(text: str) -> None:
    assert not is_ulid(text)


def test_repeatable_ids_depend_on_the_seed_and_the_ordinal_only() -> None:
    make_id, again = make_repeatable_ids(b"seed"), make_repeatable_ids(b"seed")
    ids = [make_id(ordinal) for ordinal in range(1, 100)]
    assert [again(ordinal) for ordinal in range(1, 100)] == ids
    assert ids == sorted(set(ids))
    assert make_repeatable_ids(b"other")(1) != ids[0]
    assert {len(each) for each in ids} == {26}


def test_machine_s_clocks_run_forward_in_their_units() -> None:
    clock = SystemClock()
    first = clock.monotonic_ns()
    assert clock.monotonic_ns() >= first
    # Between 2020 and 2100, in milliseconds.
    assert 1_577_836_800_000 < clock.utc_ms() < 4_102_444_800_000
