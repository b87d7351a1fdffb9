"""The agent's end of the fork server: eyes are asked for, begun and heard to end on the loop.

An eye is known by a pidfd taken right after it has begun: a signal can't hit another process that
got its number. When the server is lost so are all its eyes, and everybody who waits is told.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from edge.agent.promise import Promise
from edge.clock import Clock, SystemClock
from edge.errors import EyeUnavailable
from edge.fork.client import (
    COMMAND,
    READY_S_MAX,
    STOP_S_MAX,
    ForkServerClient,
    ForkServerLost,
    start_fork_server,
)
from edge.fork.protocol import Reply
from edge.supervise import LONGEST_WAIT_S

ANSWER_S_MAX = 10.0
"""A fork takes milliseconds; a server that has not answered by then is stuck."""
LOOK_EVERY_S = 10.0
"""A server that has stopped is found out while no eye needs it, not when one has ended."""
_SLACK_S = 10.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class EyeEnd:
    """How a process ended: its exit code, or the signal that killed it; neither: nobody knows."""

    exit: int | None = None
    signal: int | None = None

    def __str__(self) -> str:
        """For people."""
        if self.signal is not None:
            return f"killed by {signal_name(self.signal)}"
        return "lost with the fork server" if self.exit is None else f"exit code {self.exit}"


class EyeProcess:
    """An eye that has begun; whoever asked for it closes it."""

    def __init__(self, pid: int) -> None:
        """Call on the loop, at once when `pid` is known."""
        self.pid = pid
        self.ended: asyncio.Future[EyeEnd] = asyncio.get_running_loop().create_future()
        self._pidfd: int | None = None
        with contextlib.suppress(ProcessLookupError):  # it has ended already, and that is told
            self._pidfd = os.pidfd_open(pid)

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal; nothing happens where it has ended."""
        if self._pidfd is not None:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._pidfd, number)

    def close(self) -> None:
        """Let go of it."""
        if self._pidfd is not None:
            os.close(self._pidfd)
            self._pidfd = None


@dataclass(frozen=True, slots=True)
class BegunEye:
    """An eye with the other ends of its pipes.

    `stdin` takes commands, `stdout` gives lines, `stderr` gives its log.
    """

    process: EyeProcess
    stdin: int
    stdout: int
    stderr: int


