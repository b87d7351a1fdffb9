"""Disks that are full, read-only, failing or gone: told in one line, and no record lost."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import apsw
import pytest

from edge.agent.log.log_file import LOG_NAME
from edge.agent.log.pole_log import PoleLog
from edge.agent.log.reader import open_reader
from edge.agent.log.records import Records
from edge.agent.log.verify import verify_log
from edge.agent.log.writer import LogWriter, Pace
from edge.errors import StoreError
from edge.evidence import open_seal
from edge.feeds import Placed
from tests.support.aio import run_async, wait_until
from tests.support.clocks import ManualClock
from tests.support.disks import mortal_disk, read_only, small_disk
from tests.support.drafts import AT_MS, KEY, POLE, make_draft

pytestmark = pytest.mark.timeout(120)

BRISK = Pace(retry_first_s=0.01, retry_most_s=0.05, probe_s=0.02)
TEXT = "x" * 1500


def read_back(folder: Path) -> list[dict[str, Any]]:
    """Every record of `alerts`; the log must be sound."""
    with open_reader(folder) as reader:
        faults = [each for feed in verify_log(reader, KEY.public_key()) for each in feed.findings]
        assert faults == []
        return [open_seal(body) for body in reader.chain("alerts")]


def numbers(folder: Path) -> list[int]:
    return [int(str(record["id"])[3:]) for record in read_back(folder) if record["kind"] != "loss"]


@run_async
async def test_full_disk_loses_nothing_and_is_told(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", size_bytes=8 * 2**20) as folder:
        log = PoleLog(folder, POLE, key=KEY, clock=ManualClock(), pace=BRISK)
        async with log, asyncio.TaskGroup() as tasks:
            await log.append([make_draft(0)])
            fill(folder / "filler", 8 * 2**20)
            waiting = [
                tasks.create_task(log.append([make_draft(number, data={"text": TEXT})]))
                for number in range(1, 400)
            ]
            await wait_until(lambda: log.fault is not None)
            assert log.fault == "the log takes no record: the disk is full; make room"
            assert not any(each.done() for each in waiting)
            assert log.head("alerts").seq == 1
            page = await log.page("alerts", after=0, limit=1000, cameras=None)
            assert len(page.bodies) == 1
            (folder / "filler").unlink()
            told = [(await each)[0] for each in waiting]
            await wait_until(lambda: log.fault is None)
            assert [open_seal(each.body)["seq"] for each in told] == list(range(2, 401))
        assert numbers(folder) == list(range(400))


@run_async
async def test_full_disk_at_the_end_is_told_to_all_who_wait(tmp_path: Path) -> None:
    told: list[asyncio.Task[object]] = []

    async def run_into_the_end(folder: Path) -> None:
        async with PoleLog(folder, POLE, key=KEY, clock=ManualClock(), pace=BRISK) as log:
            await log.append([make_draft(0)])
            fill(folder / "filler", 2**20)
            drafts = [make_draft(number, data={"text": TEXT}) for number in range(1, 301)]
            told.append(asyncio.create_task(log.append(drafts)))
            await wait_until(lambda: log.fault is not None)
            told[0].cancel()
            told.append(asyncio.create_task(log.append([make_draft(301)])))
            await asyncio.sleep(0)

    with small_disk(tmp_path / "disk", size_bytes=2**20) as folder:
        with pytest.raises(StoreError, match="301 records could not be written; the log takes no"):
            await run_into_the_end(folder)
        with pytest.raises(StoreError, match="not written before the end"):
            await told[1]
        assert numbers(folder) == [0]


def test_disk_that_is_full_at_the_start_is_told_so(tmp_path: Path) -> None:
    async def enter(folder: Path) -> None:
        async with PoleLog(folder, POLE, key=KEY, clock=ManualClock()):
            pass

    with small_disk(tmp_path / "disk", size_bytes=2**20) as folder:
        asyncio.run(enter(folder))
        fill(folder / "filler", 2**20)
        with pytest.raises(StoreError, match="the disk is full; make room"):
            asyncio.run(enter(folder))
        (folder / "filler").unlink()
        asyncio.run(enter(folder))


@run_async
async def test_disk_that_dies_is_told_and_nothing_is_acknowledged_that_it_lacks(
    tmp_path: Path,
) -> None:
    last: list[asyncio.Task[object]] = []

    async def run_into_death(folder: Path, die: Callable[[], None]) -> None:
        async with PoleLog(folder, POLE, key=KEY, clock=ManualClock(), pace=BRISK) as log:
            await log.append([make_draft(1)])
            die()
            last.append(asyncio.create_task(log.append([make_draft(2)])))
            await wait_until(lambda: log.fault is not None)
            page = await log.page("alerts", after=0, limit=10, cameras=None)
            assert len(page.bodies) == 1
            assert not last[0].done()

    folder = tmp_path / "disk"
    with (
        mortal_disk(folder, tmp_path / "image") as die,
        pytest.raises(StoreError, match="1 records could not be written"),
    ):
        await run_into_death(folder, die)
    with pytest.raises(StoreError, match="not written before the end"):
        await last[0]


def fill(path: Path, most_bytes: int) -> None:
    """Take all the room there is on a small disk."""
    with path.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        for _ in range(most_bytes // 4096):
            file.write(bytes(4096))


def test_read_only_disk_is_told_at_the_start(tmp_path: Path) -> None:
    async def enter() -> None:
        async with PoleLog(tmp_path, POLE, key=KEY, clock=ManualClock()):
            pass

    asyncio.run(enter())
    with read_only(tmp_path), pytest.raises(StoreError, match="can't be opened or written"):
        asyncio.run(enter())
    asyncio.run(enter())


@dataclass
class Disk:
    """A log whose disk fails while told to: at the commit, and whenever it is opened anew.

    One that lies takes the commit and says that it did not.
    """

    folder: Path
    is_bad: bool = False
    is_lying: bool = False
    published: list[Placed] = field(default_factory=list)
    opened: list[str | None] = field(default_factory=list)

    def open(self, epoch: str | None) -> Records:
        self.opened.append(epoch)
        if self.is_bad:
            raise StoreError("the log can't be opened (I/O error)")
        return FailingRecords(self, epoch)


class FailingRecords(Records):
    def __init__(self, disk: Disk, epoch: str | None) -> None:
        super().__init__(disk.folder, POLE, key=KEY, clock=ManualClock(utc_ms=AT_MS), epoch=epoch)
        self._disk = disk

    @contextmanager
    def group(self) -> Iterator[None]:
        with super().group():
            yield
            self._refuse_if_bad()
        if self._disk.is_lying:
            raise StoreError("the log can't be used (I/O error), says a disk that has taken it")

    def probe(self) -> None:
        self._refuse_if_bad()
        super().probe()

    def _refuse_if_bad(self) -> None:
        if self._disk.is_bad:
            raise StoreError("the log can't be used (I/O error)")


@pytest.fixture
def disk(tmp_path: Path) -> Disk:
    return Disk(tmp_path)


@contextmanager
def writing(disk: Disk, pace: Pace = BRISK) -> Iterator[LogWriter]:
    writer = LogWriter(disk.open, disk.published.extend, clock=ManualClock(utc_ms=AT_MS), pace=pace)
    writer.start()
    try:
        yield writer
    finally:
        writer.close()


def wait_for_fault(writer: LogWriter, *, is_there: bool = True) -> None:
    async def wait() -> None:
        await wait_until(lambda: (writer.fault is not None) == is_there)

    asyncio.run(wait())


def test_failing_disk_is_tried_until_it_takes_all_in_order(disk: Disk) -> None:
    with writing(disk) as writer:
        disk.is_bad = True
        told = [writer.append([make_draft(number)]) for number in range(3)]
        acked = writer.ask(lambda records: records.ack("desk", "alerts", 0))
        wait_for_fault(writer)
        told += [writer.append([make_draft(number)]) for number in range(3, 1000)]
        assert not acked.done()
        assert not any(each.done() for each in told)
        assert disk.published == []
        disk.is_bad = False
        assert [each.result(20)[0].seq for each in told] == list(range(1, 1001))
        assert acked.result(20) == 0
        assert writer.fault is None
    assert [placed.seq for placed in disk.published] == list(range(1, 1001))
    assert numbers(disk.folder) == list(range(1000))
    assert len(set(disk.opened[1:])) == 1


def test_bad_disk_is_noticed_while_nothing_happens_and_so_is_its_recovery(disk: Disk) -> None:
    with writing(disk) as writer:
        disk.is_bad = True
        wait_for_fault(writer)
        assert "I/O error" in (writer.fault or "")
        disk.is_bad = False
        wait_for_fault(writer, is_there=False)


def test_log_that_was_taken_away_is_noticed_and_not_begun_anew(disk: Disk) -> None:
    path = disk.folder / LOG_NAME
    with writing(disk) as writer, open_reader(disk.folder):
        writer.append([make_draft(1)]).result(20)
        path.rename(disk.folder / "aside")
        wait_for_fault(writer)
        told = writer.append([make_draft(2)])
        asyncio.run(asyncio.sleep(0.1))
        assert not told.done()
        assert not path.exists()
        (disk.folder / "aside").rename(path)
        assert told.result(20)[0].seq == 2
    assert numbers(disk.folder) == [1, 2]


def test_lasting_fault_is_said_once_and_so_is_its_end(
    disk: Disk, caplog: pytest.LogCaptureFixture
) -> None:
    """While no record can be written these lines are all that the service's journal has of it."""
    with writing(disk) as writer:
        disk.is_bad = True
        told = writer.append([make_draft(1)])
        wait_for_fault(writer)
        tries = len(disk.opened) + 3
        asyncio.run(wait_until(lambda: len(disk.opened) > tries))
        disk.is_bad = False
        told.result(20)
    assert [record.getMessage() for record in caplog.records] == [
        "log is not written, records wait: reason=the log can't be used (I/O error)",
        "log is written again: records=1",
    ]


