"""An eye as a process that commands are sent to and whose replies are waited for."""

from __future__ import annotations

import itertools
import json
import os
import select
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tests.support.eye_process import COMMAND, ROOT

Line = dict[str, Any]
WAIT_S = 20.0
STOP_S_MAX = 10.0


class LineReader:
    """Reads JSON lines from a descriptor, waiting with a deadline."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._rest = b""
        self.lines: list[Line] = []
        self.is_over = False

    def wait_for(self, condition: Callable[[Line], bool], *, timeout_s: float = WAIT_S) -> Line:
        """Wait for a line; those before it count too."""
        deadline_s = time.monotonic() + timeout_s
        seen = 0
        while True:
            for line in self.lines[seen:]:
                if condition(line):
                    return line
            seen = len(self.lines)
            left_s = deadline_s - time.monotonic()
            assert left_s > 0, f"not within {timeout_s} s: {self.lines[-3:]}"
            assert not self.is_over, f"the eye has ended: {self.lines[-3:]}"
            self._read(left_s)

    def read_to_end(self, *, timeout_s: float = WAIT_S) -> list[Line]:
        """Wait until the other end is closed."""
        deadline_s = time.monotonic() + timeout_s
        while not self.is_over:
            assert time.monotonic() < deadline_s, f"no end: {self.lines[-3:]}"
            self._read(0.1)
        return self.lines

    def _read(self, timeout_s: float) -> None:
        if not select.select([self._descriptor], [], [], timeout_s)[0]:
            return
        block = os.read(self._descriptor, 1 << 16)
        self.is_over = not block
        *whole, self._rest = (self._rest + block).split(b"\n")
        self.lines += [json.loads(text) for text in whole]


class AskedEye:
    """An eye while the context is open; it has ended when the context has."""

    def __init__(
        self, *arguments: str | Path, stdin: int | None = None, command: Sequence[str] = COMMAND
    ) -> None:
        """`stdin` replaces the pipe that `ask` needs."""
        self._command = [*command, *map(str, arguments)]
        self._stdin = subprocess.PIPE if stdin is None else stdin
        self._ids = itertools.count(1)

    def __enter__(self) -> AskedEye:
        self.process = subprocess.Popen(
            self._command,
            cwd=ROOT,
            stdin=self._stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
        )
        assert self.process.stdout
        self.reader = LineReader(self.process.stdout.fileno())
        return self

    def __exit__(self, *_exc: object) -> None:
        with self.process as process:
            if process.poll() is None:
                process.kill()

    def send(self, data: bytes) -> None:
        """Write to its standard input."""
        assert self.process.stdin
        self.process.stdin.write(data)

    def ask(self, kind: str, **arguments: object) -> Line:
        """Send one command, wait for its reply."""
        number = next(self._ids)
        # "from" is a keyword of Python.
        named = {key.rstrip("_"): value for key, value in arguments.items()}
        self.send(json.dumps({"kind": kind, "id": number, **named}).encode() + b"\n")
        return self.reader.wait_for(lambda line: line["kind"] == "reply" and line["id"] == number)

    def wait_for(self, kind: str, *, after_t: float = 0.0) -> Line:
        """Wait for a line of a kind."""
        return self.reader.wait_for(lambda line: line["kind"] == kind and line["t"] >= after_t)

    def terminate(self) -> None:
        """Ask it to end by SIGTERM."""
        self.process.send_signal(signal.SIGTERM)

    def end(self) -> tuple[int, list[Line]]:
        """Wait until it has ended, at most as long as it may take; its code and all its lines."""
        lines = self.reader.read_to_end(timeout_s=STOP_S_MAX)
        return self.process.wait(STOP_S_MAX), lines


def process_states() -> dict[int, str]:
    """Every process of this machine with the letter of its state, as in proc(5)."""
    states = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                stat = (folder / "stat").read_text(encoding="utf-8", errors="replace")
            except OSError:
                continue  # it has ended meanwhile
            states[int(folder.name)] = stat.rpartition(")")[2].split()[0]
    return states


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that nobody has reaped yet does not."""
    return process_states().get(pid, "Z") != "Z"


def wait_gone(*pids: int, timeout_s: float = STOP_S_MAX) -> None:
    """Wait until processes have ended."""
    deadline_s = time.monotonic() + timeout_s
    while left := [pid for pid in pids if is_alive(pid)]:
        assert time.monotonic() < deadline_s, f"still there after {timeout_s} s: {left}"
        select.select([], [], [], 0.02)
