"""`polewatch verify` against somebody who has the disk: whatever was done to the log is named."""

from __future__ import annotations

import hashlib
import json
import random
from pathlib import Path
from typing import Any

import apsw
import pytest

from edge.agent.log.log_file import LOG_NAME
from edge.agent.log.records import Records
from edge.cli import main
from edge.device_key import load_or_make_key
from edge.evidence import open_seal, seal
from tests.support.clocks import ManualClock
from tests.support.drafts import POLE, make_draft, make_media

pytestmark = pytest.mark.timeout(120)

DIGEST = "ab" * 32


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """The folder of a pole that has stopped: seven alerts, the first two let go; a file gone."""
    folder = tmp_path / "data"
    folder.mkdir()
    key = load_or_make_key(folder)
    with Records(folder, POLE, key=key, clock=ManualClock()) as records:
        for number in range(1, 8):
            records.append([make_draft(number, alert=f"A{number}", camera="yard")])
        records.append([make_media(8, DIGEST, alert="A1")])
        gone = {"role": "clip", "sha256": DIGEST}
        records.append([make_draft(9, feed="media", kind="media.gone", data=gone, alert="A1")])
        records.sign_heads()
        records.evict("alerts", up_to=2)
    return folder


def change(folder: Path, statement: str, *values: apsw.SQLiteValue) -> None:
    connection = apsw.Connection(str(folder / LOG_NAME))
    connection.execute(statement, values)
    connection.close()


def bodies(folder: Path) -> dict[int, bytes]:
    connection = apsw.Connection(str(folder / LOG_NAME))
    found = dict(connection.execute("SELECT seq, body FROM feed_alerts ORDER BY seq"))
    connection.close()
    return found


def write_body(folder: Path, seq: int, body: bytes) -> None:
    change(folder, "UPDATE feed_alerts SET body = ? WHERE seq = ?", body, seq)


def verify(folder: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, set[str]]:
    code = main(["verify", "--json", str(folder)])
    report: Any = json.loads(capsys.readouterr().out)
    return code, {f"{each['feed']} {each['seq']}: {each['problem']}" for each in report["findings"]}


def test_folder_as_its_pole_left_it_is_sound(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert verify(data, capsys) == (0, set())


def test_record_that_was_taken_out_is_missed(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    change(data, "DELETE FROM feed_alerts WHERE seq = 5")
    code, findings = verify(data, capsys)
    assert code == 1
    assert "alerts 5: alerts 5: missing; 6 follows 4" in findings
    assert "alerts 5: signed, but not there" in findings


def test_record_that_was_put_in_is_seen(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It has a good hash, and follows the record before it; the next one does not follow it."""
    after = open_seal(bodies(data)[5])
    made = seal({**{key: after[key] for key in after if key != "hash"}, "id": "forged"})
    for seq in (7, 6, 5):
        change(data, "UPDATE feed_alerts SET seq = ? WHERE seq = ?", seq + 1, seq)
    change(
        data, "INSERT INTO feed_alerts VALUES (5, 'x', 'alert.open', 'yard', 0, ?)", made.body
    )  # fmt: skip
    assert verify(data, capsys) == (1, {"alerts 6: alerts 6: missing; 5 follows 5"})


def test_records_that_changed_places_are_seen(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = bodies(data)
    write_body(data, 4, found[5])
    write_body(data, 5, found[4])
    code, findings = verify(data, capsys)
    assert code == 1
    assert "alerts 4: alerts 4: missing; 5 follows 3" in findings


def test_feed_that_was_written_anew_from_one_record_on_is_seen(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """All its hashes are good, and its head fits; what was signed of it does not."""
    prev = ""
    for seq, body in bodies(data).items():
        record = open_seal(body)
        del record["hash"]
        if seq >= 5:
            record |= {"severity": "info", "prev": prev}
        sealed = seal(record)
        prev = sealed.hash
        write_body(data, seq, sealed.body)
    change(data, "UPDATE head SET hash = ? WHERE feed = 'alerts'", prev)
    assert verify(data, capsys) == (
        1,
        {f"alerts {seq}: signed as head with another hash" for seq in (5, 6, 7)},
    )


def test_end_that_was_cut_off_is_missed(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The head was set back with it; only who takes the signatures too is not seen here."""
    change(data, "DELETE FROM feed_alerts WHERE seq > 5")
    digest = bodies(data)[5][-66:-2].decode()
    change(data, "UPDATE head SET seq = 5, hash = ? WHERE feed = 'alerts'", digest)
    assert verify(data, capsys) == (
        1,
        {"alerts 6: signed, but not there", "alerts 7: signed, but not there"},
    )


def test_beginning_that_was_cut_off_is_missed(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    change(data, "DELETE FROM feed_alerts WHERE seq < 5")
    change(data, "UPDATE head SET oldest = 5 WHERE feed = 'alerts'")
    code, findings = verify(data, capsys)
    assert code == 1
    assert "alerts 4: no good checkpoint says what stood before 5" in findings


def test_signature_that_was_forged_is_seen(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    change(data, "UPDATE statement SET at = '2020-01-01T00:00:00.000Z' WHERE seq = 7")
    assert verify(data, capsys) == (1, {"alerts 7: head of alerts at 7: forged signature"})


def test_head_that_was_taken_away_is_told(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    change(data, "DELETE FROM head WHERE feed = 'media'")
    assert main(["verify", str(data)]) == 1
    assert "it does not say where media ends" in capsys.readouterr().err


def canonical(text: str) -> bytes:
    """Text as a record would be, with the hash that fits it."""
    digest = hashlib.sha256(text.encode()).hexdigest()
    return f'{text[:-1]},"hash":"{digest}"}}'.encode()


@pytest.mark.parametrize(
    "body",
    [
        canonical('{"a":' + "[" * 700 + "]" * 700 + "}"),
        canonical('{"a":' + "1" * 400 + "}"),
        b'{"kind":"\xff\xfe","seq":1,"media":[],"data":{}}',
        b"",
    ],
)
def test_record_that_is_none_is_named_and_the_rest_checked(
    data: Path, capsys: pytest.CaptureFixture[str], body: bytes
) -> None:
    change(data, "UPDATE feed_media SET body = ? WHERE seq = 1", body)
    code, findings = verify(data, capsys)
    assert code == 1
    assert [each for each in findings if each.startswith("media 1: ")]
    assert not [each for each in findings if each.startswith("alerts")]


def test_no_byte_of_the_file_can_be_changed_so_that_verify_fails_to_answer(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chance = random.Random(5)
    whole = (data / LOG_NAME).read_bytes()
    for _ in range(300):
        spoilt = bytearray(whole)
        for place in chance.sample(range(len(whole)), chance.choice([1, 1, 4, 50])):
            spoilt[place] ^= 1 << chance.randrange(8)
        (data / LOG_NAME).write_bytes(bytes(spoilt))
        assert main(["verify", "--json", str(data)]) in (0, 1)
        capsys.readouterr()
