"""What is wanted of one pole, in memory: what is on its way, and when what failed may be tried.

Whatever it forgets is read from the store again.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import takewhile

from edge.clock import NS_PER_S
from edge.station.ports.links import Coming
from edge.station.ports.vault import Wanted
from edge.station.urgency import is_snapshot, order, pick, place, rank_of
from edge.supervise import JITTER_SHARE, Passing

LISTED_MAX = 500
"""Files known of one pole at once; what waits behind them is counted when its turn comes."""
LASTING_CUTS = 5
"""With the waits between them, more than a minute and a half."""
_DOUBLINGS_MAX = 16


@dataclass(frozen=True, slots=True)
class Waits:
    """How long what waits, in seconds.

    Attributes:
        ack_s: between confirmations, so that many files are one.
        report_s: between reports of how far files have come.
        look_s: without being woken; whatever was missed, files are not forgotten.
        turn_s: one transfer may go on while others wait; it goes on at its byte later.
        link_s: until a file that was cut off goes on, doubling; others have their turn.
        again_s: until one that was wrong or missing is asked for again, doubling.
        held_s: until the disk is asked again whether it has room.
        refused_s: until a pole that refuses us is asked again.
        longest_s: of those that double.
        forgive_s: after a lying hash, until a good file says that files come right again.
    """

    ack_s: float = 3.0
    report_s: float = 0.5
    look_s: float = 30.0
    turn_s: float = 120.0
    link_s: float = 3.0
    again_s: float = 20.0
    held_s: float = 60.0
    refused_s: float = 60.0
    longest_s: float = 300.0
    forgive_s: float = 600.0


class FileList:
    """Of one pole; for one event loop."""

    def __init__(self, waits: Waits, passing: Passing) -> None:
        """Nothing is known yet."""
        self._waits, self._passing = waits, passing
        self._files: dict[str, Wanted] = {}
        self._got: dict[str, int] = {}
        self._due_ns: dict[str, int] = {}
        self._cuts: dict[str, int] = {}
        self._left: set[str] = set()

    def fill(self, files: Iterable[Wanted]) -> list[str]:
        """Take what the store wants now in place of what it wanted before.

        Returns:
            Hashes that were wanted, are wanted no longer, and are not on their way.
        """
        before, self._files = self._files, {each.sha256: each for each in order(files)}
        self._left = (self._left | before.keys()) - self._files.keys()
        self._due_ns = {sha: due for sha, due in self._due_ns.items() if sha in self._files}
        self._cuts = {sha: cuts for sha, cuts in self._cuts.items() if sha in self._files}
        if len(self._files) >= LISTED_MAX:
            return []  # others may only have come before them
        over = self._left - self._got.keys()
        self._left -= over
        return sorted(over)

    def next(self, *, snapshots_only: bool) -> Wanted | None:
        """The most urgent file that may be tried now and is not on its way."""
        files: Iterable[Wanted] = self._files.values()
        if snapshots_only:
            files = takewhile(is_snapshot, files)  # they stand before all others
        now_ns = self._passing.clock.monotonic_ns()
        return pick(files, taken=self._got, due_ns=self._due_ns, now_ns=now_ns)

    def begin(self, wanted: Wanted) -> None:
        """It is on its way from now on."""
        self._got[wanted.sha256] = 0

    def note_progress(self, wanted: Wanted, got_bytes: int) -> None:
        """So much of it has come."""
        self._got[wanted.sha256] = got_bytes

    def end(self, wanted: Wanted) -> None:
        """It is not on its way any more, however that ended."""
        self._got.pop(wanted.sha256, None)

    def drop(self, wanted: Wanted) -> bool:
        """It is wanted no longer; whether so few are left that the store may know of more."""
        was_full = len(self._files) >= LISTED_MAX // 2
        for each in (self._files, self._due_ns, self._cuts):
            each.pop(wanted.sha256, None)
        return was_full and len(self._files) < LISTED_MAX // 2

    def cut_off(self, wanted: Wanted) -> int:
        """The file is not to blame, but one that is cut off each time must keep no others.

        Returns:
            How often it was.
        """
        cuts = self._cuts.get(wanted.sha256, 0)
        self._cuts[wanted.sha256] = cuts + 1
        self._put_off(wanted, self.later_s(self._waits.link_s, cuts))
        return cuts + 1

    @property
    def is_lasting(self) -> bool:
        """Whether a file was cut off so often that no passing weakness of the link explains it."""
        return max(self._cuts.values(), default=0) >= LASTING_CUTS

    def fail(self, wanted: Wanted) -> None:
        """It was wrong or missing, and is asked for again."""
        self._put_off(wanted, self.later_s(self._waits.again_s, wanted.tries))

    def hold_back(self, wanted: Wanted) -> list[Wanted]:
        """There is no room for it, nor for what matters no more and is no smaller.

        Returns:
            It, and what is held back with it.
        """
        held = {wanted.sha256: wanted}
        rank = rank_of(wanted.role, is_alert=wanted.is_alert)
        for each in self._files.values():
            is_less = rank_of(each.role, is_alert=each.is_alert) >= rank
            if is_less and each.size_bytes >= wanted.size_bytes:
                held[each.sha256] = each
        for each in held.values():
            self._put_off(each, self._waits.held_s)
        return list(held.values())

    def has_better(self, wanted: Wanted) -> bool:
        """Whether a more urgent one waits."""
        others = (each for each in self._files.values() if each.sha256 not in self._got)
        return any(place(each) < place(wanted) for each in others)

    def rest_s(self) -> float:
        """Seconds until one that was put off is due, or until it is time to look again."""
        now_ns = self._passing.clock.monotonic_ns()
        due = (due - now_ns for due in self._due_ns.values() if due > now_ns)
        return min(min(due, default=2**62) / NS_PER_S, self._waits.look_s)

    def later_s(self, first_s: float, times: int) -> float:
        """A wait that doubles each time, with jitter."""
        wait_s = min(first_s * (1 << min(times, _DOUBLINGS_MAX)), self._waits.longest_s)
        return wait_s * (1 + JITTER_SHARE * self._passing.dice())

    def coming(self) -> list[Coming]:
        """What is on its way."""
        return [
            Coming(sha256, each.role, each.size_bytes, got_bytes)
            for sha256, got_bytes in self._got.items()
            if (each := self._files.get(sha256)) is not None
        ]

    def waiting(self) -> tuple[int, int]:
        """How many wait behind those, and their bytes."""
        sizes = [each.size_bytes for each in self._files.values() if each.sha256 not in self._got]
        return len(sizes), sum(sizes)

    def _put_off(self, wanted: Wanted, wait_s: float) -> None:
        now_ns = self._passing.clock.monotonic_ns()
        self._due_ns[wanted.sha256] = now_ns + round(wait_s * NS_PER_S)
