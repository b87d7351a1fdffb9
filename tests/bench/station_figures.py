"""What a station of 300 poles costs, and how soon an alert is there.

    python -m tests.bench.station_figures [--poles 300] [--per-s 10] [--minutes 10] [--outage 3000]

Poles, station and those who wait for news run on this machine, on loopback. Prints a table to
standard error and one JSON object; exit code 1 where anything was lost or doubled, or a promise of
the issue is not kept.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.bench.bare_pull import measure_bare_pull
from tests.bench.station_watchers import DutyDesk, Integrator, spread
from tests.support.many_poles import ManyPoles, Told
from tests.support.process_tree import usage
from tests.support.served_process import free_port
from tests.support.station_process import PulledPole, StationProcess, write_station

_MIB = 2**20
_POLES_A_SITE = 10
_DELAY_MS_MAX = 2000
_ALL_HERE_S_MAX = 300.0


def main() -> int:
    """Measure as asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--poles", type=int, default=300)
    parser.add_argument("--per-s", type=float, default=10.0, help="alerts, of all poles together")
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--idle-s", type=float, default=60.0, help="without alerts, before")
    parser.add_argument("--outage", type=int, default=3000, help="alerts while all are away")
    parser.add_argument("--outage-s", type=float, default=90.0)
    parser.add_argument("--clip-bytes", type=int, default=400_000)
    parser.add_argument("--reference-s", type=float, default=60.0, help="of the bare loop; 0: none")
    parser.add_argument("--folder", type=Path, help="where all is kept; default: a temporary one")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = args.folder or Path(name)
        report = _measure(folder, args)
    sys.stderr.write(_table(report))
    sys.stdout.write(json.dumps(report, indent=2) + "\n")
    return 1 if report["problems"] else 0


def _measure(folder: Path, args: argparse.Namespace) -> dict[str, Any]:
    (folder / "poles").mkdir(parents=True)
    many = ManyPoles(folder / "poles", count=args.poles, clip_bytes=args.clip_bytes)
    with many as poles:
        pulled = {
            name: PulledPole(each.url, each.token, f"site {index // _POLES_A_SITE}")
            for index, (name, each) in enumerate(poles.poles.items())
        }
        files = write_station(folder, pulled, port=free_port())
        begun_s = time.monotonic()
        with StationProcess(files) as station:
            bench = Bench(poles, station, args)
            report: dict[str, Any] = {"poles": args.poles}
            report["all_met_s"] = bench.wait_until_met(begun_s)
            report["idle"] = bench.idle(args.idle_s)
            report["load"] = bench.load(args.minutes * 60)
            report["return"] = bench.outage(args.outage, args.outage_s)
            report["stored"] = bench.count_stored()
            report["problems"] = bench.problems + station.find_unsound()
            (folder / "station.log").write_text(station.errors, encoding="utf-8")
        if args.reference_s:
            report["bare_loop"] = measure_bare_pull(poles, args.per_s, args.reference_s)
    return report


class Bench:
    """Poles and a station that runs; each figure is a method."""

    def __init__(self, poles: ManyPoles, station: StationProcess, args: argparse.Namespace) -> None:
        self._poles, self._station, self._args = poles, station, args
        self.problems: list[str] = []

    def wait_until_met(self, begun_s: float) -> float:
        """Seconds from the station's start until every pole is up."""
        self._wait(lambda: _states(self._station) == {"up"}, "not every pole is up")
        return round(time.monotonic() - begun_s, 1)

    def idle(self, seconds: float) -> dict[str, Any]:
        """What it costs where nothing happens."""
        cost = Cost(self._station, self._poles)
        threading.Event().wait(seconds)
        return cost.told()

    def load(self, seconds: float) -> dict[str, Any]:
        """The rate that was asked for; how soon alerts and files are there, what it costs."""
        with Integrator(self._station) as integrator, DutyDesk(self._station) as desk:
            before = self._poles.ask()
            cost = Cost(self._station, self._poles)
            self._poles.tell(self._args.per_s)
            end_s = time.monotonic() + seconds
            while time.monotonic() < end_s:
                threading.Event().wait(min(10.0, max(end_s - time.monotonic(), 0.01)))
                cost.sample()
            told = cost.told()
            self._poles.tell(0)
            after = self._settle("after the load")
        opened = after.alerts - before.alerts
        report = {
            "alerts": opened,
            "poles_late_s_max": after.late_s,
            "stored_after_ms": spread(integrator.delays_ms),
            "at_desk_after_ms": spread(list(desk.open_ms.values())),
            "snapshot_here_after_ms": spread(desk.file_ms["snapshot"]),
            "clip_here_after_ms": spread(desk.file_ms["clip"]),
            **told,
        }
        self.problems += integrator.failures + desk.failures
        if len(integrator.delays_ms) != opened:
            self.problems.append(f"{opened} alerts, {len(integrator.delays_ms)} told in order")
        if max(integrator.records.values(), default=0) > 1:
            self.problems.append("records were told twice")
        if report["stored_after_ms"].get("p99", 0) > _DELAY_MS_MAX:
            self.problems.append(f"p99 of the delay is over {_DELAY_MS_MAX} ms")
        return report

    def outage(self, alerts: int, seconds: float) -> dict[str, Any]:
        """All poles gone, alerts meanwhile, all back at once."""
        if not alerts:
            return {}
        self._poles.cut()
        self._poles.write(alerts)
        threading.Event().wait(seconds)
        states = _states(self._station)
        silent = [a for a in self._station.alerts("open") if a["rule"]["name"] == "silent"]
        cost = Cost(self._station, self._poles)
        self._poles.come_back()
        back_s = time.time()
        here_s: dict[str, float] = {}
        self._wait(lambda: self._note_here(here_s, back_s), "not every alert came after the outage")
        told = self._settle("after the outage")
        files_s = time.time() - back_s
        by_second: Counter[int] = Counter()
        for (at, _), number in told.requests.items():
            by_second[at - int(back_s)] += number
        return {
            "alerts": alerts,
            "states_before": sorted(states),
            "silent_alerts": len(silent),
            "first_asked_after_s": _spread_s([at - back_s for at in told.first_ask_s.values()]),
            "a_pole_all_alerts_here_after_s": _spread_s(list(here_s.values())),
            "all_files_here_after_s": round(files_s, 1),
            "requests_in_each_second": [by_second[second] for second in range(30)],
            "requests_peak": max((n for at, n in by_second.items() if at >= 0), default=0),
            **cost.told(),
        }

    def count_stored(self) -> dict[str, Any]:
        """Everything that poles have told against everything that is here."""
        told = self._poles.ask()
        self._wait(lambda: self._count_files() == {"here": told.files}, "not every file is here")
        alerts = [each for each in self._station.alerts() if each["pole"] in told.opened]
        here = Counter((each["pole"], each["id"]) for each in alerts)
        opened = {(pole, alert) for pole, each in told.opened.items() for alert in each}
        twice = [each for each, number in here.items() if number > 1]
        if opened != set(here) or twice:
            lost, strange = len(opened - set(here)), len(set(here) - opened)
            self.problems.append(f"{lost} alerts lost, {strange} strange, {len(twice)} twice")
        return {"alerts": len(alerts), "files": told.files, "media_bytes": told.media_bytes}

    def _count_files(self) -> Counter[str]:
        """How many files of alerts are in which state."""
        alerts = self._station.alerts()
        return Counter(file["state"] for each in alerts for file in each["media"])

    def _note_here(self, here_s: dict[str, float], back_s: float) -> bool:
        """Note which poles' alerts are all here; whether all are."""
        now_s = time.time() - back_s
        for name, pole in self._station.poles().items():
            if pole["state"] == "up" and name not in here_s:
                here_s[name] = now_s
        return len(here_s) == len(self._poles.poles)

    def _settle(self, when: str) -> Told:
        """Wait until nothing is under way, at the poles and here."""
        self._wait(lambda: self._poles.ask().under_way == 0, f"poles are busy {when}")
        self._wait(lambda: not _waiting(self._station), f"files wait {when}")
        return self._poles.ask()

    def _wait(self, condition: Any, otherwise: str) -> None:
        end_s = time.monotonic() + _ALL_HERE_S_MAX
        while not condition():
            if time.monotonic() > end_s:
                self.problems.append(f"{otherwise} in {_ALL_HERE_S_MAX:.0f} s")
                return
            threading.Event().wait(0.5)


