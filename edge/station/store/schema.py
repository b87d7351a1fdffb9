"""The tables of a station's store, and the steps that lead from any older version to this one."""

from __future__ import annotations

from contextlib import AbstractContextManager

from edge import database

STORE_NAME = "station.db"
NOUN = "the store"

_RECORDS = """
CREATE TABLE station (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    id TEXT NOT NULL,
    epoch TEXT NOT NULL,
    key TEXT NOT NULL,
    begun_ms INTEGER NOT NULL
) STRICT;
CREATE TABLE probe (one INTEGER PRIMARY KEY CHECK (one = 1), at_ms INTEGER NOT NULL) STRICT;
CREATE TABLE tally (name TEXT PRIMARY KEY, count INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE pole (name TEXT PRIMARY KEY, identity BLOB NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE life (
    life INTEGER PRIMARY KEY,
    pole TEXT NOT NULL,
    epoch TEXT NOT NULL,
    branch INTEGER NOT NULL,
    UNIQUE (pole, epoch, branch)
) STRICT;
CREATE TABLE place (
    life INTEGER NOT NULL REFERENCES life,
    feed TEXT NOT NULL,
    pole TEXT NOT NULL,
    is_current INTEGER NOT NULL,
    start_seq INTEGER NOT NULL,
    start_hash TEXT NOT NULL,
    seq INTEGER NOT NULL,
    hash TEXT NOT NULL,
    signed INTEGER NOT NULL,
    PRIMARY KEY (life, feed)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX place_now ON place (pole, feed) WHERE is_current;
CREATE TABLE record (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    life INTEGER NOT NULL,
    feed TEXT NOT NULL,
    seq INTEGER NOT NULL,
    received_ms INTEGER NOT NULL,
    about TEXT,
    alert TEXT,
    own_id TEXT UNIQUE,
    flaw TEXT NOT NULL,
    body BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX record_place ON record (life, feed, seq);
CREATE INDEX record_arrival ON record (feed);
CREATE INDEX record_alert ON record (alert, about) WHERE alert IS NOT NULL;
CREATE TABLE statement (
    life INTEGER NOT NULL,
    feed TEXT NOT NULL,
    seq INTEGER NOT NULL,
    kind TEXT NOT NULL,
    pole TEXT NOT NULL,
    hash TEXT NOT NULL,
    at TEXT NOT NULL,
    key TEXT NOT NULL,
    signature TEXT NOT NULL,
    PRIMARY KEY (life, feed, seq, kind, hash)
) STRICT, WITHOUT ROWID;
CREATE TABLE unreadable (
    number INTEGER PRIMARY KEY,
    pole TEXT NOT NULL,
    feed TEXT NOT NULL,
    digest TEXT NOT NULL,
    received_ms INTEGER NOT NULL,
    reason TEXT NOT NULL,
    body BLOB NOT NULL,
    UNIQUE (pole, feed, digest)
) STRICT;
CREATE TABLE ack (
    pole TEXT NOT NULL,
    feed TEXT NOT NULL,
    epoch TEXT NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (pole, feed)
) STRICT, WITHOUT ROWID;
"""
"""A life is one log of a pole: `branch` counts on when a log of the same epoch was put back to an
older state. A feed of it begins after `start`: where the first record that was pulled says, or
where those that are gone ended, or where a branch left its log. The station's own records are of a
life whose pole is the station's id; `own_id` is theirs only. `about` is the pole whose alert a
record concerns. `tally` has the newest change and how many alerts are what: nobody counts rows."""

