"""The agent's last log lines, in the data folder: what the next start tells of one that crashed.

Lines are written as they come and not synced: they outlive the process. A fault in native code, and
the SIGABRT of a watchdog, leave the stacks of all threads there (faulthandler).
"""

from __future__ import annotations

import contextlib
import faulthandler
import logging
import os
import sys
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from edge.clock import Clock
from edge.model import Json
from edge.serving.plain_text import plain_text
from edge.wire import format_utc

NAME = "run.log"
BYTES_MAX = 32 * 1024
"""Then it becomes `run.log.old`, and the one before that goes."""
LINES_TOLD = 20
_BEGUN, _ENDED = "# begun ", "# ended"
_STACKS = ("Fatal Python error: ", "Current thread ", "Thread 0x")
_READ_BYTES = 4 * BYTES_MAX


@dataclass(frozen=True, slots=True)
class EarlierRun:
    """A run that has not ended in order: `boot` is the kernel's name of the boot it ran in."""

    boot: str
    lines: tuple[str, ...]
    stack: tuple[str, ...]

    def describe(self, boot: str) -> dict[str, Json]:
        """Say what is known of its end, seen from a start in `boot`."""
        if self.stack:
            reason = self.stack[0]
        elif self.boot != boot:
            reason = "the machine was restarted, or lost its power, while it ran"
        elif self.lines and " CRITICAL polewatch: failed: " in self.lines[-1]:
            reason = self.lines[-1].partition(" failed: ")[2]
        else:
            reason = "it ended without a word: killed, or for want of memory"
        said: dict[str, Json] = {
            "part": "agent", "reason": reason, "boot": self.boot,
            "lines": list(self.lines[-LINES_TOLD:]),
        }  # fmt: skip
        return said | ({"stack": list(self.stack[-LINES_TOLD:])} if self.stack else {})


class RunLog(logging.Handler):
    """Takes what is logged while the context is open."""

    def __init__(self, folder: Path, boot: str, clock: Clock) -> None:
        """Read how the run before this one ended; `crash` is that run where it was not in order."""
        super().__init__(logging.INFO)
        self.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
        self._path, self._clock = folder / NAME, clock
        self._header = f"{_BEGUN}{boot}"
        self._descriptor: int | None = None
        self._had_faulthandler = faulthandler.is_enabled()
        self.crash = find_crash(_read(self._path))

    def __enter__(self) -> Self:
        """Begin a run; a disk that takes no file holds nothing up."""
        with contextlib.suppress(OSError):
            self._descriptor = self._open()
        logging.getLogger().addHandler(self)
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        exc: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        """End it in order, or note what ended it."""
        logging.getLogger().removeHandler(self)
        if exc is None:
            self._write(_ENDED)
        else:
            for line in "".join(traceback.format_exception(exc)).splitlines():
                self._write(line)
            self._write(f"{self._now()} CRITICAL polewatch: failed: {exc}")
        faulthandler.disable()
        if self._had_faulthandler:
            faulthandler.enable(sys.__stderr__ or 2)
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a line; each of a trace by itself."""
        for number, line in enumerate(self.format(record).splitlines()):
            self._write(line if number else f"{self._now()} {line}")

    def _now(self) -> str:
        return format_utc(self._clock.utc_ms())

    def _write(self, line: str) -> None:
        with contextlib.suppress(OSError):  # a full disk: the log itself goes on, on stderr
            if self._descriptor is None:
                return
            if os.lseek(self._descriptor, 0, os.SEEK_END) > BYTES_MAX:
                self._path.replace(self._path.with_name(f"{NAME}.old"))
                os.close(self._descriptor)
                self._descriptor = None
                self._descriptor = self._open()
            os.write(self._descriptor, f"{plain_text(line)}\n".encode())

    def _open(self) -> int:
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(self._path, flags, 0o600)
        os.write(descriptor, f"{self._header}\n".encode())
        faulthandler.enable(descriptor)
        return descriptor


def find_crash(lines: Sequence[str]) -> EarlierRun | None:
    """Find the last run in what was kept; None where there was none, or it ended in order."""
    begun = [line for line in lines if line.startswith(_BEGUN)]
    if not begun or lines[-1] == _ENDED:
        return None
    ends = [number for number, line in enumerate(lines) if line == _ENDED]
    own = [line for line in lines[ends[-1] + 1 if ends else 0 :] if not line.startswith(_BEGUN)]
    first = next((number for number, line in enumerate(own) if line.startswith(_STACKS)), len(own))
    return EarlierRun(
        begun[-1].removeprefix(_BEGUN)[:64],
        tuple(own[:first][-LINES_TOLD:]),
        tuple(_shorten(own[first:])),
    )


def _shorten(dump: Sequence[str]) -> list[str]:
    """Of all stacks leave why, and the thread in which it happened: most often the event loop's."""
    current = next((n for n, line in enumerate(dump) if line.startswith("Current thread ")), 0)
    frames = [line for line in dump[current:] if line.strip()]
    return [*dump[: 1 if current else 0], *frames[: LINES_TOLD - 1]]


def _read(path: Path) -> list[str]:
    """The lines of both files, the oldest first."""
    lines: list[str] = []
    for each in (path.with_name(f"{NAME}.old"), path):
        with contextlib.suppress(OSError):
            descriptor = os.open(each, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            try:
                text = os.read(descriptor, _READ_BYTES).decode(errors="replace")
            finally:
                os.close(descriptor)
            lines += [plain_text(line) for line in text.splitlines()]
    return lines
