"""The file of the pole's log."""

from __future__ import annotations

from contextlib import AbstractContextManager

from edge import database

LOG_NAME = "log.db"
DAMAGED_NAME = "log.damaged"
"""Stands beside a log that is to be set aside at the next start."""
NOUN = "the log"


def explained() -> AbstractContextManager[None]:
    """See `database.explained`."""
    return database.explained(NOUN)
