"""Besieges a pole with schemathesis, from its own description of itself.

    python -m tests.support.siege SECONDS

runs a longer one by hand and says how many requests there were and how the pole's memory grew.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import msgspec

from tests.repo.tree import CHECKOUT
from tests.support.pole_server import Offer, run_pole_server

_SUPPORT = CHECKOUT / "tests/support"
_ENDLESS = r"/(live\.mjpg|live\.mp4|tracks)$"
"""Answers that last as long as their reader does."""
WARM_S = 60
"""Until what is kept in memory of each feed has reached its bound."""
_COUNT = re.compile(r"([0-9]+) generated")


@dataclass(frozen=True)
class Outcome:
    """What came of it; `report` is what schemathesis says."""

    is_held: bool
    requests: int
    report: str


def besiege(offer: Offer, *, seconds: int, seed: int) -> Outcome:
    """Ask everything that the description allows, and what it does not, for some time."""
    command = [
        str(Path(sys.executable).with_name("schemathesis")),
        "--config-file", str(_SUPPORT / "siege.toml"), "run",
        f"http://{offer.address}/v1/openapi.json",
        "--header", f"Authorization: {offer.headers['Authorization']}",
        "--max-time", str(seconds), "--seed", str(seed),
        "--exclude-path-regex", _ENDLESS,
        "--generation-database", "none", "--no-color", "--request-timeout", "20",
    ]  # fmt: skip
    environment = os.environ | {
        "SCHEMATHESIS_HOOKS": "tests.support.siege_hooks",
        "POLE_OFFER": msgspec.json.encode(
            {"epoch": offer.epoch, "alerts": offer.alerts, "media": offer.media}
        ).decode(),
        "PYTHONPATH": str(CHECKOUT),
    }
    with tempfile.TemporaryDirectory() as folder:  # it leaves its notes where it runs
        done = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
    found = _COUNT.search(done.stdout)
    return Outcome(done.returncode == 0, int(found[1]) if found else 0, done.stdout + done.stderr)


def rss_bytes(pid: int) -> int:
    """Resident memory of a process."""
    pages = Path(f"/proc/{pid}/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def main() -> None:
    """Run one by hand."""
    seconds = int(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder, run_pole_server(Path(folder)) as offer:
        warm = besiege(offer, seconds=WARM_S, seed=1)
        before = rss_bytes(offer.pid)
        outcome = besiege(offer, seconds=seconds, seed=2)
        growth = rss_bytes(offer.pid) / before - 1
    print(warm.report if not warm.is_held else outcome.report)  # noqa: T201
    print(f"requests={outcome.requests} rss_mb={before / 2**20:.1f} growth={growth:.1%}")  # noqa: T201


if __name__ == "__main__":
    main()
