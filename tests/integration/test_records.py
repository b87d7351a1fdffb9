"""The log on a real disk with a real SQLite: chains without holes, and what tampering leaves."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import apsw
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge.agent.feeds import FEEDS, ClockReading, Draft, Feed
from edge.agent.records import LOG_NAME, Reader, Records
from edge.agent.schema import STEPS, bring_up
from edge.agent.verify import verify_log
from edge.errors import EvidenceError, StoreError
from edge.evidence import START_HASH, open_seal

KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))
CLOCK = ClockReading("synced", "b00t", 1)


def make_draft(number: int, feed: Feed = "alerts", **fields: Any) -> Draft:
    """A record as an eye's alert would give it."""
    return Draft(feed, f"01J{number:023d}", "alert.open", 1_790_000_000_000, CLOCK, **fields)


def open_log(folder: Path) -> Records:
    return Records(folder, pole="SG-017", gbid=None, begun_ms=1_790_000_000_000)


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Records]:
    with open_log(tmp_path) as records:
        yield records


def bodies(folder: Path, feed: Feed = "alerts", *, after: int = 0, limit: int = 1000) -> list[Any]:
    reader = Reader(folder)
    page = reader.page(feed, after=after, limit=limit)
    reader.close()
    return [open_seal(body) for body in page.bodies]


def findings(folder: Path) -> list[tuple[str, str]]:
    reader = Reader(folder)
    report = verify_log(reader, KEY.public_key())
    reader.close()
    return [(found.place, found.problem) for found in report.findings]


def tamper(folder: Path, statement: str, arguments: Sequence[Any] = ()) -> None:
    """Do what somebody with a screwdriver would, past our code."""
    connection = apsw.Connection(str(folder / LOG_NAME))
    connection.execute(statement, arguments)
    connection.close()


def test_records_count_from_one_in_each_feed_and_hang_together(
    log: Records, tmp_path: Path
) -> None:
    log.append([make_draft(1), make_draft(2, "media"), make_draft(3)])
    log.append([make_draft(4)])
    found = bodies(tmp_path)
    assert [record["seq"] for record in found] == [1, 2, 3]
    assert [record["id"][-1] for record in found] == ["1", "3", "4"]
    assert [record["prev"] for record in found] == [START_HASH, found[0]["hash"], found[1]["hash"]]
    assert [record["seq"] for record in bodies(tmp_path, "media")] == [1]
    assert findings(tmp_path) == []


def test_record_has_every_field_of_the_contract(log: Records) -> None:
    (sealed,) = log.append([make_draft(1, severity="major", camera="yard", alert="A1")])
    assert list(json.loads(sealed.body)) == [
        "alert", "at", "camera", "clock", "data", "epoch", "feed", "gbid", "id", "kind", "media",
        "pole", "prev", "rule", "seq", "severity", "test", "where", "hash",
    ]  # fmt: skip
    assert json.loads(sealed.body)["at"] == "2026-09-21T14:13:20.000Z"


def test_group_that_holds_a_bad_draft_is_not_written_at_all(log: Records, tmp_path: Path) -> None:
    log.append([make_draft(1)])
    with pytest.raises(EvidenceError):
        log.append([make_draft(2), make_draft(3, data={"half": "\ud800"})])
    with pytest.raises(StoreError, match="UNIQUE"):
        log.append([make_draft(4), make_draft(1)])
    log.append([make_draft(5)])
    assert [record["id"][-1] for record in bodies(tmp_path)] == ["1", "5"]
    assert findings(tmp_path) == []


def test_log_goes_on_where_it_left_off_under_the_same_epoch(tmp_path: Path) -> None:
    with open_log(tmp_path) as first:
        first.append([make_draft(1)])
        epoch = first.epoch
    with open_log(tmp_path) as second:
        assert second.epoch == epoch
        second.append([make_draft(2)])
    assert [record["seq"] for record in bodies(tmp_path)] == [1, 2]


def test_pages_go_on_from_a_place_and_say_whether_there_is_more(
    log: Records, tmp_path: Path
) -> None:
    log.append([make_draft(number) for number in range(25)])
    reader = Reader(tmp_path)
    first = reader.page("alerts", after=0, limit=10)
    assert (len(first.bodies), first.next_seq, first.has_more) == (10, 10, True)
    last = reader.page("alerts", after=20, limit=10)
    assert (len(last.bodies), last.next_seq, last.has_more) == (5, 25, False)
    none = reader.page("alerts", after=25, limit=10)
    assert (none.bodies, none.next_seq, none.has_more) == ((), 25, False)
    reader.close()


