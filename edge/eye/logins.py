"""How often a camera has refused our login: shared by its streams, for it counts them together."""

from __future__ import annotations

import threading

from edge.clock import NS_PER_S, Clock

LOGIN_TRIES = 2
LOGIN_WAIT_S = 31 * 60.0
"""Cameras lock an account for 30 minutes after a few wrong logins (Hikvision, Dahua)."""


class Logins:
    """The refused logins of one camera; safe to use from several reader threads."""

    def __init__(self, clock: Clock) -> None:
        """Nothing has been refused yet."""
        self._clock = clock
        self._lock = threading.Lock()
        self._refused = 0
        self._held_until_ns = 0
        self._was_held = False

    def hold_s(self) -> float:
        """Seconds until a login may be tried again; 0 when it may now."""
        with self._lock:
            return max(0, self._held_until_ns - self._clock.monotonic_ns()) / NS_PER_S

    @property
    def was_held(self) -> bool:
        """Whether so many logins in a row were refused that they had to rest."""
        with self._lock:
            return self._was_held

    def refuse(self) -> None:
        """Take note of a refused login; after the last allowed one, hold all of them back."""
        with self._lock:
            self._refused += 1
            if self._refused >= LOGIN_TRIES:
                self._refused = 0
                self._was_held = True
                wait_ns = round(LOGIN_WAIT_S * NS_PER_S)
                self._held_until_ns = self._clock.monotonic_ns() + wait_ns

    def accept(self) -> None:
        """Take note that the camera let us in."""
        with self._lock:
            self._refused = 0
            self._was_held = False
