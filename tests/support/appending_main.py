"""A process that writes records as fast as they are taken and says which ones it was told of.

`python -m tests.support.appending_main FOLDER`: one line a record, `feed seq id`, once it is on
disk as the log said; until killed.
"""

from __future__ import annotations

import asyncio
import itertools
import secrets
import sys
from pathlib import Path

from edge.agent.data_folder import open_data_folder
from edge.agent.log.pole_log import PoleLog
from edge.clock import SystemClock, make_ids
from edge.evidence import open_seal
from edge.feeds import ClockReading, Draft, Feed
from tests.support.drafts import POLE

_TURN: tuple[tuple[Feed, str], ...] = (
    ("alerts", "alert.open"),
    ("health", "sight"),
    ("alerts", "alert.update"),
    ("audit", "access"),
    ("alerts", "alert.close"),
)


async def _write(log: PoleLog, *, number: int) -> None:
    clock = SystemClock()
    make_id = make_ids(clock)
    alert = make_id(0)
    reading = ClockReading("synced", f"b{number}", 1)
    for feed, kind in itertools.cycle(_TURN):
        if kind == "alert.open":
            alert = make_id(0)
        data = {"text": "x" * secrets.randbelow(1500)}
        draft = Draft(
            feed, make_id(0), kind, clock.utc_ms(), reading,
            severity="minor", camera=f"c{number}", alert=alert, data=data,
        )  # fmt: skip
        (sealed,) = await log.append([draft])
        sys.stdout.write(f"{feed} {open_seal(sealed.body)['seq']} {draft.id}\n")
        sys.stdout.flush()


async def _run(path: Path) -> None:
    with open_data_folder(path) as folder:
        async with (
            PoleLog(folder.path, POLE, key=folder.key, clock=SystemClock()) as log,
            asyncio.TaskGroup() as group,
        ):
            for number in range(3):
                group.create_task(_write(log, number=number))


if __name__ == "__main__":
    asyncio.run(_run(Path(sys.argv[1])))
