"""Takes the files of one camera's eye over: hashed here, on disk under their hash, then the record.

Hashing and syncing go on in threads and behind the eye's lines: no alert waits for a file. What an
eye left behind when it ended is looked through afterwards: finished files of alerts are taken
over too, the rest is deleted.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
import os
import re
import shutil
import stat
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

from edge.agent.eyes.chronicle import AlertFile, Pen, make_file, write_file
from edge.agent.eyes.eye_lines import Media
from edge.agent.eyes.line_intake import EyeCondemned
from edge.agent.eyes.notes import Note, is_note, load_note, note_path, save_note
from edge.agent.eyes.scribe import Scribe
from edge.agent.media import MediaFolder
from edge.agent.ports import Log
from edge.errors import MediaError
from edge.feeds import Draft
from edge.model import Role
from edge.summary import parse_summary

WAITING_MAX = 512
"""Files that wait to be taken over; a slow disk needs minutes for so many clips."""
TOGETHER_MAX = 2
"""Files taken over at the same time, of all eyes: more would only share the disk's speed."""
_FINISHED = re.compile(r"([0-9A-HJKMNP-TV-Z]{26})-(?:(snapshot)\.jpg|(clip)(?:-[0-9]{1,4})?\.mp4)")
"""Names that an eye gives to the files of an alert, see `edge/eye/alerts.py`."""
_TYPES: dict[Role, str] = {"snapshot": "image/jpeg", "clip": "video/mp4"}

_log = logging.getLogger(__name__)


MakeRoom: TypeAlias = Callable[[int], contextlib.AbstractAsyncContextManager[None]]


def endless_room(_size_bytes: int) -> contextlib.AbstractAsyncContextManager[None]:
    """Room where nobody counts it."""
    return contextlib.nullcontext()


@dataclass(frozen=True, slots=True)
class Keeping:
    """Where what eyes bring is kept; `slots` bounds how many files are taken over at once.

    `room` makes room for a file of so many bytes that comes in within its block, or raises
    MediaError.
    """

    log: Log
    media: MediaFolder
    scribe: Scribe
    make_pen: Callable[[], Pen]
    slots: asyncio.Semaphore
    room: MakeRoom = endless_room


@dataclass(frozen=True, slots=True)
class _Named:
    """A file that a line of the eye names."""

    folder: Path
    line: Media


@dataclass(frozen=True, slots=True)
class _Unwanted:
    """A file that nobody waits for any more."""

    path: Path


@dataclass(frozen=True, slots=True)
class _Rest:
    """The folder of an eye that has ended."""

    folder: Path


class Adoption:
    """The files of one camera, over all runs of its eye."""

    def __init__(self, camera: str, keeping: Keeping) -> None:
        """Nothing is done before `run`."""
        self._camera = camera
        self._keeping = keeping
        self._jobs: asyncio.Queue[_Named | _Unwanted | _Rest] = asyncio.Queue(WAITING_MAX)
        self._unsure: set[Path] = set()  # notes of files whose records wait for the disk
        self.refused_count = 0
        """Files that were not what their eye said, or could not be kept."""

    def take(self, folder: Path, line: Media) -> None:
        """Have a file taken over and recorded; never waits.

        Raises:
            EyeCondemned: too many wait. They stay in the folder, to be found at the eye's end.
        """
        self._put(_Named(folder, line))

    def discard(self, folder: Path, name: str) -> None:
        """Have a file deleted that nobody waits for any more; see `take`."""
        self._put(_Unwanted(folder / name))

    def finish(self, folder: Path) -> None:
        """Have the folder of an eye that has ended swept, after all that was given before.

        Where too much waits it is left for the next start of the agent.
        """
        with contextlib.suppress(EyeCondemned):
            self._put(_Rest(folder))

    async def drain(self) -> None:
        """Wait until all that was given has been dealt with."""
        await self._jobs.join()

    async def run(self) -> None:
        """Do one thing after the other, until cancelled."""
        while True:
            job = await self._jobs.get()
            try:
                if isinstance(job, _Named):
                    await self._adopt(job.folder, job.line)
                elif isinstance(job, _Unwanted):
                    await asyncio.to_thread(_remove, job.path)
                else:
                    await self.sweep(job.folder)
            finally:
                self._jobs.task_done()

    async def sweep(self, folder: Path) -> None:
        """Look through the folder of an eye that has ended, then remove it.

        What the disk does not let us keep now stays there for the next start of the agent.
        """
        if not await self._keeping.scribe.settle():
            _log.error("leftovers stay: camera=%s reason=records wait for the disk", self._camera)
            return  # an alert that is not on disk yet would seem unknown
        try:
            for note in await asyncio.to_thread(_find_finished, folder, self._keeping.media):
                await self._recover(folder, note)
        except OSError as exc:  # also a StoreError: the log can't be read
            _log.error("leftovers stay: camera=%s reason=%s", self._camera, exc)
            return
        count = await asyncio.to_thread(_remove_rest, folder, self._unsure)
        if count:
            _log.info("leftovers removed: camera=%s files=%d", self._camera, count)

    def _put(self, job: _Named | _Unwanted | _Rest) -> None:
        try:
            self._jobs.put_nowait(job)
        except asyncio.QueueFull as exc:
            raise EyeCondemned("its files come faster than they can be kept") from exc

    async def _adopt(self, folder: Path, line: Media) -> None:
        assert line.file is not None
        file = make_file(line)
        try:
            await self._keep(folder, Note(line.file, file))
        except MediaError as exc:
            self.refused_count += 1
            _log.error("media refused: %s alert=%s reason=%s", self._camera, file.alert, exc)
            gone = replace(file, size_bytes=0, sha256=None, reason=str(exc))
            self._keeping.scribe.put([self._draft(gone)])

    async def _keep(self, folder: Path, note: Note, *, may_be_kept: bool = False) -> None:
        """Take a file over, then write its record; raises MediaError."""
        keeping = self._keeping
        async with keeping.slots, keeping.room(await asyncio.to_thread(_weigh, folder, note)):
            size_bytes = await asyncio.to_thread(
                _move, keeping.media, folder, note, may_be_kept=may_be_kept
            )
            draft = self._draft(replace(note.file, size_bytes=size_bytes))
            is_written = await keeping.scribe.write(draft)
        path = note_path(folder, note.name)
        if is_written:
            await asyncio.to_thread(_remove, path)
        else:
            self._unsure.add(path)

    async def _recover(self, folder: Path, note: Note) -> None:
        """Keep a file that was left behind, if it belongs to an alert and has no record yet."""
        path, file = note_path(folder, note.name), note.file
        summary = await self._keeping.log.alert(file.alert)
        is_ours = summary is not None and summary.camera == self._camera
        if path in self._unsure or summary is None or not is_ours:
            return
        if file.sha256 in {each.sha256 for each in parse_summary(summary.body).media}:
            return
        try:
            note = replace(note, file=replace(file, is_recovered=True))
            await self._keep(folder, note, may_be_kept=True)
            _log.warning("media recovered: %s alert=%s", self._camera, file.alert)
        except MediaError as exc:
            _log.error("media not recovered: %s alert=%s reason=%s", self._camera, file.alert, exc)
            self._unsure |= {path, folder / note.name}  # it is sound: the disk does not take it

    def _draft(self, file: AlertFile) -> Draft:
        return write_file(self._camera, file, self._keeping.make_pen())


