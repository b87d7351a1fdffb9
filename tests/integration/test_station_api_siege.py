"""A station besieged by its own description: no 5xx, no status or field that is not in it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.repo.tree import CHECKOUT
from tests.support.station_scene import add_scene, poles_of
from tests.support.station_server import TOKENS, StationServer

pytestmark = pytest.mark.timeout(180)

_ENDLESS = r"/(live\.mjpg|live\.mp4|news|feed)$"
"""Answers that last as long as their reader does, or wait for up to a minute."""
_COUNT = re.compile(r"([0-9]+) generated")
_SECONDS = "25"


def test_station_holds_when_it_is_besieged_by_its_own_description(tmp_path: Path) -> None:
    with StationServer(tmp_path, poles_of(5)) as server:
        add_scene(server, poles=5, alerts=20)
        command = [
            str(Path(sys.executable).with_name("schemathesis")),
            "--config-file", str(CHECKOUT / "tests/support/station_siege.toml"), "run",
            f"{server.url}v1/openapi.json",
            "--header", f"Authorization: Bearer {TOKENS['supervisor']}",
            "--max-time", _SECONDS, "--seed", "20261122", "--exclude-path-regex", _ENDLESS,
            "--generation-database", "none", "--no-color", "--request-timeout", "20",
        ]  # fmt: skip
        environment = os.environ | {"PYTHONPATH": str(CHECKOUT)}
        with tempfile.TemporaryDirectory() as folder:  # it leaves its notes where it runs
            done = subprocess.run(
                command, cwd=folder, env=environment, capture_output=True, text=True, check=False
            )
        said = {kind for kind in ("alert.ack", "alert.note", "alert.hold") if server.drafts(kind)}

    found = _COUNT.search(done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr
    assert found is not None
    assert int(found[1]) > 200
    assert said  # it came as far as what changes something
