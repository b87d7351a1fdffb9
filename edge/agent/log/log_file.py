"""The file of the pole's log: how it is opened, and what SQLite's refusals mean for people."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw

from edge.errors import StoreError

LOG_NAME = "log.db"
_BUSY_MS = 5000
_PRAGMAS = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
PRAGMA foreign_keys = ON;
PRAGMA trusted_schema = OFF;
PRAGMA cache_size = -4096;
"""


def open_to_write(folder: Path, *, may_begin: bool) -> apsw.Connection:
    """Open the log for the one who writes it.

    Args:
        folder: the data folder.
        may_begin: make the file where there is none.

    Raises:
        apsw.Error: it can't be opened; `explained` says why.
    """
    flags = apsw.SQLITE_OPEN_READWRITE | (apsw.SQLITE_OPEN_CREATE if may_begin else 0)
    connection = apsw.Connection(str(folder / LOG_NAME), flags=flags)
    try:
        if connection.readonly("main"):  # else it fails at the first write only
            raise apsw.ReadOnlyError("read-only disk or file")
        connection.set_busy_timeout(_BUSY_MS)
        connection.execute(_PRAGMAS)
    except apsw.Error:
        connection.close()
        raise
    return connection


def open_to_read(folder: Path) -> apsw.Connection:
    """Open the log beside its writer.

    Raises:
        apsw.Error: there is none, or it can't be read.
    """
    connection = apsw.Connection(str(folder / LOG_NAME), flags=apsw.SQLITE_OPEN_READONLY)
    connection.set_busy_timeout(_BUSY_MS)
    return connection


@contextmanager
def explained() -> Iterator[None]:
    """Turn what SQLite raises into one line that says what to do.

    Raises:
        StoreError: in place of any error of SQLite, and where a text in the log is not UTF-8.
    """
    try:
        yield
    except apsw.Error as exc:
        raise StoreError(_explain(exc)) from exc
    except UnicodeDecodeError as exc:
        raise StoreError(explain_damage(f"text that is none: {exc.reason}")) from exc


def explain_damage(what: str) -> str:
    """One line on a log that does not hold what it must."""
    return f"the log is damaged ({what}); keep it for polewatch verify, move it away to begin anew"


def _explain(exc: apsw.Error) -> str:
    if isinstance(exc, apsw.FullError) or _extended(exc) == apsw.SQLITE_IOERR_SHMSIZE:
        return "the log takes no record: the disk is full; make room"
    if isinstance(exc, apsw.ReadOnlyError | apsw.CantOpenError | apsw.PermissionsError):
        return f"the log can't be opened or written ({exc}); check the folder's mode and the disk"
    if isinstance(exc, apsw.CorruptError | apsw.NotADBError):
        return explain_damage(str(exc))
    if isinstance(exc, apsw.BusyError | apsw.LockedError):
        return "the log is held by another program; close whatever has opened log.db"
    return f"the log can't be used ({exc}); check the disk"


def _extended(exc: apsw.Error) -> int:
    """The exact code of an error of SQLite; 0 of one of its Python side."""
    return getattr(exc, "extendedresult", 0)
