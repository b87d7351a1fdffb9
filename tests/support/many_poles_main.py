"""One process of `many_poles.py`: poles that take orders, one line of JSON each.

    python -m tests.support.many_poles_main FOLDER FIRST COUNT CLIP_BYTES

prints what there is as a line of JSON, and a line for each order of its standard input; it ends
with that.
"""

from __future__ import annotations

import asyncio
import itertools
import sys
from pathlib import Path
from typing import Any

import msgspec

from tests.support.canned_pole import CannedPole, Served

_ALERTS_AT_ONCE = 200


class Poles:
    """The poles of this process."""

    def __init__(self, poles: list[CannedPole], served: Served, clip_size: int) -> None:
        self._poles, self._served, self._clip_size = poles, served, clip_size
        self._next = itertools.cycle(poles)
        self._per_s = 0.0
        self._changed = asyncio.Event()
        self._free = asyncio.Semaphore(_ALERTS_AT_ONCE)
        self._late_s = 0.0
        self._under_way = 0

    async def tell(self, group: asyncio.TaskGroup) -> None:
        """Open alerts at the rate that was ordered, pole after pole, until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            self._changed.clear()
            due_s = loop.time()
            while self._per_s and not self._changed.is_set():
                due_s += 1 / self._per_s
                await asyncio.sleep(max(due_s - loop.time(), 0))
                self._late_s = max(self._late_s, loop.time() - due_s)
                await self._free.acquire()
                group.create_task(self._tell_one(next(self._next), waits=True))
            await self._changed.wait()

    async def obey(self, order: dict[str, Any]) -> dict[str, Any]:
        """Do one thing."""
        match order["do"]:
            case "rate":
                self._per_s = float(order["per_s"])
                self._changed.set()
            case "write":
                await self._write(int(order["alerts"]), order["about"])
            case "cut":
                await asyncio.gather(*(pole.cut() for pole in self._poles))
            case "return":
                self._served.first_ask_s.clear()
                await asyncio.gather(*(pole.come_back() for pole in self._poles))
            case "counts":
                return self._counts()
        return {}

    async def _write(self, alerts: int, about: dict[str, Any]) -> None:
        """Write alerts as soon as they can be, on pole after pole."""
        async with asyncio.TaskGroup() as group:
            for _ in range(alerts):
                await self._free.acquire()
                group.create_task(self._tell_one(next(self._next), waits=False, **about))

    async def _tell_one(self, pole: CannedPole, *, waits: bool, **about: Any) -> None:
        self._under_way += 1
        try:
            await pole.tell_alert(clip_size=self._clip_size, waits=waits, **about)
        finally:
            self._under_way -= 1
            self._free.release()

    def _counts(self) -> dict[str, Any]:
        served = self._served
        return {
            "under_way": self._under_way,
            "late_s": round(self._late_s, 3),
            "poles": {
                pole.name: {
                    "opened": pole.opened,
                    "files": pole.files,
                    "heads": {
                        feed: pole.log.head(feed).seq for feed in ("alerts", "media", "health")
                    },
                }
                for pole in self._poles
            },
            "requests": [[at, kind, n] for (at, kind), n in served.requests.items()],
            "media_bytes": served.media_bytes,
            "first_ask_s": served.first_ask_s,
        }


async def _run(folder: Path, first: int, count: int, clip_size: int) -> None:
    served = Served()
    names = [f"P-{number:03d}" for number in range(first, first + count)]
    poles = [CannedPole(folder / name, name, served) for name in names]
    offer = {}
    for pole in poles:
        token = await pole.start()
        offer[pole.name] = {"url": pole.url, "token": token}
    all_poles = Poles(poles, served, clip_size)
    async with asyncio.TaskGroup() as group:
        telling = group.create_task(all_poles.tell(group))
        _say(offer)
        while line := await asyncio.to_thread(sys.stdin.readline):
            _say(await all_poles.obey(msgspec.json.decode(line)))
        telling.cancel()
    await asyncio.gather(*(pole.close() for pole in poles))


def _say(what: dict[str, Any]) -> None:
    sys.stdout.write(msgspec.json.encode(what).decode() + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(_run(Path(sys.argv[1]), *(int(word) for word in sys.argv[2:5])))
