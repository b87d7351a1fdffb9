"""`polewatch station verify` on stores that are sound, or spoilt by whoever has the disk."""

from __future__ import annotations

import asyncio
import random
import shutil
from pathlib import Path
from typing import Any

import apsw
import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge.cli import main
from edge.device_key import KEY_NAME, PUBLIC_NAME
from edge.evidence import open_seal, seal
from edge.station.store.schema import STORE_NAME
from edge.station.store.station_store import StationStore
from tests.support.disks import read_only
from tests.support.station_process import PulledPole, write_station
from tests.support.station_store import PolePages, make_file
from tests.support.verified_store import (
    CLIP,
    DIGEST,
    OF_POLE,
    change,
    findings,
    identity,
    make,
    verify,
)

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return make(tmp_path / "kept")


def bodies(folder: Path) -> dict[int, bytes]:
    connection = apsw.Connection(str(folder / STORE_NAME))
    found = dict(connection.execute(f"SELECT seq, body FROM record WHERE {OF_POLE} ORDER BY seq"))
    connection.close()
    return found


def write_body(folder: Path, seq: int, body: bytes) -> None:
    change(folder, f"UPDATE record SET body = ? WHERE seq = ? AND {OF_POLE}", body, seq)


def test_sound_store_is_told_so(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, report = verify(capsys, data)
    assert (code, report["sound"], findings(report), report["holes"]) == (0, True, set(), [])
    assert (report["station"], report["files"]) == ("station", {"here": 1})
    alerts = next(
        each for each in report["feeds"] if (each["pole"], each["feed"]) == ("SG-017", "alerts")
    )
    assert alerts == {
        "pole": "SG-017", "life": "e1", "branch": 0, "feed": "alerts", "oldest": 1, "head": 5,
        "signed": 5, "records": 5, "statements": 2,
    }  # fmt: skip
    assert report["notes"] == ["SG-017 media: not signed after 0"]
    assert main(["station", "verify", str(data)]) == 0
    assert capsys.readouterr().out.endswith("media files: 1 here\nnote: " + (
        "SG-017 media: not signed after 0\nsound\n"
    ))  # fmt: skip


@pytest.mark.parametrize("place", range(0, 400, 37))
def test_one_changed_byte_of_a_record_is_named(
    data: Path, capsys: pytest.CaptureFixture[str], place: int
) -> None:
    body = bytearray(bodies(data)[2])
    body[place % len(body)] ^= 1
    write_body(data, 2, bytes(body))
    code, report = verify(capsys, data)
    assert code == 1
    assert any(each.startswith("SG-017 alerts 2: ") for each in findings(report))


def test_record_that_was_taken_out_is_missed(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    change(data, f"DELETE FROM record WHERE seq = 2 AND {OF_POLE}")
    code, report = verify(capsys, data)
    assert (code, findings(report)) == (1, {"SG-017 alerts 2: alerts 2: missing; 3 follows 1"})


def test_record_that_was_put_in_is_seen(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    after = open_seal(bodies(data)[4])
    made = seal({**{key: after[key] for key in after if key != "hash"}, "id": "forged"})
    for seq in (5, 4):
        change(data, f"UPDATE record SET seq = ? WHERE seq = ? AND {OF_POLE}", seq + 1, seq)
    change(
        data,
        "INSERT INTO record (life, feed, seq, received_ms, flaw, body)"
        " SELECT life, feed, 4, 0, '', ? FROM record WHERE feed = 'alerts' AND life <> 1 LIMIT 1",
        made.body,
    )
    code, report = verify(capsys, data)
    assert code == 1
    assert "SG-017 alerts 5: alerts 5: missing; 4 follows 4" in findings(report)


def test_records_that_changed_places_are_seen(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = bodies(data)
    write_body(data, 2, found[3])
    write_body(data, 3, found[2])
    code, report = verify(capsys, data)
    assert code == 1
    assert "SG-017 alerts 2: alerts 2: missing; 3 follows 1" in findings(report)


def test_feed_that_was_written_anew_from_one_record_on_is_seen(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """All its hashes are good, and its place fits; what the pole has signed of it does not."""
    prev = ""
    for seq, body in bodies(data).items():
        record = open_seal(body)
        del record["hash"]
        if seq >= 3:
            record |= {"severity": "info", "prev": prev}
        sealed = seal(record)
        prev = sealed.hash
        write_body(data, seq, sealed.body)
    change(data, f"UPDATE place SET hash = ? WHERE {OF_POLE}", prev)
    code, report = verify(capsys, data)
    assert (code, findings(report)) == (
        1, {f"SG-017 alerts {seq}: signed as head with another hash" for seq in (3, 5)},
    )  # fmt: skip


def test_end_that_was_cut_off_is_missed(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    change(data, f"DELETE FROM record WHERE seq > 3 AND {OF_POLE}")
    digest = bodies(data)[3][-66:-2].decode()
    change(data, f"UPDATE place SET seq = 3, hash = ? WHERE {OF_POLE}", digest)
    code, report = verify(capsys, data)
    assert (code, findings(report)) == (1, {"SG-017 alerts 5: signed, but not there"})


def test_signature_that_was_forged_is_seen(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    change(data, "UPDATE statement SET at = '2020-01-01T00:00:00.000Z' WHERE seq = 5 AND life > 1")
    code, report = verify(capsys, data)
    assert (code, findings(report)) == (
        1, {"SG-017 alerts 5: head of alerts at 5: forged signature"},
    )  # fmt: skip


def test_signature_of_another_key_is_seen(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    change(data, "UPDATE statement SET key = '0123456789abcdef' WHERE seq = 5 AND life > 1")
    code, report = verify(capsys, data)
    assert (code, findings(report)) == (
        1, {"SG-017 alerts 5: signed by 0123456789abcdef, which is not its key"},
    )  # fmt: skip


def test_signatures_that_were_taken_away_are_noted(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    change(data, "DELETE FROM statement WHERE life > 1")
    code, report = verify(capsys, data)
    assert (code, report["notes"][0]) == (0, "SG-017 alerts: not signed after 0")


@pytest.mark.parametrize("epoch", ["e1", ""])
def test_key_of_a_pole_that_was_exchanged_is_seen(
    data: Path, capsys: pytest.CaptureFixture[str], epoch: str
) -> None:
    other = identity(Ed25519PrivateKey.generate(), epoch=epoch)
    change(data, "UPDATE pole SET identity = ?", msgspec.json.encode(other))
    code, report = verify(capsys, data)
    assert code == 1
    assert any("which is not its key" in each for each in findings(report))


def test_store_is_sound_when_a_pole_was_made_anew_and_nothing_of_its_new_log_is_here_yet(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async def meet_anew(store: StationStore, _pages: PolePages) -> None:
        other = identity(Ed25519PrivateKey.generate(), epoch="e2")
        await store.keep_identity("SG-017", other)
        await store.keep(PolePages(epoch="e2").page(make_file(2, b"new"), is_new_life=True))

    code, report = verify(capsys, make(tmp_path / "kept", meet_anew))
    assert (code, findings(report)) == (0, set())
    assert report["notes"][0].endswith("a key of before: unchecked")


def test_keys_of_the_configuration_are_heeded(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make(tmp_path / "kept")
    pole = PulledPole("http://127.0.0.1:1", "pw_x")
    config = write_station(tmp_path, {"SG-017": pole}, port=1).config
    text = config.read_text(encoding="utf-8")
    for key, code in ((identity().key_sha256, 0), ("ab" * 32, 1)):
        config.write_text(text.replace("token_file", f'key = "{key}"\ntoken_file'), "utf-8")
        found, report = verify(capsys, "--config", config)
        assert (found, len(report["findings"])) == (code, code)
        assert verify(capsys, "--config", config, tmp_path / "kept")[0] == code
    assert report["findings"][0]["problem"].endswith(f"not {'ab' * 32}")


def test_own_record_that_was_changed_is_named(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    change(
        data,
        "UPDATE record SET body = CAST(replace(CAST(body AS TEXT), 'chen', 'wang') AS BLOB)"
        " WHERE life = 1",
    )
    code, report = verify(capsys, data)
    assert code == 1
    assert "station alerts 1: its hash is not that of its bytes" in findings(report)


def spoil(path: Path) -> None:
    path.write_bytes(CLIP[::-1])


def cut(path: Path) -> None:
    path.write_bytes(CLIP[:3])


@pytest.mark.parametrize(
    ("change_it", "problem"),
    [
        (Path.unlink, "can't be opened (No such file or directory)"),
        (spoil, "was changed: its hash is"),
        (cut, f"has 3 bytes, its record says {len(CLIP)}"),
    ],
)
def test_file_that_is_not_as_it_came_is_named(
    data: Path, capsys: pytest.CaptureFixture[str], change_it: Any, problem: str
) -> None:
    change_it(data / "media" / DIGEST[:2] / DIGEST)
    code, report = verify(capsys, data)
    assert code == 1
    assert any(f"media {DIGEST} {problem}" in each for each in findings(report))


def test_file_that_was_deleted_and_noted_so_by_hand_is_missed(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (data / "media" / DIGEST[:2] / DIGEST).unlink()
    change(data, "UPDATE file SET state = 'expired'")
    code, report = verify(capsys, data)
    assert (code, findings(report)) == (
        1,
        {f"SG-017 media 1: media {DIGEST} is noted as deleted here, and no record says so"},
    )
    change(data, "DELETE FROM file")
    code, report = verify(capsys, data)
    assert findings(report) == {
        f"SG-017 media 1: media {DIGEST} is named, and nothing is noted of it"
    }


def test_file_that_nobody_has_noted_is_a_note(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (data / "media" / "stray").write_bytes(b"")
    code, report = verify(capsys, data)
    assert (code, report["notes"][-1]) == (0, "media/stray is noted by nobody")


def test_running_station_can_be_checked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async def check(store: StationStore, _pages: PolePages) -> None:
        code, report = await asyncio.to_thread(verify, capsys, tmp_path / "kept")
        assert (code, report["sound"]) == (0, True)

    make(tmp_path / "kept", check)


def test_copy_on_a_read_only_disk_is_checked_to_its_last_record(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The copy was made of a running station: its newest records are in the WAL."""
    copy = tmp_path / "copy"

    async def take_copy(store: StationStore, _pages: PolePages) -> None:
        await asyncio.to_thread(shutil.copytree, tmp_path / "kept", copy)

    make(tmp_path / "kept", take_copy)
    (copy / f"{STORE_NAME}-shm").unlink()
    (copy / KEY_NAME).unlink()
    with read_only(copy):
        code, report = verify(capsys, copy)
    assert (code, sum(feed["records"] for feed in report["feeds"])) == (0, 7)


def test_what_is_no_store_is_wrong_use(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["station", "verify", str(tmp_path / "nowhere")]) == 2
    assert "give a station's store" in capsys.readouterr().err
    assert main(["station", "verify", "--config", str(tmp_path / "x.toml"), str(data)]) == 2
    (data / PUBLIC_NAME).unlink()
    assert main(["station", "verify", str(data)]) == 1
    assert PUBLIC_NAME in capsys.readouterr().err
    (data / STORE_NAME).write_bytes(b"no database" * 1000)
    assert main(["station", "verify", str(data)]) == 1
    assert "damaged" in capsys.readouterr().err


def test_no_byte_of_the_file_can_be_changed_so_that_verify_fails_to_answer(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chance = random.Random(5)
    whole = (data / STORE_NAME).read_bytes()
    for _ in range(200):
        spoilt = bytearray(whole)
        for place in chance.sample(range(len(whole)), chance.choice([1, 1, 4, 50])):
            spoilt[place] ^= 1 << chance.randrange(8)
        (data / STORE_NAME).write_bytes(bytes(spoilt))
        assert main(["station", "verify", "--json", str(data)]) in (0, 1)
        capsys.readouterr()


def test_store_is_known_by_the_plain_command_too(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["station", "verify", str(data)]) == 0
    told = capsys.readouterr().out
    assert main(["verify", str(data)]) == 0
    assert capsys.readouterr().out == told
    assert main(["verify", str(data), "--key", str(tmp_path / "any.pem")]) == 2
    assert "not for a station" in capsys.readouterr().err
