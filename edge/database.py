"""SQLite files that must not lose anything: how they are opened, brought up, and what they refuse.

WAL and synchronous=FULL. Whatever SQLite raises becomes a StoreError that says what to do.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import apsw

from edge.errors import DiskFull, LogDamaged, StoreError, TooNew

_BUSY_MS = 5000
_DAMAGE = (apsw.CorruptError, apsw.NotADBError)
_PRAGMAS = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
PRAGMA foreign_keys = ON;
PRAGMA trusted_schema = OFF;
PRAGMA cache_size = -4096;
"""


def open_to_write(path: Path, *, may_begin: bool) -> apsw.Connection:
    """Open a file for the one who writes it.

    Args:
        path: the file.
        may_begin: make the file where there is none.

    Raises:
        apsw.Error: it can't be opened; `explained` says why.
    """
    if may_begin:
        _begin(path)
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
    try:
        if connection.readonly("main"):  # else it fails at the first write only
            raise apsw.ReadOnlyError("read-only disk or file")
        connection.set_busy_timeout(_BUSY_MS)
        connection.execute(_PRAGMAS).fetchall()  # else it stops at the first that gives a row
    except apsw.Error:
        connection.close()
        raise
    return connection


def _begin(path: Path) -> None:
    """Make a file that is its owner's alone; SQLite gives what it puts beside it the same mode."""
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    except OSError as exc:
        raise apsw.CantOpenError(exc.strerror) from exc


def open_to_read(path: Path) -> apsw.Connection:
    """Open a file beside its writer.

    Raises:
        apsw.Error: there is none, or it can't be read.
    """
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    connection.set_busy_timeout(_BUSY_MS)
    return connection


def bring_up(connection: apsw.Connection, steps: Sequence[str], *, noun: str) -> None:
    """Bring a file to the newest version of its tables.

    Args:
        connection: the writing one, outside a transaction.
        steps: step n leads from version n to n + 1; each is a transaction of its own.
        noun: what it is for people: "the log".

    Raises:
        TooNew: it was made by a newer version.
    """
    (version,) = next(connection.execute("PRAGMA user_version"))
    if version > len(steps):
        raise TooNew(
            f"{noun} is of version {version}, this program knows up to {len(steps)};"
            " start the newer program, or give another data folder"
        )
    for number in range(version, len(steps)):
        with connection:
            connection.execute(steps[number])
            connection.execute(f"PRAGMA user_version = {number + 1}")


@contextmanager
def explained(noun: str) -> Iterator[None]:
    """Turn what SQLite raises into one line that says what to do.

    Args:
        noun: what the file is for people: "the log".

    Raises:
        DiskFull, LogDamaged: in place of SQLite's words for it, and where a text is not UTF-8.
        StoreError: in place of any other error of SQLite.
    """
    try:
        yield
    except apsw.Error as exc:
        raise _kind_of(exc)(_explain(exc, noun)) from exc
    except UnicodeDecodeError as exc:
        raise LogDamaged(explain_damage(noun, f"text that is none: {exc.reason}")) from exc


def explain_damage(noun: str, what: str) -> str:
    """One line on a file that does not hold what it must."""
    return f"{noun} is damaged ({what}); keep it for polewatch verify, move it away to begin anew"


def _explain(exc: apsw.Error, noun: str) -> str:
    if _is_full(exc):
        return f"{noun} takes no record: the disk is full; make room"
    if isinstance(exc, apsw.ReadOnlyError | apsw.CantOpenError | apsw.PermissionsError):
        return f"{noun} can't be opened or written ({exc}); check the folder's mode and the disk"
    if isinstance(exc, _DAMAGE):
        return explain_damage(noun, str(exc))
    if isinstance(exc, apsw.BusyError | apsw.LockedError):
        return f"{noun} is held by another program; close whatever has opened it"
    return f"{noun} can't be used ({exc}); check the disk"


def _kind_of(exc: apsw.Error) -> type[StoreError]:
    if _is_full(exc):
        return DiskFull
    return LogDamaged if isinstance(exc, _DAMAGE) else StoreError


def _is_full(exc: apsw.Error) -> bool:
    return isinstance(exc, apsw.FullError) or _extended(exc) == apsw.SQLITE_IOERR_SHMSIZE


def _extended(exc: apsw.Error) -> int:
    """The exact code of an error of SQLite; 0 of one of its Python side."""
    return getattr(exc, "extendedresult", 0)
