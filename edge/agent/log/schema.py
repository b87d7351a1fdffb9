"""The tables of the pole's log, and the steps that lead from any older version to this one."""

from __future__ import annotations

from edge.feeds import FEEDS

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
    key TEXT NOT NULL,
    begun_ms INTEGER NOT NULL
) STRICT;
CREATE TABLE probe (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    at_ms INTEGER NOT NULL
) STRICT;
CREATE TABLE head (
    feed TEXT PRIMARY KEY,
    seq INTEGER NOT NULL,
    hash TEXT NOT NULL,
    oldest INTEGER NOT NULL,
    signed INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE statement (
    feed TEXT NOT NULL,
    seq INTEGER NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('head', 'checkpoint')),
    hash TEXT NOT NULL,
    at TEXT NOT NULL,
    key TEXT NOT NULL,
    signature TEXT NOT NULL,
    PRIMARY KEY (feed, seq, kind)
) STRICT, WITHOUT ROWID;
CREATE TABLE ack (
    feed TEXT NOT NULL,
    name TEXT NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (feed, name)
) STRICT, WITHOUT ROWID;
CREATE TABLE alert (
    opened_seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    camera TEXT,
    place INTEGER NOT NULL,
    is_open INTEGER NOT NULL,
    is_closed INTEGER NOT NULL,
    is_acked INTEGER NOT NULL,
    verdict TEXT,
    body BLOB NOT NULL
) STRICT;
CREATE INDEX alert_order ON alert (place, camera);
CREATE INDEX alert_open ON alert (place, camera) WHERE is_open;
CREATE INDEX alert_unclosed ON alert (opened_seq) WHERE NOT is_closed;
CREATE TABLE media (
    sha256 TEXT PRIMARY KEY,
    bytes INTEGER NOT NULL,
    type TEXT NOT NULL,
    ready_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE media_use (
    sha256 TEXT NOT NULL,
    alert TEXT NOT NULL,
    camera TEXT NOT NULL,
    role TEXT NOT NULL,
    PRIMARY KEY (sha256, alert, camera, role)
) STRICT, WITHOUT ROWID;
CREATE TABLE media_ack (
    sha256 TEXT NOT NULL,
    name TEXT NOT NULL,
    PRIMARY KEY (sha256, name)
) STRICT, WITHOUT ROWID;
"""
"""`alert.place` rises from the worst and newest alert to the mildest and oldest; what belongs to no
alert or camera has '' in `media_use`."""

STEPS: tuple[str, ...] = (_BEGIN + "".join(_FEED.format(feed=feed) for feed in FEEDS),)
"""Step n leads from version n to n + 1; a step that has been released is never changed."""
