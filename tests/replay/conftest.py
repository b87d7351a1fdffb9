"""Runs each clip once for all replay tests, and says aloud which rows had no clip to run on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest

from tests.replay.eye_run import EyeRun, run_eye
from tests.replay.truth import CHECKOUT, Truth, load_truth, video_folder

RunClip: TypeAlias = Callable[..., EyeRun]
NO_CLIPS = "development clips (../shared/data/video) are not on this machine"


def pytest_configure(config: pytest.Config) -> None:
    """Name the mark of tests that run whole clips."""
    config.addinivalue_line("markers", "replay: runs the real command on a whole clip")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many rows were left out, so that a short run is not taken for a whole one."""
    skipped = terminalreporter.getreports("skipped")
    count = sum(NO_CLIPS in report.longreprtext for report in skipped)
    if count:
        terminalreporter.section("replay")
        terminalreporter.line(f"{count} tests left out: {NO_CLIPS}", yellow=True)


@pytest.fixture(scope="session")
def clips() -> Path:
    """The folder of development clips; the test is skipped where there is none."""
    folder = video_folder()
    if folder is None:
        pytest.skip(NO_CLIPS)
    return folder


@pytest.fixture(scope="session")
def sample() -> Path:
    """The sample clip that a user's machine has too."""
    found = sorted((CHECKOUT / "assets" / "sample").glob("*.mp4"))
    if not found:
        pytest.skip("no sample clip: run `polewatch models fetch --sample` (or `make models`)")
    return found[0]


@pytest.fixture(scope="session")
def run_clip(tmp_path_factory: pytest.TempPathFactory) -> RunClip:
    """Run the command on a clip with some options; the same question is asked only once."""
    done: dict[tuple[Path, tuple[str, ...]], EyeRun] = {}

    def run(clip: Path, *options: str) -> EyeRun:
        if (clip, options) not in done:
            out_dir = tmp_path_factory.mktemp(clip.stem)
            done[clip, options] = run_eye(clip, out_dir, options=options, polewatch=None)
        return done[clip, options]

    return run


@pytest.fixture(scope="session")
def truth_of(clips: Path) -> Callable[[str], Truth]:
    """Read a clip's truth by the clip's name."""
    return lambda name: load_truth(clips / f"{name}.gt.json")
