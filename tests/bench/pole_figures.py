"""What a whole pole costs and how soon it tells: P8, P9, P15, and eyes under load of the API.

`python -m tests.bench.pole_figures [--quick | --rounds N]`: real eyes on real clips over RTSP.
Prints JSON. Times include the way to a caller that waits for news; wall time, so a quiet machine.
How much is decoded and inferred depends on what is in the picture: a rate therefore runs over the
clip once, as near as eyes tell. Callers are on the same machine, and their cost counts as load.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import aiohttp

from edge.thirdparty.sample import sample_path
from tests.support.pole_process import PoleProcess, write_config
from tests.support.process_tree import usage
from tests.support.rtsp_server import GstRtspServer
from tests.support.served_process import free_port

CALLERS = 100
DOWNLOADS = 20
_MIB = 2**20
_LOOK_S = 0.2
_CLIP_S = 79.5
"""The sample clip; the servers play it again and again."""
_TOLD_S = 15.0
"""Eyes tell every ten seconds."""
_CAMERA = 'lines = [{ name = "path", from = [0.17, 0.2], to = [0.17, 0.9] }]'
_RULES = """
[[rule]]
type = "line"
name = "path"
lines = ["path"]
alerts_per_hour = 60
cooldown_s = 0
"""
_COUNTERS = re.compile(
    r'polewatch_camera_(frames|decoded|inferences)_total\{camera="(\w+)"\} (\S+)'
)


@dataclass(slots=True)
class _Arrivals:
    """How long after its frame each alert.open was in the hands of who waited for it."""

    after_ms: list[float] = field(default_factory=list)


def main() -> int:
    """Measure as asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="short; no figure to rely on")
    parser.add_argument("--rounds", type=int, default=3, help="each without and with load")
    args = parser.parse_args()
    settle_s, rounds = (25.0, 1) if args.quick else (60.0, args.rounds)
    report: dict[str, Any] = {}
    for count in (1, 2, 4):
        with _pole(count) as pole:
            threading.Event().wait(settle_s)
            report[f"pss_mib_{count}_cameras"] = round(usage(pole.pid).pss_bytes / _MIB, 1)
            if count == 4:
                report |= _measure_load(pole, rounds=rounds)
    sys.stdout.write(json.dumps(report, indent=2) + "\n")
    return 0


@contextmanager
def _pole(count: int) -> Iterator[PoleProcess]:
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        servers = [
            stack.enter_context(GstRtspServer(sample_path(), rounds=10)) for _ in range(count)
        ]
        cameras = {f"cam{index}": server.url for index, server in enumerate(servers)}
        port = free_port()
        config = write_config(Path(name), cameras, port=port, extra=_RULES, camera=_CAMERA)
        with PoleProcess(config, Path(name) / "data", port=port) as pole:
            pole.wait_for(lambda: pole.get("/v1/health").status == 200, timeout_s=60)
            yield pole


def _measure_load(pole: PoleProcess, *, rounds: int) -> dict[str, Any]:
    """Frame rates of all eyes without and with load, in turn; and how soon alerts come."""
    quiet: list[dict[str, float]] = []
    loaded: list[dict[str, float]] = []
    arrivals = {"quiet": _Arrivals(), "loaded": _Arrivals()}
    served = 0
    for _ in range(rounds):
        with _waiting_for_alerts(pole, arrivals["quiet"]):
            quiet.append(_rates(pole))
        with _waiting_for_alerts(pole, arrivals["loaded"]), _load(pole) as counts:
            loaded.append(_rates(pole))
        served += counts["clips"]
    return {
        **{
            f"{kind}_loaded_per_quiet": _ratio(loaded, quiet, kind)
            for kind in ("frames", "decoded", "inferences")
        },
        "clips_served_under_load": served,
        "alert_after_frame_ms": {name: _spread(each) for name, each in arrivals.items()},
    }


def _rates(pole: PoleProcess) -> dict[str, float]:
    """Frames, decoded frames and inferences a second of each camera, over the clip once.

    A rate runs from one change of a counter to the first one that is a clip's length later.
    """
    changes: dict[str, list[tuple[float, float]]] = {}
    end_s = time.monotonic() + _CLIP_S + 2 * _TOLD_S
    while (now_s := time.monotonic()) < end_s:
        for name, value in _counters(pole).items():
            seen = changes.setdefault(name, [(now_s, value)])
            if seen[-1][1] != value:
                seen.append((now_s, value))
        threading.Event().wait(_LOOK_S)
    return {name: _rate(seen[1:]) for name, seen in changes.items()}


