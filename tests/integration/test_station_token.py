"""A pole whose token for the station is replaced: what it is told of what is here already."""

from __future__ import annotations

from pathlib import Path

import apsw
import pytest

from edge.agent.log.log_file import LOG_NAME
from edge.station.config import PoleSite
from tests.support.aio import run_async
from tests.support.pulling_station import pulling, until
from tests.support.served_pole import ServedPole, serve_pole

pytestmark = pytest.mark.timeout(120)


def put_token(pole: ServedPole, name: str, path: Path) -> None:
    header = pole.token(name, "read", "pictures", "ack")["Authorization"]
    path.write_text(header.removeprefix("Bearer "))
    path.chmod(0o600)


@run_async
async def test_pole_is_told_all_that_is_here_when_our_token_gets_another_name(
    tmp_path: Path,
) -> None:
    tokens = tmp_path / "token"
    async with serve_pole(tmp_path / "P1") as pole, pulling(tmp_path / "s", "P1") as station:
        alert = await pole.open_alert()
        sha256 = await pole.keep_media(b"clip", alert=alert)

        async def knows(name: str) -> bool:
            feeds = [(await pole.log.acks(feed)).get(name, 0) for feed in ("alerts", "media")]
            files = apsw.Connection(str(pole.folder / LOG_NAME)).execute(
                "SELECT 1 FROM media_ack WHERE name = ? AND sha256 = ?", (name, sha256)
            )
            return all(feeds) and bool(list(files))

        put_token(pole, "station", tokens)
        url = f"http://{pole.address}"
        await station.pull(PoleSite(name="P1", url=url, token_file=str(tokens)))
        await until(lambda: knows("station"))
        put_token(pole, "station-2", tokens)
        await until(lambda: knows("station-2"))