def test_folder_that_was_taken_away_gets_no_record_while_the_pole_is_busy(tmp_path: Path) -> None:
    """SQLite goes on writing to a file that nobody finds any more; a busy log is never silent."""
    folder, aside = tmp_path / "data", tmp_path / "aside"
    folder.mkdir()
    with writing(Disk(folder), Pace(retry_first_s=0.05, retry_most_s=0.05)) as writer:
        writer.append([make_draft(1)]).result(20)
        folder.rename(aside)
        told = writer.append([make_draft(2)])
        wait_for_fault(writer)
        assert not told.done()
        assert not folder.exists()
        aside.rename(folder)
        assert told.result(20)[0].seq == 2
    assert numbers(folder) == [1, 2]


def test_commit_that_the_disk_took_and_denied_is_not_made_twice(disk: Disk) -> None:
    with writing(disk) as writer:
        writer.append([make_draft(0)]).result(20)
        disk.is_lying = True
        told = [writer.append([make_draft(number)]) for number in range(1, 500)]
        wait_for_fault(writer)
        disk.is_lying = False
        assert [each.result(20)[0].seq for each in told] == list(range(2, 501))
    assert [placed.seq for placed in disk.published] == list(range(1, 501))
    assert numbers(disk.folder) == list(range(500))


def given_up(told: list[Future[list[Placed]]]) -> list[bool]:
    return [isinstance(each.exception(20), StoreError) for each in told]


