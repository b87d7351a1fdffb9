"""The power goes at any instant: the disk as it may be then is started with, and nothing is lost.

`--cuts N` tries more than the usual number, `--seed N` others. A cut is rebuilt from recorded
calls (`disk.py`), so that none needs a real power cut, a mount, or root.
"""

from __future__ import annotations

import itertools
import sys
from pathlib import Path
from random import Random

import pytest

from tests.faults.closing_table import ClosingTable
from tests.faults.disk import MODES, Mode
from tests.faults.file_calls import read_calls
from tests.faults.planted import BUGS, Bug
from tests.faults.recorded import Recording, record
from tests.faults.runner import Runner
from tests.support.pole_process import PoleProcess, write_config
from tests.support.served_process import ServedProcess, free_port

pytestmark = pytest.mark.timeout(580)
PLANTED_CUTS = 16
WHOLE_CUTS = 4
PROGRAM = "tests.support.watched_pole_main"


def cut_and_look(
    runner: Runner, recording: Recording, folder: Path, mode: Mode, dice: Random
) -> list[str]:
    """Cut the power at some instant; give what the next start lacks."""
    cut = dice.randint(0, len(recording.calls))
    recording.rebuild(cut, folder / "data", mode, dice)
    return [f"cut {cut}: {each}" for each in runner.survey(folder / "data", recording.told(cut))]


@pytest.mark.parametrize("mode", MODES)
def test_nothing_told_is_lost_by_a_power_cut(
    tmp_path: Path, library: Path, mode: Mode, request: pytest.FixtureRequest,
    closing_table: ClosingTable,
) -> None:  # fmt: skip
    cuts = -(-int(request.config.getoption("--cuts", 60)) // len(MODES))
    dice = Random(f"{request.config.getoption('--seed', 20261124)} {mode}")
    with Runner(library) as runner:
        recording = record(runner, tmp_path, alerts=3)
        found = [
            cut_and_look(runner, recording, tmp_path / f"cut{number}", mode, dice)
            for number in range(cuts)
        ]
    closing_table.add(f"power cuts, {mode}", cuts, sum(map(bool, found)))
    assert [each for each in found if each] == []


@pytest.mark.parametrize("bug", BUGS)
def test_power_cuts_catch_what_is_planted(
    tmp_path: Path, library: Path, bug: Bug, closing_table: ClosingTable
) -> None:
    with Runner(library) as runner:
        recording = record(runner, tmp_path, bug=bug)
        found = [
            cut_and_look(runner, recording, tmp_path / f"cut{number}", mode, Random(number))
            for number, mode in zip(range(PLANTED_CUTS), itertools.cycle(MODES[1:]), strict=False)
        ]
    closing_table.add(f"power cuts, planted: {bug}", len(found), sum(map(bool, found)))
    assert any(found)


def test_whole_pole_has_all_it_told_after_a_power_cut(
    tmp_path: Path, library: Path, closing_table: ClosingTable
) -> None:
    """The agent in its own process with eyes in theirs, all of whose calls are recorded."""
    port, data, notes = free_port(), tmp_path / "data", tmp_path / "notes"
    data.mkdir()
    config = write_config(tmp_path, {"busy": "nothing.mp4"}, port=port)
    pole = PoleProcess(config, data, port=port)
    token = pole.make_token("tester", "read", "pictures", "ack", "admin")
    preload = (f"LD_PRELOAD={library}", f"FILE_CALLS_ROOT={data}", f"FILE_CALLS_NOTES={notes}")
    words = ("env", *preload, sys.executable, "-m", PROGRAM, str(config), str(data))
    with ServedProcess(words, port=port) as recorded:
        recorded.token = token

        def pulled(feed: str) -> int:
            return len(recorded.get(f"/v1/feeds/{feed}?limit=1000").json()["items"])

        recorded.wait_for(lambda: pulled("alerts") >= 20 and pulled("media") >= 5)
        recorded.kill()
    recording = Recording(read_calls(notes))
    dice, lost = Random(1), []
    for number, mode in zip(range(WHOLE_CUTS), itertools.cycle(MODES[1:]), strict=False):
        telling = recording.tellings[-1 - 3 * number]
        folder = tmp_path / f"cut{number}"
        recording.rebuild(telling.at, folder / "data", mode, dice)
        (folder / "data" / "tokens.json").unlink(missing_ok=True)
        with PoleProcess(config, folder / "data", port=port) as started:
            kept = {each[key] for feed in ("alerts", "media") for each in started.records(feed)
                    for key in ("id", "alert")}  # fmt: skip
        told = {each for t in recording.tellings if t.at <= telling.at for each in t.ids}
        lost += [told - kept] if told - kept else []
    closing_table.add("power cuts, whole pole in processes", WHOLE_CUTS, len(lost))
    assert lost == []
