"""The file of the pole's log."""

from __future__ import annotations

from contextlib import AbstractContextManager

from edge import database

LOG_NAME = "log.db"
NOUN = "the log"


def explained() -> AbstractContextManager[None]:
    """See `database.explained`."""
    return database.explained(NOUN)
