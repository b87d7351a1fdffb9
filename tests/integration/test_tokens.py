"""The file of tokens: written whole, read again when it changes, and never by others."""

from __future__ import annotations

import json
import logging
import resource
import threading
from pathlib import Path

import pytest

from edge.agent.tokens import TOLD_NAME, Grant, Tokens, add_token, revoke_token
from edge.errors import StoreError, ValidationError
from edge.serving.token_text import hash_token

pytestmark = pytest.mark.timeout(120)

AT = "2026-11-22T17:33:05.120Z"


def add(
    folder: Path, name: str, *scopes: str,
    cameras: tuple[str, ...] | None = None, is_keeper: bool = False,
) -> str:  # fmt: skip
    return add_token(folder, Grant(name, scopes or ("read",), cameras, is_keeper), made_at=AT)


def path_of(folder: Path) -> Path:
    return folder / "tokens.json"


def fault_of(tokens: Tokens) -> str:
    return tokens.fault or ""


def test_token_is_found_by_its_text_and_the_file_does_not_hold_it(tmp_path: Path) -> None:
    text = add(tmp_path, "desk", "read", "ack")
    found = Tokens(tmp_path).find(text)
    assert found is not None
    assert (found.name, found.scopes, found.cameras, found.made_at) == (
        "desk", ("read", "ack"), None, AT,
    )  # fmt: skip
    assert found.sha256 == hash_token(text)
    assert text.startswith("pw_")
    assert len(text) == 46
    kept = path_of(tmp_path).read_text()
    assert text not in kept
    assert text[3:] not in kept
    assert path_of(tmp_path).stat().st_mode & 0o777 == 0o600


def test_nothing_is_found_where_there_is_no_file(tmp_path: Path) -> None:
    tokens = Tokens(tmp_path)
    assert tokens.find("pw_x") is None
    assert tokens.find("") is None
    assert tokens.find("\ud800") is None
    assert tokens.all() == ()
    assert tokens.keepers() == frozenset()


def test_running_pole_heeds_tokens_made_and_revoked_at_once(tmp_path: Path) -> None:
    tokens = Tokens(tmp_path)
    first = add(tmp_path, "desk")
    assert tokens.find(first) is not None
    second = add(tmp_path, "wall")
    assert [token.name for token in tokens.all()] == ["desk", "wall"]
    revoke_token(tmp_path, "desk")
    assert tokens.find(first) is None
    assert tokens.find(second) is not None
    path_of(tmp_path).unlink()
    assert tokens.find(second) is None
    assert tokens.fault is None


def test_keepers_are_those_marked_or_else_the_first_that_may_acknowledge(tmp_path: Path) -> None:
    add(tmp_path, "viewer", "read")
    add(tmp_path, "first", "ack")
    add(tmp_path, "second", "ack")
    tokens = Tokens(tmp_path)
    assert tokens.keepers() == {"first"}
    add(tmp_path, "north", "ack", is_keeper=True)
    add(tmp_path, "south", "ack", is_keeper=True)
    assert tokens.keepers() == {"north", "south"}


def test_token_for_some_cameras_is_no_keeper_when_it_comes_first(tmp_path: Path) -> None:
    """Its cursor passes over the alerts that it may not see: nobody would have those."""
    add(tmp_path, "yard", "read", "ack", cameras=("yard",))
    tokens = Tokens(tmp_path)
    assert tokens.keepers() == frozenset()
    add(tmp_path, "desk", "read", "ack")
    assert tokens.keepers() == {"desk"}


def test_keeper_is_refused_when_it_could_never_keep_everything(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="can't be limited to cameras; leave --camera out"):
        add(tmp_path, "desk", "ack", cameras=("yard",), is_keeper=True)
    with pytest.raises(ValidationError, match="can't acknowledge anything; add --scope ack"):
        add(tmp_path, "desk", "read", is_keeper=True)
    assert not path_of(tmp_path).exists()


