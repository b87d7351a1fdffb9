"""Wrong tokens by address: when there have been too many, and what to put on record; pure.

Only wrong tokens are ever turned away: a right one passes whatever else its address has tried.
"""

from __future__ import annotations

import ipaddress
from collections import deque
from dataclasses import dataclass, field

GUESSES_MAX = 20
WINDOW_S = 60
ADDRESSES_MAX = 1024
OTHERS = "others"
"""What all further addresses share while so many are guessing at once."""
_NS_PER_S = 1_000_000_000
_IPV6_HOME_BITS = 64
"""What one customer is given; single addresses in it cost nothing (RFC 6177)."""


@dataclass(frozen=True, slots=True)
class Tally:
    """Wrong tokens from one address since its last record; times in ms since 1970."""

    address: str
    count: int
    first_ms: int
    last_ms: int


@dataclass(slots=True)
class _Guesser:
    recent_ns: deque[int] = field(default_factory=lambda: deque(maxlen=GUESSES_MAX))
    told_ns: int | None = None
    count: int = 0
    first_ms: int = 0
    last_ms: int = 0


class Guesses:
    """Counts wrong tokens; holds at most `ADDRESSES_MAX` addresses."""

    def __init__(self) -> None:
        """Begin without any."""
        self._guessers: dict[str, _Guesser] = {}

    def add(self, address: str, *, now_ns: int, now_ms: int) -> int | None:
        """Count a wrong token.

        Returns:
            After how many seconds the next one is looked at, where this was one too many; those
            turned away are counted for the record and do not prolong the wait.
        """
        guesser = self._find(network_of(address), now_ns)
        guesser.first_ms = guesser.first_ms if guesser.count else now_ms
        guesser.count, guesser.last_ms = guesser.count + 1, now_ms
        recent = guesser.recent_ns
        if len(recent) == GUESSES_MAX and now_ns - recent[0] < WINDOW_S * _NS_PER_S:
            return -((now_ns - recent[0]) // _NS_PER_S - WINDOW_S)
        recent.append(now_ns)
        return None

    def take_due(self, *, now_ns: int) -> list[Tally]:
        """Take what is to be put on record: of each address at most once a minute."""
        due = []
        for network, guesser in self._guessers.items():
            is_quiet = guesser.told_ns is None or now_ns - guesser.told_ns >= WINDOW_S * _NS_PER_S
            if guesser.count and is_quiet:
                due.append(Tally(network, guesser.count, guesser.first_ms, guesser.last_ms))
                guesser.told_ns, guesser.count = now_ns, 0
        return due

    def _find(self, network: str, now_ns: int) -> _Guesser:
        if network not in self._guessers and len(self._guessers) >= ADDRESSES_MAX:
            self._forget(now_ns)
            if len(self._guessers) >= ADDRESSES_MAX:
                network = OTHERS
        return self._guessers.setdefault(network, _Guesser())

    def _forget(self, now_ns: int) -> None:
        """Let those go that have been quiet for long and owe no record."""
        before_ns = now_ns - WINDOW_S * _NS_PER_S
        self._guessers = {
            network: guesser
            for network, guesser in self._guessers.items()
            if guesser.count or guesser.recent_ns[-1] > before_ns
        }


def network_of(address: str) -> str:
    """Whom to count an address for: itself, of IPv6 its /64; what is none stays as it is."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.IPv6Network((found, _IPV6_HOME_BITS), strict=False))
