"""`polewatch verify` on data folders: sound, spoilt, copied, beside a running pole."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import apsw
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge.agent.log.log_file import LOG_NAME
from edge.agent.log.records import Records
from edge.agent.media import MEDIA_NAME, MediaFolder
from edge.cli import main
from edge.device_key import PUBLIC_NAME, load_or_make_key
from tests.support.clocks import ManualClock
from tests.support.disks import read_only
from tests.support.drafts import POLE, make_draft, make_media

CLIP = b"clip\n"
DIGEST = hashlib.sha256(CLIP).hexdigest()
OTHER = b"film\n"
OTHER_DIGEST = hashlib.sha256(OTHER).hexdigest()


def keep(folder: Path, content: bytes) -> None:
    """Put a file into the media as an eye's would be."""
    (folder / "eye").mkdir(exist_ok=True)
    (folder / "eye" / "a.mp4").write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    MediaFolder(folder / MEDIA_NAME).adopt(folder / "eye", "a.mp4", sha256=digest)


def open_records(folder: Path) -> Records:
    key = load_or_make_key(folder)
    return Records(folder, POLE, key=key, clock=ManualClock())


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """The folder of a pole that has stopped: an alert with two clips, one gone since."""
    folder = tmp_path / "data"
    folder.mkdir()
    keep(folder, CLIP)
    with open_records(folder) as records:
        records.append([make_draft(1, alert="A1", camera="yard")])
        records.append([make_media(2, DIGEST, alert="A1"), make_media(3, OTHER_DIGEST, alert="A1")])
        gone = {"role": "clip", "sha256": OTHER_DIGEST}
        records.append([make_draft(4, feed="media", kind="media.gone", data=gone, alert="A1")])
        records.append([make_draft(5, kind="alert.close", alert="A1", camera="yard")])
    return folder


def verify(capsys: pytest.CaptureFixture[str], *words: str | Path) -> tuple[int, Any]:
    code = main(["verify", "--json", *map(str, words)])
    return code, json.loads(capsys.readouterr().out)


def change(folder: Path, statement: str) -> None:
    connection = apsw.Connection(str(folder / LOG_NAME))
    connection.execute(statement)
    connection.close()


def test_sound_folder_is_told_so(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, report = verify(capsys, data)
    assert (code, report["sound"], report["findings"], report["notes"]) == (0, True, [], [])
    assert (report["pole"], report["files"]) == ("SG-017", 1)
    assert report["feeds"][0] == {
        "feed": "alerts", "oldest": 1, "head": 2, "signed": 2, "records": 2, "statements": 2,
    }  # fmt: skip
    assert main(["verify", str(data)]) == 0
    assert capsys.readouterr().out.endswith("hand-over sheet\nsound\n")


def spoil_hash(path: Path) -> None:
    path.write_bytes(b"clop\n")


def spoil_size(path: Path) -> None:
    path.write_bytes(b"cli")


def put_link(path: Path) -> None:
    path.rename(path.with_name("elsewhere"))
    path.symlink_to(path.with_name("elsewhere"))


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (Path.unlink, "can't be opened (No such file"),
        (spoil_size, "has 3 bytes, its record says 5"),
        (spoil_hash, "was changed: its hash is"),
        (put_link, "can't be opened (Too many levels"),
    ],
)
def test_file_that_is_not_as_recorded_is_named_with_its_record(
    data: Path, capsys: pytest.CaptureFixture[str], spoil: Any, problem: str
) -> None:
    spoil(data / MEDIA_NAME / DIGEST[:2] / DIGEST)
    code, report = verify(capsys, data)
    assert code == 1
    assert [(found["feed"], found["seq"]) for found in report["findings"]] == [("media", 1)]
    assert report["findings"][0]["problem"].startswith(f"media {DIGEST} {problem}")
    assert main(["verify", str(data)]) == 1
    assert f"fault: media 1: media {DIGEST} {problem}" in capsys.readouterr().out


