"""The same pulls as a station's by a bare loop: what HTTP alone costs, nothing checked or kept.

    python -m tests.bench.bare_pull SECONDS < poles.json

prints its own processor time and what it has fetched.
"""

from __future__ import annotations

import asyncio
import json
import resource
import subprocess
import sys
from typing import Any

import aiohttp

from tests.support.many_poles import ManyPoles
from tests.support.served_process import ROOT

_WAIT_S = 25
_SETTLE_S = 10.0
"""Until all connections are open and all heads found."""


def measure_bare_pull(poles: ManyPoles, alerts_per_s: float, seconds: float) -> dict[str, Any]:
    """Run it beside poles that tell alerts; its figures."""
    offer = {name: [each.url, each.token] for name, each in poles.poles.items()}
    poles.tell(alerts_per_s)
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.bare_pull", str(seconds)],
        cwd=ROOT, input=json.dumps(offer), capture_output=True, text=True, check=True,
    )  # fmt: skip
    poles.tell(0)
    figures: dict[str, Any] = json.loads(done.stdout)
    return figures


async def _run(offer: dict[str, list[str]], seconds: float) -> dict[str, Any]:
    fetched = {"requests": 0, "media_bytes": 0}
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_pull(url, token, fetched)) for url, token in offer.values()]
        await asyncio.sleep(_SETTLE_S)
        begun_s, before = _cpu_s(), dict(fetched)
        await asyncio.sleep(seconds)
        cpu_s = _cpu_s() - begun_s
        for task in tasks:
            task.cancel()
    requests = fetched["requests"] - before["requests"]
    return {
        "seconds": seconds,
        "cpu_share": round(cpu_s / seconds, 3),
        "cpu_ms_per_request": round(1000 * cpu_s / max(requests, 1), 2),
        "requests_per_s": round(requests / seconds, 1),
        "media_mib_per_s": round(
            (fetched["media_bytes"] - before["media_bytes"]) / seconds / 2**20, 2
        ),
    }


async def _pull(url: str, token: str, fetched: dict[str, int]) -> None:
    headers = {"Authorization": f"Bearer {token}"}
    timeout = aiohttp.ClientTimeout(total=120)
    async with (
        aiohttp.ClientSession(url, headers=headers, timeout=timeout) as session,
        asyncio.TaskGroup() as group,
    ):
        for feed in ("alerts", "media"):
            group.create_task(_follow(session, feed, fetched))


async def _follow(session: aiohttp.ClientSession, feed: str, fetched: dict[str, int]) -> None:
    async with session.get("/v1/pole") as response:
        pole = await response.json()
        after = f"{pole['epoch']}.{pole['feeds'][feed]['head']}"
    while True:
        path = f"/v1/feeds/{feed}?after={after}&wait={_WAIT_S}"
        async with session.get(path) as response:
            page = await response.json()
        fetched["requests"] += 1
        after = page["next"]
        for record in page["items"]:
            for item in record["media"]:
                async with session.get(item["href"]) as response:
                    fetched["media_bytes"] += len(await response.read())
                fetched["requests"] += 1


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    figures = asyncio.run(_run(json.load(sys.stdin), float(sys.argv[1])))
    sys.stdout.write(json.dumps(figures) + "\n")