class Cost:
    """What a station uses from now on."""

    def __init__(self, station: StationProcess, poles: ManyPoles) -> None:
        self._station, self._poles = station, poles
        self._begun_s = time.monotonic()
        self._cpu_s = self._cpu()
        self._poles_cpu_s = self._poles_cpu()
        self._told = poles.ask()
        self._pss: list[int] = []
        self.sample()

    def sample(self) -> None:
        """Weigh it."""
        self._pss.append(usage(self._station.pid).pss_bytes)

    def told(self) -> dict[str, Any]:
        """The figures since the beginning."""
        self.sample()
        seconds = time.monotonic() - self._begun_s
        cpu_s = self._cpu() - self._cpu_s
        told, count = self._poles.ask(), len(self._poles.poles)
        requests = sum((told.requests - self._told.requests).values())
        return {
            "seconds": round(seconds, 1),
            "station_cpu_share": round(cpu_s / seconds, 3),
            "station_cpu_s_per_hour": round(cpu_s / seconds * 3600),
            "station_cpu_s_per_hour_and_pole": round(cpu_s / seconds * 3600 / count, 2),
            "station_cpu_ms_per_request": round(1000 * cpu_s / max(requests, 1), 2),
            "station_pss_mib": round(max(self._pss) / _MIB, 1),
            "requests_per_s": round(requests / seconds, 1),
            "media_mib_per_s": round(
                (told.media_bytes - self._told.media_bytes) / seconds / _MIB, 2
            ),
            "poles_cpu_share": round((self._poles_cpu() - self._poles_cpu_s) / seconds, 3),
        }

    def _cpu(self) -> float:
        return sum(usage(self._station.pid).cpu_s.values())

    def _poles_cpu(self) -> float:
        return sum(sum(usage(pid).cpu_s.values()) for pid in self._poles.pids)


def _states(station: StationProcess) -> set[str]:
    return {pole["state"] for pole in station.poles().values()}


def _waiting(station: StationProcess) -> int:
    """Files that are still to come, and poles whose records are."""
    return sum(pole["files_waiting"] + (pole["state"] != "up") for pole in station.poles().values())


def _spread_s(values: list[float]) -> dict[str, float]:
    """As `spread`, of seconds, to a tenth."""
    found = spread([10 * each for each in values])
    return {key: each if key == "count" else round(each / 10, 1) for key, each in found.items()}


def _table(report: Mapping[str, Any]) -> str:
    rows = [("figure", *(part for part in ("idle", "load", "return") if report.get(part)))]
    parts = [report[part] for part in rows[0][1:]]
    keys = dict.fromkeys(key for part in parts for key in part)
    rows += [(key, *(str(part.get(key, "")) for part in parts)) for key in keys]
    widths = [min(max(len(row[i]) for row in rows), 60) for i in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
             for row in rows]  # fmt: skip
    return "\n".join(lines) + f"\nproblems: {report['problems'] or 'none'}\n"


if __name__ == "__main__":
    sys.exit(main())
