"""A process that was started with the library and does one thing after the other in forks of it.

A fork is ready in milliseconds, a new Python in a second: that is what makes hundreds of kills
quick. `Runner` is the test's end; `python -m tests.faults.runner` the other: a job a line on
standard input, an answer a line on standard output, both JSON.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from tests.faults.file_calls import Preloaded
from tests.faults.life import live
from tests.faults.planted import Bug
from tests.faults.survey import survey
from tests.repo.tree import CHECKOUT

Job = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Lived:
    """How a life ended: `signal` is what killed it, 0 nothing; `told` is what it had told."""

    signal: int
    exit: int
    told: tuple[str, ...]


class Runner:
    """The other process, while the context is open."""

    def __init__(self, library: Path) -> None:
        """`library` as `build_library` gives it."""
        words = [sys.executable, "-m", "tests.faults.runner"]
        self._process = subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=CHECKOUT,
            env={**os.environ, "LD_PRELOAD": str(library)},
        )  # fmt: skip

    def __enter__(self) -> Self:
        """End it at the end of the block."""
        return self

    def __exit__(self, *_exc: object) -> None:
        """It ends with its standard input."""
        self._process.communicate(timeout=30)

    def live(
        self, folder: Path, *, kill_before: int = 0, notes: Path | None = None, alerts: int = 1,
        bug: Bug | None = None,
    ) -> Lived:  # fmt: skip
        """Have alerts live, see `life.live`; killed before the n-th file call, or not."""
        answer = self._ask(
            do="live", folder=str(folder), kill_before=kill_before, notes=str(notes or ""),
            alerts=alerts, bug=bug,
        )  # fmt: skip
        return Lived(answer["signal"], answer["exit"], tuple(answer["said"]))

    def survey(self, folder: Path, told: Sequence[str]) -> list[str]:
        """Start a pole on a folder; give what is wrong, see `survey.survey`."""
        answer = self._ask(do="survey", folder=str(folder), told=list(told))
        if answer["signal"] or answer["exit"]:
            return [f"it does not start: exit {answer['exit']}, signal {answer['signal']}"]
        return list(answer["said"])

    def _ask(self, **job: object) -> Job:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{json.dumps(job)}\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, "the runner has ended"
        answer: Job = json.loads(line)
        return answer


def _do(job: Job, say: Callable[[str], None]) -> None:
    folder = Path(job["folder"])
    if job["do"] == "survey":
        for problem in asyncio.run(survey(folder, job["told"])).problems:
            say(problem)
        return
    library = Preloaded()
    folder.mkdir(parents=True, exist_ok=True)
    notes = Path(job["notes"]) if job["notes"] else None
    library.begin(folder, notes=notes, kill_before=job["kill_before"])

    def tell(line: str) -> None:
        say(line)
        if notes is not None:
            library.note(line)

    asyncio.run(live(folder, tell, alerts=job["alerts"], bug=job["bug"]))


def _fork(job: Job) -> Job:
    """Do a job in a fork; the lines that it says come through a pipe, whatever becomes of it."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            os.close(reading)
            _do(job, lambda line: _say(writing, line))
            code = 0
        finally:
            if code:
                traceback.print_exc()
            os._exit(code)
    os.close(writing)
    with os.fdopen(reading, encoding="utf-8") as pipe:
        said = pipe.read().splitlines()
    _, status = os.waitpid(pid, 0)
    code = os.waitstatus_to_exitcode(status)
    return {"signal": max(0, -code), "exit": max(0, code), "said": said}


def _say(descriptor: int, line: str) -> None:
    os.write(descriptor, f"{line}\n".encode())


if __name__ == "__main__":
    for text in sys.stdin:
        sys.stdout.write(f"{json.dumps(_fork(json.loads(text)))}\n")
        sys.stdout.flush()
