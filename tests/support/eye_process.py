"""Runs an eye as a process of its own and waits for its lines.

The eye is that of `chequer_eye`, so that alerts can be had without model and footage.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
COMMAND = (sys.executable, "-m", "tests.support.chequer_eye")
STOP_S_MAX = 10.0
Line = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Ended:
    """An eye that has ended: its code, its lines, all it wrote to standard error, how long."""

    code: int
    lines: list[Line]
    errors: str
    took_s: float

    def of(self, kind: str) -> list[Line]:
        """The lines of one kind."""
        return [line for line in self.lines if line["kind"] == kind]


def run_eye(*arguments: str | Path, timeout_s: float = 60) -> Ended:
    """Run an eye to its own end."""
    begun_s = time.monotonic()
    done = subprocess.run(
        [*COMMAND, *map(str, arguments)],
        cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=timeout_s, check=False,
    )  # fmt: skip
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return Ended(done.returncode, lines, said(done.stderr), time.monotonic() - begun_s)


def said(errors: str) -> str:
    """Leave out what the inference library says when it starts."""
    return "".join(
        line for line in errors.splitlines(keepends=True) if "XNNPACK" not in line and line.strip()
    )


class EyeProcess:
    """An eye while the context is open; leaving it stops the eye and checks that it obeys."""

    def __init__(self, *arguments: str | Path, limits: Callable[[], None] | None = None) -> None:
        """`limits` is called in the new process before the eye starts."""
        self._arguments = tuple(map(str, arguments))
        self._limits = limits
        self._lines: list[Line] = []
        self._changed = threading.Condition()
        self._process: subprocess.Popen[str] | None = None
        self._thread: threading.Thread | None = None
        self._is_over = False
        self.ended: Ended | None = None

    def __enter__(self) -> EyeProcess:
        self._errors = tempfile.TemporaryFile("w+")
        self._process = subprocess.Popen(
            [*COMMAND, *self._arguments],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors,
            text=True, preexec_fn=self._limits,
        )  # fmt: skip
        self._thread = threading.Thread(target=self._read, name="eye-lines")
        self._thread.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self.stop()
        self._errors.close()

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self._process
        return self._process.pid

    @property
    def lines(self) -> list[Line]:
        """All lines so far."""
        with self._changed:
            return list(self._lines)

    @property
    def errors(self) -> str:
        """All it has written to standard error so far."""
        return said(Path(f"/proc/self/fd/{self._errors.fileno()}").read_text(encoding="utf-8"))

    @property
    def is_running(self) -> bool:
        """Whether it has not ended."""
        assert self._process
        return self._process.poll() is None

    def of(self, kind: str) -> list[Line]:
        """The lines of one kind so far."""
        return [line for line in self.lines if line["kind"] == kind]

    def wait_for(
        self, condition: Callable[[list[Line]], bool], *, timeout_s: float = 20
    ) -> list[Line]:
        """Wait until the lines fulfil a condition; give them."""
        deadline_s = time.monotonic() + timeout_s
        with self._changed:
            while not condition(self._lines):
                left_s = deadline_s - time.monotonic()
                told = f"{self._lines[-5:]}\n{self.errors}"
                assert left_s > 0, f"not within {timeout_s} s: {told}"
                assert not self._is_over, f"the eye has ended: {told}"
                self._changed.wait(left_s)
            return list(self._lines)

    def wait_for_error(self, text: str, *, timeout_s: float = 20) -> str:
        """Wait until standard error holds a text; give all of it."""
        deadline_s = time.monotonic() + timeout_s
        while text not in self.errors:
            assert time.monotonic() < deadline_s, f"no {text!r}: {self.errors}\n{self.lines[-3:]}"
            threading.Event().wait(0.05)
        return self.errors

    def stop(self) -> Ended:
        """Ask it to end by SIGTERM; it has ten seconds."""
        if self.ended is None:
            assert self._process
            self._process.send_signal(signal.SIGTERM)
        return self.wait()

    def wait(self) -> Ended:
        """Wait until it has ended, by itself or as it was asked to; it has ten seconds."""
        if self.ended is not None:
            return self.ended
        assert self._process
        assert self._thread
        begun_s = time.monotonic()
        with self._process as process:
            try:
                code = process.wait(STOP_S_MAX)
            except subprocess.TimeoutExpired:
                process.kill()
                self._thread.join()
                raise
            self._thread.join()
        self.ended = Ended(code, self._lines, self.errors, time.monotonic() - begun_s)
        return self.ended

    def _read(self) -> None:
        assert self._process
        assert self._process.stdout
        for text in self._process.stdout:
            with self._changed:
                self._lines.append(json.loads(text))
                self._changed.notify_all()
        with self._changed:
            self._is_over = True
            self._changed.notify_all()


def states(lines: Sequence[Line]) -> list[str]:
    """The successive states of sight."""
    return [line["state"] for line in lines if line["kind"] == "sight"]
