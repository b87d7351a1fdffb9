"""When to try a lost source again, so that it comes back soon; for logins see `logins.py`."""

from __future__ import annotations

WAIT_S_FIRST = 1.0
WAIT_S_MAX = 2.0
"""A healed camera gives frames again within 10 s: a stall takes 5 s to notice, a try 2 s."""
WAIT_S_MAX_REFUSED = 8.0
"""A camera that says no (no session left, no such stream) is asked less often, and still within
10 s of its change of mind."""


def wait_after(failures: int, *, is_refused: bool = False) -> float:
    """Say how many seconds to wait after so many failures in a row, at least 1.

    `is_refused`: the camera answered and said no, though not to the login.
    """
    longest_s = WAIT_S_MAX_REFUSED if is_refused else WAIT_S_MAX
    return float(min(WAIT_S_FIRST * 2.0 ** min(failures - 1, 10), longest_s))