def test_record_that_was_changed_is_named(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    change(data, "UPDATE feed_alerts SET body = zeroblob(100) WHERE seq = 1")
    code, report = verify(capsys, data)
    assert code == 1
    assert [(found["feed"], found["seq"]) for found in report["findings"]] == [
        ("alerts", 1),
        ("alerts", 2),
        ("alerts", 1),
    ]
    assert report["findings"][0]["problem"] == "its hash is not that of its bytes"


def test_file_that_nobody_names_is_a_note(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    keep(data, OTHER)
    code, report = verify(capsys, data)
    assert code == 0
    assert report["notes"] == [f"media/{OTHER_DIGEST[:2]}/{OTHER_DIGEST} is named by no record"]


def test_end_that_is_not_signed_yet_is_a_note(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with open_records(data) as records:
        records.append([make_draft(9, feed="audit", kind="login")])
    code, report = verify(capsys, data)
    assert (code, report["notes"]) == (0, ["audit: not signed after 0"])


def test_running_pole_can_be_checked(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with open_records(data) as records:
        records.append([make_draft(7)])
        code, report = verify(capsys, data)
        records.append([make_draft(8)])
    assert (code, report["feeds"][0]["records"]) == (0, 3)


def test_copy_on_a_read_only_disk_is_checked_to_its_last_record(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The copy was made of a running pole: its newest records are in the WAL."""
    copy = tmp_path / "copy"
    with open_records(data) as records:
        records.append([make_draft(7)])
        shutil.copytree(data, copy)
    (copy / f"{LOG_NAME}-shm").unlink()
    with read_only(copy):
        code, report = verify(capsys, copy)
    assert (code, report["feeds"][0]["records"]) == (0, 3)


def test_key_that_is_trusted_is_checked_against_in_place_of_the_folder_s_own(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trusted = tmp_path / "trusted.pub"
    shutil.copyfile(data / PUBLIC_NAME, trusted)
    forged = Ed25519PrivateKey.generate().public_key()
    (data / PUBLIC_NAME).write_bytes(
        forged.public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    )
    code, report = verify(capsys, data)
    assert (code, len(report["findings"])) == (1, 3)
    assert report["findings"][0]["problem"].endswith("forged signature")
    assert "as its own" in report["notes"][-1]
    assert verify(capsys, data, "--key", trusted)[0] == 0


def test_what_is_no_data_folder_is_wrong_use(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["verify", str(tmp_path / "nowhere")]) == 2
    assert "give a data folder" in capsys.readouterr().err
    (data / PUBLIC_NAME).unlink()
    assert main(["verify", str(data)]) == 1
    assert "device.pub" in capsys.readouterr().err


def test_log_that_cannot_be_read_is_told(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (data / LOG_NAME).write_bytes(b"no database" * 1000)
    assert main(["verify", str(data)]) == 1
    assert "damaged" in capsys.readouterr().err


def test_page_that_is_damaged_does_not_hide_the_rest(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A bit that flips at rest spoils one table; the other feeds are checked all the same."""
    with open_records(data) as records:
        records.append([make_draft(100 + number, feed="health") for number in range(200)])
    change(data, "PRAGMA wal_checkpoint(TRUNCATE)")
    page, (root,) = 4096, root_of(data, "feed_health")
    content = bytearray((data / LOG_NAME).read_bytes())
    content[(root - 1) * page : root * page] = bytes(page)
    (data / LOG_NAME).write_bytes(bytes(content))
    code, report = verify(capsys, data)
    assert code == 1
    assert {found["feed"] for found in report["findings"]} == {"health"}
    assert "can't be read on" in report["findings"][0]["problem"]


def root_of(folder: Path, table: str) -> tuple[int]:
    connection = apsw.Connection(str(folder / LOG_NAME))
    (root,) = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = ?", (table,))
    connection.close()
    return (int(root[0]),)
