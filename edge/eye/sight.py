"""Proof of sight: what the eye can see now, told every ten seconds and when it changes.

What proves it the watch says: decoded pictures, or for want of a decoder packets.
"""

from __future__ import annotations

import resource
from pathlib import Path

from edge import wire
from edge.eye.output import Emit
from edge.eye.watch import Watching
from edge.model import Sight, SightReport, Stamp

SIGHT_S = 10.0
BLIND_S = 10.0
"""So long without proof of a picture, and the eye sees nothing, packets or not; the
longest GOP whose keyframes alone are decoded is 2 s."""
_MIB = 2**20


class ProofOfSight:
    """Judges and tells what one eye can see; `passed_s` counts from the start of its run."""

    def __init__(self, watch: Watching, emit: Emit) -> None:
        """Nothing has been seen yet."""
        self._watch = watch
        self._emit = emit
        self._told_s = 0.0
        self._told: Sight = "lost"
        self._proofs = 0
        self._proven_s = 0.0
        self.is_lost = False
        self.is_dark = False

    def note(self, passed_s: float) -> None:
        """Take note that a packet came, whether or not it proves anything."""
        self.is_lost = False
        if self._watch.proofs != self._proofs:
            self._proofs, self._proven_s = self._watch.proofs, passed_s

    def tell_when_due(self, stamp: Stamp, passed_s: float) -> bool:
        """Tell it if it is time, or if it has changed; say whether it was told."""
        is_due = passed_s - self._told_s >= SIGHT_S or self._judge(passed_s) != self._told
        if is_due:
            self.tell(stamp, passed_s)
        return is_due

    def tell(self, stamp: Stamp, passed_s: float) -> None:
        """Print the line."""
        self._told_s, self._told = passed_s, self._judge(passed_s)
        counters = self._watch.counters
        report = SightReport(
            frames=counters.frames,
            distinct=counters.distinct,
            decoded=counters.decoded,
            inferences=counters.inferences,
            is_awake=self._watch.is_awake,
            state=self._told,
            cpu_s=_cpu_s(),
            rss_mb=_rss_mb(),
        )
        self._emit(wire.encode_sight(stamp, report))

    def _judge(self, passed_s: float) -> Sight:
        is_blind = not self._proofs or passed_s - self._proven_s > BLIND_S
        if self.is_lost or is_blind:
            return "lost"
        if self._watch.is_frozen:
            return "frozen"
        return "dark" if self.is_dark else "seeing"


def _cpu_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def _rss_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize() / _MIB
