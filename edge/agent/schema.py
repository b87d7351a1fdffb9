"""The tables of the pole's log, and the steps that lead from any older version to this one.

Steps go forward only, each in a transaction of its own; a log of a newer version is left alone.
"""

from __future__ import annotations

import apsw

from edge.agent.feeds import FEEDS
from edge.errors import StoreError

_FEED = """
CREATE TABLE feed_{feed} (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    camera TEXT,
    at_ms INTEGER NOT NULL,
    body BLOB NOT NULL
) STRICT;
"""
"""One table a feed: a page of it is a walk along its rows, `seq` being their key."""

_BEGIN = """
CREATE TABLE pole (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    id TEXT NOT NULL,
    epoch TEXT NOT NULL,
    begun_ms INTEGER NOT NULL
) STRICT;
CREATE TABLE head (
    feed TEXT PRIMARY KEY,
    seq INTEGER NOT NULL,
    hash TEXT NOT NULL,
    oldest INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE statement (
    feed TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('head', 'checkpoint')),
    seq INTEGER NOT NULL,
    hash TEXT NOT NULL,
    at TEXT NOT NULL,
    key TEXT NOT NULL,
    signature TEXT NOT NULL,
    PRIMARY KEY (feed, kind, seq)
) STRICT, WITHOUT ROWID;
CREATE TABLE ack (
    name TEXT NOT NULL,
    feed TEXT NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (name, feed)
) STRICT, WITHOUT ROWID;
CREATE TABLE alert (
    id TEXT PRIMARY KEY,
    camera TEXT,
    severity TEXT NOT NULL,
    opened_ms INTEGER NOT NULL,
    opened_seq INTEGER NOT NULL,
    closed_seq INTEGER,
    acked_seq INTEGER,
    resolved_seq INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX alert_unfinished ON alert (opened_ms)
    WHERE closed_seq IS NULL OR resolved_seq IS NULL;
CREATE TABLE media (
    sha256 TEXT PRIMARY KEY,
    bytes INTEGER NOT NULL,
    type TEXT NOT NULL,
    role TEXT NOT NULL,
    alert TEXT,
    camera TEXT,
    ready_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX media_of_alert ON media (alert);
"""

STEPS: tuple[str, ...] = (_BEGIN + "".join(_FEED.format(feed=feed) for feed in FEEDS),)
"""Step n leads from version n to n + 1; a step that has been released is never changed."""


def bring_up(connection: apsw.Connection, steps: tuple[str, ...] = STEPS) -> None:
    """Bring a log to the newest version.

    Args:
        connection: the writing one, outside a transaction.
        steps: for tests.

    Raises:
        StoreError: the log was made by a newer version.
    """
    (version,) = next(connection.execute("PRAGMA user_version"))
    if version > len(steps):
        raise StoreError(
            f"the log is of version {version}, this program knows up to {len(steps)};"
            " start the newer program, or give another data folder"
        )
    for number in range(version, len(steps)):
        with connection:
            connection.execute(steps[number])
            connection.execute(f"PRAGMA user_version = {number + 1}")
