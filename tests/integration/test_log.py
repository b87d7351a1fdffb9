"""The pole's log for the event loop: told when on disk, from memory when new, nothing lost."""

from __future__ import annotations

import asyncio
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge.agent.log.pole_log import PoleLog
from edge.agent.log.recent import COUNT_MAX
from edge.agent.log.writer import Pace
from edge.agent.media import MEDIA_NAME, MediaFolder
from edge.agent.ports import Log, OldestUnacked
from edge.config.model import Pole
from edge.errors import EvidenceError, StoreError, ValidationError
from edge.feeds import Draft
from tests.support.aio import run_async
from tests.support.clocks import ManualClock
from tests.support.drafts import AT_MS, KEY, POLE, make_draft, make_media

pytestmark = pytest.mark.timeout(120)

BRISK = Pace(retry_first_s=0.01, retry_most_s=0.05, probe_s=0.02, sign_s=3600)
CLIP = b"clip\n"
DIGEST = hashlib.sha256(CLIP).hexdigest()


def open_pole_log(folder: Path, *, clock: ManualClock | None = None, pole: Pole = POLE) -> PoleLog:
    return PoleLog(folder, pole, key=KEY, clock=clock or ManualClock(utc_ms=AT_MS), pace=BRISK)


def make_alert(number: int, phase: str = "open", **fields: Any) -> Draft:
    """A step of alert A<number>; ids of its phases differ."""
    phases = ("open", "update", "close", "ack", "resolve")
    given = {"alert": f"A{number}", "camera": "yard", "severity": "major", **fields}
    return make_draft(10 * number + phases.index(phase), kind=f"alert.{phase}", **given)


async def seqs(log: Log, *, after: int, limit: int = 1000, cameras: Any = None) -> list[int]:
    page = await log.page("alerts", after=after, limit=limit, cameras=cameras)
    return [json.loads(body)["seq"] for body in page.bodies]


@run_async
async def test_append_returns_the_records_as_they_are_served(tmp_path: Path) -> None:
    async with open_pole_log(tmp_path) as log:
        sealed = await log.append([make_draft(1), make_draft(2, feed="health", kind="start")])
        assert (log.pole, log.fault) == ("SG-017", None)
        assert [log.head(feed).seq for feed in ("alerts", "health", "media")] == [1, 1, 0]
        page = await log.page("alerts", after=0, limit=10, cameras=None)
        assert page.bodies == (sealed[0].body,)
        assert await log.append([]) == []


@run_async
async def test_log_goes_on_after_a_restart_and_remembers_its_end(tmp_path: Path) -> None:
    async with open_pole_log(tmp_path) as log:
        await log.append([make_draft(number) for number in range(5)])
        epoch, head = log.epoch, log.head("alerts")
    async with open_pole_log(tmp_path) as log:
        assert (log.epoch, log.head("alerts")) == (epoch, head)
        assert await seqs(log, after=2) == [3, 4, 5]


@run_async
async def test_records_older_than_memory_come_from_the_disk_without_a_seam(
    tmp_path: Path,
) -> None:
    count = COUNT_MAX + 500
    async with open_pole_log(tmp_path) as log:
        await log.append(
            [
                make_draft(number, kind="alert.limited", camera=f"c{number % 10}")
                for number in range(count)
            ]
        )
        found: list[int] = []
        while part := await seqs(log, after=len(found), limit=700):
            found += part
        assert found == list(range(1, count + 1))
        own = await seqs(log, after=0, cameras=frozenset({"c3"}))
        assert own == list(range(4, count + 1, 10))


@run_async
async def test_page_of_few_cameras_says_how_far_it_has_looked(tmp_path: Path) -> None:
    async with open_pole_log(tmp_path) as log:
        await log.append([make_draft(number, camera="gate") for number in range(9)])
        page = await log.page("alerts", after=0, limit=10, cameras=frozenset({"yard"}))
        assert (page.bodies, page.next_seq, page.has_more) == ((), 9, False)
        page = await log.page("alerts", after=0, limit=2, cameras=frozenset({"gate"}))
        assert (len(page.bodies), page.next_seq, page.has_more) == (2, 2, True)


@run_async
async def test_new_page_is_given_without_leaving_the_loop(tmp_path: Path) -> None:
    """A coroutine that waits for nothing ends at its first step."""
    async with open_pole_log(tmp_path) as log:
        await log.append([make_draft(1)])
        with pytest.raises(StopIteration):
            log.page("alerts", after=0, limit=10, cameras=None).send(None)


