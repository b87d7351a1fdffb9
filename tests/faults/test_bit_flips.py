"""A bit that tips at rest, in the log, its WAL, a record's body or a file: it does not go unseen.

Of the log's file most bits are in room that nothing stands on, or in copies; so for the database
and the WAL what is asked is that nothing wrong is served, for a body that the change is named too.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from random import Random

import pytest

from edge.agent.log.log_file import LOG_NAME
from edge.agent.log.reader import open_reader
from tests.faults.closing_table import ClosingTable
from tests.faults.runner import Lived, Runner
from tests.faults.survey import SPOILT

pytestmark = pytest.mark.timeout(300)
EACH = 8
WAL = f"{LOG_NAME}-wal"
IN_MID_LIFE = 900
"""Three alerts make some 1,150 file calls; the log is put in order and closed at the end."""


def flip(path: Path, at: int, dice: Random) -> None:
    content = bytearray(path.read_bytes())
    content[at] ^= 1 << dice.randrange(8)
    path.write_bytes(content)


def flip_anywhere(path: Path, dice: Random) -> None:
    flip(path, dice.randrange(path.stat().st_size), dice)


def flip_a_body(folder: Path, dice: Random) -> None:
    """Tip a bit of a record that is read: what SQLite has left of it elsewhere does not count."""
    with open_reader(folder) as reader:
        bodies = list(reader.chain("alerts"))
    body, path = dice.choice(bodies), folder / LOG_NAME
    original, at = path.read_bytes(), -1
    while (at := original.find(body[:100], at + 1)) >= 0:
        path.write_bytes(original)
        flip(path, at + 20, dice)
        with open_reader(folder) as reader:
            if list(reader.chain("alerts")) != bodies:
                return
    raise AssertionError("no bit of the body was found")


def look(runner: Runner, source: Path, lived: Lived, data: Path, dice: Random) -> list[str]:
    """Flip in a copy of a data folder; give what its next start shows."""
    where = data.parent.name.partition("-")[0]
    shutil.copytree(source, data)
    if where == "body":
        flip_a_body(data, dice)
    elif where == "media":
        files = sorted(path for path in (data / "media").rglob("*") if path.is_file())
        flip_anywhere(dice.choice(files), dice)
    else:
        flip_anywhere(data / (WAL if where == "wal" else LOG_NAME), dice)
    return runner.survey(data, lived.told)


def count(found: list[list[str]], word: str) -> int:
    return sum(any(word in each for each in problems) for problems in found)


@pytest.mark.parametrize("where", ["media", "body", "database", "wal"])
def test_flipped_bit_does_not_go_unseen(
    tmp_path: Path, library: Path, where: str, closing_table: ClosingTable
) -> None:
    source, dice = tmp_path / "live" / "data", Random(where)
    with Runner(library) as runner:
        lived = runner.live(source, alerts=3, kill_before=IN_MID_LIFE if where == "wal" else 0)
        found = [
            look(runner, source, lived, tmp_path / f"{where}-{number}" / "data", dice)
            for number in range(EACH)
        ]
    closing_table.add(f"bit flips, {where}: served", EACH, count(found, SPOILT))
    assert count(found, SPOILT) == 0
    if where == "media":
        assert count(found, "lost: media") == EACH
    elif where == "body":
        assert count(found, "verify: ") + count(found, "does not start") == EACH
