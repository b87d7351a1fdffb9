"""A note beside a file that is being taken over: what its record will say.

Between the file's move into the media folder and its record on disk lies an instant in which the
power may go. The note, written before and removed after both, lets the next start go on from there.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import msgspec

from edge.agent.eyes.chronicle import AlertFile
from edge.agent.eyes.eye_lines import FileName
from edge.whole_file import sync_folder

NOTE_BYTES_MAX = 8 * 1024
_SUFFIX = ".note"


@dataclass(frozen=True, slots=True)
class Note:
    """The file `name` of the eye's folder, which becomes `file`."""

    name: FileName
    file: AlertFile


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Note)


def note_path(folder: Path, name: str) -> Path:
    """Where the note of a file is; no file that an eye can name begins with a dot."""
    return folder / f".{name}{_SUFFIX}"


def is_note(path: Path) -> bool:
    """Whether a path is that of a note."""
    return path.name.startswith(".") and path.name.endswith(_SUFFIX)


def save_note(folder: Path, note: Note) -> None:
    """Write a note, and have it on disk.

    Raises:
        OSError: it can't be written.
    """
    path = note_path(folder, note.name)
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(descriptor, _encoder.encode(note))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    sync_folder(folder)


def load_note(path: Path) -> Note | None:
    """Read a note; None where it is none, as when the power went while it was written."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    try:
        return _decoder.decode(os.read(descriptor, NOTE_BYTES_MAX))
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return None
    finally:
        os.close(descriptor)