@run_async
async def test_those_who_wait_are_woken_by_what_they_wait_for(tmp_path: Path) -> None:
    async with open_pole_log(tmp_path) as log, asyncio.TaskGroup() as tasks:
        waiting = [
            tasks.create_task(log.wait_for_more("alerts", after=0, timeout_s=60))
            for _ in range(300)
        ]
        later = tasks.create_task(log.wait_for_more("alerts", after=1, timeout_s=60))
        other = tasks.create_task(log.wait_for_more("media", after=0, timeout_s=0.2))
        await asyncio.sleep(0)
        await log.append([make_draft(1)])
        assert [await each for each in waiting] == [True] * 300
        assert (await other, later.done()) == (False, False)
        await log.append([make_draft(2)])
        assert await later is True
        assert await log.wait_for_more("alerts", after=1, timeout_s=0) is True
        assert await log.wait_for_more("alerts", after=2, timeout_s=0) is False


@run_async
async def test_those_who_wait_are_let_go_at_the_end(tmp_path: Path) -> None:
    async with open_pole_log(tmp_path) as log:
        waiting = asyncio.create_task(log.wait_for_more("alerts", after=0, timeout_s=60))
        await asyncio.sleep(0)
    assert await waiting is False


@run_async
async def test_record_is_kept_when_its_maker_stops_waiting(tmp_path: Path) -> None:
    async with open_pole_log(tmp_path) as log:
        task = asyncio.create_task(log.append([make_draft(1)]))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await log.append([make_draft(2)])
        assert await seqs(log, after=0) == [1, 2]


@run_async
async def test_bad_draft_harms_nobody_else_s(tmp_path: Path) -> None:
    async with open_pole_log(tmp_path) as log:
        drafts = [
            make_draft(1),
            make_draft(2, data={"x": float("nan")}),
            make_draft(1, camera="another"),
            make_draft(3, data={"x": {1, 2}}),
            make_draft(4, feed="media", kind="media.ready", media=[{"role": "clip"}]),
            make_draft(5, camera=b"no text"),
            make_draft(6, at_ms=2**70),
            make_draft(7),
        ]
        told = await asyncio.gather(
            *(log.append([draft]) for draft in drafts), return_exceptions=True
        )
        assert [type(each) for each in told] == [list, *[EvidenceError] * 6, list]
        assert log.fault is None
        assert await seqs(log, after=0) == [1, 2]


@run_async
async def test_record_that_is_handed_over_again_is_the_same_record(tmp_path: Path) -> None:
    async with open_pole_log(tmp_path) as log:
        first = await log.append([make_draft(1), make_draft(2)])
        again = await log.append([make_draft(2), make_draft(1), make_draft(3)])
        assert again[:2] == first[::-1]
        assert await seqs(log, after=0) == [1, 2, 3]


@run_async
async def test_alerts_come_worst_first_then_newest_by_pages(tmp_path: Path) -> None:
    severities = ("info", "critical", "major", "critical", "minor", "major")
    async with open_pole_log(tmp_path) as log:
        await log.append(
            [make_alert(number, severity=each) for number, each in enumerate(severities)]
        )
        found: list[str] = []
        after = None
        while True:
            page = await log.alerts(only_open=True, after=after, limit=2, cameras=None)
            found += [alert.id for alert in page.alerts]
            after = page.next_id
            if after is None:
                break
        assert found == ["A3", "A1", "A5", "A2", "A4", "A0"]
        with pytest.raises(ValidationError, match="no alert of this id"):
            await log.alerts(only_open=True, after="A99", limit=2, cameras=None)


@run_async
async def test_alert_is_open_until_closed_and_resolved(tmp_path: Path) -> None:
    async with open_pole_log(tmp_path) as log:

        async def open_ids() -> list[str]:
            page = await log.alerts(only_open=True, after=None, limit=10, cameras=None)
            return [alert.id for alert in page.alerts]

        await log.append([make_alert(1), make_alert(2)])
        assert [each.id for each in await log.unclosed_alerts()] == ["A1", "A2"]
        await log.append([make_alert(1, "close", data={"reason": "gone"})])
        assert [each.id for each in await log.unclosed_alerts()] == ["A2"]
        assert await open_ids() == ["A2", "A1"]
        verdict = {"by": "desk", "verdict": "real"}
        await log.append([make_alert(1, "resolve", data=verdict, camera=None)])
        assert await open_ids() == ["A2"]
        done = await log.alert("A1")
        assert done is not None
        assert (done.is_open, done.verdict, done.camera) == (False, "real", "yard")
        every = await log.alerts(only_open=False, after=None, limit=10, cameras=None)
        assert [alert.id for alert in every.alerts] == ["A2", "A1"]
        assert await log.alert("A3") is None


