"""The token that a pole knows us by: a 0600 file, read again when it has changed.

Where others may read it that is said, and it is used: a file's mode must not make a station blind.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path

from edge.config.toml_file import find_looseness
from edge.errors import PoleRefused

FILE_BYTES_MAX = 4096
_log = logging.getLogger(__name__)


class TokenFile:
    """Gives the token as the file has it now; it never stands in a message."""

    def __init__(self, path: Path) -> None:
        """Nothing is read yet."""
        self._path = path
        self._stamp: tuple[int, ...] = ()
        self._token = ""
        self._is_loose = False

    def read(self) -> str:
        """The token.

        Raises:
            PoleRefused: there is none.
        """
        try:
            stamp = _stamp(self._path.stat())
            if stamp != self._stamp:
                self._token, self._stamp = _read(self._path)
                self._note_mode()
        except PoleRefused:
            raise
        except OSError as exc:
            remedy = "put there what `polewatch token new` printed at the pole"
            raise PoleRefused(f"{self._path}: can't be read ({exc.strerror}); {remedy}") from exc
        return self._token

    def _note_mode(self) -> None:
        loose = find_looseness(self._path)
        if loose is not None and not self._is_loose:
            _log.warning("token open to others: %s", loose)
        self._is_loose = loose is not None


def _read(path: Path) -> tuple[str, tuple[int, ...]]:
    with path.open("rb") as file:
        status = os.fstat(file.fileno())
        content = file.read(FILE_BYTES_MAX + 1)
    token = content.strip()
    if not token or len(content) > FILE_BYTES_MAX or not _is_word(token):
        remedy = "put there what `polewatch token new` printed at the pole"
        raise PoleRefused(f"{path}: does not hold one word; {remedy}")
    return token.decode("ascii"), _stamp(status)


def _is_word(token: bytes) -> bool:
    """Whether it can stand in a header: visible ASCII without a space."""
    return all(0x21 <= byte <= 0x7E for byte in token)  # noqa: PLR2004 - "!" and "~"


def _stamp(status: os.stat_result) -> tuple[int, ...]:
    return status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns
