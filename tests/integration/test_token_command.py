"""`polewatch token`: the token alone on standard output, what to do about it on the other one."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.timeout(120)

COMMAND = (sys.executable, "-m", "edge.cli", "token")


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        (*COMMAND, *words, "--data", str(folder)),
        capture_output=True, text=True, check=False, timeout=60, stdin=subprocess.DEVNULL,
    )  # fmt: skip


def test_new_prints_the_token_and_list_does_not(tmp_path: Path) -> None:
    folder = tmp_path / "pole"
    made = run(folder, "new", "desk", "--scope", "ack", "--scope", "read", "--camera", "road")
    assert made.returncode == 0
    text = made.stdout.removesuffix("\n")
    assert text.startswith("pw_")
    assert len(text) == 46
    assert text not in made.stderr
    assert "desk (read, ack)" in made.stderr
    assert folder.stat().st_mode & 0o777 == 0o700

    listed = run(folder, "list", "--json")
    (row,) = json.loads(listed.stdout)
    assert row.pop("made_at").endswith("Z")
    assert len(row.pop("sha256_begins")) == 12
    assert row == {
        "name": "desk", "scopes": ["read", "ack"], "cameras": ["road"], "keeper": False,
    }  # fmt: skip
    assert text not in listed.stdout + run(folder, "list").stdout


def test_revoke_takes_it_away_and_a_second_time_says_so(tmp_path: Path) -> None:
    run(tmp_path, "new", "desk", "--scope", "read")
    done = run(tmp_path, "revoke", "desk")
    assert (done.returncode, done.stdout) == (0, "")
    assert run(tmp_path, "list").stdout == ""
    again = run(tmp_path, "revoke", "desk")
    assert again.returncode == 2
    assert again.stderr == ("polewatch: name: no token has this name; see polewatch token list\n")


def test_new_as_json_holds_the_token_once(tmp_path: Path) -> None:
    made = json.loads(run(tmp_path, "new", "n", "--scope", "ack", "--keeper", "--json").stdout)
    assert made["token"].startswith("pw_")
    assert (made["scopes"], made["cameras"], made["keeper"]) == (["ack"], None, True)


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("new",), "NAME: is missing"),
        (("new", "desk"), "--scope: is missing"),
        (("new", "a b", "--scope", "read"), "name: can't be a name"),
        (("new", "desk", "--scope", "root"), "invalid choice"),
        (("list", "desk"), "name: means nothing with list"),
        (("revoke", "desk", "--keeper"), "keeper: means nothing with revoke"),
        (("forget", "desk"), "invalid choice"),
    ],
)
def test_wrong_use_is_said_and_changes_nothing(
    tmp_path: Path, words: tuple[str, ...], complaint: str
) -> None:
    done = run(tmp_path, *words)
    assert done.returncode == 2
    assert complaint in done.stderr
    assert done.stdout == ""
    assert not (tmp_path / "tokens.json").exists()


def test_folder_that_is_not_there_fails_and_is_not_made_by_list(tmp_path: Path) -> None:
    done = run(tmp_path / "gone", "list")
    assert done.returncode == 1
    assert done.stderr.endswith("gone: no such folder; check --data\n")
    assert not (tmp_path / "gone").exists()
