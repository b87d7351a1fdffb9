"""Files taken over from an eye's folder: whole, by their true hash, and never through a link."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from edge.agent.media import MediaFolder
from edge.errors import MediaError

CLIP = b"clip" * 1000
DIGEST = hashlib.sha256(CLIP).hexdigest()


@pytest.fixture
def eye(tmp_path: Path) -> Path:
    folder = tmp_path / "eye"
    folder.mkdir()
    (folder / "a.mp4").write_bytes(CLIP)
    return folder


@pytest.fixture
def media(tmp_path: Path) -> MediaFolder:
    return MediaFolder(tmp_path / "media")


def test_file_is_moved_under_its_hash(eye: Path, media: MediaFolder) -> None:
    kept = media.adopt(eye, "a.mp4", sha256=DIGEST)
    assert (kept.sha256, kept.size_bytes) == (DIGEST, len(CLIP))
    assert media.path_of(DIGEST).read_bytes() == CLIP
    assert media.path_of(DIGEST).stat().st_mode & 0o777 == 0o640
    assert list(eye.iterdir()) == []


def test_same_file_again_is_kept_once(eye: Path, media: MediaFolder) -> None:
    media.adopt(eye, "a.mp4", sha256=DIGEST)
    inode = media.path_of(DIGEST).stat().st_ino
    (eye / "b.mp4").write_bytes(CLIP)
    media.adopt(eye, "b.mp4", sha256=DIGEST)
    assert media.path_of(DIGEST).stat().st_ino == inode
    assert list(eye.iterdir()) == []


def test_hash_that_the_eye_did_not_tell_truly_is_refused(eye: Path, media: MediaFolder) -> None:
    with pytest.raises(MediaError, match=f"its hash is {DIGEST}"):
        media.adopt(eye, "a.mp4", sha256="0" * 64)
    assert (eye / "a.mp4").exists()


def test_what_is_no_plain_file_of_the_eye_alone_is_refused(
    tmp_path: Path, eye: Path, media: MediaFolder
) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(CLIP)
    (eye / "link.mp4").symlink_to(secret)
    os.link(secret, eye / "hard.mp4")
    os.mkfifo(eye / "pipe.mp4")
    (eye / "folder.mp4").mkdir()
    for name in ("link.mp4", "hard.mp4", "pipe.mp4", "folder.mp4", "missing.mp4"):
        with pytest.raises(MediaError, match=name):
            media.adopt(eye, name, sha256=DIGEST)
    assert secret.read_bytes() == CLIP
    assert not media.path_of(DIGEST).exists()


def test_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(MediaError, match="can't be made a folder"):
        MediaFolder(tmp_path / "file" / "media")
