"""Bugs, planted: what the harnesses of this folder must catch.

They differ from the agent's own code in nothing but the one thing that they do wrong.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from edge import database
from edge.agent.media import Kept, MediaFolder
from edge.whole_file import sync_folder

Bug = Literal["synchronous=NORMAL", "row before file", "file not synced", "folder not synced"]
BUGS: tuple[Bug, ...] = (
    "synchronous=NORMAL", "row before file", "file not synced", "folder not synced",
)  # fmt: skip
LATE_S = 0.1


@dataclass
class HastyMedia(MediaFolder):
    """Leaves one sync out."""

    folder: Path
    syncs_file: bool
    syncs_folder: bool

    def __post_init__(self) -> None:
        super().__init__(self.folder)

    def _place(self, descriptor: int, source: Path, kept: Kept) -> None:
        path = self.path_of(kept.sha256)
        path.parent.mkdir(exist_ok=True)
        if self.syncs_file:
            os.fsync(descriptor)
        source.rename(path)
        if self.syncs_folder:
            sync_folder(path.parent)
            sync_folder(self.folder)


class LateMedia(MediaFolder):
    """Says that a file is in its place, and puts it there a little later."""

    def adopt(self, folder: Path, name: str, *, sha256: str) -> Kept:
        content = (folder / name).read_bytes()
        late = threading.Timer(LATE_S, super().adopt, (folder, name), {"sha256": sha256})
        late.start()
        return Kept(hashlib.sha256(content).hexdigest(), len(content))


def make_media(folder: Path, bug: Bug | None) -> MediaFolder:
    """The media folder of a pole with a bug, or without."""
    if bug == "row before file":
        return LateMedia(folder)
    if bug in ("file not synced", "folder not synced"):
        return HastyMedia(folder, bug != "file not synced", bug != "folder not synced")
    return MediaFolder(folder)


@contextmanager
def settings_with(bug: Bug | None) -> Iterator[None]:
    """Have databases opened in the block as somebody in a hurry would."""
    right = database._PRAGMAS
    if bug == "synchronous=NORMAL":
        database._PRAGMAS = right.replace("synchronous = FULL", "synchronous = NORMAL")
        assert right != database._PRAGMAS
    try:
        yield
    finally:
        database._PRAGMAS = right
