"""A pole with four cameras of real clips, its station, and a link that comes and goes.

`python -m tests.system.station_hour --minutes 60` kills both at random (SIGKILL), lets the link
stall and cuts it, and then says what is at the station and what is not. Prints one JSON object;
exit code 1 where anything is lost, doubled, can't be played or verified.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.pole_process import PoleProcess, write_config
from tests.support.pulled import find_unsound
from tests.support.pulled_by_station import find_differences
from tests.support.real_cameras import BUSY_RULES, film_real_clips
from tests.support.served_process import free_port
from tests.support.station_process import PulledPole, StationProcess, write_station
from tests.support.tcp_link import TcpLink

NAME = "north-gate"
_ALL_HERE_S_MAX = 300.0
_LOOKS_MAX = 3
_LOOK_AGAIN_S = 3.0


@dataclass
class Pair:
    """A pole, the link, the station."""

    pole: PoleProcess
    link: TcpLink
    station: StationProcess
    data: Path

    def kill_pole(self) -> None:
        """As a power cut at the pole, and its return."""
        self.pole.kill()
        self.pole.start()

    def kill_station(self) -> None:
        """As a power cut at the station, and its return."""
        self.station.kill()
        self.station.start()

    def wait_until_all_is_here(self) -> None:
        """Wait until the station has every record and every file."""
        self.link.go_up()
        self.station.wait_for(self._is_all_here, timeout_s=_ALL_HERE_S_MAX, every_s=1)

    def find_problems(self) -> list[str]:
        """What is lost, doubled or unsound at either of them."""
        problems: list[str] = []
        for _ in range(_LOOKS_MAX):  # the cameras go on: an alert may come between two questions
            problems = find_differences(self.pole, self.station, NAME)
            if not problems:
                break
            threading.Event().wait(_LOOK_AGAIN_S)
        return problems + find_unsound(self.data) + self.station.find_unsound()

    def _is_all_here(self) -> bool:
        opened = {e["alert"] for e in self.pole.records("alerts") if e["kind"] == "alert.open"}
        files = [item for e in self.pole.records("media") for item in e["media"]]
        shown = [each for each in self.station.alerts() if each["pole"] == NAME]
        states = Counter(file["state"] for each in shown for file in each["media"])
        return opened == {each["id"] for each in shown} and states["here"] == len(files)


def make_pair(
    stack: ExitStack, folder: Path, cameras: dict[str, str], *, rules: str, camera: str = ""
) -> Pair:
    """Run them until the stack closes; `camera` is TOML in each camera's table."""
    port, data = free_port(), folder / "data"
    config = write_config(folder, cameras, port=port, extra=rules, camera=camera)
    pole = stack.enter_context(PoleProcess(config, data, port=port))
    link = stack.enter_context(TcpLink(port))
    token = pole.make_token("station", "read", "pictures", "ack", is_keeper=True)
    pulled = {NAME: PulledPole(f"http://127.0.0.1:{link.port}", token)}
    files = write_station(folder, pulled, port=free_port())
    station = stack.enter_context(StationProcess(files))
    return Pair(pole, link, station, data)


def main() -> int:
    """Run as asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--kills", type=int, default=10, help="of each of them")
    parser.add_argument("--outages", type=int, default=12, help="of the link; up to 2 min each")
    parser.add_argument("--cuts", type=int, default=40, help="of connections, in mid-transfer")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        cameras = film_real_clips(stack, minutes=args.minutes)
        pair = make_pair(stack, Path(name), cameras, rules=BUSY_RULES)
        done = live(pair, args)
        report = finish(pair) | {"done": done}
    sys.stdout.write(json.dumps(report, indent=2) + "\n")
    return 0 if not report["problems"] else 1


def live(pair: Pair, args: argparse.Namespace) -> dict[str, int]:
    """Let time pass, and everything happen at moments that the seed chooses."""
    done: Counter[str] = Counter()
    begun_s = time.monotonic()
    for at_s, what, length_s in _plan(args):
        threading.Event().wait(max(begun_s + at_s - time.monotonic(), 0))
        sys.stderr.write(f"{at_s:.0f} s: {what} {length_s:.0f} s\n")
        done[what] += 1
        match what:
            case "pole killed":
                pair.kill_pole()
            case "station killed":
                pair.kill_station()
            case "link cut":
                pair.link.cut()
            case "link down":
                pair.link.go_down()
                threading.Event().wait(length_s)
                pair.link.go_up()
    threading.Event().wait(max(begun_s + args.minutes * 60 - time.monotonic(), 0))
    return dict(done)


def finish(pair: Pair) -> dict[str, Any]:
    """Wait until all is here and compare."""
    begun_s = time.monotonic()
    problems = []
    try:
        pair.wait_until_all_is_here()
    except AssertionError as exc:
        problems.append(f"not all is here: {exc}")
    here_s = time.monotonic() - begun_s
    shown = [each for each in pair.station.alerts() if each["pole"] == NAME]
    problems += pair.find_problems()
    return {
        "alerts": len(shown),
        "files": Counter(file["role"] for each in shown for file in each["media"]),
        "close_reasons": Counter(each["close_reason"] for each in shown),
        "late": sum(each["late"] for each in shown),
        "own_alerts": Counter(
            each["rule"]["name"] for each in pair.station.alerts() if each["pole"] != NAME
        ),
        "link_passed_mib": round(pair.link.passed_bytes / 2**20, 1),
        "all_here_after_s": round(here_s, 1),
        "problems": problems,
    }


def _plan(args: argparse.Namespace) -> list[tuple[float, str, float]]:
    """What happens when (seconds from the begin) and for how long."""
    chance, whole_s = random.Random(args.seed), args.minutes * 60
    longest_s = min(120.0, whole_s / 10)
    kinds = [("pole killed", args.kills), ("station killed", args.kills)]
    kinds += [("link cut", args.cuts), ("link down", args.outages)]
    return sorted(
        (chance.uniform(0.05, 0.9) * whole_s, what, chance.uniform(1, longest_s))
        for what, count in kinds
        for _ in range(count)
    )


if __name__ == "__main__":
    sys.exit(main())
