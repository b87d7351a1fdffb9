"""Forks an eye for each request on a socket, from one process that is warm and has one thread.

It knows the protocol, and how to begin and end processes; what an eye does it is told as a
function. Protocol and reasons: docs/design/fork-server.md.
"""

from __future__ import annotations

import gc
import os
import select
import signal
import socket
import sys
import traceback
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from edge.clock import NS_PER_S, Clock
from edge.errors import EdgeError
from edge.eye.confinement import die_with_parent, give_up_privileges
from edge.fork.protocol import (
    DESCRIPTOR_COUNT,
    MESSAGE_BYTES_MAX,
    Reply,
    Request,
    encode,
    parse_request,
)

EYES_MAX = 64
"""More than any pole has cameras; a caller in a loop must not fill the machine."""
STOP_S_MAX = 10.0
"""From SIGTERM to SIGKILL, for eyes whose fork server ends."""
_CRASHED = 70
"""Exit code of an eye with a programmer error, EX_SOFTWARE of sysexits.h."""
_HUNG_UP = select.POLLHUP | select.POLLRDHUP | select.POLLERR
_NS_PER_MS = 1_000_000

RunEye = Callable[[list[str]], int]
"""Run one eye by its arguments; returns the exit code."""


class ForkServerError(EdgeError, OSError):
    """The fork server can't work as it was started."""


