"""A pole's data folder with something to prove, and a package made of it."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

from cryptography.hazmat.primitives import serialization

from edge.agent.log.records import Records
from edge.agent.media import MEDIA_NAME, MediaFolder
from edge.cli import main
from edge.device_key import load_or_make_key
from tests.support.clocks import ManualClock
from tests.support.drafts import POLE, make_draft, make_media

CLIP, PICTURE = b"clip\n", b"film\n"
ALERT, OTHER = "01KB0000000000000000000001", "01KB0000000000000000000002"


def sha256_of(content: bytes) -> str:
    """Its name in a package."""
    return hashlib.sha256(content).hexdigest()


def make_data(folder: Path, *, evicted: bool = False) -> Path:
    """A pole that has stopped: two alerts, each with a file, acknowledged, closed."""
    folder.mkdir(mode=0o700)
    eye = folder.parent / "eye"
    eye.mkdir(exist_ok=True)
    for content in (CLIP, PICTURE):
        (eye / "a").write_bytes(content)
        MediaFolder(folder / MEDIA_NAME).adopt(eye, "a", sha256=sha256_of(content))
    key = load_or_make_key(folder)
    with Records(folder, POLE, key=key, clock=ManualClock()) as records:
        records.append([make_draft(1, alert=ALERT, camera="yard")])
        records.append([make_media(2, sha256_of(CLIP), alert=ALERT)])
        records.append([make_draft(3, kind="alert.update", alert=ALERT, camera="yard")])
        records.append([make_draft(4, kind="alert.close", alert=ALERT, camera="yard")])
        records.append([make_draft(5, alert=OTHER, camera="road")])
        records.append([make_media(6, sha256_of(PICTURE), alert=OTHER)])
        records.append([make_draft(7, kind="alert.close", alert=OTHER, camera="road")])
        if evicted:
            records.evict("alerts", up_to=1)
    return folder


def make_package(data: Path, out: Path, *words: str) -> Path:
    """Export from a data folder."""
    assert main(["export", "--data", str(data), "--out", str(out), *words]) == 0
    return out


def trust(data: Path, path: Path) -> Path:
    """The pole's public key, as somebody has it from the hand-over sheet."""
    shutil.copy(data / "device.pub", path)
    return path


def sign_anew(package: Path, key_folder: Path) -> None:
    """Sign a manifest as one with another key would, or with the pole's own."""
    pem = (key_folder / "device.key").read_bytes()
    key = serialization.load_pem_private_key(pem, password=None)
    signature = key.sign((package / "manifest.json").read_bytes())  # type: ignore[union-attr,call-arg]
    (package / "manifest.sig").write_bytes(signature)
