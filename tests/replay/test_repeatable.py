"""With `--pace max` a file gives the same lines and files every time."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.replay.eye_run import run_eye

pytestmark = [pytest.mark.replay, pytest.mark.timeout(300)]

OF_THE_RUN = ("at", "cpu_s", "rss_mb")
"""The fields that tell of the run and not of the clip (design §3.1)."""


def strip(text: str) -> dict[str, Any]:
    """A line without what may differ."""
    return {name: value for name, value in json.loads(text).items() if name not in OF_THE_RUN}


def hash_files(folder: Path) -> dict[str, str]:
    """Each file's hash by its path in the folder."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def check_twice(clip: Path, folder: Path, options: Sequence[str]) -> None:
    """Run an eye twice and compare everything it leaves."""
    first = run_eye(clip, folder / "first", options=options, polewatch=None)
    second = run_eye(clip, folder / "second", options=options, polewatch=None)
    one, other = ([strip(text) for text in run.lines.texts] for run in (first, second))
    assert one == other
    assert hash_files(first.out_dir) == hash_files(second.out_dir)
    assert first.lines.tracks
    assert first.lines.alerts


@pytest.mark.parametrize("clip", ["cars_topdown.mp4", "traffic_oncoming.avi"])
def test_second_run_prints_the_same_lines_and_writes_the_same_files(
    clip: str, clips: Path, tmp_path: Path
) -> None:
    check_twice(clips / clip, tmp_path, ("--tracks", "--motion"))


def test_second_run_with_a_sub_stream_and_rules_is_the_same(clips: Path, tmp_path: Path) -> None:
    clip = clips / "cars_topdown.mp4"
    rules = str(Path(__file__).parent / "rules" / "cars_down.toml")
    check_twice(clip, tmp_path, ("--tracks", "--sub", str(clip), "--rules", rules))


def test_second_run_over_the_sample_is_the_same(sample: Path, tmp_path: Path) -> None:
    check_twice(sample, tmp_path, ("--tracks", "--motion"))


def test_order_of_lines_and_every_other_field_count_as_difference() -> None:
    line = '{"kind":"sight","t":1.0,"at":"x","cpu_s":1.5,"rss_mb":90,"inferences":3}'
    same = line.replace('"x"', '"y"').replace("1.5", "1.7").replace("90", "95")
    assert strip(line) == strip(same)
    assert strip(line) != strip(line.replace("3}", "4}"))
