"""A lost camera is tried again soon, one that says no less often."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from edge.eye.reopen import WAIT_S_MAX, WAIT_S_MAX_REFUSED, wait_after
from edge.eye.sources.refusals import OPEN_S_MAX, READ_S_MAX


def test_waits_grow_from_one_second_to_two() -> None:
    assert [wait_after(count) for count in (1, 2, 3, 4, 100)] == [1.0, 2.0, 2.0, 2.0, 2.0]


def test_a_camera_that_says_no_is_asked_less_often() -> None:
    waits = [wait_after(count, is_refused=True) for count in (1, 2, 3, 4, 100)]
    assert waits == [1.0, 2.0, 4.0, 8.0, 8.0]
    assert WAIT_S_MAX_REFUSED + 2 <= 10, "and seen within ten seconds once it says yes"


def test_healed_camera_is_tried_within_ten_seconds_whatever_happened_before() -> None:
    """One try may have begun just before it healed, and the next takes a second or two."""
    assert max(OPEN_S_MAX, READ_S_MAX) + WAIT_S_MAX + 2 < 10
    assert 2 * OPEN_S_MAX < 10, "an eye stops within ten seconds"


@given(st.integers(1, 10**6))
def test_wait_is_never_zero_and_never_long(failures: int) -> None:
    assert 1.0 <= wait_after(failures) <= WAIT_S_MAX
