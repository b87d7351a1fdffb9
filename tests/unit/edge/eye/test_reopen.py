"""A lost camera is tried again soon, a refused login is not."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from edge.eye.logins import Logins
from edge.eye.reopen import LOGIN_WAIT_S, WAIT_S_MAX, WAIT_S_MAX_REFUSED, wait_after
from edge.eye.sources.refusals import OPEN_S_MAX, READ_S_MAX
from tests.support.clocks import ManualClock


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


def test_logins_rest_31_minutes_after_two_refusals() -> None:
    clock = ManualClock()
    logins = Logins(clock)
    assert logins.hold_s() == 0
    logins.refuse()
    assert logins.hold_s() == 0
    logins.refuse()
    assert logins.hold_s() == LOGIN_WAIT_S == 1860
    clock.move(1859)
    assert logins.hold_s() == 1
    clock.move(1)
    assert logins.hold_s() == 0


def test_two_more_tries_are_allowed_after_the_rest() -> None:
    clock = ManualClock()
    logins = Logins(clock)
    for _ in range(2):
        logins.refuse()
    clock.move(LOGIN_WAIT_S)
    logins.refuse()
    assert logins.hold_s() == 0
    logins.refuse()
    assert logins.hold_s() == LOGIN_WAIT_S


def test_refusals_are_forgotten_when_the_camera_lets_us_in() -> None:
    logins = Logins(ManualClock())
    logins.refuse()
    logins.accept()
    logins.refuse()
    assert logins.hold_s() == 0
    logins.refuse()
    assert logins.was_held
    logins.accept()
    assert not logins.was_held
