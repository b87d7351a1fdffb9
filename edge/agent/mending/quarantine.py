"""Where damaged parts of a data folder are set aside: nothing is deleted, nothing is used."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from edge.errors import StoreError
from edge.whole_file import make_folder, sync_folder

QUARANTINE_NAME = "quarantine"
RETELL_NAME = "to-be-told-anew"
"""Stands beside a log whose whole records are not in the new one yet."""
_NUMBERS_MAX = 10_000


@dataclass(frozen=True, slots=True)
class Found:
    """Something that was amiss.

    `kept` is where it lies now, below the data folder; "" where it was put right in its place.
    """

    what: str
    reason: str
    kept: str = ""

    def __str__(self) -> str:
        """One line for people."""
        return f"{self.what}: {self.reason}" + (f"; kept in {self.kept}" if self.kept else "")


def set_aside(
    folder: Path, names: Sequence[str], *, what: str, reason: str, is_log: bool = False
) -> Found:
    """Move files out of the way, those that there are; a log is then to be told anew.

    Raises:
        StoreError: the disk does not let it.
    """
    try:
        make_folder(folder / QUARANTINE_NAME, mode=0o700)
        place = _make_place(folder / QUARANTINE_NAME)
        if is_log:  # before the log: a cut between the two must not forget it
            (place / RETELL_NAME).touch(mode=0o600)
        sync_folder(place)
        for name in names:
            if (folder / name).exists() or (folder / name).is_symlink():
                (folder / name).rename(place / name)
        sync_folder(place)
        sync_folder(folder)
    except OSError as exc:
        problem = f"{folder}: {what} can't be set aside ({exc.strerror}); check the disk"
        raise StoreError(problem) from exc
    return Found(what, reason, f"{QUARANTINE_NAME}/{place.name}")


def find_untold(folder: Path) -> Iterator[Path]:
    """The places of logs whose records are to be told anew, the oldest first."""
    for marker in sorted((folder / QUARANTINE_NAME).glob(f"*/{RETELL_NAME}")):
        yield marker.parent


def _make_place(quarantine: Path) -> Path:
    for number in range(1, _NUMBERS_MAX):
        place = quarantine / f"{number:04}"
        if not place.exists():
            make_folder(place, mode=0o700)
            return place
    raise StoreError(f"{quarantine}: is full; look through it and empty it")
