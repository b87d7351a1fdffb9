"""The token that a pole knows us by: a 0600 file, read again when it has changed."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from edge.errors import PoleRefused

FILE_BYTES_MAX = 4096
_OTHERS = 0o077


class TokenFile:
    """Gives the token as the file has it now; it never stands in a message."""

    def __init__(self, path: Path) -> None:
        """Nothing is read yet."""
        self._path = path
        self._stamp: tuple[int, ...] = ()
        self._token = ""

    def read(self) -> str:
        """The token.

        Raises:
            PoleRefused: there is none, or others may read it.
        """
        try:
            stamp = _stamp(self._path.stat())
            if stamp != self._stamp:
                self._token, self._stamp = _read(self._path)
        except PoleRefused:
            raise
        except OSError as exc:
            remedy = "put there what `polewatch token new` printed at the pole"
            raise PoleRefused(f"{self._path}: can't be read ({exc.strerror}); {remedy}") from exc
        return self._token


def _read(path: Path) -> tuple[str, tuple[int, ...]]:
    with path.open("rb") as file:
        status = os.fstat(file.fileno())
        content = file.read(FILE_BYTES_MAX + 1)
    if stat.S_IMODE(status.st_mode) & _OTHERS:
        raise PoleRefused(f"{path}: others may read the token; chmod 600 it")
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
