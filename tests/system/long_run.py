"""Runs a pole with four RTSP cameras for long, kills its agent on the way, and says what was lost.

`python -m tests.system.long_run --minutes 60 --kills 20`. The cameras play real clips where
../shared is there, else the sample clip. A puller follows every feed as a station does. Prints one
JSON object; exit code 1 where anything was lost, doubled or could not be verified.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.pole_process import PoleProcess, write_config
from tests.support.process_tree import Usage, usage
from tests.support.pulled import find_problems, find_unsound
from tests.support.puller import Puller
from tests.support.real_cameras import BUSY_RULES, film_real_clips
from tests.support.served_process import free_port

_MIB = 2**20
_SAMPLE_S = 10.0
_PAUSE_S = 0.5


@dataclass(slots=True)
class _Weights:
    """Memory and processor time of the whole pole, over its restarts."""

    pss_bytes: list[int] = field(default_factory=list)
    ended_cpu_s: float = 0.0
    last: Usage = field(default_factory=lambda: Usage(0, {}))

    def take(self, now: Usage) -> None:
        gone = self.last.cpu_s.keys() - now.cpu_s.keys()
        self.ended_cpu_s += sum(self.last.cpu_s[pid] for pid in gone)
        self.last = now
        self.pss_bytes.append(now.pss_bytes)

    @property
    def cpu_s(self) -> float:
        return self.ended_cpu_s + sum(self.last.cpu_s.values())


def main() -> int:
    """Run as asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="leave the data here")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = args.keep or Path(name)
        folder.mkdir(exist_ok=True)
        report = _run(stack, folder, args)
    sys.stdout.write(json.dumps(report, indent=2) + "\n")
    return 0 if not report["problems"] else 1


def _run(stack: ExitStack, folder: Path, args: argparse.Namespace) -> dict[str, Any]:
    cameras = film_real_clips(stack, minutes=args.minutes)
    port = free_port()
    config = write_config(folder, cameras, port=port, extra=BUSY_RULES)
    pulled = folder / "pulled"
    pulled.mkdir()
    begun_s = time.monotonic()
    with PoleProcess(config, folder / "data", port=port) as pole:
        puller = Puller(pole.get, pulled)
        with puller:
            weights, kills = _live(pole, args, begun_s)
        puller.pull_all()
        ran_s = time.monotonic() - begun_s
        errors = pole.errors
    problems = find_problems(puller, pulled) + find_unsound(folder / "data")
    (folder / "errors.log").write_text(errors, encoding="utf-8")
    return {
        "minutes": round(ran_s / 60, 1),
        "kills": kills,
        "records": {feed: len(records) for feed, records in puller.records.items()},
        "kinds": Counter(r["kind"] for records in puller.records.values() for r in records),
        "files": sum(1 for _ in pulled.iterdir()),
        "unanswered": puller.unanswered,
        "pss_mib": {
            "median": round(statistics.median(weights.pss_bytes) / _MIB, 1),
            "max": round(max(weights.pss_bytes) / _MIB, 1),
            "first_and_last_tenth": _ends(weights.pss_bytes),
        },
        "cpu_s_per_camera_hour": round(weights.cpu_s / ran_s * 3600 / len(cameras), 1),
        "problems": problems,
    }


def _live(pole: PoleProcess, args: argparse.Namespace, begun_s: float) -> tuple[_Weights, int]:
    """Let time pass; kill the agent at random moments and start it again as systemd would."""
    chance = random.Random(args.seed)
    whole_s = args.minutes * 60
    moments = sorted(chance.uniform(0.05, 0.95) * whole_s for _ in range(args.kills))
    weights, kills, sampled_s = _Weights(), 0, begun_s
    while (passed_s := time.monotonic() - begun_s) < whole_s:
        if moments and passed_s >= moments[0]:
            moments.pop(0)
            pole.kill()
            pole.start()
            kills += 1
        if time.monotonic() - sampled_s >= _SAMPLE_S:
            sampled_s = time.monotonic()
            weights.take(usage(pole.pid))
            said = f"{passed_s:.0f} s: {weights.last.pss_bytes // _MIB} MiB, {kills} kills"
            sys.stderr.write(f"{said}\n")
        threading.Event().wait(_PAUSE_S)
    weights.take(usage(pole.pid))
    return weights, kills


def _ends(values: list[int]) -> list[float]:
    tenth = max(len(values) // 10, 1)
    return [round(statistics.median(part) / _MIB, 1) for part in (values[:tenth], values[-tenth:])]


if __name__ == "__main__":
    sys.exit(main())
