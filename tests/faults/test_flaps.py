"""A slow link that goes down fifty times and loses every tenth packet: all comes, and once."""

from __future__ import annotations

import asyncio
import random
from functools import partial
from pathlib import Path

import pytest

from tests.faults.closing_table import ClosingTable
from tests.support.aio import run_async
from tests.support.bad_link import Quality
from tests.support.far_station import far
from tests.support.pulling_station import until

pytestmark = pytest.mark.timeout(300)
FLAPS = 50
UP_S, DOWN_S = 0.3, 0.1
SIZES = (100_000, 200_000, 300_000)
OVERHEAD_MAX = 1.2
ROW = "link flaps, 10 % packet loss, 300 ms"


@run_async
async def test_nothing_is_lost_or_sent_in_vain(
    tmp_path: Path, pytestconfig: pytest.Config, closing_table: ClosingTable
) -> None:
    """Bytes are counted where they arrive, with all headers, pages, and what TCP has sent twice.

    What the radio has dropped on its way nobody could have spared.
    """
    noise = random.Random(pytestconfig.getoption("seed"))
    link = Quality(bytes_per_s=60_000, delay_s=0.15, loss=0.1)
    async with far(tmp_path, link) as both:
        opened = [await both.pole.open_alert()]
        clips = [
            await both.pole.keep_media(noise.randbytes(size), alert=opened[0]) for size in SIZES
        ]
        await both.pull()
        for number in range(FLAPS):
            await asyncio.sleep(UP_S)
            link.is_up = False
            if number % 5 == 0:
                opened.append(await both.pole.open_alert(severity="critical"))
            await asyncio.sleep(DOWN_S)
            link.is_up = True
        for clip in clips:
            await until(partial(both.has_kept, clip))

        async def have_come() -> bool:
            return len(await both.opened()) >= len(opened)

        await until(have_come)
        found = await both.opened()
        closing_table.add(ROW, FLAPS, len(set(opened) ^ set(found)) + len(found) - len(set(found)))
        assert found == opened
        assert both.link.arrived_bytes / sum(SIZES) <= OVERHEAD_MAX
