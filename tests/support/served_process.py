"""A program of ours in a process of its own that is asked over HTTP, and killed."""

from __future__ import annotations

import http.client
import json
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

ROOT = Path(__file__).parents[2]
COMMAND = (sys.executable, "-m", "edge.cli")
START_S_MAX = 40.0
STOP_S_MAX = 25.0
ASK_S_MAX = 70.0
Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: status, headers with lower-case names, body."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The body, understood."""
        return json.loads(self.body)


def free_port() -> int:
    """A port nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class ServedProcess:
    """It runs while the context is open; leaving it stops it and checks that it obeys."""

    def __init__(self, words: Sequence[str], *, port: int) -> None:
        """`words` is the command, `port` the one of its configuration."""
        self._words, self.port = tuple(words), port
        self._process: subprocess.Popen[bytes] | None = None
        self.token = ""

    def __enter__(self) -> Self:
        self._errors = tempfile.TemporaryFile("w+b")
        try:
            self.start()
        except BaseException:
            self.kill()
            self._errors.close()
            raise
        return self

    def __exit__(self, *_exc: object) -> None:
        try:
            if self._process and self._process.poll() is None:
                assert self.stop() == 0, self.errors
        finally:
            self.kill()
            self._errors.close()

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self._process
        return self._process.pid

    @property
    def errors(self) -> str:
        """All it has written to standard error so far, over all its starts."""
        path = Path(f"/proc/self/fd/{self._errors.fileno()}")
        return path.read_text(encoding="utf-8", errors="replace")

    def start(self) -> None:
        """Start it and wait until it answers."""
        self._process = subprocess.Popen(
            self._words, cwd=ROOT, stdin=subprocess.DEVNULL, stderr=self._errors
        )
        self.wait_for(lambda: self._answers(), timeout_s=START_S_MAX)

    def stop(self, *, timeout_s: float = STOP_S_MAX) -> int:
        """Ask it to end; its exit code."""
        assert self._process
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(timeout_s)

    def kill(self) -> None:
        """Kill it as the kernel would."""
        if self._process and self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def get(self, path: str, *, token: str | None = None, **headers: str) -> Answer:
        """GET as the tester, or with another token ("" for none)."""
        return self.ask("GET", path, token=token, headers=headers)

    def post(self, path: str, body: object, *, token: str | None = None) -> Answer:
        """POST JSON."""
        return self.ask("POST", path, token=token, body=json.dumps(body).encode())

    def ask(
        self, method: str, path: str, *, token: str | None = None,
        body: bytes | None = None, headers: Mapping[str, str] | None = None,
    ) -> Answer:  # fmt: skip
        """Send one request on a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=ASK_S_MAX)
        sent = {name.replace("_", "-"): value for name, value in (headers or {}).items()}
        if body is not None:
            sent.setdefault("Content-Type", "application/json")
        if token != "":
            sent["Authorization"] = f"Bearer {self.token if token is None else token}"
        try:
            connection.request(method, path, body=body, headers=sent)
            response = connection.getresponse()
            names = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, names, response.read())
        finally:
            connection.close()

    def wait_for(
        self, condition: Callable[[], object], *, timeout_s: float = 30, every_s: float = 0.1
    ) -> None:
        """Wait until something holds."""
        deadline_s = time.monotonic() + timeout_s
        while not condition():
            assert self._process
            assert self._process.poll() is None, f"it has ended: {self.errors[-3000:]}"
            assert time.monotonic() < deadline_s, f"not in {timeout_s} s: {self.errors[-3000:]}"
            threading.Event().wait(every_s)

    def _answers(self) -> bool:
        try:
            return self.get("/v1/health", token="").status in (200, 503)
        except (ConnectionError, http.client.HTTPException, TimeoutError):
            return False
