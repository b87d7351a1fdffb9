"""What a feed may bring: a burst at once, and so much a second for ever."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from edge.station.pulling.pace import Allowance, Pace

S = 1_000_000_000
SMALL = Allowance(burst_bytes=1000, bytes_per_s=10)


def test_feed_rests_when_it_has_brought_its_burst_and_as_long_as_what_was_too_much() -> None:
    pace = Pace(SMALL)

    pace.take(1000, 0)
    assert (pace.rest_s(0), pace.held_s(0)) == (0.0, None)
    pace.take(200, 0)

    assert (pace.rest_s(0), pace.rest_s(15 * S), pace.rest_s(21 * S)) == (20.0, 5.0, 0.0)
    assert pace.held_s(15 * S) == 15.0


def test_feed_is_held_back_until_a_quarter_of_its_burst_is_free_again() -> None:
    pace = Pace(SMALL)
    pace.take(1100, 0)

    pace.take(0, 30 * S)
    assert pace.held_s(30 * S) == 30.0
    pace.take(0, 35 * S)

    assert pace.held_s(35 * S) is None


@given(st.lists(st.tuples(st.integers(0, 500), st.integers(0, 100))))
def test_no_feed_that_rests_as_told_brings_more_than_it_may(
    pages: list[tuple[int, int]],
) -> None:
    pace, now_ns, taken = Pace(SMALL), 0, 0
    for size_bytes, idle_s in pages:
        now_ns += round(pace.rest_s(now_ns) * S) + idle_s * S
        pace.take(size_bytes, now_ns)
        taken += size_bytes

    assert taken <= 1000 + 10 * now_ns / S + 500 + 1
