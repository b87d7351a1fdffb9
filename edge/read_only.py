"""SQLite files on a medium that can't be written: opened all the same, to be looked at."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TypeVar

from edge.errors import StoreError

_Reader = TypeVar("_Reader", bound=AbstractContextManager[object])


@contextmanager
def open_anywhere(
    folder: Path, name: str, open_reader: Callable[[Path], _Reader]
) -> Iterator[_Reader]:
    """Open a database of a folder, its writer running or not; where it lies, or else a copy.

    SQLite can't read a WAL where it can't write beside it. The copy is in the temporary folder.

    Args:
        folder: where it is; nothing in it is changed.
        name: of its file.
        open_reader: opens the database of a folder.

    Raises:
        StoreError: there is none, or it can't be read.
    """
    try:
        reader = open_reader(folder)
    except StoreError:
        if not (folder / name).is_file():
            raise
        with tempfile.TemporaryDirectory(prefix="polewatch-verify-") as copy:
            for path in folder.glob(f"{name}*"):
                shutil.copyfile(path, Path(copy) / path.name)
            reader = open_reader(Path(copy))
            with reader:
                yield reader
        return
    with reader:
        yield reader
