"""What a station finds wrong with all that it has pulled of a pole, and what `verify` finds."""

from __future__ import annotations

import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import av

from tests.support.puller import Puller
from tests.support.served_process import COMMAND, ROOT


def find_unsound(data: Path) -> list[str]:
    """What `polewatch verify` finds in the data folder of a pole that has stopped, or runs."""
    done = subprocess.run(
        [*COMMAND, "verify", str(data), "--json"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return [f"verify: {done.stdout[-2000:]} {done.stderr[-500:]}"] if done.returncode else []


def find_problems(puller: Puller, pulled: Path) -> list[str]:
    """What is doubled, was never had, or can't be played; `pulled` holds the puller's files."""
    problems = [*puller.problems, *(f"never had: {item['href']}" for item in puller.missing)]
    records = [record for feed in puller.records.values() for record in feed]
    ids = Counter(record["id"] for record in records)
    problems += [f"id {name} {count} times" for name, count in ids.items() if count > 1]
    alerts = puller.records["alerts"]
    opened = Counter(r["alert"] for r in alerts if r["kind"] == "alert.open")
    closed = Counter(r["alert"] for r in alerts if r["kind"] == "alert.close")
    problems += [
        f"alert {name} opened {count} times" for name, count in opened.items() if count > 1
    ]
    problems += [
        f"alert {name} closed {count} times" for name, count in closed.items() if count > 1
    ]
    problems += [f"alert {name} closed, never opened" for name in closed.keys() - opened.keys()]
    uses = Counter(
        (record["alert"], item["role"], item["sha256"])
        for record in puller.records["media"]
        for item in record["media"]
    )
    problems += [f"{use} {count} times" for use, count in uses.items() if count > 1]
    for record in puller.records["media"]:
        for item in record["media"]:
            problems += _play(pulled / item["sha256"], item)
    return problems


def _play(path: Path, item: dict[str, Any]) -> list[str]:
    if not path.exists():
        return []  # told as never had
    try:
        with av.open(str(path)) as container:
            count = sum(1 for _ in container.decode(video=0))
    except av.FFmpegError as exc:
        return [f"{item['href']}: can't be played: {exc}"]
    return [] if count else [f"{item['href']}: no picture in it"]
