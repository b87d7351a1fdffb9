"""In which order a pole's files are fetched, and which of them may be tried now; pure.

The store keeps the same order as an index: ORDER BY rank, tries, opened_ms DESC, sha256.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import TypeAlias

from edge.station.ports.vault import Wanted

SNAPSHOT, CLIP, CAPTURE = 0, 1, 2
"""Ranks: what is seen at once, what shows how it came about, and what is no alert's."""
_STILLS = frozenset({"snapshot", "thermal"})

Place: TypeAlias = tuple[int, int, int, str]
"""Rank, tries, time of the alert (falling), hash; the least comes first."""


def rank_of(role: str, *, is_alert: bool) -> int:
    """How much a file matters by what it is; a role that is not known waits with the clips."""
    if not is_alert:
        return CAPTURE
    return SNAPSHOT if role in _STILLS else CLIP


def place(wanted: Wanted) -> Place:
    """Where a file stands in the order.

    New before old within a rank: who looks at the desk now wants what happens now. A file that
    could not be had stands behind all of its rank that were not tried as often.
    """
    rank = rank_of(wanted.role, is_alert=wanted.is_alert)
    return rank, wanted.tries, -wanted.opened_ms, wanted.sha256


def is_snapshot(wanted: Wanted) -> bool:
    """Whether it shows an alert at once."""
    return rank_of(wanted.role, is_alert=wanted.is_alert) == SNAPSHOT


def order(files: Iterable[Wanted]) -> list[Wanted]:
    """Sort files, the most urgent first."""
    return sorted(files, key=place)


def pick(
    ordered: Iterable[Wanted],
    *,
    taken: Collection[str],
    due_ns: Mapping[str, int],
    now_ns: int,
) -> Wanted | None:
    """Say which file is to be tried now; None: none may be.

    Args:
        ordered: what is wanted of one pole, as `order` gives it.
        taken: hashes that are being fetched already.
        due_ns: when one that failed may be tried again, on the monotonic clock.
        now_ns: the moment, on the same clock.
    """
    for each in ordered:
        if each.sha256 not in taken and due_ns.get(each.sha256, 0) <= now_ns:
            return each
    return None
