"""Commands whose output nobody takes, or that end badly: one line and the right code."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

COMMAND = (sys.executable, "-m", "edge.cli")


def run(words: tuple[str, ...], shell_tail: str) -> subprocess.CompletedProcess[str]:
    line = " ".join((*COMMAND, *words)) + shell_tail
    return subprocess.run(
        ["bash", "-o", "pipefail", "-c", line],
        capture_output=True, text=True, check=False, timeout=60, stdin=subprocess.DEVNULL,
    )  # fmt: skip


def test_full_disk_behind_standard_output_is_one_line_and_a_failure() -> None:
    done = run(("models", "list"), " > /dev/full")
    assert done.returncode == 1
    assert done.stderr == "polewatch: standard output: No space left on device\n"


def test_reader_that_has_seen_enough_is_no_failure() -> None:
    done = run(("models", "list"), " | true")
    assert done.returncode == 0
    assert done.stderr == ""


def test_closed_standard_output_is_no_traceback(tmp_path: Path) -> None:
    config = tmp_path / "polewatch.toml"
    config.write_text('[pole]\nid = "X"\n', encoding="utf-8")
    done = run(("check", str(config)), " >&-")
    assert (done.returncode, done.stderr) == (0, "")


def test_folder_that_is_none_is_one_line_and_a_failure() -> None:
    done = run(("models", "verify", "--dir", "/dev/null"), "")
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert done.stderr.endswith(": Not a directory\n")


def test_picture_whose_name_is_not_utf8_is_named_all_the_same(tmp_path: Path) -> None:
    path = os.fsencode(tmp_path) + b"/b\xff.jpg"
    done = subprocess.run(
        [*(os.fsencode(word) for word in COMMAND), b"still", path],
        capture_output=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 1
    assert b"Traceback" not in done.stderr