_ALERTS = """
CREATE TABLE alert (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    pole TEXT NOT NULL,
    id TEXT NOT NULL,
    change INTEGER NOT NULL UNIQUE,
    place INTEGER NOT NULL,
    is_open INTEGER NOT NULL,
    is_new INTEGER NOT NULL,
    is_held INTEGER NOT NULL,
    site TEXT,
    camera TEXT,
    rule_type TEXT NOT NULL,
    rule_name TEXT NOT NULL,
    severity TEXT NOT NULL,
    received_ms INTEGER NOT NULL,
    opened_ms INTEGER NOT NULL,
    seen_ms INTEGER,
    acked_ms INTEGER,
    resolved_ms INTEGER,
    mark TEXT NOT NULL,
    acked_by TEXT NOT NULL,
    is_test INTEGER NOT NULL,
    UNIQUE (pole, id)
) STRICT;
CREATE INDEX alert_place ON alert (place);
CREATE INDEX alert_open ON alert (place) WHERE is_open;
CREATE INDEX alert_new ON alert (place) WHERE is_new;
CREATE INDEX alert_open_of_pole ON alert (pole, place) WHERE is_open;
CREATE INDEX alert_received ON alert (received_ms);
CREATE INDEX alert_of_pole ON alert (pole, received_ms);
CREATE INDEX alert_of_site ON alert (site, received_ms) WHERE site IS NOT NULL;
CREATE INDEX alert_of_rule ON alert (rule_type, received_ms);
CREATE TABLE alert_body (
    number INTEGER PRIMARY KEY REFERENCES alert ON DELETE CASCADE,
    fold BLOB NOT NULL,
    body BLOB NOT NULL
) STRICT;
CREATE TABLE orphan (
    number INTEGER PRIMARY KEY,
    pole TEXT NOT NULL,
    alert TEXT NOT NULL,
    received_ms INTEGER NOT NULL,
    draft BLOB NOT NULL
) STRICT;
CREATE INDEX orphan_alert ON orphan (pole, alert);
CREATE TABLE word (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    pole TEXT NOT NULL,
    alert TEXT NOT NULL,
    what TEXT NOT NULL,
    body BLOB NOT NULL,
    is_waiting INTEGER NOT NULL,
    refused TEXT NOT NULL
) STRICT;
CREATE INDEX word_waiting ON word (pole, number) WHERE is_waiting;
CREATE TABLE told (webhook TEXT PRIMARY KEY, number INTEGER NOT NULL) STRICT, WITHOUT ROWID;
"""
"""`alert.place` rises from the worst and newest alert to the mildest and oldest. What lists look at
stands apart from the bodies, which are some 3 KB each: a walk past what is not asked for stays in
few pages. An orphan is a record of media whose alert has not begun here; it may be on its way."""

_FILES = """
CREATE TABLE file (
    pole TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    type TEXT NOT NULL,
    role TEXT NOT NULL,
    camera TEXT,
    is_alert INTEGER NOT NULL,
    opened_ms INTEGER NOT NULL,
    rank INTEGER NOT NULL,
    tries INTEGER NOT NULL,
    state TEXT NOT NULL,
    reason TEXT NOT NULL,
    kept_ms INTEGER,
    is_acked INTEGER NOT NULL,
    PRIMARY KEY (pole, sha256)
) STRICT;
CREATE INDEX file_wanted ON file (pole, rank, tries, opened_ms DESC, sha256)
    WHERE state IN ('waiting', 'held back');
CREATE INDEX file_unacked ON file (pole, kept_ms) WHERE state = 'here' AND NOT is_acked;
CREATE INDEX file_kept ON file (kept_ms) WHERE state = 'here';
CREATE INDEX file_held_back ON file (pole) WHERE state = 'held back';
CREATE INDEX file_hash ON file (sha256, state);
CREATE TABLE file_use (
    pole TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    alert TEXT NOT NULL,
    PRIMARY KEY (pole, sha256, alert)
) STRICT, WITHOUT ROWID;
CREATE INDEX file_use_alert ON file_use (pole, alert);
"""
"""One row for each pole that names a file; the file itself is one, under its hash."""

_AGE = """
CREATE TABLE age (
    age_ms INTEGER PRIMARY KEY,
    record INTEGER NOT NULL,
    alert INTEGER NOT NULL
) STRICT;
ALTER TABLE file RENAME COLUMN kept_ms TO kept_age_ms;
UPDATE file SET kept_age_ms = 0 WHERE kept_age_ms IS NOT NULL;
"""
"""For each hour in which the store was open: how old it was, and the newest that was there. When a
file came is told by the store's age as well; what an older version has kept counts from now on."""

_ENDED = """
UPDATE file SET kept_age_ms = (SELECT ifnull(max(age_ms), 0) FROM age)
    WHERE state IN ('gone', 'bad', 'expired');
CREATE INDEX file_ended ON file (is_alert, kept_age_ms) WHERE state IN ('gone', 'bad', 'expired');
CREATE INDEX word_alert ON word (pole, alert);
DELETE FROM word WHERE NOT EXISTS (
    SELECT 1 FROM alert a WHERE a.pole = word.pole AND a.id = word.alert
) AND NOT is_waiting;
"""
"""Of a file that will not come, or has left, `kept_age_ms` is when that was."""

STEPS: tuple[str, ...] = (_RECORDS + _ALERTS + _FILES, _AGE, _ENDED)
"""Step n leads from version n to n + 1; a step that has been released is never changed."""


def explained() -> AbstractContextManager[None]:
    """See `database.explained`."""
    return database.explained(NOUN)
