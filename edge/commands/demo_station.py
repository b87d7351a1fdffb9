"""The demo's station: its configuration, its token at the pole, and a process of its own."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from edge.agent.tokens import Grant, Tokens, add_token, revoke_token
from edge.clock import SystemClock
from edge.exits import EXIT_GOOD, EXIT_INTERRUPTED
from edge.eye.confinement import die_with_parent
from edge.serving.token_text import hash_token, make_token_text
from edge.station.config import StationApi
from edge.wire import format_utc

_STOP_S = 12.0
_LISTEN = StationApi().listen


@dataclass(frozen=True, slots=True)
class DemoStation:
    """What somebody needs to look at it: the page's address, with the token in it, and that."""

    page: str
    token: str
    config: Path
    process: subprocess.Popen[bytes]

    @property
    def has_failed(self) -> bool:
        """Whether it has ended, and not because it was told to."""
        return self.process.poll() not in (None, EXIT_GOOD, EXIT_INTERRUPTED)

    def end_with_it(self) -> None:
        """Have this process told to stop by SIGTERM once the station has ended; in its loop."""
        loop = asyncio.get_running_loop()
        descriptor = os.pidfd_open(self.process.pid)

        def on_end() -> None:
            loop.remove_reader(descriptor)
            os.close(descriptor)
            if self.has_failed:
                sys.stderr.write(f"polewatch: the demo's station {self._end()}; the pole stops\n")
            signal.raise_signal(signal.SIGTERM)

        loop.add_reader(descriptor, on_end)

    def _end(self) -> str:
        code = self.process.returncode
        return f"was killed by {signal.Signals(-code).name}" if code < 0 else f"failed ({code})"


@contextmanager
def demo_station(data: Path, *, pole: str, pole_url: str) -> Iterator[DemoStation]:
    """Write what a station needs beside a demo's pole, and run one within the block.

    Args:
        data: the pole's data folder; the station has `station` in it.
        pole: what the pole is called.
        pole_url: where it will answer.

    Raises:
        OSError: the folder takes no files.
    """
    folder = data / "station"
    folder.mkdir(mode=0o700, exist_ok=True)
    write_private(folder / "pole.token", _make_token_at_pole(data))
    token = make_token_text()
    config = folder / "station.toml"
    write_private(
        config,
        '[station]\nid = "demo-station"\nname = "Demo station"\n\n'
        f"[[pole]]\nname = {quote(pole)}\nurl = {quote(pole_url)}\n"
        'token_file = "pole.token"\n\n[store]\npath = "kept"\n\n'
        f'[[user]]\nname = "demo"\ntoken_hash = "{hash_token(token)}"\nrole = "supervisor"\n',
    )
    with _running(config) as process:
        yield DemoStation(f"http://{_LISTEN}/#token={token}", token, config, process)


@contextmanager
def _running(config: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run it beside; it says on standard error when it is there, or why not.

    To be entered while this process has one thread: see `die_with_parent`.
    """
    words = [sys.executable, "-m", "edge.cli", "station", "run", "--config", str(config)]
    process = subprocess.Popen(
        words, stdin=subprocess.DEVNULL, preexec_fn=partial(die_with_parent, os.getpid())
    )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def renew_token(data: Path, grant: Grant) -> str:
    """Make a token of the demo anew: its text is kept nowhere."""
    if any(token.name == grant.name for token in Tokens(data).all()):
        revoke_token(data, grant.name)
    return add_token(data, grant, made_at=format_utc(SystemClock().utc_ms()))


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)


def quote(text: str) -> str:
    """Write a TOML basic string; JSON's escapes are all among TOML's."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007F")


def _make_token_at_pole(data: Path) -> str:
    return renew_token(data, Grant("station", ("read", "pictures", "ack"), None, is_keeper=True))
