"""A data folder after a fault: the agent is started on it, and what it was told is looked for."""

from __future__ import annotations

import asyncio
import collections
import contextlib
import hashlib
import os
import time
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edge.agent.data_folder import open_data_folder
from edge.agent.eyes.pole_eyes import PoleEyes, Surroundings, Terms
from edge.agent.log.reader import open_reader
from edge.agent.log.verify import verify_log
from edge.agent.media import MediaFolder
from edge.config.load import load_config
from edge.device_key import PUBLIC_NAME, load_public_key
from edge.errors import EdgeError
from edge.evidence import canonical_json
from edge.feeds import FEEDS
from tests.support.eye_pole import poll, write_config
from tests.support.served_pole import ServedPole, read_clock, serve_pole

SPOILT = "served and not what it was:"
SERVED_S_MAX = 10.0
SWEPT_S_MAX = 10.0
"""A sweep takes milliseconds; this is patience with a busy machine."""
NO_FORKS = ("/bin/sh", "-c", "printf '{\"ready\":true}' >&0; exec cat >/dev/null")
"""In place of the fork server: no camera is configured, no eye is asked for."""


@dataclass
class Found:
    """What a start came upon; `served_s` is how long it took to answer its first request."""

    problems: list[str] = field(default_factory=list)
    served_s: float = 0.0
    records: dict[tuple[str, int], dict[str, Any]] = field(default_factory=dict)


async def survey(folder: Path, told: Iterable[str]) -> Found:
    """Start a pole on a data folder and hold what it has against what was told before.

    Args:
        folder: the data folder; the sweep and one more record change it.
        told: lines as `life.live` tells them.
    """
    found = Found()
    begun_s = time.monotonic()
    try:
        with open_data_folder(folder) as data:
            async with serve_pole(folder, key=data.key) as pole:
                header = pole.token("surveyor")
                found.records = await _pull(pole, header)
                found.served_s = time.monotonic() - begun_s
                await _sweep(folder, pole, found)
                found.records = await _pull(pole, header)
                await _look(pole, header, list(told), found)
        _verify(folder, found)
    except EdgeError as exc:
        found.problems.append(f"it does not start: {exc}")
    if found.served_s > SERVED_S_MAX:
        found.problems.append(f"it served only after {found.served_s:.1f} s")
    return found


async def _pull(pole: ServedPole, header: dict[str, str]) -> dict[tuple[str, int], dict[str, Any]]:
    records: dict[tuple[str, int], dict[str, Any]] = {}
    for feed in FEEDS:
        has_more, query = True, "?limit=1000"
        while has_more:
            async with pole.client.get(f"/v1/feeds/{feed}{query}", headers=header) as answer:
                page = await answer.json()
            records |= {(feed, item["seq"]): item for item in page["items"]}
            has_more, query = page["more"], f"?limit=1000&after={page['next']}"
    return records


async def _sweep(folder: Path, pole: ServedPole, found: Found) -> None:
    """Let the agent look through what eyes have left, as it does at each start."""
    config_path = write_config(folder.parent, {})
    around = Surroundings(
        pole.log, MediaFolder(folder / "media"), folder / "eyes", read_clock, pole.make_id,
        command=NO_FORKS, terms=Terms(sweep_after_s=0.0),
    )  # fmt: skip
    eyes = PoleEyes(load_config(config_path), config_path, around)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(eyes.run())
        with contextlib.suppress(AssertionError):
            await poll(lambda: not _files(folder / "eyes"), timeout_s=SWEPT_S_MAX)
        eyes.stop()
        await task
    if left := _files(folder / "eyes"):
        found.problems.append(f"left after a sweep: {sorted(path.name for path in left)}")


async def _look(
    pole: ServedPole, header: dict[str, str], told: Collection[str], found: Found
) -> None:
    problems, records = found.problems, found.records
    problems += [
        f"{SPOILT} {feed} {seq}" for (feed, seq), each in records.items() if _is_spoilt(each)
    ]
    lines = [line.split() for line in told]
    evicted = {feed: pole.log.head(feed).oldest - 1 for feed in FEEDS}
    for feed, seq, name in (words[1:] for words in lines if words[0] == "record"):
        if int(seq) > evicted[feed] and records.get((feed, int(seq)), {}).get("id") != name:  # type: ignore[index]
            problems.append(f"lost: {feed} {seq}")
    opened = {each["alert"] for each in records.values() if each["kind"] == "alert.open"}
    problems += [f"lost: alert {w[1]}" for w in lines if w[0] == "journal" and w[1] not in opened]
    for feed, seq in (words[1:] for words in lines if words[0] == "acked"):
        if max((await pole.log.acks(feed)).values(), default=0) < int(seq):  # type: ignore[arg-type]
            problems.append(f"lost: ack of {feed} up to {seq}")
    ids = collections.Counter(each["id"] for each in records.values())
    opens = collections.Counter(
        each["alert"] for each in records.values() if each["kind"] == "alert.open"
    )
    problems += [f"twice: {name}" for name, count in ids.items() if count > 1]
    problems += [f"opened twice: {name}" for name, count in opens.items() if count > 1]
    named = {m["sha256"] for each in records.values() for m in each["media"]}
    told_files = {words[1] for words in lines if words[0] == "media"}
    for sha256 in sorted(named | told_files):
        async with pole.client.get(f"/v1/media/{sha256}", headers=header) as answer:
            content = await answer.read()
        if answer.status != 200:
            problems.append(f"lost: media {sha256[:8]} ({answer.status})")
        elif hashlib.sha256(content).hexdigest() != sha256:
            problems.append(f"{SPOILT} media {sha256[:8]}")
    kept = {path.name for path in _files(pole.folder / "media")}
    problems += [f"orphan: media {name[:8]}" for name in kept - named]
    await pole.open_alert(camera="yard")


def _is_spoilt(record: dict[str, Any]) -> bool:
    rest = {name: value for name, value in record.items() if name != "hash"}
    return hashlib.sha256(canonical_json(rest)).hexdigest() != record.get("hash")


def _verify(folder: Path, found: Found) -> None:
    with open_reader(folder) as reader:
        for feed in verify_log(reader, load_public_key(folder / PUBLIC_NAME)):
            found.problems += [f"verify: {each}" for each in feed.findings]


def _files(folder: Path) -> list[Path]:
    """Every file below; what goes meanwhile is passed over."""
    return [Path(above) / name for above, _, names in os.walk(folder) for name in names]