def _rate(changes: list[tuple[float, float]]) -> float:
    (first_s, first), *others = changes
    last_s, last = next(each for each in others if each[0] - first_s >= _CLIP_S - 2 * _LOOK_S)
    return (last - first) / (last_s - first_s)


def _counters(pole: PoleProcess) -> dict[str, float]:
    text = pole.get("/metrics").body.decode()
    return {f"{kind} {camera}": float(value) for kind, camera, value in _COUNTERS.findall(text)}


def _ratio(
    loaded: list[dict[str, float]], quiet: list[dict[str, float]], kind: str
) -> dict[str, float]:
    names = [name for name in quiet[0] if name.startswith(kind)]
    return {
        name.removeprefix(f"{kind} "): round(
            statistics.median(each[name] for each in loaded)
            / statistics.median(each[name] for each in quiet),
            3,
        )
        for name in names
    }


def _spread(arrivals: _Arrivals) -> dict[str, float]:
    values = sorted(arrivals.after_ms)
    if not values:
        return {"count": 0}
    p95 = values[min(len(values) - 1, round(0.95 * len(values)))]
    return {"count": len(values), "median": round(statistics.median(values)), "p95": round(p95)}


@contextmanager
def _waiting_for_alerts(pole: PoleProcess, arrivals: _Arrivals) -> Iterator[None]:
    is_over = threading.Event()

    def wait() -> None:
        after = pole.get("/v1/feeds/alerts?limit=1000").json()["next"]
        while not is_over.is_set():
            page = pole.get(f"/v1/feeds/alerts?after={after}&wait=1").json()
            now_ms = time.time() * 1000
            after = page["next"]
            arrivals.after_ms += [
                now_ms - datetime.fromisoformat(record["at"]).timestamp() * 1000
                for record in page["items"]
                if record["kind"] == "alert.open"
            ]

    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(wait)
        try:
            yield
        finally:
            is_over.set()
        waiting.result()


@contextmanager
def _load(pole: PoleProcess) -> Iterator[dict[str, int]]:
    """Callers that wait for alerts, and clips fetched again and again; fails where one fails."""
    counts = {"clips": 0}
    pole.wait_for(lambda: _clips(pole), timeout_s=120)
    clips = _clips(pole)
    is_over = threading.Event()

    async def run() -> None:
        timeout = aiohttp.ClientTimeout(total=60)
        headers = {"Authorization": f"Bearer {pole.token}"}
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(
            f"http://127.0.0.1:{pole.port}", headers=headers, timeout=timeout, connector=connector,
            raise_for_status=True,
        ) as session:  # fmt: skip
            tasks = [asyncio.create_task(_poll(session, is_over)) for _ in range(CALLERS)]
            tasks += [
                asyncio.create_task(_download(session, clips, is_over, counts))
                for _ in range(DOWNLOADS)
            ]
            await asyncio.gather(*tasks)

    with ThreadPoolExecutor(1) as threads:
        loading = threads.submit(lambda: asyncio.run(run()))
        try:
            yield counts
        finally:
            is_over.set()
        loading.result()


def _clips(pole: PoleProcess) -> list[str]:
    return [
        item["href"]
        for record in pole.records("media")
        for item in record["media"]
        if item["role"] == "clip"
    ]


async def _poll(session: aiohttp.ClientSession, is_over: threading.Event) -> None:
    after = ""
    while not is_over.is_set():
        async with session.get(f"/v1/feeds/alerts?wait=2{after}") as response:
            after = f"&after={(await response.json())['next']}"


async def _download(
    session: aiohttp.ClientSession, clips: list[str], is_over: threading.Event,
    counts: dict[str, int],
) -> None:  # fmt: skip
    """At a pace that a station has: one clip a second each, as 20 operators would."""
    while not is_over.is_set():
        for href in clips:
            async with session.get(href) as response:
                await response.read()
            counts["clips"] += 1
            await asyncio.sleep(1)
            if is_over.is_set():
                return


if __name__ == "__main__":
    sys.exit(main())
