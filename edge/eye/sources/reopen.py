"""When to try a lost source again, so that it comes back soon and no camera locks us out."""

from __future__ import annotations

from dataclasses import dataclass

WAIT_S_FIRST = 1.0
WAIT_S_MAX = 5.0
"""Local network: a healthy camera is to give frames again within 10 s, its open included."""
LOGIN_TRIES = 2
LOGIN_WAIT_S = 31 * 60.0
"""Cameras lock an account for 30 minutes after a few wrong logins (Hikvision, Dahua)."""


@dataclass(frozen=True, slots=True)
class ReopenState:
    """Failures in a row, of any kind and of login."""

    failures: int = 0
    refused_logins: int = 0


def step(state: ReopenState, *, is_login: bool) -> tuple[ReopenState, float]:
    """Take note of a failure and say how many seconds to wait before the next try."""
    failures = state.failures + 1
    if is_login:
        refused = state.refused_logins + 1
        if refused >= LOGIN_TRIES:
            return ReopenState(), LOGIN_WAIT_S
        return ReopenState(failures, refused), WAIT_S_FIRST
    wait_s = min(WAIT_S_FIRST * 2.0 ** min(failures - 1, 10), WAIT_S_MAX)
    return ReopenState(failures, state.refused_logins), wait_s
