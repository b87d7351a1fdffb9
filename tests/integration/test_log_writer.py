"""The writing thread: order kept, commits shared, and one bad record spoils nobody else's."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from edge.agent.log.pole_log import PoleLog
from edge.agent.log.reader import open_reader
from edge.agent.log.records import Records
from edge.agent.log.writer import TURN_S_MAX, LogWriter, Pace
from edge.errors import EvidenceError, StoreError
from edge.evidence import open_seal
from edge.feeds import Draft, Placed
from tests.support.aio import run_async
from tests.support.clocks import ManualClock
from tests.support.drafts import KEY, POLE, make_draft, open_log


def make_writer(folder: Path, published: list[Placed] | None = None) -> LogWriter:
    told = [] if published is None else published
    return LogWriter(lambda epoch: open_log(folder, epoch=epoch), told.extend, clock=ManualClock())


def ids_in(folder: Path) -> list[int]:
    with open_reader(folder) as reader:
        return [int(str(open_seal(body)["id"])[3:]) for body in reader.chain("alerts")]


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[LogWriter]:
    made = make_writer(tmp_path)
    assert made.start()
    yield made
    made.close()


def test_records_are_on_disk_when_they_are_told(writer: LogWriter, tmp_path: Path) -> None:
    sealed = writer.append([make_draft(1), make_draft(2)]).result(10)
    assert [open_seal(each.sealed.body)["seq"] for each in sealed] == [1, 2]
    assert ids_in(tmp_path) == [1, 2]


def test_order_is_that_of_handing_over_from_many_threads(writer: LogWriter, tmp_path: Path) -> None:
    def hand_over(first: int) -> None:
        told = [writer.append([make_draft(first + step)]) for step in range(100)]
        assert [len(each.result(20)) for each in told] == [1] * 100

    threads = [threading.Thread(target=hand_over, args=(1000 * number,)) for number in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = ids_in(tmp_path)
    assert len(found) == len(set(found)) == 400
    for number in range(1, 5):
        own = [each for each in found if each // 1000 == number]
        assert own == sorted(own)


def test_bad_record_is_refused_alone(writer: LogWriter, tmp_path: Path) -> None:
    told = [
        writer.append([make_draft(1)]),
        writer.append([make_draft(2, data={"half": "\ud800"})]),
        writer.append([make_draft(1, camera="another")]),
        writer.append([make_draft(3)]),
    ]
    assert told[0].result(10)
    with pytest.raises(EvidenceError):
        told[1].result(10)
    with pytest.raises(EvidenceError, match="can't be kept"):
        told[2].result(10)
    assert told[3].result(10)
    assert ids_in(tmp_path) == [1, 3]


def test_what_waits_is_written_before_the_end(tmp_path: Path) -> None:
    writer = make_writer(tmp_path)
    writer.start()
    told = [writer.append([make_draft(number)]) for number in range(1000)]
    writer.close()
    assert all(each.done() for each in told)
    assert ids_in(tmp_path) == list(range(1000))


def test_log_that_cannot_be_opened_is_told_at_the_start(tmp_path: Path) -> None:
    writer = make_writer(tmp_path / "no")
    with pytest.raises(StoreError, match="can't be opened"):
        writer.start()
    writer.close()


class BreakingClock(ManualClock):
    """A clock with an error of ours in it, once it is told so."""

    is_broken = False

    def utc_ms(self) -> int:
        if self.is_broken:
            raise RuntimeError("broken")
        return super().utc_ms()


@run_async
async def test_owner_hears_of_it_when_the_thread_ends_by_an_error_of_ours(tmp_path: Path) -> None:
    """Else the pole would go on looking, and keep nothing of what it sees."""
    clock = BreakingClock()

    async def live() -> None:
        async with PoleLog(tmp_path, POLE, key=KEY, clock=clock) as log:
            watching = asyncio.ensure_future(log.watch())
            await log.append([make_draft(1)])
            clock.is_broken = True
            with pytest.raises(StoreError, match="not written before the end"):
                await log.append([make_draft(2)])
            with pytest.raises(RuntimeError, match="broken"):
                await watching

    with pytest.raises(StoreError, match="1 records could not be written"):
        await live()
    assert ids_in(tmp_path) == [1]


def test_error_of_ours_while_opening_is_raised_at_the_start(tmp_path: Path) -> None:
    def fail(_epoch: str | None) -> Records:
        raise RuntimeError("broken")

    published: list[Placed] = []
    writer = LogWriter(fail, published.extend, clock=ManualClock())
    with pytest.raises(RuntimeError, match="broken"):
        writer.start()


def wait_for(condition: Callable[[], bool]) -> None:
    while not condition():
        time.sleep(0.01)


class StuckRecords(Records):
    """Hangs in its next commit until it is let go."""

    gate: threading.Event
    is_in: threading.Event

    def append(self, drafts: Sequence[Draft]) -> list[Placed]:
        """Hang, then do it."""
        self.is_in.set()
        assert self.gate.wait(30)
        return super().append(drafts)


def test_thread_that_hangs_is_noticed_and_one_that_waits_for_work_or_its_disk_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, gate, is_in = ManualClock(), threading.Event(), threading.Event()

    def open_stuck(epoch: str | None) -> Records:
        made = StuckRecords(tmp_path, POLE, key=KEY, clock=clock, epoch=epoch)
        made.gate, made.is_in = gate, is_in
        return made

    writer = LogWriter(open_stuck, lambda _: None, clock=clock)
    writer.start()
    told = writer.append([make_draft(1)])
    assert is_in.wait(10)
    clock.move(TURN_S_MAX - 1)
    assert (writer.hung_s(), writer.fault) == (0, None)
    clock.move(6)
    assert writer.hung_s() == 5
    assert writer.fault == "a write has not come back for 25 s"
    monkeypatch.setattr("edge.agent.log.writer.is_held_by_kernel", lambda _: True)
    assert writer.hung_s() == 0, "no restart mends a disk"
    gate.set()
    told.result(10)
    wait_for(lambda: writer.fault is None)
    assert writer.hung_s() == 0
    writer.close()


def test_disk_that_refuses_is_no_reason_to_start_anew(tmp_path: Path) -> None:
    clock = ManualClock()
    writer = LogWriter(
        lambda epoch: open_log(tmp_path, epoch=epoch), lambda _: None, clock=clock,
        pace=Pace(retry_first_s=0.01, retry_most_s=0.01),
    )  # fmt: skip
    writer.start()
    (tmp_path / "log.db").rename(tmp_path / "away.db")
    told = writer.append([make_draft(1)])
    wait_for(lambda: writer.fault is not None)
    for _ in range(20):
        clock.move(TURN_S_MAX / 2)  # many turns of the thread go by meanwhile
        time.sleep(0.1)
        assert writer.hung_s() == 0
    (tmp_path / "away.db").rename(tmp_path / "log.db")
    told.result(10)
    writer.close()
