"""A whole station in a process of its own: `polewatch station run` over a configuration.

It is asked over HTTP, as a desk asks it.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from edge.serving.token_text import hash_token
from tests.support.served_process import COMMAND, ROOT, ServedProcess

DESK_TOKEN = "pw_desk_of_tests"
ADMIN_TOKEN = "pw_chief_of_tests"
STATION_ID = "station"


@dataclass(frozen=True, slots=True)
class PulledPole:
    """A pole as a station's configuration names it."""

    url: str
    token: str
    site: str | None = None


@dataclass(frozen=True, slots=True)
class StationFiles:
    """Where a station's configuration and store lie, and its port."""

    config: Path
    store: Path
    port: int
    poles: Sequence[str] = field(default_factory=tuple)


def write_station(
    folder: Path, poles: Mapping[str, PulledPole], *, port: int, store: str = "", extra: str = ""
) -> StationFiles:
    """Write a configuration with its token files.

    Args:
        folder: where it goes, as station.toml; the store is `kept` in it.
        poles: by name.
        port: on 127.0.0.1.
        store: TOML in `[store]`.
        extra: TOML that follows.
    """
    tables = [_pole_table(folder, name, pole) for name, pole in poles.items()]
    users = [
        _user_table("desk", DESK_TOKEN, "operator"),
        _user_table("chief", ADMIN_TOKEN, "supervisor"),
    ]
    text = (
        f'[station]\nid = "{STATION_ID}"\ntimezone = "Asia/Shanghai"\n'
        f'[api]\nlisten = "127.0.0.1:{port}"\n'
        f'[store]\npath = "kept"\n{store}\n' + "".join(tables + users) + extra
    )
    path = folder / "station.toml"
    path.write_text(text, encoding="utf-8")
    return StationFiles(path, folder / "kept", port, tuple(poles))


def _pole_table(folder: Path, name: str, pole: PulledPole) -> str:
    token = folder / f"{name}.token"
    token.touch(mode=0o600)
    token.write_text(pole.token + "\n", encoding="utf-8")
    site = "" if pole.site is None else f"site = {json.dumps(pole.site)}\n"
    file = json.dumps(token.name)
    return f'[[pole]]\nname = "{name}"\nurl = "{pole.url}"\ntoken_file = {file}\n{site}\n'


def _user_table(name: str, token: str, role: str) -> str:
    return f'[[user]]\nname = "{name}"\ntoken_hash = "{hash_token(token)}"\nrole = "{role}"\n\n'


class StationProcess(ServedProcess):
    """A station while the context is open; leaving it stops the station and checks that it obeys.

    It is asked as an operator; `chief` is a supervisor's token.
    """

    def __init__(self, files: StationFiles) -> None:
        """`files` as `write_station` made them."""
        self._files = files
        words = (*COMMAND, "station", "run", "--config", str(files.config))
        super().__init__(words, port=files.port)
        self.token, self.chief = DESK_TOKEN, ADMIN_TOKEN

    def counts(self) -> dict[str, int]:
        """How many alerts are open and new."""
        found: dict[str, int] = self.get("/v1/alerts?limit=1").json()["counts"]
        return found

    def alerts(self, state: str = "all") -> list[dict[str, Any]]:
        """Every alert, page by page, the newest first."""
        found: list[dict[str, Any]] = []
        after = ""
        while True:
            page = self.get(f"/v1/alerts?state={state}&order=newest&limit=100{after}").json()
            found += page["items"]
            if not page["more"]:
                return found
            after = f"&after={quote(page['next'])}"

    def poles(self) -> dict[str, dict[str, Any]]:
        """Every pole as a desk sees it, by name."""
        return {each["name"]: each for each in self.get("/v1/poles").json()["items"]}

    def find_unsound(self) -> list[str]:
        """What `polewatch station verify` finds; empty where all is sound."""
        return find_unsound(self._files)


def find_unsound(files: StationFiles) -> list[str]:
    """What `polewatch station verify` finds in the store of a station that runs, or has ended."""
    done = subprocess.run(
        [*COMMAND, "station", "verify", "--config", str(files.config), "--json"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return [f"verify: {done.stdout[-3000:]} {done.stderr[-500:]}"] if done.returncode else []
