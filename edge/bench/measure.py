"""Runs commands and counts what they cost: CPU seconds, children included, and memory.

Never wall time: machines are shared, and what counts on a board is the work.
"""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import edge
from edge.bench.rows import Name, Series
from edge.clock import NS_PER_S
from edge.errors import MeasureFailed

RUN_S_MAX = 900.0
"""A slow board needs about this for the longest clip; what takes longer hangs."""
STOP_S_MAX = 15.0
_POLL_S = 0.02
_CHECKOUT = Path(edge.__file__).resolve().parent.parent
_KIB = 1024


@dataclass(frozen=True, slots=True)
class Run:
    """A command that ended well: what it cost and what it printed."""

    cpu_s: float
    output: bytes


def run_counted(command: Sequence[str], *, seconds_max: float = RUN_S_MAX) -> Run:
    """Run a command to its end and count it and all its children.

    Raises:
        MeasureFailed: it ended with another code than 0, or not in time.
    """
    with started(command) as child:
        status, usage = _wait(child.process, seconds_max)
        code = os.waitstatus_to_exitcode(status)
        child.process.returncode = code
        if code != 0:
            raise MeasureFailed(f"{Path(command[0]).name} ended with {code}: {child.last_words()}")
        return Run(usage.ru_utime + usage.ru_stime, child.output())


@dataclass(frozen=True, slots=True)
class Child:
    """A command that runs; its output goes to files, so that it never waits for a reader."""

    process: subprocess.Popen[bytes]
    _out: IO[bytes]
    _err: IO[bytes]

    @property
    def pid(self) -> int:
        """Its process id."""
        return self.process.pid

    def output(self) -> bytes:
        """Everything it has printed so far."""
        return os.pread(self._out.fileno(), os.fstat(self._out.fileno()).st_size, 0)

    def last_words(self) -> str:
        """The last line of its errors."""
        said = os.pread(self._err.fileno(), os.fstat(self._err.fileno()).st_size, 0)
        lines = said.decode(errors="replace").split("\n")
        return next((line for line in reversed(lines) if line.strip()), "it said nothing")


@contextmanager
def started(command: Sequence[str]) -> Iterator[Child]:
    """Start a command in the checkout's folder; it is stopped when the block ends."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=out, stderr=err, cwd=_CHECKOUT
        )
        try:
            yield Child(process, out, err)
        finally:
            stop(process)


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a process, by force if it does not obey."""
    if process.poll() is not None:
        return
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(STOP_S_MAX)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def wait_until(
    is_reached: Callable[[], bool], process: subprocess.Popen[bytes], *, seconds_max: float
) -> None:
    """Wait for something that a process does.

    Raises:
        MeasureFailed: the process ended, or the time is over.
    """
    end_s = time.monotonic() + seconds_max
    while not is_reached():
        if process.poll() is not None:
            raise MeasureFailed(f"the process ended with {process.returncode}")
        if time.monotonic() > end_s:
            raise MeasureFailed(f"nothing happened within {seconds_max:.0f} s")
        time.sleep(_POLL_S)


def pause(seconds: float) -> None:
    """Let processes under measurement work for a while."""
    time.sleep(seconds)


def cpu_s_of(pid: int) -> float:
    """CPU time of a living process: to the nanosecond where the kernel tells, else to the tick."""
    folder = Path(f"/proc/{pid}")
    try:
        threads = [thread / "schedstat" for thread in (folder / "task").iterdir()]
        spent_ns = [int(thread.read_text(encoding="ascii").split()[0]) for thread in threads]
        return sum(spent_ns) / NS_PER_S
    except FileNotFoundError:
        fields = (folder / "stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def pss_bytes(pid: int) -> int:
    """Proportional set size: memory of its own, and its part of what is shared.

    Raises:
        MeasureFailed: the kernel does not tell.
    """
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    except OSError as exc:
        raise MeasureFailed(f"/proc/{pid}/smaps_rollup: {exc.strerror}") from exc
    return parse_pss(text)


def parse_pss(rollup: str) -> int:
    """Read `Pss:` (KiB) from the text of smaps_rollup; in bytes."""
    for line in rollup.splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * _KIB
    raise MeasureFailed("smaps_rollup has no Pss")


def measure_rounds(
    probes: Mapping[Name, Callable[[], float]], *, rounds: int, say: Callable[[str], None]
) -> dict[Name, Series]:
    """Call all probes in turn, then all again: A B C A B C, so that load meets all alike.

    Args:
        probes: name → a measurement.
        rounds: how often.
        say: told what is under way.

    Returns:
        A series for each; one that failed is not tried again.
    """
    values: dict[Name, list[float]] = {name: [] for name in probes}
    reasons: dict[Name, str] = {}
    for number in range(1, rounds + 1):
        for name, probe in probes.items():
            if name in reasons:
                continue
            say(f"round {number} of {rounds}: {name}")
            try:
                values[name].append(probe())
            except MeasureFailed as exc:
                reasons[name] = str(exc)
    return {
        name: Series((), reasons[name]) if name in reasons else Series(tuple(values[name]))
        for name in probes
    }


def _wait(
    process: subprocess.Popen[bytes], seconds_max: float
) -> tuple[int, resource.struct_rusage]:
    end_s = time.monotonic() + seconds_max
    while True:
        pid, status, usage = os.wait4(process.pid, os.WNOHANG)
        if pid:
            return status, usage
        if time.monotonic() > end_s:
            raise MeasureFailed(f"not ended within {seconds_max:.0f} s")
        time.sleep(_POLL_S)