@run_async
async def test_alerts_of_other_cameras_are_not_shown(tmp_path: Path) -> None:
    async with open_pole_log(tmp_path) as log:
        await log.append([make_alert(1, camera="gate"), make_alert(2), make_alert(3, camera=None)])
        own = await log.alerts(
            only_open=False, after=None, limit=10, cameras=frozenset({"gate", "'; --"})
        )
        assert [alert.id for alert in own.alerts] == ["A1"]
        nobody = await log.alerts(only_open=False, after=None, limit=10, cameras=frozenset())
        assert nobody.alerts == ()


def keep_clip(folder: Path) -> None:
    (folder / "eye").mkdir()
    (folder / "eye" / "a.mp4").write_bytes(CLIP)
    MediaFolder(folder / MEDIA_NAME).adopt(folder / "eye", "a.mp4", sha256=DIGEST)


@run_async
async def test_file_is_found_with_all_whose_it_is_until_it_is_gone(tmp_path: Path) -> None:
    keep_clip(tmp_path)
    async with open_pole_log(tmp_path) as log:
        assert await log.find_media(DIGEST) is None
        await log.append(
            [
                make_media(1, DIGEST, alert="A1", camera="yard"),
                make_media(2, DIGEST, alert="A2", camera="gate"),
            ]
        )
        found = await log.find_media(DIGEST)
        assert found is not None
        assert (found.size_bytes, found.type) == (5, "video/mp4")
        assert found.path.read_bytes() == CLIP
        assert found.cameras == frozenset({"yard", "gate"})
        assert await log.ack_media("station", [DIGEST, "0" * 64]) == ["0" * 64]
        found.path.unlink()
        assert await log.find_media(DIGEST) is None
        gone = make_draft(3, feed="media", kind="media.gone", data={"sha256": DIGEST})
        await log.append([gone])
        assert await log.ack_media("station", [DIGEST]) == [DIGEST]


@run_async
async def test_hash_that_is_none_is_not_looked_for(tmp_path: Path) -> None:
    async with open_pole_log(tmp_path) as log:
        for text in ("", "../" * 20, "A" * 64, "0" * 63, "0" * 64 + "\n"):
            assert await log.find_media(text) is None


@run_async
async def test_acks_count_for_each_name_and_never_go_back(tmp_path: Path) -> None:
    async with open_pole_log(tmp_path) as log:
        await log.append([make_draft(number, at_ms=AT_MS + number) for number in range(1, 6)])
        assert await log.ack("a", "alerts", 3) == 3
        assert await log.ack("a", "alerts", 2) == 3
        assert await log.ack("b", "alerts", 5) == 5
    async with open_pole_log(tmp_path) as log:
        assert await log.acks("alerts") == {"a": 3, "b": 5}
        assert await log.acks("media") == {}
        assert await log.oldest_unacked(frozenset({"a", "b"})) == OldestUnacked(4, AT_MS + 4)
        assert await log.oldest_unacked(frozenset({"b"})) == OldestUnacked(0, 0)
        assert await log.oldest_unacked(frozenset({"b", "new"})) == OldestUnacked(1, AT_MS + 1)
        assert await log.oldest_unacked(frozenset()) == OldestUnacked(1, AT_MS + 1)


@run_async
async def test_heads_are_signed_with_alerts_and_each_hour(tmp_path: Path) -> None:
    clock = ManualClock(utc_ms=AT_MS)
    async with open_pole_log(tmp_path, clock=clock) as log:
        await log.append([make_draft(1, feed="health", kind="start")])
        assert await log.statements("health", after=0, limit=10) == []
        clock.move(3600)
        while not (signed := await log.statements("health", after=0, limit=10)):
            pass  # the writer looks at the clock each 20 ms here
        assert [(each.statement.seq, each.statement.at) for each in signed] == [
            (1, "2026-09-21T15:13:20.000Z")
        ]
        await log.append([make_draft(2)])
        (head,) = await log.statements("alerts", after=0, limit=10)
        assert head.statement.hash == log.head("alerts").hash
        assert await log.statements("alerts", after=1, limit=10) == []


@run_async
async def test_heads_are_signed_at_the_end(tmp_path: Path) -> None:
    async with open_pole_log(tmp_path) as log:
        await log.append([make_draft(1, feed="health", kind="start")])
    async with open_pole_log(tmp_path) as log:
        (head,) = await log.statements("health", after=0, limit=10)
        assert (head.statement.seq, head.statement.hash) == (1, log.head("health").hash)


@run_async
async def test_log_that_is_another_s_is_not_opened(tmp_path: Path) -> None:
    async with open_pole_log(tmp_path):
        pass
    with pytest.raises(StoreError, match="that of pole SG-017"):
        async with open_pole_log(tmp_path, pole=Pole(id="SG-018")):
            pass
    stranger = Ed25519PrivateKey.generate()
    with pytest.raises(StoreError, match="put the pole's own back"):
        async with PoleLog(tmp_path, POLE, key=stranger, clock=ManualClock()):
            pass
