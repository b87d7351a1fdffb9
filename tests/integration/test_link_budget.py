"""The link's budget: transfers end in the middle and are resumed later, alerts always pass."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from aiohttp import ClientError

from edge.model import Json
from edge.serving.link import LINK
from edge.serving.link_budget import Rank
from tests.support.aio import run_async
from tests.support.served_pole import ServedPole, serve_pole

pytestmark = pytest.mark.timeout(120)

MIB = 2**20


async def fetch(pole: ServedPole, path: str, token: dict[str, str]) -> tuple[int, bytes, str]:
    """Fetch as much as comes; status, body, and when to come again."""
    async with pole.client.get(path, headers=token) as answer:
        body = bytearray()
        try:
            async for chunk in answer.content.iter_any():
                body += chunk
        except ClientError:
            pass
        return answer.status, bytes(body), answer.headers.get("Retry-After", "")


@run_async
async def test_clip_is_cut_off_at_its_share_and_alerts_go_on(tmp_path: Path) -> None:
    content = random.Random(1).randbytes(MIB)
    async with serve_pole(tmp_path, budget_bytes=MIB) as pole:
        token = pole.token()
        alert = await pole.open_alert()
        clip = await pole.keep_media(content, alert=alert)
        picture = await pole.keep_media(
            content[:100_000], alert=alert, type="image/jpeg", role="snapshot"
        )

        status, body, _ = await fetch(pole, f"/v1/media/{clip}", token)
        assert status == 200
        assert 0.70 * MIB < len(body) < 0.85 * MIB
        assert content.startswith(body)

        status, refusal, retry_after = await fetch(pole, f"/v1/media/{clip}", token)
        assert status == 429
        assert b"link-budget" in refusal
        assert 1 <= int(retry_after) <= 3660

        assert (await fetch(pole, "/v1/feeds/audit", token))[0] == 429
        assert (await fetch(pole, f"/v1/media/{picture}", token))[:2] == (200, content[:100_000])
        while not pole.app[LINK].budget_wait_s(Rank.SNAPSHOTS):
            await fetch(pole, "/v1/feeds/alerts", token)
        assert (await fetch(pole, f"/v1/media/{picture}", token))[0] == 429
        for path in ("/v1/feeds/alerts", "/v1/alerts", f"/v1/alerts/{alert}", "/v1/pole"):
            assert (await fetch(pole, path, token))[0] == 200
        said: dict[str, Json] = {"upto": f"{pole.log.epoch}.1"}
        acked = await pole.client.post("/v1/feeds/alerts/ack", json=said, headers=token)
        assert acked.status == 200


@run_async
async def test_figures_say_what_is_used(tmp_path: Path) -> None:
    async with serve_pole(tmp_path, budget_bytes=MIB) as pole:
        token = pole.token()
        await fetch(pole, "/v1/pole", token)
        _, text, _ = await fetch(pole, "/metrics", token)
        figures = dict(line.split(" ") for line in text.decode().splitlines() if line[0] != "#")
        assert figures["polewatch_link_budget_bytes"] == "1048576"
        assert 300 < float(figures["polewatch_link_used_bytes"]) < 5000


@run_async
async def test_nothing_is_counted_without_a_budget(tmp_path: Path) -> None:
    async with serve_pole(tmp_path) as pole:
        _, text, _ = await fetch(pole, "/metrics", pole.token())
        assert b"polewatch_link" not in text