def test_marked_keeper_counts_for_nothing_when_the_file_limits_it(tmp_path: Path) -> None:
    add(tmp_path, "desk", "ack")
    add(tmp_path, "yard", "ack", is_keeper=True)
    text = path_of(tmp_path).read_text()
    head, yard = text.split('"yard"')
    path_of(tmp_path).write_text(f'{head}"yard"{yard.replace("null", chr(91) + chr(93))}')
    assert Tokens(tmp_path).keepers() == {"desk"}


def test_tokens_are_refused_when_the_file_would_be_too_long_to_read(tmp_path: Path) -> None:
    text = add(tmp_path, "desk")
    with pytest.raises(ValidationError, match="too much for one file; name fewer cameras"):
        add(tmp_path, "wall", cameras=("x" * 2**20,))
    assert Tokens(tmp_path).find(text) is not None


def test_revoked_token_opens_nothing_when_the_file_could_not_be_read_at_first(
    tmp_path: Path,
) -> None:
    text = add(tmp_path, "desk")
    tokens = Tokens(tmp_path)
    revoke_token(tmp_path, "desk")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
    try:
        fault = fault_of(tokens)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert "Too many open files" in fault
    assert tokens.find(text) is None
    assert tokens.fault is None


def test_fault_is_over_when_the_folder_is_there_again_as_it_was(tmp_path: Path) -> None:
    folder, aside = tmp_path / "pole", tmp_path / "aside"
    folder.mkdir()
    text = add(folder, "desk")
    tokens = Tokens(folder)
    folder.rename(aside)
    folder.write_text("a file where the folder was")
    assert "can't be looked at" in fault_of(tokens)
    folder.unlink()
    aside.rename(folder)
    assert tokens.fault is None
    assert tokens.find(text) is not None


def test_name_is_free_again_once_it_is_revoked(tmp_path: Path) -> None:
    old = add(tmp_path, "desk")
    with pytest.raises(ValidationError, match="desk has a token already"):
        add(tmp_path, "desk")
    revoke_token(tmp_path, "desk")
    new = add(tmp_path, "desk")
    assert Tokens(tmp_path).find(old) is None
    assert Tokens(tmp_path).find(new) is not None
    with pytest.raises(ValidationError, match="no token has this name"):
        revoke_token(tmp_path, "wall")


@pytest.mark.parametrize("name", ["", "a b", "a/b", "a\n", "x" * 65, "\u5317", "a\x1b[2J"])
def test_name_is_refused_when_it_is_none(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValidationError, match="can't be a name"):
        add(tmp_path, name)
    assert not path_of(tmp_path).exists()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o666])
def test_file_is_refused_when_others_may_read_or_write_it(tmp_path: Path, mode: int) -> None:
    add(tmp_path, "desk")
    path_of(tmp_path).chmod(mode)
    with pytest.raises(StoreError, match="chmod 600 it"):
        Tokens(tmp_path)
    with pytest.raises(StoreError, match="chmod 600 it"):
        add(tmp_path, "wall")


DAMAGED = {
    "empty": b"",
    "cut": b'{"format":1,"tokens":[{"name":"de',
    "no json": b"\xff\xfe\x00tokens",
    "nested": b"[" * 100_000,
    "another shape": b'{"format":1,"tokens":{}}',
    "unknown key": b'{"format":1,"tokens":[],"more":1}',
    "newer": b'{"format":2,"tokens":[]}',
    "wrong hash": json.dumps(
        {
            "format": 1,
            "tokens": [
                {"name": "a", "sha256": "0" * 63, "scopes": [], "cameras": None,
                 "is_keeper": False, "made_at": AT}
            ],
        }
    ).encode(),
}  # fmt: skip


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED)
def test_damaged_file_is_an_error_that_says_what_to_do(tmp_path: Path, content: bytes) -> None:
    path_of(tmp_path).write_bytes(content)
    path_of(tmp_path).chmod(0o600)
    with pytest.raises(StoreError, match=r"tokens\.json: .*(restore it|start the program)"):
        Tokens(tmp_path)
    with pytest.raises(StoreError):
        add(tmp_path, "desk")
    assert path_of(tmp_path).read_bytes() == content


