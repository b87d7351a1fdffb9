"""How many connections there may be, in all and from one address; pure."""

from __future__ import annotations

from collections import Counter

from edge.serving.guesses import network_of

SEATS_MAX = 2048
ADDRESS_SEATS_MAX = 64
LOOPBACK_SEATS_MAX = 1024
"""Whoever is on the machine itself may be a proxy for many."""
_LOOPBACK = ("127.", "::/64")
"""`network_of` makes of ::1 its /64, in which there is nothing else."""


class Seat:
    """One connection's place; given back once, however often it is left."""

    def __init__(self, taken: Counter[str], network: str) -> None:
        """Take it."""
        self._taken, self._network = taken, network
        self._is_taken = True
        taken[network] += 1

    def leave(self) -> None:
        """Give it back."""
        if self._is_taken:
            self._is_taken = False
            self._taken[self._network] -= 1
            if not self._taken[self._network]:
                del self._taken[self._network]


class Seats:
    """The places of one server."""

    def __init__(self, *, seats_max: int = SEATS_MAX) -> None:
        """All free."""
        self._taken: Counter[str] = Counter()
        self._seats_max = seats_max

    def take(self, address: str) -> Seat | None:
        """Take a seat; None: this address has enough, or there is none left."""
        network = network_of(address)
        most = LOOPBACK_SEATS_MAX if network.startswith(_LOOPBACK) else ADDRESS_SEATS_MAX
        if self._taken[network] >= most or self._taken.total() >= self._seats_max:
            return None
        return Seat(self._taken, network)
