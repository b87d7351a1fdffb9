"""One run of one eye: its lines are read to their end, then its end is waited for.

However it ends, within seconds nothing of it is left: no process, no descriptor, nobody who waits.
"""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from edge.agent.eyes.asking import Asking
from edge.agent.eyes.eye_lines import End, EyeLine, Reply
from edge.agent.eyes.eye_words import EyeWords
from edge.agent.eyes.fork_link import BegunEye, EyeEnd
from edge.agent.eyes.line_intake import EyeCondemned, LineIntake
from edge.agent.eyes.pipes import PipeReader, PipeWriter
from edge.clock import NS_PER_S, Clock

STOP_S_MAX = 10.0
"""An eye that is told to stop has ended by then, see docs/ref/lines.md."""
LINGER_S = 2.0
"""How long lines are read on after the process has ended: somebody else may hold its pipe."""
END_S_MAX = 5.0
"""The fork server tells of an end at once."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Listener:
    """Who an eye's lines are for.

    `hear` takes a line and says why it can't be believed, None where it can; it may raise
    EyeCondemned. `wait_for_room` waits while no more can be taken. `condemn_server` is called when
    the fork server does not tell of an end.
    """

    hear: Callable[[EyeLine], str | None]
    wait_for_room: Callable[[], Awaitable[None]]
    condemn_server: Callable[[str], None]
    clock: Clock


class EyeRun:
    """An eye that runs; `folder` is where its files are, None: it makes none."""

    def __init__(
        self, camera: str, begun: BegunEye, listener: Listener, *, folder: Path | None
    ) -> None:
        """Takes over the process and its pipes."""
        self.folder = folder
        self.end = EyeEnd()
        self.kill_reason = ""
        self.last_words = ""
        self.is_stopped = False
        """Whether it was asked to end."""
        self.is_over = False
        """Whether it has come to its end, and `end` says how."""
        self._camera = camera
        self._process = begun.process
        self._listener = listener
        self._begun_ns = listener.clock.monotonic_ns()
        self._intake = LineIntake(camera)
        self._has_said_garbage = False
        self._reader = PipeReader(begun.stdout)
        self._writer = PipeWriter(begun.stdin)
        self._words = EyeWords(camera, begun.stderr, listener.clock)
        self.asking = Asking(camera, self._writer)

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def log_lines(self) -> list[str]:
        """The last lines of its log."""
        return self._words.lines

    @property
    def garbage_count(self) -> int:
        """Lines that were none."""
        return self._intake.garbage_count

    @property
    def ran_s(self) -> float:
        """How long ago it was begun."""
        return (self._listener.clock.monotonic_ns() - self._begun_ns) / NS_PER_S

    async def run(self) -> None:
        """Read it to its end; when cancelled, stop it in order first, within 10 s or by force."""
        loop = asyncio.get_running_loop()
        self._process.ended.add_done_callback(
            lambda _: loop.call_later(LINGER_S, self._reader.hang_up)
        )
        try:
            await self._read()
            await self._wait_for_end()
        except asyncio.CancelledError:
            await self._stop()
            raise
        finally:
            self.asking.end()
            self._process.send_signal(signal.SIGKILL)  # where it has not ended by now
            self._process.close()
            self._reader.close()
            self._writer.close()
            self._words.close()

    def kill(self, reason: str) -> None:
        """End it at once, and say why."""
        self.kill_reason = self.kill_reason or reason
        _log.error("eye killed: camera=%s pid=%d reason=%s", self._camera, self.pid, reason)
        self._process.send_signal(signal.SIGKILL)
        self._reader.hang_up()

    async def _read(self) -> None:
        clock = self._listener.clock
        try:
            while block := await self._reader.read():
                for line in self._intake.push(block, clock.monotonic_ns()):
                    self._take(line)
                self._say_garbage()
                await self._listener.wait_for_room()
            self._intake.finish(clock.monotonic_ns())
        except EyeCondemned as exc:
            self.kill(str(exc))

    def _take(self, line: EyeLine) -> None:
        if isinstance(line, Reply) and self.asking.take(line):
            return
        if isinstance(line, End):
            self.last_words = line.reason
        if doubt := self._listener.hear(line):
            self._intake.refuse(doubt, self._listener.clock.monotonic_ns())

    def _say_garbage(self) -> None:
        """Say it once in a run; how much it was in the end stands in the record of its end."""
        if self.garbage_count and not self._has_said_garbage:
            self._has_said_garbage = True
            fault = self._intake.last_fault
            _log.warning("eye prints garbage: camera=%s reason=%s", self._camera, fault)

    async def _stop(self) -> None:
        self.is_stopped = True
        self._process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(STOP_S_MAX):
                await self._read()
        except TimeoutError:
            self.kill(f"it has not stopped within {STOP_S_MAX:.0f} s")
        await self._wait_for_end()

    async def _wait_for_end(self) -> None:
        """Wait until the end is told; one that lives on without a voice is killed."""
        ended = self._process.ended
        if not (await asyncio.wait([ended], timeout=END_S_MAX))[0]:
            self.kill("it prints no more and does not end")
            if not (await asyncio.wait([ended], timeout=END_S_MAX))[0]:
                self._listener.condemn_server("it does not tell how an eye has ended")
        self.end = ended.result() if ended.done() else EyeEnd()
        self.is_over = True
