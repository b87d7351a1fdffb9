"""Does to a program what systemd does with `Type=notify`, `WatchdogSec` and `Restart=always`.

It listens at a socket of its own. A program that does not feed its watchdog in time, or asks for
it, gets SIGABRT and SIGCONT with all its processes, then SIGKILL; whatever has ended is started
again. Source: systemd.service(5), systemd.kill(5), sd_notify(3).
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import IO, Self

from tests.support.process_tree import family
from tests.support.served_process import ROOT

ABORT_S_MAX = 5.0
RESTART_S = 0.1
LOOK_S = 0.05
MESSAGE_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Told:
    """One message of the program; `run` counts its starts from 1."""

    run: int
    at_s: float
    said: dict[str, str]


class ServiceManager:
    """One service; it runs while the context is open."""

    def __init__(self, words: Sequence[str], errors: IO[bytes], *, watchdog_s: float) -> None:
        """`words` is the command; `errors` takes what it writes to standard error."""
        self._words, self._errors, self.watchdog_s = tuple(words), errors, watchdog_s
        self._address = f"@polewatch-test-{os.getpid()}-{id(self):x}"
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(f"\0{self._address[1:]}")
        self._socket.settimeout(LOOK_S)
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._process: subprocess.Popen[bytes] | None = None
        self.told: list[Told] = []
        self.begun_s: list[float] = []
        """When it was started, each time."""
        self.aborted_s: list[float] = []
        """When its watchdog ended it."""

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._is_over.set()
        self._thread.join()
        self._socket.close()

    @property
    def pid(self) -> int:
        """The process that runs now, or ran last."""
        assert self._process
        return self._process.pid

    def has_told(self, name: str, value: str, *, run: int) -> bool:
        """Whether the program has said something, in one of its runs."""
        return any(each.run == run and each.said.get(name) == value for each in list(self.told))

    def _run(self) -> None:
        while not self._is_over.is_set():
            self._begin()
            self._watch()
            time.sleep(RESTART_S)  # systemd's RestartSec

    def _begin(self) -> None:
        environment = {
            **os.environ,
            "NOTIFY_SOCKET": self._address,
            "WATCHDOG_USEC": str(round(self.watchdog_s * 1_000_000)),
        }
        self._process = subprocess.Popen(
            self._words, cwd=ROOT, stdin=subprocess.DEVNULL, stderr=self._errors, env=environment
        )
        self.begun_s.append(time.monotonic())

    def _watch(self) -> None:
        """Listen until it has ended, or is ended."""
        assert self._process
        fed_s: float | None = None  # before READY nothing is due
        while self._process.poll() is None:
            if self._is_over.is_set():
                self._end(signal.SIGTERM, 30.0)
                return
            said = self._hear()
            if said.keys() & {"READY", "WATCHDOG"}:
                fed_s = time.monotonic()
            is_late = fed_s is not None and time.monotonic() - fed_s > self.watchdog_s
            if is_late or said.get("WATCHDOG") == "trigger":
                self.aborted_s.append(time.monotonic())
                self._end(signal.SIGABRT, ABORT_S_MAX)

    def _hear(self) -> dict[str, str]:
        try:
            text = self._socket.recv(MESSAGE_BYTES).decode()
        except TimeoutError:
            return {}
        said = dict(line.split("=", 1) for line in text.splitlines())
        self.told.append(Told(len(self.begun_s), time.monotonic(), said))
        return said

    def _end(self, number: signal.Signals, patience_s: float) -> None:
        """Send a signal, to all of them if it is no polite one; kill who does not heed it."""
        assert self._process
        everyone = family(self._process.pid)
        for pid in everyone if number != signal.SIGTERM else everyone[:1]:
            with suppress(ProcessLookupError):
                os.kill(pid, number)
                os.kill(pid, signal.SIGCONT)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(patience_s)
        for pid in everyone:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._process.wait()
