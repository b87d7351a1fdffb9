"""A record whose bytes have changed on the disk: it is not served, and all others are."""

from __future__ import annotations

from pathlib import Path

import apsw
import pytest

from edge.agent.log.log_file import LOG_NAME
from edge.agent.log.pole_log import PoleLog
from edge.clock import SystemClock
from edge.evidence import open_seal
from tests.support.aio import run_async
from tests.support.drafts import KEY, POLE, make_draft, open_log

pytestmark = pytest.mark.timeout(120)


def spoil(folder: Path, seq: int) -> None:
    """Change one letter of a record."""
    connection = apsw.Connection(str(folder / LOG_NAME))
    connection.execute(
        "UPDATE feed_alerts SET body = CAST(replace(CAST(body AS TEXT), 'alert.open', 'alert.opem')"
        " AS BLOB) WHERE seq = ?",
        (seq,),
    )
    connection.close()


@pytest.mark.parametrize("spoilt", [1, 2, 4])
@run_async
async def test_spoilt_record_is_not_served_and_the_others_are(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, spoilt: int
) -> None:
    with open_log(tmp_path) as records:
        records.append([make_draft(number) for number in range(1, 5)])
    spoil(tmp_path, spoilt)
    async with PoleLog(tmp_path, POLE, key=KEY, clock=SystemClock()) as log:
        page = await log.page("alerts", after=0, limit=100, cameras=None)
        assert [open_seal(body)["seq"] for body in page.bodies] == [
            seq for seq in (1, 2, 3, 4) if seq != spoilt
        ]
        assert (page.next_seq, page.has_more) == (4, False)
        await log.append([make_draft(5)])
        page = await log.page("alerts", after=4, limit=100, cameras=None)
        assert [open_seal(body)["seq"] for body in page.bodies] == [5]
    assert f"record spoilt, not served: feed=alerts seq={spoilt}" in caplog.text
