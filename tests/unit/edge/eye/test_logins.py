"""Logins rest after refusals, before the camera locks the account."""

from __future__ import annotations

from edge.eye.logins import LOGIN_WAIT_S, Logins
from tests.support.clocks import ManualClock


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
