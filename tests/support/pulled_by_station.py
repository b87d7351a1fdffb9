"""What is at a station against what its pole has: records, alerts, files."""

from __future__ import annotations

import hashlib
import io
import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import av

from edge.feeds import FEEDS
from tests.support.pole_process import PoleProcess
from tests.support.station_process import StationProcess

_PAGE = 1000


def station_lines(station: StationProcess) -> Iterator[dict[str, Any]]:
    """Everything that a station has kept, in the order in which it came."""
    after = 0
    while True:
        answer = station.get(f"/v1/feed?limit={_PAGE}&after={after}", token=station.chief)
        assert answer.status == 200, answer.body
        lines = [json.loads(line) for line in answer.body.splitlines()]
        yield from lines
        if not lines:
            return
        after = lines[-1]["number"]


def find_differences(pole: PoleProcess, station: StationProcess, name: str) -> list[str]:
    """What a station that has pulled everything has too little, twice or otherwise."""
    # The pole goes on telling, of the station's questions too, so it is asked after the station:
    # what the station has it must know; what came last may not be at the station yet.
    lines = [line["record"] for line in station_lines(station) if line["pole"] == name]
    here = {each["id"]: each for each in lines}
    there = {each["id"]: each for feed in FEEDS for each in pole.records(feed)}
    problems = [
        f"{count} times: {each}"
        for each, count in Counter(line["id"] for line in lines).items()
        if count > 1
    ]
    newest = {feed: max(_seqs(here, feed), default=0) for feed in FEEDS}
    for each, record in there.items():
        if each not in here and record["seq"] <= newest[record["feed"]]:
            problems.append(f"not at the station: {record['kind']} {each}")
        elif each in here and here[each] != record:
            problems.append(f"otherwise at the station: {record['kind']} {each}")
    problems += [f"never told by the pole: {each}" for each in here.keys() - there.keys()]
    return problems + _find_wrong_alerts(pole, station, name)


def _seqs(records: dict[str, dict[str, Any]], feed: str) -> list[int]:
    return [record["seq"] for record in records.values() if record["feed"] == feed]


def _find_wrong_alerts(pole: PoleProcess, station: StationProcess, name: str) -> list[str]:
    """Alerts that are not there once, and files that can't be had, or can't be played."""
    opened = [each["alert"] for each in pole.records("alerts") if each["kind"] == "alert.open"]
    shown = [each for each in station.alerts() if each["pole"] == name]
    problems = []
    if Counter(opened) != Counter(each["id"] for each in shown):
        problems.append(f"{len(opened)} alerts at the pole, {len(shown)} at the station")
    told = Counter(
        (each["alert"], item["sha256"]) for each in pole.records("media") for item in each["media"]
    )
    listed = Counter((each["id"], file["sha256"]) for each in shown for file in each["media"])
    if told != listed:
        problems.append(f"files: {(told - listed)} are missing, {(listed - told)} too many")
    for alert in shown:
        problems += [f"{alert['id']}: {why}" for why in _find_wrong_files(station, alert)]
    return problems


def _find_wrong_files(station: StationProcess, alert: dict[str, Any]) -> Iterator[str]:
    for file in alert["media"]:
        if file["state"] != "here":
            yield f"{file['role']} is {file['state']}: {file['reason']}"
            continue
        content = station.get(file["href"]).body
        if hashlib.sha256(content).hexdigest() != file["sha256"]:
            yield f"{file['role']} has another hash"
        elif not _plays(content):
            yield f"{file['role']} can't be played"


def _plays(content: bytes) -> bool:
    try:
        with av.open(io.BytesIO(content), "r") as container:
            return any(True for _ in container.decode(video=0))
    except av.FFmpegError:
        return False
