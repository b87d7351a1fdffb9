"""Finds the whole records in a database that is damaged, without the database's help.

A record ends with the hash of its own bytes, and SQLite keeps what is shorter than a page in one
piece: whatever stands between the two marks and has its own hash is a record, to the byte, wherever
its page has come to lie and whatever else is broken.
"""

from __future__ import annotations

import mmap
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from edge.errors import EvidenceError
from edge.evidence import has_own_hash, open_seal
from edge.model import Json

_BEGIN = b'{"alert":'
_END = re.compile(rb'"hash":"[0-9a-f]{64}"\}')
_RECORD_BYTES_MAX = 64 * 1024


def find_records(path: Path) -> Iterator[dict[str, Json]]:
    """Find every whole record in a file, in the order in which they lie; some may come twice.

    Raises:
        OSError: the file can't be read.
    """
    if not path.exists() or path.stat().st_size == 0:
        return
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        last = 0
        for mark in _END.finditer(content):
            body = _find_body(content, max(last, mark.end() - _RECORD_BYTES_MAX), mark.end())
            if body is not None:
                last = mark.end()
                with suppress(EvidenceError):
                    yield open_seal(body)


def _find_body(content: mmap.mmap, least: int, end: int) -> bytes | None:
    """The sealed record that ends here; None: none does."""
    begin = content.rfind(_BEGIN, least, end)
    while begin >= 0:  # what a record tells may hold the mark as well
        body = content[begin:end]
        if has_own_hash(body):
            return body
        begin = content.rfind(_BEGIN, least, begin)
    return None
