"""`polewatch demo`: what it takes for a source, and where a login in an address goes."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.cli import main


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("rtsp://u:secret@[::1", "is no address: Invalid IPv6 URL"),
        ("rtsp://u:secret@", "is no address: it names no host"),
        ("rtsp:///main", "is no address: it names no host"),
        ("nowhere.mp4", "there is no file "),
    ],
)
def test_source_that_is_none_is_refused_before_anything_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], source: str, problem: str
) -> None:
    assert main(["demo", "--source", source, "--data", str(tmp_path / "demo")]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"polewatch: --source: {problem}")
    assert said.endswith("; give a file, or an address like rtsp://USER:PASSWORD@HOST/PATH\n")
    assert "secret" not in said
    assert not (tmp_path / "demo").exists()


def test_login_in_an_address_goes_into_a_file_of_its_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The pole itself does not begin here: its tokens may be read by others."""
    tokens = tmp_path / "tokens.json"
    tokens.write_bytes(b"{}")
    tokens.chmod(0o644)
    source = "rtsp://us%40er:s%22t@127.0.0.1:9/main"
    assert main(["demo", "--source", source, "--data", str(tmp_path)]) == 1
    assert "chmod 600" in capsys.readouterr().err
    config = (tmp_path / "demo.toml").read_text(encoding="utf-8")
    assert 'main = "rtsp://127.0.0.1:9/main"\ncredentials = "demo.secret"\n' in config
    secret = tmp_path / "demo.secret"
    assert secret.stat().st_mode & 0o777 == 0o600
    assert secret.read_text(encoding="utf-8") == 'user = "us@er"\npassword = "s\\"t"\n'
