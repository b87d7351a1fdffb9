"""A station over links of the worst kind: what matters comes first, and nothing is sent in vain."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import pytest

from tests.support.aio import run_async
from tests.support.bad_link import Quality
from tests.support.far_station import far
from tests.support.pulling_station import until

pytestmark = pytest.mark.timeout(300)

MODEM_BYTES_S = 8_000
"""64 kbit/s."""
ALERT_S_MAX = 3


@run_async
async def test_alert_passes_a_backlog_that_drains_over_a_modem(tmp_path: Path) -> None:
    noise = random.Random(1)
    quality = Quality(bytes_per_s=MODEM_BYTES_S, delay_s=0.05)
    async with far(tmp_path, quality) as both:
        first = await both.pole.open_alert()
        clips = [await both.pole.keep_media(noise.randbytes(400_000), alert=first)]
        clips += [await both.pole.keep_media(noise.randbytes(400_000), alert=first)]
        await both.pull()
        await until(lambda: both.has_got(clips[0], 20_000))
        for _ in range(3):
            before_bytes = both.link.arrived_bytes
            alert = await both.pole.open_alert(severity="critical")

            async def is_there(alert: str = alert) -> bool:
                return alert in await both.opened()

            await until(is_there)
            # A link that is never idle is a clock. Without order 44 KB come before the alert.
            assert both.link.arrived_bytes - before_bytes < ALERT_S_MAX * MODEM_BYTES_S
            await asyncio.sleep(0.5)


@run_async
async def test_snapshot_passes_a_clip_that_is_half_way(tmp_path: Path) -> None:
    noise = random.Random(2)
    quality = Quality(bytes_per_s=MODEM_BYTES_S, delay_s=0.05)
    async with far(tmp_path, quality) as both:
        first = await both.pole.open_alert()
        clip = await both.pole.keep_media(noise.randbytes(200_000), alert=first)
        await both.pull()
        await until(lambda: both.has_got(clip, 10_000))
        alert = await both.pole.open_alert(severity="critical")
        picture = await both.pole.keep_media(
            noise.randbytes(30_000), alert=alert, type="image/jpeg", role="snapshot"
        )
        await until(lambda: both.has_kept(picture))
        assert not await both.has_kept(clip)