def _weigh(folder: Path, note: Note) -> int:
    """Bytes of a file in an eye's folder; 0 where it has been moved already."""
    try:
        return (folder / note.name).lstat().st_size
    except OSError:
        return 0


def _move(media: MediaFolder, folder: Path, note: Note, *, may_be_kept: bool) -> int:
    """Note what will be, then move a file into the media folder; give its size in bytes."""
    assert note.file.sha256 is not None
    if may_be_kept and not os.path.lexists(folder / note.name):
        with contextlib.suppress(OSError):  # moved before the agent was cut off
            return media.path_of(note.file.sha256).stat().st_size
    with contextlib.suppress(OSError):  # on a full disk the move may succeed all the same
        save_note(folder, note)
    return media.adopt(folder, note.name, sha256=note.file.sha256).size_bytes


def _find_finished(folder: Path, media: MediaFolder) -> list[Note]:
    """The files of alerts in a folder: those with a note, then those with a name that says so.

    A file that is not what its note says was refused before, and is none.
    """
    try:
        paths = sorted(folder.iterdir())
    except OSError:
        return []
    noted = [note for path in paths if is_note(path) if (note := load_note(path)) is not None]
    names = {note.name for note in noted}
    found = [_describe(path) for path in paths if path.name not in names]
    return [
        *(note for note in noted if _is_true(note, folder, media)),
        *(note for note in found if note is not None),
    ]


def _is_true(note: Note, folder: Path, media: MediaFolder) -> bool:
    """Whether a noted file is here with the right hash, or has been moved to the media already."""
    sha256 = note.file.sha256
    if sha256 is None:
        return False
    if os.path.lexists(folder / note.name):
        return _hash(folder / note.name) == sha256
    return media.path_of(sha256).is_file()


def _describe(path: Path) -> Note | None:
    """Say what a file is by its name; None where it is none of an alert's."""
    match = _FINISHED.fullmatch(path.name)
    if match is None:
        return None
    digest = _hash(path)
    if digest is None:
        return None
    role: Role = "snapshot" if match[2] else "clip"
    status = path.stat()
    file = AlertFile(
        match[1], role, _TYPES[role], round(status.st_mtime * 1000), status.st_size, digest
    )
    return Note(path.name, file)


def _hash(path: Path) -> str | None:
    """The hash of a plain file; None where it is none or can't be read."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return None
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None
    finally:
        os.close(descriptor)


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink(missing_ok=True)


def _remove_rest(folder: Path, staying: Collection[Path]) -> int:
    """Remove all but what stays, and the folder if nothing does; say how many files went."""
    count = 0
    with contextlib.suppress(OSError):
        for path in sorted(folder.iterdir()):
            if path in staying:
                continue
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            else:
                _remove(path)
            count += not is_note(path)
        if not any(folder.iterdir()):
            folder.rmdir()
    return count
