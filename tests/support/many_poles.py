"""Hundreds of poles on loopback, in a few processes, that tell alerts at a rate, go and return.

Each has the real log and the real API on a port of its own; its pictures are canned, and no two
files are the same. Who runs them gives orders and asks what was served to whom.
"""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import msgspec

from tests.support.served_process import ROOT

_STOP_S = 60


@dataclass(frozen=True, slots=True)
class Offered:
    """Where a pole is asked, and with which token."""

    url: str
    token: str


@dataclass(frozen=True, slots=True)
class Told:
    """What all poles have told and served so far; `late_s` is how far they were behind."""

    opened: Mapping[str, list[str]]
    heads: Mapping[str, Mapping[str, int]]
    files: int
    under_way: int
    late_s: float
    requests: Counter[tuple[int, str]]
    media_bytes: int
    first_ask_s: Mapping[str, float]

    @property
    def alerts(self) -> int:
        """How many alerts were opened."""
        return sum(map(len, self.opened.values()))


class ManyPoles:
    """They run while the context is open."""

    def __init__(
        self, folder: Path, *, count: int, processes: int = 3, clip_bytes: int = 0
    ) -> None:
        """`folder` exists; clips have at least so many bytes."""
        self._folder, self._clip_bytes = folder, clip_bytes
        share, rest = divmod(count, processes)
        self._shares = [share + (index < rest) for index in range(processes)]
        self._stack = ExitStack()
        self._processes: list[subprocess.Popen[bytes]] = []
        self.poles: dict[str, Offered] = {}

    def __enter__(self) -> ManyPoles:
        first = 0
        try:
            for share in self._shares:
                words = [str(self._folder), str(first), str(share), str(self._clip_bytes)]
                process = subprocess.Popen(
                    [sys.executable, "-m", "tests.support.many_poles_main", *words],
                    cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                )  # fmt: skip
                self._processes.append(process)
                first += share
            for process in self._processes:
                offer = _read(process)
                self.poles |= {name: Offered(**each) for name, each in offer.items()}
        except BaseException:
            self._kill()
            raise
        return self

    def __exit__(self, *_exc: object) -> None:
        try:
            for process in self._processes:  # all of them before the first is waited for
                _pipe(process.stdin).close()
            for process in self._processes:
                process.wait(_STOP_S)
        finally:
            self._kill()

    @property
    def pids(self) -> list[int]:
        """Their processes."""
        return [process.pid for process in self._processes]

    def tell(self, alerts_per_s: float) -> None:
        """Have them open so many alerts a second from now on, all together."""
        for process, share in zip(self._processes, self._shares, strict=True):
            rate = alerts_per_s * share / sum(self._shares)
            _order(process, {"do": "rate", "per_s": rate})
        self._wait()

    def write(self, alerts: int, **about: str) -> None:
        """Have them write so many alerts at once, with their files; wait for it.

        `about` is the alerts' `rule` and `severity`, where they matter.
        """
        for index, process in enumerate(self._processes):
            share = alerts // len(self._processes) + (index < alerts % len(self._processes))
            _order(process, {"do": "write", "alerts": share, "about": about})
        self._wait()

    def cut(self) -> None:
        """All of them are gone from the network."""
        self._all({"do": "cut"})

    def come_back(self) -> None:
        """All of them answer again, at once."""
        self._all({"do": "return"})

    def ask(self) -> Told:
        """What they have told and served so far."""
        answers = self._all({"do": "counts"})
        poles = {name: each for answer in answers for name, each in answer["poles"].items()}
        requests: Counter[tuple[int, str]] = Counter()
        for answer in answers:
            for at, kind, number in answer["requests"]:
                requests[(at, kind)] += number
        return Told(
            opened={name: pole["opened"] for name, pole in poles.items()},
            heads={name: pole["heads"] for name, pole in poles.items()},
            files=sum(pole["files"] for pole in poles.values()),
            under_way=sum(answer["under_way"] for answer in answers),
            late_s=max(answer["late_s"] for answer in answers),
            requests=requests,
            media_bytes=sum(answer["media_bytes"] for answer in answers),
            first_ask_s={k: v for answer in answers for k, v in answer["first_ask_s"].items()},
        )

    def _all(self, order: dict[str, Any]) -> list[dict[str, Any]]:
        for process in self._processes:
            _order(process, order)
        return self._wait()

    def _wait(self) -> list[dict[str, Any]]:
        return [_read(process) for process in self._processes]

    def _kill(self) -> None:
        for process in self._processes:
            if process.poll() is None:
                process.kill()
                process.wait()
            _pipe(process.stdin).close()
            _pipe(process.stdout).close()


def _order(process: subprocess.Popen[bytes], order: dict[str, Any]) -> None:
    pipe = _pipe(process.stdin)
    pipe.write(msgspec.json.encode(order) + b"\n")
    pipe.flush()


def _read(process: subprocess.Popen[bytes]) -> Any:
    line = _pipe(process.stdout).readline()
    assert line, "a process of poles has ended; see its standard error"
    return msgspec.json.decode(line)


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    assert pipe is not None
    return pipe
