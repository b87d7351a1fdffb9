"""The other end of the fork server's socket: starts the server, asks it for eyes, hears them end.

For the agent and the bench; knows the protocol and nothing of eyes. Every call can be used from
an event loop but for those that say they wait: watch `fileno()` and call `receive(0)`.
"""

from __future__ import annotations

import os
import select
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from edge.clock import NS_PER_S, Clock, SystemClock
from edge.errors import EdgeError
from edge.fork.protocol import MESSAGE_BYTES_MAX, Reply, Request, encode, parse_reply

COMMAND = (sys.executable, "-m", "edge.cli", "eye", "--forkserver")
ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
"""A process with more threads can't be forked; libraries read these when they are imported."""
READY_S_MAX = 30.0
ANSWER_S_MAX = 10.0
STOP_S_MAX = 15.0
"""Eyes get 10 s to end, see `edge.eye.forkserver`."""


class ForkServerLost(EdgeError, OSError):
    """The fork server is gone, does not answer, or refused a request."""


@dataclass(frozen=True, slots=True)
class EyePipes:
    """An eye that was begun; the caller closes both descriptors.

    `stdin` takes its commands, `stdout` gives its lines.
    """

    pid: int
    stdin: int
    stdout: int


class ForkServerClient:
    """A running fork server; all its eyes end when this is closed."""

    def __init__(self, process: subprocess.Popen[bytes], control: socket.socket) -> None:
        """See `start_fork_server`."""
        self._process = process
        self._control = control
        self._clock: Clock = SystemClock()
        self._last_id = 0
        self._heard: list[Reply] = []

    def __enter__(self) -> ForkServerClient:
        """Close at the end of the block."""
        return self

    def __exit__(self, *_exc: object) -> None:
        """See `close`."""
        self.close()

    @property
    def pid(self) -> int:
        """Process id of the fork server itself."""
        return self._process.pid

    def fileno(self) -> int:
        """The descriptor that is readable when a reply has arrived.

        Replies that `spawn` or `wait` set aside do not show here: call `receive(0)` after either.
        """
        return self._control.fileno()

    def request(self, argv: Sequence[str], *, stdin: int, stdout: int, stderr: int) -> int:
        """Ask for an eye; the reply comes with `receive`.

        Args:
            argv: what would follow `polewatch eye`.
            stdin: descriptor it takes commands from; the caller keeps and closes its own copy.
            stdout: where its lines go.
            stderr: where its log goes.

        Returns:
            The request's id, which the reply carries.

        Raises:
            ForkServerLost: nobody is there to ask.
        """
        self._last_id += 1
        message = encode(Request(id=self._last_id, argv=list(argv)))
        try:
            descriptors = [stdin, stdout, stderr]
            socket.send_fds(self._control, [message], descriptors, socket.MSG_DONTWAIT)
        except OSError as exc:  # also where it reads no more and the socket is full
            raise ForkServerLost(f"the fork server takes no request: {exc.strerror}") from exc
        return self._last_id

    def probe(self) -> int:
        """Ask whether the server is there: without descriptors no eye is begun.

        Returns:
            The request's id, which the reply, that it refuses, carries.

        Raises:
            ForkServerLost: nobody is there to ask.
        """
        self._last_id += 1
        try:
            self._control.send(encode(Request(id=self._last_id, argv=["?"])), socket.MSG_DONTWAIT)
        except OSError as exc:
            raise ForkServerLost(f"the fork server takes no request: {exc.strerror}") from exc
        return self._last_id

    def receive(self, timeout_s: float) -> list[Reply]:
        """Wait for replies, at most so long; 0 takes what is there.

        Raises:
            ForkServerLost: it has ended.
        """
        heard, self._heard = self._heard, []
        if heard or not select.select([self._control], [], [], timeout_s)[0]:
            return heard
        try:
            data = self._control.recv(MESSAGE_BYTES_MAX)
        except ConnectionError:
            data = b""
        if not data:
            raise ForkServerLost("the fork server has ended")
        return [parse_reply(data)]

    def spawn(self, argv: Sequence[str], *, stderr: int = 2) -> EyePipes:
        """Begin an eye with pipes and wait until it has begun.

        Raises:
            ForkServerLost: it could not be begun; the message says why.
        """
        eye_stdin, stdin = os.pipe()
        stdout, eye_stdout = os.pipe()
        try:
            request = self.request(argv, stdin=eye_stdin, stdout=eye_stdout, stderr=stderr)
            reply = self._wait(lambda reply: reply.id == request, ANSWER_S_MAX)
            if reply.pid is None:
                raise ForkServerLost(f"no eye: {reply.error}")
        except ForkServerLost:
            os.close(stdin)
            os.close(stdout)
            raise
        finally:
            os.close(eye_stdin)
            os.close(eye_stdout)
        return EyePipes(reply.pid, stdin, stdout)

    def wait(self, pid: int, timeout_s: float) -> Reply:
        """Wait until an eye has ended; the reply says how.

        Raises:
            ForkServerLost: not in this time, or the fork server ended first.
        """
        return self._wait(
            lambda reply: reply.pid == pid and (reply.exit, reply.signal) != (None, None),
            timeout_s,
        )

    def wait_ready(self) -> None:
        """Wait until imports and models are loaded.

        Raises:
            ForkServerLost: it ended before, or takes too long.
        """
        self._wait(lambda reply: reply.ready, READY_S_MAX)

    def close(self) -> int:
        """End all eyes and the server; wait for it, return its exit code, negative for a signal."""
        self._control.close()
        try:
            return self._process.wait(STOP_S_MAX)
        except subprocess.TimeoutExpired:
            self._process.kill()  # its eyes die with it
            return self._process.wait()

    def kill(self) -> None:
        """End the server and all its eyes at once: it is stuck. What is left to do is `close`."""
        self._process.kill()

    def _wait(self, is_it: Callable[[Reply], bool], timeout_s: float) -> Reply:
        """Wait for one reply; others stay to be received."""
        others: list[Reply] = []
        deadline_ns = self._clock.monotonic_ns() + round(timeout_s * NS_PER_S)
        try:
            while (left_ns := deadline_ns - self._clock.monotonic_ns()) > 0:
                heard = self.receive(left_ns / NS_PER_S)
                found = next((reply for reply in heard if is_it(reply)), None)
                others += [reply for reply in heard if reply is not found]
                if found is not None:
                    return found
        finally:
            self._heard = others + self._heard
        raise ForkServerLost(f"no word from the fork server within {timeout_s:.0f} s")


def start_fork_server(
    command: Sequence[str] = COMMAND, *, environment: Mapping[str, str] | None = None
) -> ForkServerClient:
    """Start a fork server and wait until it is ready, about a second.

    Args:
        command: how to call it.
        environment: of the process; None is this one's. Threads are switched off in any case.

    Raises:
        ForkServerLost: it did not get ready; what kept it stands in its error output.
    """
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        process = subprocess.Popen(
            command,
            stdin=theirs.fileno(),
            env={**(os.environ if environment is None else environment), **ONE_THREAD},
            process_group=0,  # Ctrl-C is for the caller, who ends the eyes in order
        )
    client = ForkServerClient(process, ours)
    try:
        client.wait_ready()
    except ForkServerLost:
        client.close()
        raise
    return client
