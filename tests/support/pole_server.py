"""`served_pole.py` as a process of its own, for what measures or besieges it from outside.

    python -m tests.support.pole_server FOLDER [ALERTS]

prints one line of JSON, what there is to ask for, opens an alert for each line on its standard
input, and ends with it.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, get_args

import msgspec

from edge.feeds import Severity
from tests.support.served_pole import ServedPole, serve_pole

_SEVERITIES: tuple[Severity, ...] = get_args(Severity)


@dataclass(frozen=True)
class Offer:
    """What can be asked of a pole that has been started."""

    address: str
    pid: int
    headers: dict[str, str]
    epoch: str
    alerts: list[str]
    media: list[str]
    orders: IO[bytes]
    """Its standard input: a line opens an alert."""


@contextmanager
def run_pole_server(folder: Path, *, alerts: int = 20) -> Iterator[Offer]:
    """Run it for the block."""
    command = [sys.executable, "-m", "tests.support.pole_server", str(folder), str(alerts)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        try:
            fields = msgspec.json.decode(process.stdout.readline())
            yield Offer(pid=process.pid, orders=process.stdin, **fields)
        finally:
            process.stdin.close()
            process.wait(20)


async def fill(pole: ServedPole, alerts: int) -> tuple[list[str], list[str]]:
    """Write what a pole has after a while; give its alerts and the hashes of its files."""
    names, hashes = [], []
    for number in range(alerts):
        alert = await pole.open_alert(severity=_SEVERITIES[number % 4])
        names.append(alert)
        content = b"clip %d of no real camera" % number * 50
        hashes.append(await pole.keep_media(content, alert=alert))
        await pole.write("measures", "count", camera="road", data={"in": number, "out": 0})
        if number % 10 == 9:
            await pole.write("alerts", "alert.close", camera="yard", alert=alert, severity="info")
    return names, hashes


async def _serve(folder: Path, alerts: int) -> None:
    async with serve_pole(folder) as pole:
        names, hashes = await fill(pole, alerts)
        offer = {
            "address": pole.address,
            "headers": pole.token(),
            "epoch": pole.log.epoch,
            "alerts": names,
            "media": hashes,
        }
        print(msgspec.json.encode(offer).decode(), flush=True)  # noqa: T201 - it is what it gives
        while await asyncio.to_thread(sys.stdin.readline):
            await pole.open_alert()


if __name__ == "__main__":
    asyncio.run(_serve(Path(sys.argv[1]), int(sys.argv[2])))
