"""The watchdog is fed while every part goes on; a late one asks for the restart."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest

from edge.agent.notify import Notifier
from edge.agent.promise import Promise
from edge.agent.watch import find_stuck, watch
from tests.support.aio import run_async
from tests.support.clocks import ManualClock


def test_promise_is_late_only_when_its_time_is_over() -> None:
    clock = ManualClock()
    promise = Promise(clock)
    clock.move(1000)
    assert promise.late_s == 0, "nothing was promised"
    promise.renew(20)
    clock.move(20)
    assert promise.late_s == 0
    clock.move(5)
    assert promise.late_s == 5
    promise.renew(20)
    assert promise.late_s == 0
    clock.move(30)
    promise.rest()
    assert promise.late_s == 0


def test_parts_that_are_late_are_named() -> None:
    assert find_stuck({"log": 0.0, "eye road": 0.0}) == ""
    assert find_stuck({"log": 3.0, "eye road": 0.0, "eye yard": 0.5}) == "log, eye yard"


@run_async
async def test_it_is_fed_until_a_part_hangs_and_again_when_it_goes_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    late = {"log": 0.0}
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        heard.bind(str(tmp_path / "notify"))
        heard.setblocking(False)

        async def hear() -> str:
            return (await asyncio.get_running_loop().sock_recv(heard, 1000)).decode()

        watching = asyncio.ensure_future(
            watch(Notifier(str(tmp_path / "notify"), watchdog_s=0.04), lambda: late)
        )
        assert [await hear() for _ in range(3)] == ["WATCHDOG=1"] * 3
        late["log"] = 1.0
        while (said := await hear()) == "WATCHDOG=1":
            pass
        assert said == "WATCHDOG=trigger\nSTATUS=hangs: log"
        late["log"] = 0.0
        assert await hear() == "WATCHDOG=1", "and asked once"
        watching.cancel()
    assert caplog.text.count("the agent hangs") == 1
