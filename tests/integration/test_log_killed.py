"""kill -9 at random: whatever was told is there afterwards, without a hole, and sound."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from edge.agent.data_folder import open_data_folder
from edge.agent.log.reader import Reader, open_reader
from edge.agent.log.verify import verify_log
from edge.device_key import PUBLIC_NAME, load_public_key
from edge.evidence import open_seal
from edge.feeds import FEEDS
from tests.repo.tree import CHECKOUT

pytestmark = pytest.mark.timeout(120)

KILLS = 20


def run_and_kill(folder: Path, *, after_s: float) -> set[tuple[str, int, str]]:
    """Let a process write for a while after its first record; give what it was told."""
    words = [sys.executable, "-m", "tests.support.appending_main", str(folder)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, cwd=CHECKOUT) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        assert first, "it ended by itself"
        time.sleep(after_s)
        process.kill()
        lines = [first, *process.stdout]
    told = set()
    for line in lines:
        if line.endswith("\n"):  # the last one may be torn
            feed, seq, id_ = line.split()
            told.add((feed, int(seq), id_))
    return told


def records_in(reader: Reader) -> set[tuple[str, int, str]]:
    return {
        (feed, int(str(record["seq"])), str(record["id"]))
        for feed in FEEDS
        for record in map(open_seal, reader.chain(feed))
    }


def test_everything_told_is_there_after_twenty_kills(tmp_path: Path) -> None:
    dice = random.Random(20261123)
    told: set[tuple[str, int, str]] = set()
    for _ in range(KILLS):
        told |= run_and_kill(tmp_path, after_s=dice.uniform(0, 0.5))
        with open_reader(tmp_path) as reader:
            feeds = verify_log(reader, load_public_key(tmp_path / PUBLIC_NAME))
            kept = records_in(reader)
        assert [each.findings for each in feeds] == [()] * len(FEEDS)
        assert told - kept == set()
        assert len({id_ for _, _, id_ in kept}) == len(kept)
        assert [each.records for each in feeds] == [each.head for each in feeds]
    assert len(told) > 10 * KILLS
    with open_data_folder(tmp_path):
        pass  # no kill left the folder held
