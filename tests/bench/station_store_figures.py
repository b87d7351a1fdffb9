"""What a station's store costs here: `python -m tests.bench.station_store_figures [ALERTS]`.

The figures of docs/design/station.md come from here: 300 poles, 200,000 alerts unless another
number is given (400 days at 5,000 a day are 2 million). The first 10,000 have an end, two files and
mostly a verdict and come as collectors bring them; the rest come in long pages and stay open, which
is worse for lists than any desk would leave them. The disk is that of the temporary folder.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from edge.clock import SystemClock
from edge.feeds import FEEDS
from edge.station.ports.desk import Asked
from edge.station.ports.vault import Batch
from edge.station.store.schema import STORE_NAME
from edge.station.store.station_store import StationStore
from tests.support.station_store import (
    PolePages,
    alert_id,
    make_alert,
    make_file,
    make_store,
    make_word,
)

ALERTS = 200_000
PULLED = 10_000
POLES = 300
FILL_PAGE = 500
PAGE = 100
_SEVERITIES = ("info", "minor", "major", "critical")
_RULES = ("fire", "parking", "intrusion", "crowd", "loiter")
_MS_PER_S = 1000
_OPEN_SHARE = 20
"""One alert in so many is never resolved."""


def say(what: str, figure: float, unit: str) -> None:
    sys.stdout.write(f"{what:<72}{figure:>10.2f} {unit}\n")
    sys.stdout.flush()


async def time_calls(call: Callable[[], Awaitable[object]], *, count: int = 200) -> float:
    """The median time of a call, in ms."""
    took = []
    for _ in range(count):
        begun = time.perf_counter()
        await call()
        took.append((time.perf_counter() - begun) * _MS_PER_S)
    return statistics.median(took)


def lives_of(number: int) -> list[Batch]:
    """All pages of one alert, made on the pole of its turn."""
    pole = _POLES[number % POLES]
    rule = {"type": _RULES[number % 5], "name": f"r{number % 12}"}
    data = {"label": "person", "tracks": [number], "level": "alarm"}
    opened = make_alert(
        number, severity=_SEVERITIES[number % 4], rule=rule, data=data, camera=f"c{number % 4}"
    )
    where: dict[str, Any] = {"camera": f"c{number % 4}", "rule": rule}
    now_ms = SystemClock().utc_ms()
    still = make_file(number, b"s%d" % number, "snapshot", **where)
    clip = make_file(number, b"c%d" % number, **where)
    pages = [
        pole.page(opened, received_ms=now_ms),
        pole.page(still, clip, received_ms=now_ms),
        pole.page(make_alert(number, "alert.close", **where), received_ms=now_ms),
    ]
    if number % _OPEN_SHARE:
        verdict = {"by": "hq", "verdict": "false"}
        done = make_alert(number, "alert.resolve", camera=None, data=verdict)
        pages.append(pole.page(done, received_ms=now_ms))
    return pages


_POLES = [PolePages(name=f"P{number:03d}", pole_id=f"P{number:03d}") for number in range(POLES)]


async def measure_pulling(store: StationStore, alerts: int) -> None:
    """300 poles, each keeping page after page, as their collectors do."""
    records = 0

    async def pull(first: int) -> None:
        nonlocal records
        for number in range(first, alerts, POLES):
            for page in lives_of(number):
                kept = await store.keep(page)
                records += kept.new_count

    begun, begun_cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*map(pull, range(POLES)))
    took_s, cpu_s = time.perf_counter() - begun, time.process_time() - begun_cpu
    say(f"{records} records, 300 poles, a page of one or two each", records / took_s, "records/s")
    say("processor for each record, making it included", cpu_s / records * _MS_PER_S, "ms")


async def fill(store: StationStore, first: int, alerts: int) -> None:
    """Let the rest come, in long pages, as after an outage."""
    begun, number = time.perf_counter(), first
    while number < alerts:
        pole = _POLES[number // FILL_PAGE % POLES]
        numbers = range(number, min(alerts, number + FILL_PAGE))
        drafts = [
            make_alert(each, severity=_SEVERITIES[each % 4], camera=f"c{each % 4}",
                       rule={"type": _RULES[each % 5], "name": f"r{each % 12}"},
                       data={"label": "person", "tracks": [each], "level": "alarm"})
            for each in numbers
        ]  # fmt: skip
        await store.keep(pole.page(*drafts, received_ms=SystemClock().utc_ms()))
        number += len(drafts)
    took_s = time.perf_counter() - begun
    say(f"{alerts - first} more, {FILL_PAGE} a page", (alerts - first) / took_s, "alerts/s")


async def measure_reading(store: StationStore, alerts: int) -> None:
    """What desks and pulling ask."""

    def page(**asked: object) -> Callable[[], Awaitable[object]]:
        return lambda: store.alerts(Asked(**asked), after=None, limit=PAGE)  # type: ignore[arg-type]

    say("worst 100 open alerts", await time_calls(page()), "ms")
    say("worst 100 open alerts of one pole", await time_calls(page(pole="P007")), "ms")
    say("newest 100 of all", await time_calls(page(state="all", newest_first=True)), "ms")
    one = page(state="all", newest_first=True, pole="P007")
    say("newest 100 of one pole", await time_calls(one), "ms")
    rule = page(state="all", newest_first=True, rule="fire/r5")
    say("newest 100 of one rule's name", await time_calls(rule), "ms")
    none = page(state="all", rule="nothing")
    say("worst of a rule that has none (5,000 rows looked at)", await time_calls(none), "ms")
    middle = f"w.{(3 << 48) - alerts // 2}"
    deep = lambda: store.alerts(Asked(state="all"), after=middle, limit=PAGE)  # noqa: E731
    say("100 from the middle of all", await time_calls(deep), "ms")
    changed = lambda: store.changed(after=store.change - PAGE, limit=200)  # noqa: E731
    say("the last 100 changes", await time_calls(changed), "ms")
    say("counts", await time_calls(store.counts), "ms")
    say("one alert", await time_calls(lambda: store.alert("P007", alert_id(7))), "ms")
    records = lambda: store.records("P007", alert_id(7))  # noqa: E731
    say("its records", await time_calls(records), "ms")
    wanted = lambda: store.wanted("P007", limit=32)  # noqa: E731
    say("32 files wanted of one pole", await time_calls(wanted), "ms")
    tail = lambda: store.arrivals(after=10, feeds=FEEDS, limit=PAGE)  # noqa: E731
    say("100 arrivals of all feeds", await time_calls(tail), "ms")
    begun = time.perf_counter()
    count = len(await store.responses(since_ms=0, until_ms=2**50))
    say(f"times of all {count} alerts", time.perf_counter() - begun, "s")


async def measure_one(store: StationStore, alerts: int) -> None:
    """One thing after the other: what a single commit costs."""
    numbers = itertools.count(alerts)

    async def keep_one() -> None:
        number = next(numbers)
        await store.keep(_POLES[number % POLES].page(make_alert(number)))

    say("one alert, folded, on disk", await time_calls(keep_one), "ms")

    async def say_one() -> None:
        number = next(numbers)
        word = make_word(number % alerts, "alert.note", text="x", pole=f"P{number % POLES:03d}",
                         ordinal=number)  # fmt: skip
        await store.say([word])

    say("one word of a desk, on disk", await time_calls(say_one), "ms")

    async def wake() -> None:
        waiting = asyncio.ensure_future(store.wait_for_change(after=store.change, timeout_s=60))
        await keep_one()
        await waiting

    say("from keeping an alert until a desk that waits goes on", await time_calls(wake), "ms")


async def measure(folder: Path, alerts: int) -> None:
    async with make_store(folder, clock=SystemClock()) as store:
        await measure_pulling(store, PULLED)
        await fill(store, PULLED, alerts)
        await measure_one(store, alerts)
        await measure_reading(store, alerts)
    say("database", (folder / STORE_NAME).stat().st_size / 2**20, "MiB")
    begun = time.perf_counter()
    async with make_store(folder, clock=SystemClock()):
        say("start", (time.perf_counter() - begun) * _MS_PER_S, "ms")
    peak_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    say("memory at most", peak_kib / 1024, "MiB")
    say("processors", float(os.cpu_count() or 0), "")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        asyncio.run(measure(Path(name), int(sys.argv[1]) if len(sys.argv) > 1 else ALERTS))
