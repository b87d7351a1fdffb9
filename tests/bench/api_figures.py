"""What the API costs: pages for each second of the server's processor, and how soon news arrive.

    python -m tests.bench.api_figures

The pole and a plain server that answers the same items are asked in turns within one run, each a
process of its own, loaded from this one. Goal P13: at least twice as many for the same time.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from tests.bench.http_load import Caller, count_requests, cpu_s
from tests.bench.plain_server import Plain, run_plain_server
from tests.support.pole_server import Offer, run_pole_server

ALERTS = 150
ROUNDS = 4
ROUND_S = 3.0
CALLERS = 4
PAGES = ("/v1/feeds/alerts?limit=100", "/v1/alerts?state=open&limit=100")
POLLERS = (100, 500)
NEWS = 40
NEWS_PAUSE_S = 0.25


@dataclass
class Tally:
    """Requests and the processor time that they took."""

    requests: int = 0
    cpu_s: float = 0.0

    @property
    def per_cpu_s(self) -> float:
        """Requests for each second of processor time."""
        return self.requests / self.cpu_s


async def measure_page(pole: Offer, plain: Plain, path: str) -> tuple[Tally, Tally]:
    """Ask both for one page in turns; give the pole's tally and the plain server's."""
    ours, theirs = Tally(), Tally()
    for _ in range(ROUNDS):
        for tally, server, headers in ((ours, pole, pole.headers), (theirs, plain, {})):
            before_s = cpu_s(server.pid)
            tally.requests += await count_requests(
                server.address, path, headers=headers, callers=CALLERS, seconds=ROUND_S
            )
            tally.cpu_s += cpu_s(server.pid) - before_s
    return ours, theirs


async def measure_news(pole: Offer, pollers: int) -> list[float]:
    """Open alerts while so many wait for them; give each caller's wait for each, in seconds.

    It counts from the order to write the alert, so that the way to the disk is in it.
    """
    callers = [Caller(pole.address, pole.headers) for _ in range(pollers)]
    for caller in callers:
        await caller.connect()
    page = json.loads(await callers[0].get("/v1/feeds/alerts?limit=1000"))
    waits: list[float] = []

    async def wait_for_news(caller: Caller, after: str, told: list[float]) -> None:
        await caller.get(f"/v1/feeds/alerts?after={after}&wait=20")
        waits.append(time.monotonic() - told[0])

    epoch, _, seq = page["next"].partition(".")
    for number in range(NEWS):
        told: list[float] = []
        after = f"{epoch}.{int(seq) + number}"
        polls = [asyncio.ensure_future(wait_for_news(each, after, told)) for each in callers]
        await asyncio.sleep(NEWS_PAUSE_S)  # until all of them wait
        told.append(time.monotonic())
        pole.orders.write(b"alert\n")
        pole.orders.flush()
        await asyncio.gather(*polls)
    for caller in callers:
        caller.close()
    return sorted(waits)


async def measure(folder: Path) -> None:
    """Measure all and print it."""
    with run_pole_server(folder, alerts=ALERTS) as pole:
        caller = Caller(pole.address, pole.headers)
        await caller.connect()
        answers = {path.partition("?")[0]: json.loads(await caller.get(path)) for path in PAGES}
        caller.close()
        file = folder / "answers.json"
        file.write_text(json.dumps(answers))
        with run_plain_server(file) as plain:
            for path in PAGES:
                ours, theirs = await measure_page(pole, plain, path)
                ratio = ours.per_cpu_s / theirs.per_cpu_s
                say(f"{path}: {ours.per_cpu_s:.0f} a CPU second, plain {theirs.per_cpu_s:.0f},"
                    f" ratio {ratio:.2f}")  # fmt: skip
        for pollers in POLLERS:
            waits = await measure_news(pole, pollers)
            p50, p99 = waits[len(waits) // 2], waits[int(len(waits) * 0.99)]
            say(f"{pollers} long polls: p50 {p50 * 1000:.0f} ms, p99 {p99 * 1000:.0f} ms,"
                f" max {waits[-1] * 1000:.0f} ms")  # fmt: skip


def say(line: str) -> None:
    """Print at once."""
    print(line, flush=True)  # noqa: T201 - it is what the bench is for


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        asyncio.run(measure(Path(name)))
