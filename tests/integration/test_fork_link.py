"""The agent's end of the fork server: ends are told, losses too, and nobody waits for ever."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from edge.agent.eyes.fork_link import BegunEye, EyeEnd, ForkLink
from edge.errors import EyeUnavailable
from edge.fork.client import ForkServerLost
from tests.support.aio import run_async
from tests.support.asked_eye import is_alive, wait_gone
from tests.support.eye_pole import ILL, open_descriptors, poll
from tests.support.process_tree import family

pytestmark = pytest.mark.timeout(120)


@asynccontextmanager
async def link_up(
    command: Sequence[str] = ILL,
) -> AsyncIterator[tuple[ForkLink, asyncio.Task[None]]]:
    link = ForkLink(command)
    serving = asyncio.ensure_future(link.run_once())
    await link.wait_up()
    try:
        yield link, serving
    finally:
        serving.cancel()
        await asyncio.wait([serving])


async def spawn(link: ForkLink, name: str, folder: Path) -> BegunEye:
    return await link.spawn(["--camera", name, "--out", str(folder)])


def close(eye: BegunEye) -> None:
    eye.process.close()
    os.close(eye.stdin)
    os.close(eye.stdout)
    os.close(eye.stderr)


@run_async
async def test_end_of_each_eye_is_told_to_its_own(tmp_path: Path) -> None:
    async with link_up() as (link, _):
        good, bad = await asyncio.gather(
            spawn(link, "good", tmp_path / "a"), spawn(link, "refuses", tmp_path / "b")
        )
        assert await bad.process.ended == EyeEnd(exit=2)
        assert not good.process.ended.done()
        good.process.send_signal(signal.SIGKILL)
        assert await good.process.ended == EyeEnd(signal=9)
        assert str(await good.process.ended) == "killed by SIGKILL"
        good.process.send_signal(signal.SIGKILL)  # reaches nobody, and nobody else
        close(good)
        close(bad)


@run_async
async def test_all_eyes_are_lost_and_told_so_when_the_server_is_killed(tmp_path: Path) -> None:
    async with link_up() as (link, serving):
        eye = await spawn(link, "good", tmp_path)
        assert link.pid is not None
        os.kill(link.pid, signal.SIGKILL)
        with pytest.raises(ForkServerLost, match="has ended"):
            await serving
        assert await eye.process.ended == EyeEnd()
        wait_gone(eye.process.pid)
        with pytest.raises(EyeUnavailable, match="it is being started again"):
            await spawn(link, "good", tmp_path)
        close(eye)


@run_async
async def test_server_that_does_not_answer_is_given_up(tmp_path: Path) -> None:
    async with link_up() as (link, serving):
        server = link.pid
        assert server is not None
        os.kill(server, signal.SIGSTOP)
        with pytest.raises(EyeUnavailable, match="does not answer"):
            await spawn(link, "good", tmp_path)
        with pytest.raises(ForkServerLost, match="no answer within 10 s"):
            await serving
        assert not is_alive(server)


@run_async
async def test_server_that_has_stopped_is_given_up_though_nobody_needs_it(tmp_path: Path) -> None:
    link = ForkLink(ILL, look_every_s=0.1)
    serving = asyncio.ensure_future(link.run_once())
    await link.wait_up()
    eye = await spawn(link, "good", tmp_path)
    assert not (await asyncio.wait([serving], timeout=1.0))[0], "it has answered some times"
    assert link.late_s == 0
    assert link.pid is not None
    os.kill(link.pid, signal.SIGSTOP)
    with pytest.raises(ForkServerLost, match="no answer within 10 s"):
        await serving
    assert await eye.process.ended == EyeEnd()
    close(eye)


@run_async
async def test_eye_that_nobody_waits_for_any_more_is_ended(tmp_path: Path) -> None:
    async with link_up() as (link, _):
        before = open_descriptors()
        for _ in range(20):
            asking = asyncio.ensure_future(spawn(link, "good", tmp_path))
            await asyncio.sleep(0)
            asking.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asking
        last = await spawn(link, "good", tmp_path)  # all replies before its own have come
        assert open_descriptors() == before + 4
        assert link.pid is not None
        left = [link.pid, last.process.pid]
        await poll(lambda: family(left[0]) == left)
        close(last)


@run_async
async def test_server_that_talks_nonsense_is_given_up() -> None:
    code = (
        "import socket,time; s=socket.socket(fileno=0)\n"
        "s.send(b'{\"ready\":true,\"pid\":1}'); s.send(b'nonsense'); time.sleep(60)"
    )
    link = ForkLink([sys.executable, "-c", code])
    serving = asyncio.ensure_future(link.run_once())
    await link.wait_up()
    with pytest.raises(ForkServerLost, match="malformed"):
        await serving


@run_async
async def test_start_that_fails_says_so() -> None:
    link = ForkLink([sys.executable, "-c", "raise SystemExit(3)"])
    with pytest.raises(ForkServerLost, match="has ended"):
        await link.run_once()


@run_async
async def test_start_that_is_cancelled_leaves_no_server() -> None:
    before = set(family(os.getpid()))
    starting = asyncio.ensure_future(ForkLink(ILL).run_once())
    await poll(lambda: bool(set(family(os.getpid())) - before))
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    assert not set(family(os.getpid())) - before
