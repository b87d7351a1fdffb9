"""An agent that is killed at any moment loses nothing that was told, and doubles nothing."""

from __future__ import annotations

import asyncio
import collections
import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from edge.agent.eyes.pole_eyes import Terms
from tests.support.aio import run_async
from tests.support.asked_eye import wait_gone
from tests.support.eye_pole import running
from tests.support.eye_process import ROOT
from tests.support.process_tree import family

pytestmark = pytest.mark.timeout(120)
ROUNDS = 12


@contextmanager
def agent(folder: Path, *names: str) -> Iterator[subprocess.Popen[str]]:
    """An agent that runs; it is killed when the context is left, and its eyes end after it."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.support.eye_pole_main", str(folder), *names],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout
        try:
            assert process.stdout.readline() == "running\n"
            yield process
        finally:
            others = family(process.pid)[1:]
            process.kill()
            wait_gone(*others)  # its eyes have seconds to end in; files are swept after that


@run_async
async def test_nothing_is_missing_or_doubled_when_the_agent_is_killed_at_random(
    tmp_path: Path,
) -> None:
    dice = random.Random(3)
    for _ in range(ROUNDS):
        with agent(tmp_path, "busy-1", "busy-2"):
            await asyncio.sleep(dice.uniform(0.3, 1.5))  # the moment of the blow is what is tried

    hasty = Terms(sweep_after_s=1.0)
    async with running(tmp_path, ["good"], terms=hasty) as pole:
        await pole.wait_until(lambda: pole.left() == [])
        opened = [each["alert"] for each in await pole.records("alerts", "alert.open")]
        closed = [
            each["alert"]
            for each in await pole.wait_for("alerts", "alert.close", count=len(opened))
        ]
        ready = await pole.records("media", "media.ready")

        assert len(opened) > 5 * ROUNDS, "the eyes were busy"
        assert len(set(opened)) == len(opened)
        assert collections.Counter(closed) == collections.Counter(opened)
        assert len({each["alert"] for each in ready}) == len(ready)
        finished = set((pole.data / "finished.txt").read_text(encoding="ascii").split())
        assert {each["alert"] for each in ready} >= finished & set(opened)
        assert {each["media"][0]["sha256"] for each in ready} == set(pole.kept())
        assert any(each["data"].get("recovered") for each in ready), "the blow fell in between"
