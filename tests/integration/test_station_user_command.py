"""`polewatch station user`: a token, and lines that a configuration takes as they are."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.cli import main
from edge.serving.token_text import hash_token
from edge.station.load import load_station


def test_printed_lines_are_a_user_when_they_are_pasted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["station", "user", "chen", "--role", "supervisor"]) == 0
    said = capsys.readouterr()
    token, lines = said.out.split("\n", 1)
    path = tmp_path / "station.toml"
    path.write_text("[station]\n" + lines, encoding="utf-8")

    (user,) = load_station(path).users
    assert (user.name, user.role) == ("chen", "supervisor")
    assert user.token_hash == hash_token(token)
    assert token not in said.err
    assert "(ack, admin, pictures, read), shown this once" in said.err


def test_each_token_is_another_one(capsys: pytest.CaptureFixture[str]) -> None:
    tokens = set()
    for _ in range(3):
        assert main(["station", "user", "chen"]) == 0
        tokens.add(capsys.readouterr().out.split("\n", 1)[0])
    assert len(tokens) == 3


@pytest.mark.parametrize("name", ["", "two words", "a/b", "x" * 65, 'q"uote', "名"])
def test_name_that_can_be_none_is_refused(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["station", "user", name]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("polewatch: NAME: can't be a name; write 1 to 64 of")


def test_role_that_there_is_not_is_refused() -> None:
    with pytest.raises(SystemExit) as ended:
        main(["station", "user", "chen", "--role", "chief"])
    assert ended.value.code == 2
