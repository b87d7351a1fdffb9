"""A whole pole in processes of its own: `polewatch run` over a configuration that a test writes.

It is asked over HTTP, with a token made by `polewatch token`, as any station would.
"""

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
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

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


def write_config(
    folder: Path, cameras: Mapping[str, str], *, port: int, extra: str = "", camera: str = ""
) -> Path:
    """Write a configuration.

    Args:
        folder: where it goes, as pole.toml.
        cameras: name → main source.
        port: on 127.0.0.1.
        extra: TOML that follows, rules for instance.
        camera: TOML in each camera's table.
    """
    tables = "".join(
        f"[[camera]]\nname = {json.dumps(name)}\nmain = {json.dumps(source)}\n{camera}\n"
        for name, source in cameras.items()
    )
    path = folder / "pole.toml"
    api = f'[api]\nlisten = "127.0.0.1:{port}"\n'
    path.write_text(f'[pole]\nid = "TEST-1"\n{tables}{extra}\n{api}', encoding="utf-8")
    return path


class PoleProcess:
    """A pole while the context is open; leaving it stops the pole and checks that it obeys."""

    def __init__(
        self, config: Path, data: Path, *, port: int, command: Sequence[str] = COMMAND
    ) -> None:
        """`port` is the one of the configuration; `command` is how to call polewatch."""
        self._config, self._data, self.port = config, data, port
        self._command = tuple(command)
        self._process: subprocess.Popen[bytes] | None = None
        self.token = ""

    def __enter__(self) -> PoleProcess:
        self._errors = tempfile.TemporaryFile("w+b")
        self.token = self.make_token("tester", "read", "pictures", "ack", "admin")
        self.start()
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
        """Process id of the agent."""
        assert self._process
        return self._process.pid

    @property
    def errors(self) -> str:
        """All it has written to standard error so far, over all its starts."""
        path = Path(f"/proc/self/fd/{self._errors.fileno()}")
        return path.read_text(encoding="utf-8", errors="replace")

    def make_token(self, name: str, *scopes: str, cameras: Sequence[str] = ()) -> str:
        """Make a token as a technician does."""
        words = [word for scope in scopes for word in ("--scope", scope)]
        words += [word for camera in cameras for word in ("--camera", camera)]
        done = subprocess.run(
            [*self._command, "token", "new", name, *words, "--data", str(self._data)],
            cwd=ROOT, capture_output=True, text=True, timeout=30, check=True,
        )  # fmt: skip
        return done.stdout.strip()

    def start(self) -> None:
        """Start it and wait until it answers."""
        self._process = subprocess.Popen(
            [*self._command, "run", "--config", str(self._config), "--data", str(self._data)],
            cwd=ROOT, stdin=subprocess.DEVNULL, stderr=self._errors,
        )  # fmt: skip
        self.wait_for(lambda: self._answers(), timeout_s=START_S_MAX)

    def stop(self) -> int:
        """Ask it to end; its exit code."""
        assert self._process
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(STOP_S_MAX)

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

    def records(self, feed: str, *, after: str | None = None) -> Iterator[Record]:
        """Every record of a feed from a cursor on, page by page, as a station pulls."""
        while True:
            query = f"?limit=1000&after={quote(after)}" if after else "?limit=1000"
            page = self.get(f"/v1/feeds/{feed}{query}").json()
            yield from page["items"]
            after = page["next"]
            if not page["more"]:
                return

    def wait_for(
        self, condition: Callable[[], object], *, timeout_s: float = 30, every_s: float = 0.1
    ) -> None:
        """Wait until something holds."""
        deadline_s = time.monotonic() + timeout_s
        while not condition():
            assert self._process
            assert self._process.poll() is None, f"the pole has ended: {self.errors[-3000:]}"
            assert time.monotonic() < deadline_s, f"not in {timeout_s} s: {self.errors[-3000:]}"
            threading.Event().wait(every_s)

    def _answers(self) -> bool:
        try:
            return self.get("/v1/health", token="").status in (200, 503)
        except (ConnectionError, http.client.HTTPException, TimeoutError):
            return False
