"""What known callers were refused, counted for the record; pure.

One record a minute of each caller, address, route and status tells how often: who asks in a loop
fills no disk.
"""

from __future__ import annotations

from dataclasses import dataclass

KEYS_MAX = 512
EVERY_S = 60
OTHERS = "others"
"""What all further callers share while so many are refused at once."""
_NS_PER_S = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Refused:
    """Whom what was refused: his token's name, his address, method and route, the status."""

    name: str
    address: str
    route: str
    status: int


@dataclass(frozen=True, slots=True)
class RefusedOften:
    """How often since its last record; `detail` and `reason` the newest; times ms since 1970."""

    what: Refused
    count: int
    first_ms: int
    last_ms: int
    detail: str
    reason: str


@dataclass(slots=True)
class _Entry:
    told_ns: int | None = None
    count: int = 0
    first_ms: int = 0
    last_ms: int = 0
    detail: str = ""
    reason: str = ""


class Refusals:
    """Counts them; holds at most `KEYS_MAX`."""

    def __init__(self) -> None:
        """Begin without any."""
        self._entries: dict[Refused, _Entry] = {}

    def add(self, what: Refused, *, detail: str, reason: str, now_ms: int) -> None:
        """Count one."""
        if what not in self._entries and len(self._entries) >= KEYS_MAX:
            self._entries = {key: each for key, each in self._entries.items() if each.count}
            if len(self._entries) >= KEYS_MAX:
                what = Refused(OTHERS, OTHERS, what.route, what.status)
        entry = self._entries.setdefault(what, _Entry())
        entry.first_ms = entry.first_ms if entry.count else now_ms
        entry.count, entry.last_ms = entry.count + 1, now_ms
        entry.detail, entry.reason = detail, reason

    def take_due(self, *, now_ns: int) -> list[RefusedOften]:
        """Take what is to be put on record: of each at most once a minute."""
        due = []
        for what, entry in self._entries.items():
            is_quiet = entry.told_ns is None or now_ns - entry.told_ns >= EVERY_S * _NS_PER_S
            if entry.count and is_quiet:
                due.append(
                    RefusedOften(
                        what, entry.count, entry.first_ms, entry.last_ms, entry.detail, entry.reason
                    )
                )
                entry.told_ns, entry.count = now_ns, 0
        return due
