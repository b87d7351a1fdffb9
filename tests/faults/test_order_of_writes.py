"""At each moment when something is told, all that it stands on has been synced: file, folder, log.

A journalling file system forgives a sync that is missing, most of the time. So it is judged by the
order of calls: the disk is rebuilt as it was for certain when the bytes went out.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from random import Random

import pytest

from edge.agent.log.reader import open_reader
from edge.errors import StoreError
from edge.evidence import open_seal
from edge.feeds import FEEDS
from tests.faults.closing_table import ClosingTable
from tests.faults.planted import BUGS, Bug
from tests.faults.recorded import Recording, Telling, record
from tests.faults.runner import Runner

pytestmark = pytest.mark.timeout(300)
TELLINGS_MIN = 30


def names_on(folder: Path) -> set[str]:
    """The ids of all records and alerts on a disk, and the hashes of its files that are whole."""
    names = {
        path.name for path in (folder / "media").rglob("*")
        if path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == path.name
    }  # fmt: skip
    try:
        with open_reader(folder) as reader:
            for body in (body for feed in FEEDS for body in reader.chain(feed)):
                said = open_seal(body)
                names |= {str(said["id"]), str(said["alert"])}
    except StoreError:
        pass  # no log is there for certain, so no record
    return names


def lacks(recording: Recording, telling: Telling, folder: Path) -> frozenset[str]:
    """What was told and was not on disk for certain."""
    recording.rebuild(telling.at, folder, "cache lost", Random(0))
    return (telling.ids | telling.digests) - names_on(folder)


def test_all_that_is_told_is_synced_before(
    tmp_path: Path, library: Path, closing_table: ClosingTable
) -> None:
    with Runner(library) as runner:
        recording = record(runner, tmp_path)
    found = [
        lacks(recording, telling, tmp_path / f"disk{telling.at}") for telling in recording.tellings
    ]
    closing_table.add(
        "order of writes, one look at each telling", len(found), sum(map(bool, found))
    )
    assert [each for each in found if each] == []
    assert len(found) >= TELLINGS_MIN


@pytest.mark.parametrize("bug", BUGS)
def test_order_of_writes_catches_what_is_planted(
    tmp_path: Path, library: Path, bug: Bug, closing_table: ClosingTable
) -> None:
    with Runner(library) as runner:
        recording = record(runner, tmp_path, bug=bug, alerts=1)
    found = [
        lacks(recording, telling, tmp_path / f"disk{telling.at}") for telling in recording.tellings
    ]
    closing_table.add(f"order of writes, planted: {bug}", len(found), sum(map(bool, found)))
    assert any(found)
