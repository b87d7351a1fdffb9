"""The whole agent and eyes under a wall clock that jumps: order, ids and alerts stay what they are.

The clock is moved for these processes alone, by a library that stands before the C library.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.faults.closing_table import ClosingTable
from tests.faults.file_calls import compile_library
from tests.support.pole_process import PoleProcess, write_config
from tests.support.served_process import free_port
from tests.support.service_manager import ServiceManager

pytestmark = pytest.mark.timeout(120)
DAY_S = 86_400
YEAR_S = 365 * DAY_S
JUMPS = "clock jumps: 1970, 10 years on and back, an hour back, across a restart"
PROGRAM = "tests.support.watched_pole_main"
BUSY_SHARE_MAX = 0.5
"""Of one processor; an agent that looks after one ill eye needs a few hundredths."""


@dataclass
class Jumping:
    """A pole whose clock is set by the test, and the service manager that keeps it."""

    manager: ServiceManager
    pole: PoleProcess
    folder: Path

    def jump(self, wrong_s: int) -> None:
        """Have the clock wrong by so much."""
        path = self.folder / "clock"
        new = path.with_suffix(".new")
        new.write_bytes(wrong_s.to_bytes(8, sys.byteorder, signed=True))
        new.replace(path)

    def wait_for(self, condition: Callable[[], object]) -> None:
        """Wait until something holds."""
        deadline_s = time.monotonic() + 60
        while not condition():
            assert time.monotonic() < deadline_s, (self.folder / "errors.txt").read_text()[-3000:]
            time.sleep(0.1)

    def wait_told(self, steps: int) -> None:
        """Wait until so many steps of the clock are on record, and three alerts since."""
        self.wait_for(lambda: len(self.steps_s()) >= steps)
        known = len(self.opened())
        self.wait_for(lambda: len(self.opened()) >= known + 3)

    def opened(self) -> list[dict[str, Any]]:
        """Every alert.open that is on record; none while the pole does not answer."""
        try:
            return [e for e in self.pole.records("alerts") if e["kind"] == "alert.open"]
        except OSError:
            return []

    def steps_s(self) -> list[int]:
        """By how much the clock went, as the pole has told."""
        kept = self.pole.records("alerts")
        return [round(e["data"]["step_ms"] / 1000) for e in kept if e["kind"] == "clock"]

    def told(self) -> set[str]:
        """Every alert that the eyes have told, in all their runs."""
        path = self.folder / "data" / "opened.txt"
        return set(path.read_text(encoding="ascii").split()) if path.exists() else set()

    def cpu_s(self) -> float:
        """Processor time of the agent's own process so far."""
        words = Path(f"/proc/{self.manager.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


@pytest.fixture(scope="session")
def wrong_clock(tmp_path_factory: pytest.TempPathFactory) -> Path:
    source = Path(__file__).with_name("wrong_clock.c")
    return compile_library(source, tmp_path_factory.mktemp("clock"))


@contextmanager
def jumping(folder: Path, library: Path, *, wrong_s: int) -> Iterator[Jumping]:
    port, data = free_port(), folder / "data"
    config = write_config(folder, {"steady": "nothing.mp4"}, port=port)
    pole = PoleProcess(config, data, port=port)
    pole.token = pole.make_token("tester", "read", "admin")
    words = (
        "env", f"LD_PRELOAD={library}", f"POLEWATCH_CLOCK={folder / 'clock'}",
        sys.executable, "-m", PROGRAM, str(config), str(data),
    )  # fmt: skip
    with (folder / "errors.txt").open("wb") as errors:
        manager = ServiceManager(words, errors, watchdog_s=6)
        post = Jumping(manager, pole, folder)
        post.jump(wrong_s)
        with manager:
            yield post


def test_clock_may_jump_as_it_likes(
    tmp_path: Path, wrong_clock: Path, closing_table: ClosingTable
) -> None:
    in_1970_s = 60 - int(time.time())
    jumps_s = (0, 10 * YEAR_S, -10 * YEAR_S, 0, -3600, 0)
    with jumping(tmp_path, wrong_clock, wrong_s=in_1970_s) as post:
        post.wait_for(lambda: len(post.opened()) >= 3)
        assert post.opened()[0]["at"].startswith("1970-01-01T00:0")
        assert {each["clock"]["state"] for each in post.opened()} == {"unset"}
        begun_s, begun_cpu_s = time.monotonic(), post.cpu_s()
        for count, wrong_s in enumerate(jumps_s, start=1):
            post.jump(wrong_s)
            post.wait_told(count)
        busy = (post.cpu_s() - begun_cpu_s) / (time.monotonic() - begun_s)
        newest = max(each["id"] for each in post.opened())
        post.jump(-5 * YEAR_S)
        os.kill(post.manager.pid, 9)
        post.wait_for(lambda: post.manager.has_told("READY", "1", run=2))
        post.wait_for(lambda: [each for each in post.opened() if each["id"] > newest])
        told = post.told()
        post.wait_for(lambda: told <= {each["alert"] for each in post.opened()})

        steps_s = post.steps_s()
        before_s = (in_1970_s, *jumps_s)
        expected = [after - before for before, after in zip(before_s, jumps_s, strict=False)]
        assert [abs(a - b) <= 2 for a, b in zip(steps_s, expected, strict=False)] == [True] * 6
        assert busy < BUSY_SHARE_MAX
        for feed in ("alerts", "media", "health", "audit"):
            kept = list(post.pole.records(feed))
            assert [each["seq"] for each in kept] == list(range(1, len(kept) + 1))
            ids = [each["id"] for each in kept]
            assert ids == sorted(set(ids)), feed
        alerts = [each["alert"] for each in post.opened()]
        assert len(alerts) == len(set(alerts)), "none twice"
        closing_table.add(JUMPS, len(jumps_s) + 2, len(told - set(alerts)))