def test_file_is_refused_when_it_is_a_link_or_a_folder(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_bytes(b'{"format":1,"tokens":[]}')
    elsewhere.chmod(0o600)
    path_of(tmp_path).symlink_to(elsewhere)
    with pytest.raises(StoreError, match="can't be read"):
        Tokens(tmp_path)
    path_of(tmp_path).unlink()
    path_of(tmp_path).mkdir()
    with pytest.raises(StoreError, match="no plain file"):
        Tokens(tmp_path)


def test_tokens_of_before_go_on_counting_when_the_file_goes_bad(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    text = add(tmp_path, "desk")
    tokens = Tokens(tmp_path)
    good = path_of(tmp_path).read_bytes()
    path_of(tmp_path).write_bytes(b"{")
    with caplog.at_level(logging.INFO):
        for _ in range(5):
            assert tokens.find(text) is not None
        assert "is damaged" in fault_of(tokens)
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    path_of(tmp_path).write_bytes(good)
    path_of(tmp_path).chmod(0o644)
    assert "chmod 600" in fault_of(tokens)
    path_of(tmp_path).chmod(0o600)
    assert fault_of(tokens) == ""
    assert tokens.find(text) is not None


def test_no_token_is_lost_when_two_write_at_once(tmp_path: Path) -> None:
    def add_some(start: str) -> None:
        for each in range(10):
            add(tmp_path, f"{start}{each}")

    threads = [threading.Thread(target=add_some, args=(start,)) for start in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(Tokens(tmp_path).all()) == 30
    assert sorted(path.name for path in tmp_path.iterdir()) == [".tokens.lock", "tokens.json"]


def test_folder_that_is_missing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="takes no tokens"):
        add(tmp_path / "gone", "desk")


def test_tokens_made_and_revoked_since_are_told_once(tmp_path: Path) -> None:
    add_token(tmp_path, Grant("old", ("read",)), made_at=AT)
    tokens = Tokens(tmp_path)
    assert _told(tokens) == [("token.new", "old")]
    add_token(tmp_path, Grant("desk", ("read", "ack")), made_at=AT)
    tokens.all()  # somebody has asked meanwhile
    revoke_token(tmp_path, "old")
    told = [(what, token.name, token.scopes) for what, token in tokens.take_changes()]
    assert told == [("token.new", "desk", ("read", "ack")), ("token.revoke", "old", ("read",))]
    assert _told(tokens) == []


def test_tokens_made_and_revoked_while_no_agent_ran_are_told_at_its_start(tmp_path: Path) -> None:
    add_token(tmp_path, Grant("old", ("read",)), made_at=AT)
    before = Tokens(tmp_path)
    assert _told(before) == [("token.new", "old")]
    before.keep_told()
    revoke_token(tmp_path, "old")
    add_token(tmp_path, Grant("old", ("read", "admin")), made_at=AT)
    assert _told(Tokens(tmp_path)) == [("token.revoke", "old"), ("token.new", "old")]
    after = Tokens(tmp_path)  # the first was cut off before its record was kept
    assert _told(after) == [("token.revoke", "old"), ("token.new", "old")]
    after.keep_told()
    assert _told(Tokens(tmp_path)) == []
    assert (tmp_path / TOLD_NAME).stat().st_mode & 0o777 == 0o600


def test_tokens_told_that_can_not_be_read_have_all_told_again(tmp_path: Path) -> None:
    add_token(tmp_path, Grant("old", ("read",)), made_at=AT)
    before = Tokens(tmp_path)
    before.take_changes()
    before.keep_told()
    (tmp_path / TOLD_NAME).write_bytes(b'{"format": 1, "tok')
    assert _told(Tokens(tmp_path)) == [("token.new", "old")]


def _told(tokens: Tokens) -> list[tuple[str, str]]:
    return [(what, token.name) for what, token in tokens.take_changes()]
