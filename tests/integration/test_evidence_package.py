"""`polewatch export` and what checks a package: ours, and 30 lines that share nothing with us."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from edge.cli import main
from edge.device_key import load_or_make_key
from edge.evidence import canonical_json
from tests.support.evidence import (
    ALERT,
    CLIP,
    OTHER,
    PICTURE,
    make_data,
    make_package,
    sha256_of,
    sign_anew,
    trust,
)

EXAMPLE = Path(__file__).parents[2] / "docs/example_verify.py"
CLIP_FILE = f"media/{sha256_of(CLIP)}"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return make_data(tmp_path / "data")


@pytest.fixture
def package(tmp_path: Path, data: Path) -> Path:
    return make_package(data, tmp_path / "package", "--reason", "case 2026-117")


@pytest.fixture
def key(tmp_path: Path, data: Path) -> Path:
    return trust(data, tmp_path / "sheet.pem")


def verify(capsys: pytest.CaptureFixture[str], *words: str | Path) -> tuple[int, Any]:
    capsys.readouterr()
    code = main(["verify", "--json", *map(str, words)])
    return code, json.loads(capsys.readouterr().out)


def example(package: Path, key: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, EXAMPLE, package, key], capture_output=True, text=True, timeout=60
    )


def manifest_of(package: Path) -> dict[str, Any]:
    return dict(json.loads((package / "manifest.json").read_bytes()))


def test_package_holds_everything_and_is_sound_elsewhere(
    tmp_path: Path, data: Path, package: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    key = trust(data, tmp_path / "sheet.pem")
    elsewhere = tmp_path / "elsewhere"
    shutil.move(package, elsewhere)
    shutil.rmtree(data)
    code, report = verify(capsys, elsewhere, "--key", key)
    assert (code, report["sound"], report["findings"], report["notes"]) == (0, True, [], [])
    assert (report["pole"], report["files"]) == ("SG-017", 2)
    assert [(f["feed"], f["records"], f["signed"]) for f in report["feeds"]] == [
        ("alerts", 5, 5), ("media", 2, 2),
    ]  # fmt: skip
    said = example(elsewhere, key)
    assert said.returncode == 0, said.stderr
    assert "Verified Successfully" in said.stdout
    page = (elsewhere / "index.html").read_text(encoding="utf-8")
    assert all(text in page for text in ("case 2026-117", "证据包", CLIP_FILE))


def test_package_without_a_trusted_key_says_so(
    package: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, report = verify(capsys, package)
    assert (code, report["key_from"]) == (0, "there")
    assert main(["verify", str(package)]) == 0
    said = f"by the key that lies there, {report['key']}: compare it with the hand-over sheet"
    assert said in capsys.readouterr().out


def test_one_alert_comes_with_its_own_file_only(
    tmp_path: Path, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    package = make_package(data, tmp_path / "one", "--alert", OTHER)
    manifest = manifest_of(package)
    assert manifest["feeds"]["alerts"]["first"] == 4
    assert manifest["feeds"]["media"] | {"prev": ""} == {"first": 2, "last": 2, "prev": ""}
    assert [name for name in manifest["files"] if name.startswith("media/")] == [
        f"media/{sha256_of(PICTURE)}.mp4"
    ]
    assert verify(capsys, package)[0] == 0
    assert ALERT not in (package / "index.html").read_text(encoding="utf-8")


def test_stretch_ends_where_something_is_signed(tmp_path: Path, data: Path) -> None:
    """The update in the middle is not signed for itself; the close after it is."""
    at = json.loads(next(iter(_alerts(make_package(data, tmp_path / "all")))))["at"]
    package = make_package(data, tmp_path / "some", "--to", at)
    assert manifest_of(package)["feeds"]["alerts"]["last"] in (1, 5)


def test_range_behind_a_checkpoint_is_sound(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = make_data(tmp_path / "old", evicted=True)
    package = make_package(data, tmp_path / "package")
    assert manifest_of(package)["feeds"]["alerts"]["first"] == 2
    code, report = verify(capsys, package, "--key", trust(data, tmp_path / "key.pem"))
    assert (code, report["findings"]) == (0, [])


def test_sm3_stands_beside_sha256(
    tmp_path: Path, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    package = make_package(data, tmp_path / "both", "--sm3")
    said = manifest_of(package)["files"]["statements.jsonl"]
    found = subprocess.run(
        ["openssl", "dgst", "-sm3", "statements.jsonl"],
        cwd=package, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert found.stdout.split()[-1] == said["sm3"]
    assert verify(capsys, package)[0] == 0


@pytest.mark.parametrize("spoil", [Path.unlink, lambda path: path.write_bytes(b"swapped")])
def test_file_that_is_not_whole_is_said_to_be_missing(
    tmp_path: Path, data: Path, capsys: pytest.CaptureFixture[str], spoil: Callable[[Path], object]
) -> None:
    spoil(data / "media" / sha256_of(CLIP)[:2] / sha256_of(CLIP))
    package = make_package(data, tmp_path / "package")
    assert [each["sha256"] for each in manifest_of(package)["missing"]] == [sha256_of(CLIP)]
    code, report = verify(capsys, package)
    assert code == 0
    assert f"media {sha256_of(CLIP)} is not in it" in report["notes"][0]


def test_text_of_others_does_nothing_on_the_page(tmp_path: Path, data: Path) -> None:
    package = make_package(data, tmp_path / "p", "--reason", '<script>alert(1)</script>"')
    page = (package / "index.html").read_text(encoding="utf-8")
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "default-src 'none'" in page


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--from", "yesterday"], "--from: 'yesterday' is no time"),
        (["--from", "2026-11-22T17:33:05"], "is no time"),
        (["--from", "2026-11-23T00:00:00Z", "--to", "2026-11-22T00:00:00Z"], "lies before"),
        (["--alert", "01KBNOBODY"], "01KBNOBODY is not kept here"),
        (["--reason", "a\nb"], "control characters"),
        (["--data", "/nowhere"], "holds no log.db"),
    ],
)
def test_wrong_wish_is_refused_and_leaves_nothing(
    tmp_path: Path, data: Path, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    out = tmp_path / "refused"
    assert main(["export", "--data", str(data), "--out", str(out), *words]) == 2
    assert said in capsys.readouterr().err
    assert not out.exists()


def test_package_that_is_there_is_not_written_over(
    package: Path, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (package / "manifest.json").read_bytes()
    assert main(["export", "--data", str(data), "--out", str(package)]) == 1
    assert "is there already" in capsys.readouterr().err
    assert (package / "manifest.json").read_bytes() == before


# Tampering -------------------------------------------------------------------------------------


def _alerts(package: Path) -> list[bytes]:
    return (package / "records/alerts.jsonl").read_bytes().splitlines()


def change_lines(package: Path, lines: list[bytes]) -> None:
    (package / "records/alerts.jsonl").write_bytes(b"".join(line + b"\n" for line in lines))


def change_byte(package: Path) -> None:
    lines = _alerts(package)
    lines[1] = lines[1].replace(b'"camera":"yard"', b'"camera":"Yard"')
    change_lines(package, lines)


def remove_record(package: Path) -> None:
    lines = _alerts(package)
    change_lines(package, lines[:1] + lines[2:])


def insert_record(package: Path) -> None:
    lines = _alerts(package)
    change_lines(package, [*lines[:2], lines[1], *lines[2:]])


def reorder_records(package: Path) -> None:
    first, second, *rest = _alerts(package)
    change_lines(package, [second, first, *rest])


def cut_tail(package: Path) -> None:
    change_lines(package, _alerts(package)[:-1])


def swap_media(package: Path) -> None:
    (package / f"{CLIP_FILE}.mp4").write_bytes(PICTURE)


def forge_statement(package: Path) -> None:
    path = package / "statements.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"seq":5', b'"seq":4'))


def lose_statements(package: Path) -> None:
    (package / "statements.jsonl").write_bytes(b"")


def misfit_checkpoint(package: Path) -> None:
    manifest = manifest_of(package)
    manifest["feeds"]["alerts"]["prev"] = "ab" * 32
    (package / "manifest.json").write_bytes(canonical_json(manifest))


def forge_signature(package: Path) -> None:
    (package / "manifest.sig").write_bytes(bytes(64))


def lose_signature(package: Path) -> None:
    (package / "manifest.sig").unlink()


def change_manifest(package: Path) -> None:
    path = package / "manifest.json"
    path.write_bytes(path.read_bytes().replace(b"SG-017", b"SG-018"))


def add_file(package: Path) -> None:
    (package / "media/extra.mp4").write_bytes(b"more")


def put_link(package: Path) -> None:
    path = package / f"{CLIP_FILE}.mp4"
    path.rename(package.parent / "outside.mp4")
    path.symlink_to(package.parent / "outside.mp4")


class Tampering(NamedTuple):
    """What somebody does to a package, what is said of it, and whether the example sees it."""

    act: Callable[[Path], None]
    problem: str
    is_seen_by_example: bool = True


TAMPERINGS = [
    Tampering(change_byte, "alerts 2: its hash is not that of its bytes"),
    Tampering(remove_record, "alerts 2: alerts 2: missing; 3 follows 1"),
    Tampering(insert_record, "alerts 3: alerts 3: missing; 2 follows 2"),
    Tampering(reorder_records, "alerts 1: alerts 1: missing; 2 follows 0"),
    Tampering(cut_tail, "alerts 5: it ends at 4, 5 is said: cut off"),
    Tampering(swap_media, f"{CLIP_FILE}.mp4: was changed or swapped"),
    Tampering(forge_statement, "forged signature"),
    Tampering(lose_statements, "statements.jsonl: was changed"),
    Tampering(misfit_checkpoint, "alerts 1: it does not follow the record before it"),
    Tampering(forge_signature, "manifest.json: forged, or signed by another key"),
    Tampering(lose_signature, "manifest.sig: the signature is missing"),
    Tampering(change_manifest, "manifest.json: forged, or signed by another key"),
    Tampering(
        add_file, "media/extra.mp4: is there and not in the manifest", is_seen_by_example=False
    ),
    Tampering(put_link, f"{CLIP_FILE}.mp4: can't be read"),
]


@pytest.mark.parametrize("tampering", TAMPERINGS, ids=lambda each: each.act.__name__)
def test_every_tampering_is_named(
    package: Path, key: Path, capsys: pytest.CaptureFixture[str], tampering: Tampering
) -> None:
    tampering.act(package)
    code, report = verify(capsys, package, "--key", key)
    found = [f"{each['feed']} {each['seq']}: {each['problem']}" for each in report["findings"]]
    assert code == 1
    assert any(tampering.problem in each for each in found), found
    assert main(["verify", str(package), "--key", str(key)]) == 1
    assert "NOT SOUND" in capsys.readouterr().out
    assert (example(package, key).returncode != 0) is tampering.is_seen_by_example


@pytest.mark.parametrize("tamper", [change_byte, remove_record, cut_tail, swap_media])
def test_manifest_made_anew_by_another_is_seen_by_the_trusted_key(
    package: Path, key: Path, capsys: pytest.CaptureFixture[str], tamper: Callable[[Path], None]
) -> None:
    """Who changes a package and signs it himself, key and all, is found by the key of the sheet."""
    forger = package.parent / "forger"
    forger.mkdir()
    load_or_make_key(forger)
    tamper(package)
    shutil.copy(forger / "device.pub", package / "key.pem")
    sign_anew(package, forger)
    assert verify(capsys, package, "--key", key)[0] == 1
    assert example(package, key).returncode != 0


@pytest.mark.parametrize(
    "content",
    [b"", b"{}", b"[" * 100_000, b"\xff", b'{"format": 2}', b'{"format":1,"files":{"../x":{}}}'],
)
def test_manifest_that_is_none_is_a_clear_error(
    package: Path, capsys: pytest.CaptureFixture[str], content: bytes
) -> None:
    (package / "manifest.json").write_bytes(content)
    assert main(["verify", str(package)]) == 1
    assert "manifest.json" in capsys.readouterr().err


def test_names_in_a_manifest_can_not_lead_outside(
    tmp_path: Path, data: Path, package: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    manifest = manifest_of(package)
    manifest["files"]["../../etc/passwd"] = {"bytes": 1, "sha256": "0" * 64}
    (package / "manifest.json").write_bytes(canonical_json(manifest))
    sign_anew(package, data)
    assert main(["verify", str(package)]) == 1
    assert "which is no package's" in capsys.readouterr().err
    said = example(package, trust(data, tmp_path / "sheet.pem"))
    assert said.returncode != 0
    assert "NOT SOUND: ../../etc/passwd" in said.stderr


def test_pipe_in_place_of_a_file_holds_nobody_up(
    package: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (package / "statements.jsonl").unlink()
    os.mkfifo(package / "statements.jsonl")
    assert verify(capsys, package)[0] == 1
    (package / "key.pem").unlink()
    os.mkfifo(package / "key.pem")
    assert main(["verify", str(package)]) == 1
