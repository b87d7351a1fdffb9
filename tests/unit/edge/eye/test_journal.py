"""Lines about alerts stand in the journal before they are printed; it never holds them up."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.eye.journal import BYTES_MAX, AlertJournal


def test_line_is_in_the_journal_before_it_is_printed(tmp_path: Path) -> None:
    path, seen = tmp_path / "j", list[bytes]()
    journal = AlertJournal(path, lambda line: seen.append(path.read_bytes() + line))
    journal.emit(b"a\n")
    journal.emit(b"b\n")
    assert seen == [b"a\na\n", b"a\nb\nb\n"]
    assert path.stat().st_mode & 0o777 == 0o600


def test_it_is_bounded_and_holds_more_than_a_pipe(tmp_path: Path) -> None:
    journal = AlertJournal(tmp_path / "j", lambda _: None)
    for number in range(4 * BYTES_MAX // 100):
        journal.emit(b"%099d\n" % number)
    kept = (tmp_path / "j.old").read_bytes() + (tmp_path / "j").read_bytes()
    assert BYTES_MAX <= len(kept) <= 2 * BYTES_MAX
    lines = [int(line) for line in kept.split()]
    assert lines == list(range(lines[0], number + 1)), "the newest, in order"


def test_disk_that_takes_nothing_is_said_once_and_lines_go_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    seen: list[bytes] = []
    journal = AlertJournal(tmp_path / "gone" / "j", seen.append)
    journal.emit(b"a\n")
    journal.emit(b"b\n")
    assert seen == [b"a\n", b"b\n"]
    assert len(caplog.records) == 1
