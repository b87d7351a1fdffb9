"""`polewatch verify URL`: a pole that runs, and serves what somebody has changed on its disk."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import apsw
import pytest

from edge.agent.log.log_file import LOG_NAME
from edge.cli import main
from edge.commands.verify_live import _read_key
from edge.device_key import load_key
from edge.errors import PoleWrong
from tests.support.aio import run_async
from tests.support.evidence import CLIP, PICTURE, make_data, sha256_of, trust
from tests.support.served_pole import ServedPole, serve_pole

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return make_data(tmp_path / "data")


async def verify(
    pole: ServedPole, capsys: pytest.CaptureFixture[str], *words: str
) -> tuple[int, Any]:
    """Ask as an investigator does, with a station's token."""
    path = pole.folder.parent / "token"
    if not path.exists():
        header = pole.token("station", "read", "pictures", "ack")["Authorization"]
        path.write_text(header.removeprefix("Bearer "))
        path.chmod(0o600)
    asked = ["verify", f"http://{pole.address}", "--token-file", str(path), "--json", *words]
    capsys.readouterr()
    code = await asyncio.to_thread(main, asked)
    return code, json.loads(capsys.readouterr().out)


@run_async
async def test_running_pole_is_sound(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sheet = trust(data, data.parent / "sheet.pem")
    async with serve_pole(data, key=load_key(data)) as pole:
        code, report = await verify(pole, capsys, "--key", str(sheet))
        assert (code, report["findings"]) == (0, [])
        assert (report["pole"], report["key_from"], report["files"]) == ("SG-017", "given", 2)
        counts = {feed["feed"]: feed["records"] for feed in report["feeds"]}
        assert (counts["alerts"], counts["media"]) == (5, 2)
        code, report = await verify(pole, capsys, "--no-media")
        assert (code, report["key_from"], report["files"]) == (0, "there", 0)


@run_async
async def test_pole_behind_a_checkpoint_is_sound(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = make_data(tmp_path / "old", evicted=True)
    async with serve_pole(data, key=load_key(data)) as pole:
        code, report = await verify(pole, capsys)
        assert (code, report["findings"]) == (0, [])
        assert next(f for f in report["feeds"] if f["feed"] == "alerts")["oldest"] == 2


def change(data: Path, statement: str, *values: Any) -> None:
    connection = apsw.Connection(str(data / LOG_NAME))
    connection.execute(statement, values)
    connection.close()


def change_byte(data: Path) -> None:
    change(data, "UPDATE feed_alerts SET body = CAST(replace(body, 'yard', 'Yard') AS BLOB)"
                 " WHERE seq = 2")  # fmt: skip


def remove_record(data: Path) -> None:
    change(data, "DELETE FROM feed_alerts WHERE seq = 2")


def insert_record(data: Path) -> None:
    change(data, "UPDATE feed_alerts SET body = (SELECT body FROM feed_alerts WHERE seq = 2)"
                 " WHERE seq = 3")  # fmt: skip


def reorder_records(data: Path) -> None:
    insert_record(data)
    change(data, "UPDATE feed_alerts SET body = (SELECT body FROM feed_alerts WHERE seq = 4)"
                 " WHERE seq = 2")  # fmt: skip


def cut_tail(data: Path) -> None:
    """Records and head alike, as one who knows the tables would; what was signed tells of it."""
    change(data, "DELETE FROM feed_alerts WHERE seq > 3")
    change(
        data,
        "UPDATE head SET seq = 3, signed = 3, hash ="
        " (SELECT substr(CAST(body AS TEXT), -66, 64) FROM feed_alerts WHERE seq = 3)"
        " WHERE feed = 'alerts'",
    )


def swap_media(data: Path) -> None:
    (data / "media" / sha256_of(CLIP)[:2] / sha256_of(CLIP)).write_bytes(PICTURE)


def lose_media(data: Path) -> None:
    (data / "media" / sha256_of(CLIP)[:2] / sha256_of(CLIP)).unlink()


def forge_signature(data: Path) -> None:
    change(data, "UPDATE statement SET at = '2020-01-01T00:00:00.000Z' WHERE feed = 'alerts'")


def misfit_checkpoint(data: Path) -> None:
    """The oldest record goes without a checkpoint."""
    change(data, "DELETE FROM feed_alerts WHERE seq = 1")
    change(data, "UPDATE head SET oldest = 2 WHERE feed = 'alerts'")


TAMPERINGS: list[tuple[Callable[[Path], None], str]] = [
    (change_byte, "alerts 2"),
    (remove_record, "alerts 2: missing"),
    (insert_record, "alerts 3"),
    (reorder_records, "alerts 2"),
    (cut_tail, "alerts 5: signed, but not there"),
    (swap_media, f"media {sha256_of(CLIP)}"),
    (lose_media, f"media {sha256_of(CLIP)}"),
    (forge_signature, "forged signature"),
    (misfit_checkpoint, "checkpoint says what stood before 2"),
]


@pytest.mark.parametrize(("tamper", "problem"), TAMPERINGS)
def test_every_tampering_is_named_on_the_disk_and_over_the_api(
    data: Path,
    capsys: pytest.CaptureFixture[str],
    tamper: Callable[[Path], None],
    problem: str,
) -> None:
    tamper(data)

    @run_async
    async def ask() -> None:
        async with serve_pole(data, key=load_key(data)) as pole:
            code, report = await verify(pole, capsys)
            found = [f"{e['feed']} {e['seq']}: {e['problem']}" for e in report["findings"]]
            assert code == 1
            assert any(problem in each for each in found), found

    assert main(["verify", "--json", str(data)]) == 1
    findings = json.loads(capsys.readouterr().out)["findings"]
    found = [f"{e['feed']} {e['seq']}: {e['problem']}" for e in findings]
    assert any(problem in each for each in found), found
    ask()


@run_async
async def test_key_of_another_pole_is_noticed(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = trust(make_data(data.parent / "other"), data.parent / "other.pem")
    async with serve_pole(data, key=load_key(data)) as pole:
        code, report = await verify(pole, capsys, "--key", str(other))
        assert code == 1
        assert "forged signature" in report["findings"][0]["problem"]


def test_what_can_not_be_asked_is_a_clear_error(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["verify", "http://127.0.0.1:9"]) == 2
    assert "--token-file: is missing" in capsys.readouterr().err
    token = tmp_path / "token"
    token.write_text("pw_" + "a" * 43)
    token.chmod(0o600)
    assert main(["verify", "http://127.0.0.1:9", "--token-file", str(token)]) == 1
    assert "can't be reached" in capsys.readouterr().err
    with pytest.raises(PoleWrong, match="none that can be read"):
        _read_key("garbage")
    assert main(["verify", str(data), "--no-media"]) == 2
    assert "--no-media: is for a pole by its address" in capsys.readouterr().err