def test_oldest_records_leave_behind_a_signed_checkpoint(log: Records, tmp_path: Path) -> None:
    log.append([make_draft(number) for number in range(10)])
    assert log.evict("alerts", up_to=4, key=KEY, at_ms=0) == 4
    assert log.evict("alerts", up_to=4, key=KEY, at_ms=0) == 0
    assert [record["seq"] for record in bodies(tmp_path)] == [5, 6, 7, 8, 9, 10]
    assert findings(tmp_path) == []
    assert log.evict("alerts", up_to=99, key=KEY, at_ms=0) == 5
    assert [record["seq"] for record in bodies(tmp_path)] == [10]
    log.append([make_draft(11)])
    assert findings(tmp_path) == []


def test_signed_heads_are_checked(log: Records, tmp_path: Path) -> None:
    for feed in FEEDS:
        log.sign_head(feed, KEY, at_ms=0)
    log.append([make_draft(1)])
    log.sign_head("alerts", KEY, at_ms=0)
    log.append([make_draft(2)])
    assert findings(tmp_path) == []
    tamper(tmp_path, "UPDATE statement SET signature = 'AAAA'")
    assert findings(tmp_path) == [("alerts 1", "head of alerts at 1: forged signature")]


@pytest.mark.parametrize(
    ("statement", "places"),
    [
        ("UPDATE feed_alerts SET body = replace(body, 'yard', 'gate') WHERE seq = 3", {"3", "4"}),
        ("DELETE FROM feed_alerts WHERE seq = 3", {"3"}),
        ("DELETE FROM feed_alerts WHERE seq >= 5", {"6"}),
        ("DELETE FROM feed_alerts WHERE seq = 1", {"1"}),
        ("UPDATE feed_alerts SET body = (SELECT body FROM feed_alerts WHERE seq = 2)"
         " WHERE seq = 3", {"3"}),
        ("UPDATE head SET seq = 5, hash = 'x' WHERE feed = 'alerts'", {"5"}),
        ("UPDATE statement SET hash = 'x'", {"6"}),
    ],
)  # fmt: skip
def test_whatever_is_changed_past_us_is_found_and_named(
    log: Records, tmp_path: Path, statement: str, places: set[str]
) -> None:
    log.append([make_draft(number, camera="yard") for number in range(6)])
    log.sign_head("alerts", KEY, at_ms=0)
    assert findings(tmp_path) == []
    tamper(
        tmp_path,
        statement.replace("replace(body", "CAST(replace(CAST(body AS TEXT)").replace(
            "'gate')", "'gate') AS BLOB)"
        ),
    )
    assert {place.removeprefix("alerts ") for place, _ in findings(tmp_path)} >= places


def test_data_folder_of_another_pole_is_refused(tmp_path: Path) -> None:
    open_log(tmp_path).close()
    with pytest.raises(StoreError, match="that of pole SG-017, not SG-018"):
        Records(tmp_path, pole="SG-018", gbid=None, begun_ms=0)


def test_log_of_a_newer_program_is_left_alone(tmp_path: Path) -> None:
    open_log(tmp_path).close()
    tamper(tmp_path, "PRAGMA user_version = 99")
    with pytest.raises(StoreError, match="version 99"):
        open_log(tmp_path)


def test_step_that_fails_leaves_the_version_before_it(tmp_path: Path) -> None:
    connection = apsw.Connection(str(tmp_path / LOG_NAME))
    with pytest.raises(apsw.SQLError):
        bring_up(connection, (*STEPS, "CREATE TABLE more (x); CREATE TABLE more (x)"))
    assert next(connection.execute("PRAGMA user_version")) == (len(STEPS),)
    bring_up(connection)
    connection.close()


def test_file_that_is_no_log_is_named_and_kept(tmp_path: Path) -> None:
    (tmp_path / LOG_NAME).write_bytes(b"no database" * 1000)
    with pytest.raises(StoreError, match="damaged"):
        open_log(tmp_path)
    assert (tmp_path / LOG_NAME).read_bytes().startswith(b"no database")
    with pytest.raises(StoreError, match="can't be opened"):
        Reader(tmp_path / "nowhere")
