"""Runs real eyes and takes from each what the budgets ask: cost, time awake, looks, memory."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from edge import wire
from edge.bench.clip import Clip, repeat
from edge.bench.measure import (
    Child,
    cpu_s_of,
    run_counted,
    started,
    wait_until,
)
from edge.errors import MeasureFailed
from edge.model import SightReport

POLEWATCH = (sys.executable, "-m", "edge.cli")
IMPORTS = "import ai_edge_litert.interpreter, av, cv2, msgspec, numpy"
"""What an eye can't do without; the cost of these is not ours to change."""
_START_S_MAX = 60.0


@dataclass(frozen=True, slots=True)
class Stretch:
    """One stream twice, once longer: what the longer one costs more is free of the start."""

    short: Clip
    long: Clip

    @property
    def seconds(self) -> float:
        """By how much the longer one is longer."""
        return self.long.seconds - self.short.seconds


def stretch(clip: Clip, times: int, folder: Path) -> Stretch:
    """Make the longer one."""
    return Stretch(clip, repeat(clip, times, folder / f"{clip.path.stem}-{times}.mp4"))


class Eyes:
    """Eyes on the bench's clips; remembers the sight lines of the last runs."""

    def __init__(self) -> None:
        """Nothing has run yet."""
        self.quiet_sights: list[tuple[float, SightReport]] = []
        self.awake_sights: list[tuple[float, SightReport]] = []

    def idle_cost(self, main: Stretch, sub: Stretch | None = None) -> float:
        """CPU seconds per video second of the real eye, beyond its start.

        Raises:
            MeasureFailed: it did not run to its end.
        """
        costs = []
        for clip, small in (
            (main.short, sub.short if sub else None),
            (main.long, sub.long if sub else None),
        ):
            with_sub = ["--sub", str(small.path)] if small else []
            run = run_counted([*POLEWATCH, "eye", str(clip.path), *with_sub, "--pace", "max"])
            costs.append(run.cpu_s)
            if sub is None:
                self.quiet_sights = sights(run.output)
        return (costs[1] - costs[0]) / main.seconds

    def awake_cost(self, busy: Stretch) -> float:
        """The same for an eye that always has something to follow, without inference.

        Raises:
            MeasureFailed: it did not run to its end, or slept.
        """
        costs = []
        for clip in (busy.short, busy.long):
            run = run_counted([sys.executable, "-m", "edge.bench.stand_in", str(clip.path)])
            costs.append(run.cpu_s)
            self.awake_sights = sights(run.output)
        if not all(sight.is_awake for _, sight in self.awake_sights):
            raise MeasureFailed("the eye slept while something moved")
        return (costs[1] - costs[0]) / busy.seconds


def start_cost(clip: Clip) -> float:
    """CPU seconds from nothing to the first packet understood.

    Raises:
        MeasureFailed: it did not get there.
    """
    with started([*POLEWATCH, "eye", str(clip.path), "--pace", "real"]) as child:
        wait_until(partial(_has_begun, child), child.process, seconds_max=_START_S_MAX)
        return cpu_s_of(child.pid)


def imports_cost() -> float:
    """CPU seconds of importing the libraries alone.

    Raises:
        MeasureFailed: one is missing.
    """
    return run_counted([sys.executable, "-c", IMPORTS]).cpu_s


def _has_begun(child: Child) -> bool:
    return bool(child.output())


def sights(output: bytes) -> list[tuple[float, SightReport]]:
    """The sight lines of an eye, each with its media time in seconds."""
    found = [wire.parse_sight(line) for line in output.splitlines()]
    return [sight for sight in found if sight is not None]
