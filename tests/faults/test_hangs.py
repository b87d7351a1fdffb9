"""The whole agent under a service manager's watchdog: whatever hangs goes on, and no alert is lost.

Its eyes are ill ones that open three alerts a second, and note beside which they have told.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.faults.closing_table import ClosingTable
from tests.support.pole_process import PoleProcess, write_config
from tests.support.process_tree import family
from tests.support.served_process import free_port
from tests.support.service_manager import ServiceManager

pytestmark = pytest.mark.timeout(180)
WATCHDOG_S = 6.0
RESTARTED_S_MAX = 30.0
HANGS = "hangs: agent, event loop, fork server and eyes, one eye"
PROGRAM = "tests.support.watched_pole_main"


@dataclass
class Watched:
    """A pole, and the service manager that keeps it."""

    manager: ServiceManager
    pole: PoleProcess
    folder: Path

    @property
    def errors(self) -> str:
        """What it has written to standard error, over all its starts."""
        return (self.folder / "errors.txt").read_text(encoding="utf-8", errors="replace")

    def wait_for(self, condition: Callable[[], object], *, timeout_s: float = 60) -> None:
        """Wait until something holds."""
        deadline_s = time.monotonic() + timeout_s
        while not condition():
            assert time.monotonic() < deadline_s, self.errors[-3000:]
            time.sleep(0.1)

    def records(self, feed: str, kind: str) -> list[dict[str, Any]]:
        """All records of a kind."""
        return [each for each in self.pole.records(feed) if each["kind"] == kind]

    def state(self, camera: str = "steady") -> str:
        """What a camera does; empty while the pole does not answer."""
        try:
            parts = self.pole.get("/v1/health").json()["parts"]
        except OSError:
            return ""
        return str({part["name"]: part["data"].get("state") for part in parts}[camera])

    def told(self) -> set[str]:
        """Every alert that the eyes have told, in all their runs."""
        path = self.folder / "data" / "opened.txt"
        return set(path.read_text(encoding="ascii").split()) if path.exists() else set()


@contextmanager
def watched(folder: Path, *cameras: str) -> Iterator[Watched]:
    port, data = free_port(), folder / "data"
    config = write_config(folder, dict.fromkeys(cameras, "nothing.mp4"), port=port)
    pole = PoleProcess(config, data, port=port)
    pole.token = pole.make_token("tester", "read", "admin")
    words = (sys.executable, "-m", PROGRAM, str(config), str(data))
    with (
        (folder / "errors.txt").open("wb") as errors,
        ServiceManager(words, errors, watchdog_s=WATCHDOG_S) as manager,
    ):
        yield Watched(manager, pole, folder)


def is_eye(pid: int, camera: str) -> bool:
    """Whether a process holds files in the folder of a camera's eye."""
    held = [path.readlink() for path in Path(f"/proc/{pid}/fd").iterdir()]
    return any(path.parent.parent.name == camera for path in held)


def stop_agent(pid: int) -> None:
    os.kill(pid, signal.SIGSTOP)


def block_loop(pid: int) -> None:
    os.kill(pid, signal.SIGUSR1)


def stop_all(pid: int) -> None:
    for each in reversed(family(pid)):
        os.kill(each, signal.SIGSTOP)


@pytest.mark.parametrize("hang", [stop_agent, block_loop, stop_all])
def test_agent_that_hangs_is_started_again_and_no_alert_is_lost(
    tmp_path: Path, hang: Callable[[int], None], closing_table: ClosingTable
) -> None:
    with watched(tmp_path, "steady") as post:
        post.wait_for(lambda: post.state() == "seeing" and len(post.told()) >= 3)
        acknowledged = {each["alert"]: each["id"] for each in post.records("alerts", "alert.open")}
        before, hung_s = post.told(), time.monotonic()
        hang(post.manager.pid)
        post.wait_for(lambda: post.manager.has_told("READY", "1", run=2))
        post.wait_for(lambda: post.state() == "seeing")
        took_s = time.monotonic() - hung_s
        told = post.told()

        assert took_s < RESTARTED_S_MAX
        assert acknowledged.keys() <= before
        post.wait_for(lambda: told <= {e["alert"] for e in post.records("alerts", "alert.open")})
        opened = {each["alert"]: each["id"] for each in post.records("alerts", "alert.open")}
        assert {alert: opened[alert] for alert in acknowledged} == acknowledged
        assert len(opened) == len(post.records("alerts", "alert.open")), "none twice"
        if hang is not stop_all:
            late = [e for e in post.records("alerts", "alert.open") if e["data"].get("recovered")]
            assert late, "some were told while nobody read"
        post.wait_for(lambda: told <= {e["alert"] for e in post.records("alerts", "alert.close")})
        (crash,) = post.records("health", "crash")
        assert crash["data"]["part"] == "agent"
        assert crash["data"]["reason"] == "Fatal Python error: Aborted"
        assert any("pole ready" in line for line in crash["data"]["lines"])
        if hang is block_loop:
            assert any(" in hang" in line for line in crash["data"]["stack"])
        closing_table.add(HANGS, 1, len(told - opened.keys()))


def test_eye_that_is_stopped_is_seeing_again_and_the_agent_is_not_touched(
    tmp_path: Path, closing_table: ClosingTable
) -> None:
    with watched(tmp_path, "steady", "good") as post:
        post.wait_for(lambda: post.state() == post.state("good") == "seeing")
        post.pole.make_token("new", "read")
        (eye, *_) = [pid for pid in family(post.manager.pid)[2:] if is_eye(pid, "steady")]
        before = post.told()
        os.kill(eye, signal.SIGSTOP)
        post.wait_for(lambda: post.state() != "seeing")
        post.wait_for(lambda: post.state() == "seeing")

        post.wait_for(lambda: before <= {e["alert"] for e in post.records("alerts", "alert.open")})
        (crash,) = post.records("health", "crash")
        assert (crash["camera"], crash["data"]["signal"]) == ("steady", "SIGKILL")
        assert crash["data"]["reason"].startswith("it has said nothing for ")
        assert post.state("good") == "seeing"
        assert len(post.manager.begun_s) == 1
        changes = [e["data"] for e in post.records("audit", "change")]
        assert [(e["what"], e["name"], e["by"]) for e in changes] == [
            ("token.new", "tester", "console"), ("token.new", "new", "console"),
        ]  # fmt: skip
        opened = {each["alert"] for each in post.records("alerts", "alert.open")}
        closing_table.add(HANGS, 1, len(before - opened))
