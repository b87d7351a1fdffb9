"""The log on a real disk with a real SQLite: chains without holes, and what tampering leaves."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import apsw
import pytest

from edge.agent.log.log_file import LOG_NAME
from edge.agent.log.reader import LOOK_MAX, open_reader
from edge.agent.log.records import Records
from edge.agent.log.schema import STEPS
from edge.agent.log.verify import verify_log
from edge.config.model import Pole
from edge.database import bring_up
from edge.errors import EvidenceError, StoreError
from edge.evidence import START_HASH, open_seal
from edge.feeds import FEEDS, Feed
from tests.support.drafts import KEY, make_draft, open_log


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Records]:
    with open_log(tmp_path) as records:
        yield records


def bodies(folder: Path, feed: Feed = "alerts", *, after: int = 0, limit: int = 1000) -> list[Any]:
    with open_reader(folder) as reader:
        page = reader.page(feed, after=after, up_to=2**40, limit=limit)
    return [open_seal(body) for body in page.bodies]


def findings(folder: Path) -> list[tuple[str, str]]:
    with open_reader(folder) as reader:
        feeds = verify_log(reader, KEY.public_key())
    return [
        (f"{found.feed} {found.seq}", found.problem) for feed in feeds for found in feed.findings
    ]


def statements(folder: Path) -> list[tuple[str, int]]:
    with open_reader(folder) as reader:
        signed = [each for feed in FEEDS for each in reader.statements(feed)]
    return [(each.statement.feed, each.statement.seq) for each in signed]


def tamper(folder: Path, statement: str, arguments: Sequence[Any] = ()) -> None:
    """Do what somebody with a screwdriver would, past our code."""
    connection = apsw.Connection(str(folder / LOG_NAME))
    connection.execute(statement, arguments)
    connection.close()


def test_records_count_from_one_in_each_feed_and_hang_together(
    log: Records, tmp_path: Path
) -> None:
    log.append([make_draft(1), make_draft(2, feed="media"), make_draft(3)])
    log.append([make_draft(4)])
    found = bodies(tmp_path)
    assert [record["seq"] for record in found] == [1, 2, 3]
    assert [record["id"][-1] for record in found] == ["1", "3", "4"]
    assert [record["prev"] for record in found] == [START_HASH, found[0]["hash"], found[1]["hash"]]
    assert [record["seq"] for record in bodies(tmp_path, "media")] == [1]
    assert findings(tmp_path) == []


def test_record_has_every_field_of_the_contract(log: Records) -> None:
    (placed,) = log.append([make_draft(1, severity="major", camera="yard", alert="A1")])
    assert list(json.loads(placed.sealed.body)) == [
        "alert", "at", "camera", "clock", "data", "epoch", "feed", "gbid", "id", "kind", "media",
        "pole", "prev", "rule", "seq", "severity", "test", "where", "hash",
    ]  # fmt: skip
    assert json.loads(placed.sealed.body)["at"] == "2026-09-21T14:13:20.000Z"


def test_group_that_holds_a_bad_draft_is_not_written_at_all(log: Records, tmp_path: Path) -> None:
    log.append([make_draft(1)])
    with pytest.raises(EvidenceError):
        log.append([make_draft(2), make_draft(3, data={"half": "\ud800"})])
    with pytest.raises(EvidenceError, match="can't be kept"):
        log.append([make_draft(4), make_draft(1, camera="another")])
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
    with open_reader(tmp_path) as reader:
        first = reader.page("alerts", after=0, up_to=25, limit=10)
        last = reader.page("alerts", after=20, up_to=25, limit=10)
        none = reader.page("alerts", after=25, up_to=25, limit=10)
        untold = reader.page("alerts", after=20, up_to=23, limit=10)
    assert (len(first.bodies), first.next_seq, first.has_more) == (10, 10, True)
    assert (len(last.bodies), last.next_seq, last.has_more) == (5, 25, False)
    assert (none.bodies, none.next_seq, none.has_more) == ((), 25, False)
    assert (len(untold.bodies), untold.next_seq, untold.has_more) == (3, 23, False)


def test_oldest_records_leave_behind_a_signed_checkpoint(log: Records, tmp_path: Path) -> None:
    log.append([make_draft(number) for number in range(10)])
    assert log.evict("alerts", up_to=4) == 4
    assert log.evict("alerts", up_to=4) == 0
    assert [record["seq"] for record in bodies(tmp_path)] == [5, 6, 7, 8, 9, 10]
    assert findings(tmp_path) == []
    assert statements(tmp_path) == [("alerts", 4), ("alerts", 10)]
    assert log.evict("alerts", up_to=99) == 5
    assert [record["seq"] for record in bodies(tmp_path)] == [10]
    log.append([make_draft(11)])
    assert findings(tmp_path) == []


def test_heads_of_feeds_that_grew_are_signed_with_an_alert(log: Records, tmp_path: Path) -> None:
    log.append([make_draft(1, feed="health", kind="sight")])
    log.append([make_draft(2, kind="alert.update")])
    assert statements(tmp_path) == []
    log.append([make_draft(3)])
    assert statements(tmp_path) == [("alerts", 2), ("health", 1)]
    log.append([make_draft(4, kind="alert.ack")])
    log.sign_heads()
    assert statements(tmp_path) == [("alerts", 2), ("alerts", 3), ("health", 1)]
    assert findings(tmp_path) == []


def test_forged_signature_is_named(log: Records, tmp_path: Path) -> None:
    log.append([make_draft(1)])
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
    log.sign_heads()
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
        open_log(tmp_path, pole=Pole(id="SG-018"))


def test_log_of_a_newer_program_is_left_alone(tmp_path: Path) -> None:
    open_log(tmp_path).close()
    tamper(tmp_path, "PRAGMA user_version = 99")
    with pytest.raises(StoreError, match="version 99"):
        open_log(tmp_path)


def test_step_that_fails_leaves_the_version_before_it(tmp_path: Path) -> None:
    connection = apsw.Connection(str(tmp_path / LOG_NAME))
    with pytest.raises(apsw.SQLError):
        bring_up(
            connection, (*STEPS, "CREATE TABLE more (x); CREATE TABLE more (x)"), noun="the log"
        )
    assert next(connection.execute("PRAGMA user_version")) == (len(STEPS),)
    bring_up(connection, STEPS, noun="the log")
    connection.close()


def test_log_of_an_older_version_is_brought_up_with_its_records(tmp_path: Path) -> None:
    with open_log(tmp_path) as older:
        older.append([make_draft(1)])
    connection = apsw.Connection(str(tmp_path / LOG_NAME))
    newer = (*STEPS, "ALTER TABLE alert ADD COLUMN more TEXT", "CREATE TABLE last (x) STRICT")
    with pytest.raises(apsw.SQLError):
        bring_up(connection, newer, noun="the log")
    assert next(connection.execute("PRAGMA user_version")) == (len(STEPS) + 1,)
    bring_up(connection, (*newer[:-1], "CREATE TABLE last (x TEXT) STRICT"), noun="the log")
    assert next(connection.execute("PRAGMA user_version")) == (len(STEPS) + 2,)
    assert next(connection.execute("SELECT more FROM alert"), None) is None
    connection.close()
    assert [record["seq"] for record in bodies(tmp_path)] == [1]


def test_page_of_a_camera_that_has_none_ends_after_so_many_looked_at(
    log: Records, tmp_path: Path
) -> None:
    count = LOOK_MAX + 50
    log.append([make_draft(number, feed="audit", kind="access") for number in range(count)])
    with open_reader(tmp_path) as reader:
        none = frozenset({"yard"})
        first = reader.page("audit", after=0, up_to=count, limit=10, cameras=none)
        last = reader.page("audit", after=first.next_seq, up_to=count, limit=10, cameras=none)
    assert (first.bodies, first.next_seq, first.has_more) == ((), LOOK_MAX, True)
    assert (last.bodies, last.next_seq, last.has_more) == ((), count, False)


def test_file_that_is_no_log_is_named_and_kept(tmp_path: Path) -> None:
    (tmp_path / LOG_NAME).write_bytes(b"no database" * 1000)
    with pytest.raises(StoreError, match="damaged"):
        open_log(tmp_path)
    assert (tmp_path / LOG_NAME).read_bytes().startswith(b"no database")
    with pytest.raises(StoreError, match="can't be opened"):
        open_reader(tmp_path / "nowhere")