def test_what_is_least_missed_is_given_up_when_too_much_waits(disk: Disk) -> None:
    pace = Pace(retry_first_s=0.01, retry_most_s=0.05, probe_s=0.02, backlog_max=10)
    with writing(disk, pace) as writer:
        disk.is_bad = True
        told = [
            writer.append([make_draft(n, feed="health", kind="sight", at_ms=AT_MS + n)])
            for n in range(8)
        ]
        told += [writer.append([make_draft(100 + n)]) for n in range(4)]
        told += [writer.append([make_draft(200 + n, feed="audit", kind="login")]) for n in range(4)]
        for each in told[:6]:
            assert isinstance(each.exception(20), StoreError)
        disk.is_bad = False
        assert given_up(told) == [True] * 6 + [False] * 10
    (loss,) = [record for record in read_back(disk.folder) if record["kind"] == "loss"]
    assert loss["severity"] == "major"
    assert loss["at"] == "2026-09-21T14:13:20.005Z"
    assert loss["data"] == {
        "what": "records",
        "count": 6,
        "kinds": {"health sight": 6},
        "from": "2026-09-21T14:13:20.000Z",
        "to": "2026-09-21T14:13:20.005Z",
        "reason": "the log can't be opened (I/O error)",
    }
    assert numbers(disk.folder) == [100, 101, 102, 103]


def test_alerts_and_audit_are_never_given_up(disk: Disk) -> None:
    pace = Pace(retry_first_s=0.01, retry_most_s=0.05, probe_s=0.02, backlog_max=10)
    with writing(disk, pace) as writer:
        disk.is_bad = True
        told = [writer.append([make_draft(n)]) for n in range(50)]
        told += [writer.append([make_draft(n, feed="audit")]) for n in range(50)]
        wait_for_fault(writer)
        asyncio.run(asyncio.sleep(0.1))
        disk.is_bad = False
        assert given_up(told) == [False] * 100
    assert numbers(disk.folder) == list(range(50))


@run_async
async def test_log_that_another_program_holds_is_told_and_waited_for(tmp_path: Path) -> None:
    async with PoleLog(tmp_path, POLE, key=KEY, clock=ManualClock(), pace=BRISK) as log:
        other = apsw.Connection(str(tmp_path / LOG_NAME))
        other.execute("BEGIN IMMEDIATE")
        waiting = asyncio.create_task(log.append([make_draft(1)]))
        await wait_until(lambda: log.fault is not None)
        assert log.fault == "the log is held by another program; close whatever has opened it"
        other.execute("ROLLBACK")
        other.close()
        assert len(await waiting) == 1