class ForkServer:
    """The process that all eyes of a pole are forked from."""

    def __init__(self, control: socket.socket, run_eye: RunEye, clock: Clock) -> None:
        """`control` is one end of a SOCK_SEQPACKET pair; who holds the other end runs the eyes."""
        self._control = control
        self._run_eye = run_eye
        self._clock = clock
        self._pid_of: dict[int, int] = {}  # by descriptor of the process (pidfd)
        self._unsent: deque[bytes] = deque()
        self._poller = select.poll()
        self._is_over = False
        # Plain descriptors: an eye closes them by number, no object of this process may do so.
        self._told_read, self._told_write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)

    def run(self) -> None:
        """Serve until the socket's other end is closed or a signal says stop; then end all eyes.

        Raises:
            ForkServerError: this process has more than one thread.
        """
        _require_one_thread()
        gc.collect()
        gc.freeze()  # else the collector would write into every page that eyes share
        self._control.setblocking(False)
        self._poller.register(self._told_read, select.POLLIN)
        self._poller.register(self._control, select.POLLRDHUP)
        signal.set_wakeup_fd(self._told_write)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda _number, _frame: None)  # the wake-up descriptor tells
        self._say(Reply(ready=True, pid=os.getpid()))
        while not self._is_over:
            self._turn()
        self._end_eyes()

    def _turn(self, timeout_ms: int | None = None) -> None:
        """Wait for something to happen and deal with it.

        While replies wait to be read no request is: a caller that does not read gets no further.
        """
        wanted = select.POLLOUT if self._unsent else select.POLLIN
        self._poller.register(self._control, wanted | select.POLLRDHUP)
        for descriptor, events in self._poller.poll(timeout_ms):
            if descriptor in self._pid_of:
                self._reap(descriptor)
            elif descriptor == self._told_read:
                os.read(self._told_read, 64)
                self._is_over = True
            elif events & select.POLLOUT:
                self._flush()
            elif events & select.POLLIN:
                self._receive(is_hung_up=bool(events & _HUNG_UP))
            else:
                self._is_over = True

    def _receive(self, *, is_hung_up: bool) -> None:
        try:
            data, descriptors, flags, _ = socket.recv_fds(
                self._control, MESSAGE_BYTES_MAX, DESCRIPTOR_COUNT
            )
        except BlockingIOError:
            return
        except OSError:
            self._is_over = True
            return
        try:
            if not data and is_hung_up:
                self._is_over = True
            else:
                self._answer(data, descriptors, flags)
        finally:
            for descriptor in descriptors:
                os.close(descriptor)

    def _answer(self, data: bytes, descriptors: list[int], flags: int) -> None:
        request = parse_request(data)
        if flags & socket.MSG_TRUNC:
            request = Reply(error=f"longer than {MESSAGE_BYTES_MAX} bytes")
        if isinstance(request, Reply):
            self._say(request)
        elif len(descriptors) != DESCRIPTOR_COUNT or flags & socket.MSG_CTRUNC:
            error = f"{DESCRIPTOR_COUNT} descriptors must come with it: stdin, stdout, stderr"
            self._say(Reply(id=request.id, error=error))
        elif len(self._pid_of) >= EYES_MAX:
            self._say(Reply(id=request.id, error=f"{EYES_MAX} eyes run; that is the most"))
        else:
            self._begin_eye(request, descriptors)

    def _begin_eye(self, request: Request, descriptors: list[int]) -> None:
        server_pid = os.getpid()
        # A signal between fork and the eye's own handlers must not be taken by this server's.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
        try:
            pid = os.fork()
            if pid == 0:
                self._be_eye(request.argv, descriptors, server_pid)
            self._watch(pid)
        except OSError as exc:
            self._say(Reply(id=request.id, error=f"can't begin: {exc.strerror}"))
        else:
            self._say(Reply(id=request.id, pid=pid))
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def _watch(self, pid: int) -> None:
        try:
            descriptor = os.pidfd_open(pid)
        except OSError:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            raise
        self._pid_of[descriptor] = pid
        self._poller.register(descriptor, select.POLLIN)

    def _be_eye(self, argv: list[str], descriptors: list[int], server_pid: int) -> NoReturn:
        """In the child: leave everything of the server behind, be an eye, end."""
        code = _CRASHED
        try:
            die_with_parent(server_pid)
            os.setpgid(0, 0)  # a Ctrl-C for the agent is not one for its eyes
            self._control.detach()
            for target, descriptor in enumerate(descriptors):
                os.dup2(descriptor, target)
            os.closerange(DESCRIPTOR_COUNT, os.sysconf("SC_OPEN_MAX"))
            give_up_privileges()
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.default_int_handler)
            signal.pthread_sigmask(signal.SIG_SETMASK, ())
            code = self._run_eye(argv)
        finally:  # nothing of the server's stack may go on in the child, whatever happened
            if (error := sys.exc_info()[1]) is not None:
                traceback.print_exception(error)
            sys.stderr.flush()
            os._exit(code)

    def _reap(self, descriptor: int) -> None:
        pid, status = os.waitpid(self._pid_of[descriptor], os.WNOHANG)
        if pid == 0:
            return
        self._poller.unregister(descriptor)
        os.close(descriptor)
        del self._pid_of[descriptor]
        code = os.waitstatus_to_exitcode(status)
        self._say(Reply(pid=pid, exit=code) if code >= 0 else Reply(pid=pid, signal=-code))

    def _end_eyes(self) -> None:
        """Ask all eyes to stop, give them time, kill the rest; nobody is left behind."""
        for pid in self._pid_of.values():
            os.kill(pid, signal.SIGTERM)
        deadline_ns = self._clock.monotonic_ns() + round(STOP_S_MAX * NS_PER_S)
        self._poller.unregister(self._control)
        self._wait_for_eyes(deadline_ns)
        for pid in self._pid_of.values():
            os.kill(pid, signal.SIGKILL)
        while self._pid_of:
            self._wait_for_eyes(None)

    def _wait_for_eyes(self, deadline_ns: int | None) -> None:
        while self._pid_of:
            left_ms = None
            if deadline_ns is not None:
                left_ms = (deadline_ns - self._clock.monotonic_ns()) // _NS_PER_MS
                if left_ms <= 0:
                    return
            for descriptor, _ in self._poller.poll(left_ms):
                if descriptor in self._pid_of:
                    self._reap(descriptor)
                else:
                    os.read(self._told_read, 64)

    def _say(self, reply: Reply) -> None:
        self._unsent.append(encode(reply))
        self._flush()

    def _flush(self) -> None:
        try:
            while self._unsent:
                self._control.send(self._unsent[0])
                self._unsent.popleft()
        except BlockingIOError:
            return
        except OSError:
            self._is_over = True  # nobody listens
            self._unsent.clear()


def open_control(descriptor: int) -> socket.socket:
    """Take the socket that requests come from.

    Raises:
        ForkServerError: the descriptor is not one end of a SOCK_SEQPACKET Unix socket pair.
    """
    remedy = "descriptor 0 must be one end of a Unix socket pair, SOCK_SEQPACKET"
    try:
        control = socket.socket(fileno=descriptor)
    except OSError as exc:
        raise ForkServerError(f"--forkserver: standard input is no socket; {remedy}") from exc
    if (control.family, control.type) != (socket.AF_UNIX, socket.SOCK_SEQPACKET):
        control.detach()
        raise ForkServerError(f"--forkserver: another kind of socket; {remedy}")
    return control


def _require_one_thread() -> None:
    """Only the thread that calls fork goes on in a child; locks of others would stay taken."""
    if len(list(Path("/proc/self/task").iterdir())) > 1:
        raise ForkServerError(
            "--forkserver: a library began threads; start it with OPENBLAS_NUM_THREADS=1"
        )
