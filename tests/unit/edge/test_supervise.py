"""Back-off: from 1 s doubling to 60 s, from 1 s again after five minutes of health."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator

import pytest

from edge.errors import EyeUnavailable
from edge.supervise import Backoff, Passing, run_forever
from tests.support.aio import run_async, wait_until
from tests.support.clocks import ManualClock


class Enough(BaseException):
    """Ends a test's endless run; `run_forever` lets it through."""


class Waits:
    """Notes how long was waited, moves the clock, ends after some."""

    def __init__(self, clock: ManualClock, count: int) -> None:
        self.seen: list[float] = []
        self._clock, self._count = clock, count

    async def sleep(self, seconds: float) -> None:
        self.seen.append(seconds)
        self._clock.move(seconds)
        if len(self.seen) == self._count:
            raise Enough


def test_waits_double_up_to_a_minute() -> None:
    backoff = Backoff()
    assert [backoff.wait_s(0.1) for _ in range(8)] == [1, 2, 4, 8, 16, 32, 60, 60]


def test_wait_begins_anew_when_five_minutes_were_well() -> None:
    backoff = Backoff()
    assert [backoff.wait_s(ran_s) for ran_s in (1, 299.9, 300, 1)] == [1, 2, 1, 2]


@run_async
async def test_what_fails_is_run_again_and_said_once_each_time() -> None:
    clock = ManualClock()
    waits = Waits(clock, 4)
    outcomes: Iterator[BaseException | float | None] = iter(
        [EyeUnavailable("gone; look at its log"), ValueError("odd"), 60.0, None]
    )

    async def run_once() -> float | None:
        outcome = next(outcomes)
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    with pytest.raises(Enough):
        await run_forever("eye yard", run_once, Passing(clock, waits.sleep, lambda: 0.0))

    assert waits.seen == [1, 2, 60, 4]


@run_async
async def test_jitter_makes_waits_longer_by_at_most_a_quarter() -> None:
    waits = Waits(ManualClock(), 1)

    async def run_once() -> None:
        raise EyeUnavailable("gone")

    with pytest.raises(Enough):
        await run_forever("eye yard", run_once, Passing(ManualClock(), waits.sleep, lambda: 1.0))

    assert waits.seen == [1.25]


@run_async
async def test_log_has_one_line_for_ours_and_the_trace_for_a_slip_of_ours(
    caplog: pytest.LogCaptureFixture,
) -> None:
    outcomes = iter([EyeUnavailable("gone; look at its log"), ValueError("odd")])

    async def run_once() -> None:
        raise next(outcomes)

    waits = Waits(ManualClock(), 2)
    with caplog.at_level(logging.ERROR), pytest.raises(Enough):
        await run_forever("eye yard", run_once, Passing(ManualClock(), waits.sleep, lambda: 0.0))

    ours, slip = caplog.records
    assert ours.getMessage() == "eye yard failed: reason=gone; look at its log retry_s=1"
    assert ours.exc_info is None
    assert slip.exc_info is not None


@run_async
async def test_cancelling_ends_it() -> None:
    begun = asyncio.Event()

    async def run_once() -> None:
        begun.set()
        await asyncio.sleep(3600)

    task = asyncio.ensure_future(run_forever("eye yard", run_once, Passing()))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@run_async
async def test_cancelled_run_ends_when_its_tasks_fail_in_that_moment() -> None:
    begun = asyncio.Event()

    async def fail_at_the_end() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            raise EyeUnavailable("gone; look at its log")

    async def run_once() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(fail_at_the_end())
            begun.set()

    running = asyncio.ensure_future(run_forever("pole P1", run_once, Passing()))
    await begun.wait()
    await asyncio.sleep(0)
    running.cancel()

    done, _ = await asyncio.wait({running}, timeout=5)

    assert done == {running}
    assert running.cancelled()


@run_async
async def test_run_is_run_again_each_time_one_of_its_tasks_has_failed() -> None:
    runs = 0

    async def fail() -> None:
        await asyncio.sleep(0)
        raise EyeUnavailable("gone; look at its log")

    async def run_once() -> None:
        nonlocal runs
        runs += 1
        async with asyncio.TaskGroup() as group:
            group.create_task(fail())

    running = asyncio.ensure_future(
        run_forever("pole P1", run_once, Passing(sleep=lambda _s: asyncio.sleep(0)))
    )
    await wait_until(lambda: runs >= 3 or running.done())

    assert not running.done()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
