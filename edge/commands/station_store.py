"""A station's store as commands beside the station open it."""

from __future__ import annotations

from pathlib import Path

from edge.errors import Fault, StoreError, ValidationError
from edge.station.store.reader import StoreReader, open_store_reader
from edge.station.store.schema import STORE_NAME


def find_store(folder: Path) -> None:
    """See that a store lies in a folder.

    Raises:
        ValidationError: none does: no station has begun one there.
        OSError: it can't be looked into.
    """
    if not (folder / STORE_NAME).is_file():
        remedy = "start the station first, or give a station's store"
        raise ValidationError([Fault(str(folder), f"holds no {STORE_NAME}", remedy)])


def open_store(folder: Path) -> StoreReader:
    """Open the store of a folder beside its writer.

    Raises:
        ValidationError: there is none.
        StoreError: it can't be read; the message names the folder.
    """
    find_store(folder)
    try:
        return open_store_reader(folder)
    except StoreError as exc:
        raise StoreError(f"{folder}: {exc}") from exc
