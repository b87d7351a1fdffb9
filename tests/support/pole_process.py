"""A whole pole in processes of its own: `polewatch run` over a configuration that a test writes.

It is asked over HTTP, with a token made by `polewatch token`, as any station would.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Self
from urllib.parse import quote

from tests.support.served_process import COMMAND, ROOT, Record, ServedProcess


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


class PoleProcess(ServedProcess):
    """A pole while the context is open; leaving it stops the pole and checks that it obeys."""

    def __init__(
        self, config: Path, data: Path, *, port: int, command: Sequence[str] = COMMAND
    ) -> None:
        """`port` is the one of the configuration; `command` is how to call polewatch."""
        self._data, self._command = data, tuple(command)
        words = (*self._command, "run", "--config", str(config), "--data", str(data))
        super().__init__(words, port=port)

    def __enter__(self) -> Self:
        self.token = self.make_token("tester", "read", "pictures", "ack", "admin")
        return super().__enter__()

    def make_token(
        self, name: str, *scopes: str, cameras: Sequence[str] = (), is_keeper: bool = False
    ) -> str:
        """Make a token as a technician does."""
        words = [word for scope in scopes for word in ("--scope", scope)]
        words += [word for camera in cameras for word in ("--camera", camera)]
        words += ["--keeper"] if is_keeper else []
        done = subprocess.run(
            [*self._command, "token", "new", name, *words, "--data", str(self._data)],
            cwd=ROOT, capture_output=True, text=True, timeout=30, check=True,
        )  # fmt: skip
        return done.stdout.strip()

    def records(self, feed: str, *, after: str | None = None) -> Iterator[Record]:
        """Every record of a feed from a cursor on, page by page, as a station pulls."""
        while True:
            query = f"?limit=1000&after={quote(after)}" if after else "?limit=1000"
            page = self.get(f"/v1/feeds/{feed}{query}").json()
            yield from page["items"]
            after = page["next"]
            if not page["more"]:
                return
