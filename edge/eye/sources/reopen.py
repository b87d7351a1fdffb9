"""When to try a lost source again, so that it comes back soon and no camera locks us out."""

from __future__ import annotations

WAIT_S_FIRST = 1.0
WAIT_S_MAX = 2.0
"""A healed camera gives frames again within 10 s: a stall takes 5 s to notice, a try 2 s."""
LOGIN_TRIES = 2
LOGIN_WAIT_S = 31 * 60.0
"""Cameras lock an account for 30 minutes after a few wrong logins (Hikvision, Dahua)."""


def wait_after(failures: int) -> float:
    """Say how many seconds to wait after so many failures in a row, at least 1.

    How long logins rest after refusals is for the camera's streams together: see `logins.py`.
    """
    return float(min(WAIT_S_FIRST * 2.0 ** min(failures - 1, 10), WAIT_S_MAX))
