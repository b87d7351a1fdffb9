"""How SQLite files are opened: what keeps them whole is in force, not only asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.database import open_to_write


@pytest.mark.parametrize(
    ("pragma", "value"),
    [
        ("journal_mode", "wal"),
        ("synchronous", 2),  # FULL
        ("foreign_keys", 1),
        ("trusted_schema", 0),
        ("cache_size", -4096),
    ],
)
def test_what_is_asked_of_sqlite_is_in_force(tmp_path: Path, pragma: str, value: int | str) -> None:
    connection = open_to_write(tmp_path / "log.db", may_begin=True)
    assert connection.pragma(pragma) == value
    connection.close()
