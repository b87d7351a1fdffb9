"""Who waits at a station while it is measured: an integrator, a desk; each on a thread of its own.

They note how long after its time each alert was in their hands.
"""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from datetime import datetime
from typing import Any

from tests.support.station_process import StationProcess

_WAIT_S = 5


def at_ms(text: str) -> float:
    """A time of the wire in milliseconds since 1970."""
    return datetime.fromisoformat(text).timestamp() * 1000


def now_ms() -> float:
    """Wall time; poles, station and this process have the same clock."""
    return time.time() * 1000


def spread(values: list[float]) -> dict[str, float]:
    """Count, median, 99th percentile and most, in whole units."""
    ordered = sorted(values)
    if not ordered:
        return {"count": 0}
    last = len(ordered) - 1
    return {
        "count": len(ordered),
        "p50": round(ordered[last // 2]),
        "p99": round(ordered[min(last, -(-99 * last // 100))]),
        "max": round(ordered[-1]),
    }


class _Watcher:
    """Something that asks again and again while the context is open."""

    def __init__(self, station: StationProcess) -> None:
        self._station = station
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run, name=type(self).__name__)
        self.failures: list[str] = []

    def __enter__(self) -> Any:
        self._begin()
        self._thread.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._is_over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._is_over.is_set():
            try:
                self._turn()
            except (OSError, KeyError, ValueError) as exc:
                self.failures.append(f"{type(exc).__name__}: {exc}")
                self._is_over.wait(0.5)

    def _begin(self) -> None:
        raise NotImplementedError

    def _turn(self) -> None:
        raise NotImplementedError


class Integrator(_Watcher):
    """Follows every record of feed alerts; what it is given is on the station's disk."""

    def __init__(self, station: StationProcess) -> None:
        super().__init__(station)
        self._after = 0
        self.delays_ms: list[float] = []
        self.records: Counter[str] = Counter()

    def _begin(self) -> None:
        """Pass over what was there before."""
        while self._take(wait_s=0, notes=False):
            pass

    def _turn(self) -> None:
        self._take(wait_s=_WAIT_S, notes=True)

    def _take(self, *, wait_s: int, notes: bool) -> int:
        path = f"/v1/feed?feed=alerts&limit=1000&after={self._after}&wait={wait_s}"
        answer = self._station.get(path)
        if answer.status != 200:
            raise ValueError(f"{answer.status} {answer.body[:200]!r}")
        came_ms = now_ms()
        lines = [json.loads(line) for line in answer.body.splitlines()]
        for line in lines:
            self._after = line["number"]
            record = line["record"]
            if notes:
                self.records[record["id"]] += 1
                if record["kind"] == "alert.open" and line["pole"] != "station":
                    self.delays_ms.append(came_ms - at_ms(record["at"]))
        return len(lines)


class DutyDesk(_Watcher):
    """Waits for news as the page does; notes when alerts came, and when their files were here."""

    def __init__(self, station: StationProcess) -> None:
        super().__init__(station)
        self.open_ms: dict[tuple[str, str], float] = {}
        self.file_ms: dict[str, list[float]] = {"snapshot": [], "clip": []}
        self._seen: set[str] = set()
        self._answers = 0

    def _begin(self) -> None:
        self._change = self._station.get("/v1/alerts?limit=1").json()["change"]
        self._poles = self._station.get("/v1/poles").json()["change"]

    def _turn(self) -> None:
        path = f"/v1/news?after={self._change}&poles={self._poles}&wait={_WAIT_S}"
        answer = self._station.get(path)
        if answer.status != 200:
            raise ValueError(f"{answer.status} {answer.body[:200]!r}")
        news, came_ms = answer.json(), now_ms()
        self._change, self._poles = news["change"], news["poles_change"]
        for alert in news["alerts"]:
            self._note(alert, came_ms)

    def _note(self, alert: dict[str, Any], came_ms: float) -> None:
        opened_ms = at_ms(alert["opened_at"])
        self.open_ms.setdefault((alert["pole"], alert["id"]), came_ms - opened_ms)
        for media in alert["media"]:
            if media["state"] == "here" and media["sha256"] not in self._seen:
                self._seen.add(media["sha256"])
                self.file_ms.setdefault(media["role"], []).append(came_ms - opened_ms)
