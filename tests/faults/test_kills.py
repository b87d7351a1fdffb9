"""Killed before every single file call of an alert's life: nothing that was told is lost.

A kill leaves the page cache alone, so it says nothing about syncs: `test_power_cuts.py` does.
"""

from __future__ import annotations

import itertools
import signal
from pathlib import Path

import pytest

from tests.faults.closing_table import ClosingTable
from tests.faults.planted import Bug
from tests.faults.runner import Runner

pytestmark = pytest.mark.timeout(400)
PARTS = 4
CALLS_MIN = 300
"""A life has some 450; far fewer would mean that they are not seen."""


def kill_and_look(runner: Runner, folder: Path, *, before: int, bug: Bug | None = None) -> (
    list[str] | None
):  # fmt: skip
    """Kill a pole before its n-th file call; give what its next start lacks, None: it lived on."""
    lived = runner.live(folder / "data", kill_before=before, bug=bug)
    if lived.signal == 0:
        assert lived.exit == 0
        return None
    assert lived.signal == signal.SIGKILL
    return runner.survey(folder / "data", lived.told)


@pytest.mark.parametrize("part", range(PARTS))
def test_nothing_told_is_lost_by_a_kill_before_any_file_call(
    tmp_path: Path, library: Path, part: int, closing_table: ClosingTable
) -> None:
    lost: dict[int, list[str]] = {}
    kills = 0
    with Runner(library) as runner:
        for before in itertools.count(1 + part, PARTS):
            problems = kill_and_look(runner, tmp_path / str(before), before=before)
            if problems is None:
                break
            kills += 1
            lost |= {before: problems} if problems else {}
    closing_table.add("kills, one before each file call", kills, len(lost))
    assert lost == {}
    assert kills > CALLS_MIN / PARTS


def test_kills_catch_a_row_that_comes_before_its_file(
    tmp_path: Path, library: Path, closing_table: ClosingTable
) -> None:
    bug: Bug = "row before file"
    tried = caught = 0
    with Runner(library) as runner:
        for before in itertools.count(5, 12):
            problems = kill_and_look(runner, tmp_path / str(before), before=before, bug=bug)
            if problems is None:
                break
            tried, caught = tried + 1, caught + bool(problems)
    closing_table.add(f"kills, planted: {bug}", tried, caught)
    assert caught
