"""What the pole's log costs here: `python -m tests.bench.log_figures`. Prints a table.

The figures of docs/design/records.md come from here. 100,000 records of which each is an alert is
more than a pole keeps in years; the disk is that of the temporary folder.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

from edge.agent.log.pole_log import PoleLog
from edge.agent.log.reader import open_reader
from edge.agent.log.verify import verify_log
from edge.clock import SystemClock
from edge.feeds import Draft
from tests.support.drafts import KEY, POLE, make_draft

COUNT = 100_000
PAGE = 100
_SEVERITIES = ("info", "minor", "major", "critical")
_MS_PER_S = 1000


def open_pole_log(folder: Path) -> PoleLog:
    return PoleLog(folder, POLE, key=KEY, clock=SystemClock())


def make_alert(number: int) -> Draft:
    """An alert as an eye's rule would give it, of one of ten cameras."""
    return make_draft(
        10 * number + 1,
        alert=f"01J{number:023d}",
        camera=f"c{number % 10}",
        severity=_SEVERITIES[number % 4],
        rule={"type": "intrusion", "name": "gate"},
        data={"label": "person", "tracks": [number]},
        where={"box": [0.1, 0.2, 0.3, 0.4]},
    )


def say(what: str, figure: float, unit: str) -> None:
    sys.stdout.write(f"{what:<64}{figure:>10.3f} {unit}\n")
    sys.stdout.flush()


async def time_calls(call: Callable[[], Awaitable[object]], *, count: int) -> float:
    """The median time of a call, in ms."""
    took = []
    for _ in range(count):
        begun = time.perf_counter()
        await call()
        took.append((time.perf_counter() - begun) * _MS_PER_S)
    return statistics.median(took)


async def measure_writing(folder: Path) -> None:
    """Commits one by one, from many at once, and the log of 100,000 alerts."""
    async with open_pole_log(folder) as log:
        numbers = iter(range(COUNT + 1, 2 * COUNT))
        one = await time_calls(
            lambda: log.append([make_draft(next(numbers) * 10, feed="health", kind="sight")]),
            count=500,
        )
        say("one record after the other, each on disk before the next", one, "ms each")
        begun = time.perf_counter()
        await asyncio.gather(
            *(
                log.append([make_draft(next(numbers) * 10, feed="health", kind="sight")])
                for _ in range(10_000)
            )
        )
        took_s = time.perf_counter() - begun
        say("10,000 handed over at once", took_s / 10, "ms each")
        begun = time.perf_counter()
        for first in range(0, COUNT, 1000):
            await log.append([make_alert(number) for number in range(first, first + 1000)])
        took_s = time.perf_counter() - begun
        say("100,000 alert.open in commits of 1,000, folded", took_s * _MS_PER_S / COUNT, "ms each")
        one = await time_calls(lambda: log.append([make_alert(next(numbers))]), count=300)
        say("one alert.open, signed, with 100,000 there", one, "ms")


async def measure_starting(folder: Path) -> None:
    """From nothing to the first page, with 100,000 records there."""
    begun = time.perf_counter()
    async with open_pole_log(folder) as log:
        say("start", (time.perf_counter() - begun) * _MS_PER_S, "ms")
        begun = time.perf_counter()
        page = await log.page("alerts", after=0, limit=100, cameras=None)
        took_ms = (time.perf_counter() - begun) * _MS_PER_S
        assert len(page.bodies) == PAGE
        say("first page after the start: 100 from the oldest", took_ms, "ms")


async def measure_reading(folder: Path) -> None:
    """Pages of feeds and alerts, and waking those who wait."""
    async with open_pole_log(folder) as log:
        head = log.head("alerts").seq
        few = frozenset({"c3"})
        for what, after, cameras in (
            ("page of 100 at the head, from memory", head - 100, None),
            ("page of 100 in the middle, from disk", head // 2, None),
            ("page of 100 in the middle, of one camera in ten", head // 2, few),
        ):
            read = partial(log.page, "alerts", after=after, limit=PAGE, cameras=cameras)
            say(what, await time_calls(read, count=300), "ms")
        for what, only_open, cameras in (
            ("alerts: worst 100 of 100,000 open", True, None),
            ("alerts: worst 100 of one camera in ten", True, few),
            ("alerts: of a camera that has none", False, frozenset({"none"})),
        ):
            look = partial(log.alerts, only_open=only_open, after=None, limit=PAGE, cameras=cameras)
            say(what, await time_calls(look, count=50), "ms")
        say("500 who wait, woken by one record: until the last", await wake(log, 500), "ms")


async def wake(log: PoleLog, count: int) -> float:
    """From handing a record over until the last of those who wait goes on, in ms."""
    head = log.head("audit").seq
    async with asyncio.TaskGroup() as group:
        waiting = [
            group.create_task(log.wait_for_more("audit", after=head, timeout_s=60))
            for _ in range(count)
        ]
        await asyncio.sleep(0)
        begun = time.perf_counter()
        await log.append([make_draft(1, feed="audit", kind="access")])
        await asyncio.gather(*waiting)
        return (time.perf_counter() - begun) * _MS_PER_S


def measure_verifying(folder: Path) -> None:
    """Check all of it."""
    begun = time.perf_counter()
    with open_reader(folder) as reader:
        feeds = verify_log(reader, KEY.public_key())
    assert all(not feed.findings for feed in feeds)
    records = sum(feed.records for feed in feeds)
    say(f"verify, {records} records", time.perf_counter() - begun, "s")


def main() -> None:
    """Measure everything once."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        asyncio.run(measure_writing(folder))
        size_bytes = sum(path.stat().st_size for path in folder.glob("log.db*"))
        say("size of the log", size_bytes / 2**20, "MiB")
        asyncio.run(measure_starting(folder))
        asyncio.run(measure_reading(folder))
        measure_verifying(folder)


if __name__ == "__main__":
    main()
