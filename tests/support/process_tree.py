"""What a process and all that it has started use, read from /proc."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from edge.bench.measure import parse_pss

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Usage:
    """Memory now, and processor time so far of each process (by pid), in seconds."""

    pss_bytes: int
    cpu_s: dict[int, float]


def family(pid: int) -> list[int]:
    """A process, its children, theirs, and so on; without those that have ended meanwhile."""
    found = [pid]
    for each in found:
        for task in _tasks(each):
            found += [int(child) for child in _read(task / "children").split()]
    return found


def usage(pid: int) -> Usage:
    """Weigh a whole family."""
    pss_bytes, cpu_s = 0, {}
    for each in family(pid):
        rollup, stat = _read(Path(f"/proc/{each}/smaps_rollup")), _read(Path(f"/proc/{each}/stat"))
        if "Pss:" not in rollup or not stat:
            continue
        pss_bytes += parse_pss(rollup)
        fields = stat.rpartition(")")[2].split()
        cpu_s[each] = (int(fields[11]) + int(fields[12])) / _TICKS_PER_S
    return Usage(pss_bytes, cpu_s)


def _tasks(pid: int) -> list[Path]:
    try:
        return list(Path(f"/proc/{pid}/task").iterdir())
    except OSError:
        return []


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
