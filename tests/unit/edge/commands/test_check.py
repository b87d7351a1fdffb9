"""`polewatch check`: lines, JSON and exit codes."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest

from edge.commands.check import add_arguments, run

TWO_FAULTS = '[pole]\nid = "a b"\n[[camera]]\nname = "c"\nmain = "x"\nwacth = true\n'


def run_check(*arguments: str) -> int:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return run(parser.parse_args(arguments))


def test_check_prints_each_fault_and_exits_2_when_config_is_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "pole.toml"
    path.write_text(TWO_FAULTS)
    assert run_check(str(path)) == 2
    assert capsys.readouterr().out.splitlines() == [
        'pole.id: "a b" can\'t stand here; 1 to 64 of A-Z a-z 0-9 . _ -',
        "camera[0].wacth: unknown key; did you mean watch?",
    ]


def test_check_prints_warnings_and_exits_0_when_config_is_good(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "pole.toml"
    path.write_text(
        TWO_FAULTS.replace("a b", "a").replace("wacth = true", "privacy=[[[0,0],[1,0],[1,1]]]")
    )
    assert run_check(str(path)) == 0
    assert capsys.readouterr().out.splitlines() == [
        "warning: camera[0].privacy: this camera will not start in this version: "
        "masks can't be burnt in; leave it out if all may be stored and shown",
        f"{path}: good",
    ]


def test_check_prints_one_object_when_asked_for_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "pole.toml"
    path.write_text(TWO_FAULTS)
    assert run_check("--json", str(path)) == 2
    found = json.loads(capsys.readouterr().out)
    assert found["good"] is False
    assert found["warnings"] == []
    assert found["faults"][1] == {
        "path": "camera[0].wacth",
        "problem": "unknown key",
        "remedy": "did you mean watch?",
    }