class ForkLink:
    """One fork server after the other; eyes can be had while one is up."""

    def __init__(
        self,
        command: Sequence[str] = COMMAND,
        clock: Clock | None = None,
        *,
        look_every_s: float = LOOK_EVERY_S,
    ) -> None:
        """`command` starts the server; each `look_every_s` it must answer."""
        self._command = tuple(command)
        self._look_every_s = look_every_s
        self._promise = Promise(clock or SystemClock())
        self._client: ForkServerClient | None = None
        self._lost: asyncio.Future[str] | None = None
        self._asked: dict[int, asyncio.Future[EyeProcess]] = {}
        self._running: dict[int, EyeProcess] = {}
        self._looks: dict[int, asyncio.Future[None]] = {}
        self._up = asyncio.Event()
        self.fault = ""
        """Why no server is up, once one has failed; empty while one is."""

    @property
    def pid(self) -> int | None:
        """Process id of the fork server, while one is up."""
        return self._client.pid if self._client is not None else None

    @property
    def late_s(self) -> float:
        """For how long nobody has looked after the server, or started another one; else 0."""
        return self._promise.late_s

    async def wait_up(self) -> None:
        """Wait until eyes can be asked for."""
        await self._up.wait()

    async def run_once(self) -> None:
        """Start a fork server and serve until it is lost.

        Raises:
            ForkServerLost: always; the message says why.
        """
        self._promise.renew(READY_S_MAX + STOP_S_MAX + _SLACK_S)
        try:
            self._client = await _start(self._command)
        except ForkServerLost as exc:
            self.fault = str(exc)
            self._promise.renew(LONGEST_WAIT_S + _SLACK_S)
            raise
        loop = asyncio.get_running_loop()
        self._lost = loop.create_future()
        loop.add_reader(self._client.fileno(), self._receive)
        self._up.set()
        self.fault = ""
        try:
            self.fault = await self._look_until_lost(self._lost)
            raise ForkServerLost(self.fault)
        finally:
            loop.remove_reader(self._client.fileno())
            client, self._client = self._client, None
            self._up.clear()
            self._forget_all()
            self._promise.renew(STOP_S_MAX + LONGEST_WAIT_S + _SLACK_S)
            await asyncio.shield(asyncio.to_thread(client.close))

    async def spawn(self, argv: Sequence[str]) -> BegunEye:
        """Begin an eye.

        Args:
            argv: what would follow `polewatch eye`.

        Raises:
            EyeUnavailable: there is no fork server now, or it begins no eye; the message says why.
        """
        with contextlib.ExitStack() as ours, contextlib.ExitStack() as theirs:
            eye_stdin, stdin = os.pipe()
            ours.callback(os.close, stdin)
            theirs.callback(os.close, eye_stdin)
            stdout, eye_stdout = os.pipe()
            ours.callback(os.close, stdout)
            theirs.callback(os.close, eye_stdout)
            stderr, eye_stderr = os.pipe()
            ours.callback(os.close, stderr)
            theirs.callback(os.close, eye_stderr)
            process = await self._ask(argv, (eye_stdin, eye_stdout, eye_stderr))
            ours.pop_all()  # they are the caller's now
            return BegunEye(process, stdin, stdout, stderr)

    def condemn(self, reason: str) -> None:
        """Give the server up: it does not do its part. It is killed, and its eyes with it."""
        if self._client is not None and self._lost is not None and not self._lost.done():
            self._client.kill()
            self._lost.set_result(reason)

    async def _look_until_lost(self, lost: asyncio.Future[str]) -> str:
        """Ask the server again and again whether it is there; say why it is not any more."""
        while True:
            self._promise.renew(self._look_every_s + ANSWER_S_MAX + _SLACK_S)
            if (await asyncio.wait([lost], timeout=self._look_every_s))[0]:
                return lost.result()
            answered: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            try:
                assert self._client is not None
                self._looks[self._client.probe()] = answered
            except ForkServerLost as exc:
                self.condemn(str(exc))
                continue
            both: list[asyncio.Future[Any]] = [lost, answered]
            await asyncio.wait(both, timeout=ANSWER_S_MAX, return_when=asyncio.FIRST_COMPLETED)
            if not answered.done():
                self.condemn(f"no answer within {ANSWER_S_MAX:.0f} s")
            self._looks.clear()

    async def _ask(self, argv: Sequence[str], pipes: tuple[int, int, int]) -> EyeProcess:
        if self._client is None:
            raise EyeUnavailable("the fork server does not run; it is being started again")
        begun: asyncio.Future[EyeProcess] = asyncio.get_running_loop().create_future()
        try:
            stdin, stdout, stderr = pipes
            number = self._client.request(argv, stdin=stdin, stdout=stdout, stderr=stderr)
        except ForkServerLost as exc:
            self.condemn(str(exc))
            raise EyeUnavailable(str(exc)) from exc
        self._asked[number] = begun
        try:
            async with asyncio.timeout(ANSWER_S_MAX):
                return await begun
        except asyncio.CancelledError:
            if begun.done() and not begun.cancelled() and begun.exception() is None:
                _abandon(begun.result())  # it began just now
            raise
        except TimeoutError as exc:
            self.condemn(f"no answer within {ANSWER_S_MAX:.0f} s")
            raise EyeUnavailable("the fork server does not answer; it is started again") from exc

    def _receive(self) -> None:
        """Take what the server says; called by the loop when there is something."""
        assert self._client is not None
        try:
            replies = self._client.receive(0)
        except (ForkServerLost, ValueError) as exc:  # it has ended, or talks nonsense
            asyncio.get_running_loop().remove_reader(self._client.fileno())
            self.condemn(str(exc))
            return
        for reply in replies:
            self._take(reply)

    def _take(self, reply: Reply) -> None:
        if reply.id is not None and reply.id in self._looks:
            self._looks.pop(reply.id).set_result(None)
        elif reply.id is not None:
            self._answer(reply.id, reply)
        elif reply.pid in self._running:
            _tell_end(self._running.pop(reply.pid), EyeEnd(reply.exit, reply.signal))

    def _answer(self, number: int, reply: Reply) -> None:
        begun = self._asked.pop(number, None)
        if begun is None:
            return
        if reply.pid is None:
            if not begun.done():
                begun.set_exception(EyeUnavailable(f"no eye could be begun: {reply.error}"))
            return
        process = EyeProcess(reply.pid)
        if begun.done():  # whoever asked has left
            _abandon(process)
            return
        self._running[reply.pid] = process
        begun.set_result(process)

    def _forget_all(self) -> None:
        """Tell everybody who waits that nothing comes any more."""
        for begun in self._asked.values():
            if not begun.done():
                begun.set_exception(EyeUnavailable("the fork server has ended"))
        self._asked.clear()
        for process in self._running.values():
            _tell_end(process, EyeEnd())
        self._running.clear()


def signal_name(number: int) -> str:
    """Name a signal, as in signal(7)."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _abandon(process: EyeProcess) -> None:
    process.send_signal(signal.SIGKILL)
    process.close()


def _tell_end(process: EyeProcess, end: EyeEnd) -> None:
    if not process.ended.done():
        process.ended.set_result(end)


async def _start(command: Sequence[str]) -> ForkServerClient:
    """Start a server on a thread; one that comes when nobody wants it any more is ended."""
    loop = asyncio.get_running_loop()
    starting = loop.run_in_executor(None, start_fork_server, command)
    try:
        client = await asyncio.shield(starting)
    except asyncio.CancelledError:
        with contextlib.suppress(ForkServerLost):
            client = await starting
            await asyncio.to_thread(client.close)
        raise
    _log.info("fork server up: pid=%d", client.pid)
    return client
