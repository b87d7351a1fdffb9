"""Why an eye ended with exit code 2: found by reading what it was given."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.agent.eyes.refusals import find_refusal
from tests.support.eye_pole import write_config

pytestmark = pytest.mark.timeout(120)
SECRET = 'user = "viewer"\npassword = "secret-word"\n'


def write(folder: Path, *, mode: int = 0o600, extra: str = "") -> Path:
    secret = folder / "road.secret"
    secret.write_text(SECRET, encoding="utf-8")
    secret.chmod(mode)
    camera = (
        '[[camera]]\nname = "road"\nmain = "rtsp://10.0.0.11/main"\ncredentials = "road.secret"\n'
    )
    return write_config(folder, {}, camera + extra)


def test_credentials_that_others_can_read_are_named_without_their_words(tmp_path: Path) -> None:
    path = write(tmp_path)
    (tmp_path / "road.secret").chmod(0o644)

    reason = find_refusal(path, "road")

    assert "road.secret" in reason
    assert "secret-word" not in reason
    assert "\n" not in reason


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        ("colour = 7\n", "colour"),
        ('kind = "thermal"\n', "it reads no temperatures"),
        ("", "its words stand in the log"),
    ],
)
def test_what_has_changed_since_the_start_is_named(tmp_path: Path, extra: str, words: str) -> None:
    assert words in find_refusal(write(tmp_path, extra=extra), "road")


def test_camera_or_file_that_is_gone_is_named(tmp_path: Path) -> None:
    path = write(tmp_path)
    assert 'no camera "gate"' in find_refusal(path, "gate")
    path.unlink()
    assert "pole.toml" in find_refusal(path, "road")
