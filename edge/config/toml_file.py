"""Reads a small TOML file, or refuses one; every way this can fail is one fault for people."""

from __future__ import annotations

import re
import stat
import tomllib
from pathlib import Path
from typing import Any

from edge.errors import Fault, ValidationError

FILE_BYTES_MAX = 1024 * 1024
_AT = re.compile(r" \(at (line \d+, column \d+|end of document)\)$")
_LONG_KEY = re.compile(
    r"""(?<![\w"' \t\\-])(?:[ \t]*+(?:"(?:[^"\\\n]|\\.)*+"|'[^'\n]*+'|[\w-]++)[ \t]*+\.){33}"""
)
"""A key of 33 parts: tomllib takes 19 s of CPU for 64 KiB of `a.a.a…`; ours have three."""


def read_text(path: Path, bytes_max: int) -> str:
    """Read a small text file.

    Raises:
        ValidationError: it can't be read, is longer than `bytes_max`, or no UTF-8.
    """
    try:
        with path.open("rb") as file:
            content = file.read(bytes_max + 1)
    except (OSError, ValueError) as exc:
        reason = exc.strerror if isinstance(exc, OSError) and exc.strerror else str(exc)
        fault = Fault(str(path), f"can't be read: {reason}", "give a file that exists")
        raise ValidationError([fault]) from exc
    if len(content) > bytes_max:
        raise ValidationError([Fault(str(path), f"is longer than {bytes_max} bytes")])
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as exc:
        line = content.count(b"\n", 0, exc.start) + 1
        fault = Fault(f"{path} line {line}", "is not UTF-8 text", "save it as UTF-8")
        raise ValidationError([fault]) from exc


def parse_toml(text: str, path: Path) -> dict[str, Any]:
    """Parse TOML; `path` is where it lies.

    Raises:
        ValidationError: it is none; its one fault names line and column.
    """
    if _LONG_KEY.search(text):
        raise ValidationError([Fault(str(path), "has a key of more than 32 parts")])
    try:
        return tomllib.loads(text.removeprefix("\ufeff"))
    except RecursionError as exc:
        raise ValidationError([Fault(str(path), "is nested too deeply")]) from exc
    except ValueError as exc:
        message = str(exc)
        found = _AT.search(message)
        where = f"{path} {found[1]}" if found else str(path)
        fault = Fault(where, f"is not TOML: {_AT.sub('', message)}", "see https://toml.io")
        raise ValidationError([fault]) from exc


def check_private(path: Path, *, content: str) -> None:
    """Refuse a file with a secret that is missing, no plain file, or open to others.

    Args:
        path: the file.
        content: what should stand in it, for whoever has to make it.

    Raises:
        ValidationError: with the one fault.
    """
    check_plain(path, content=content)
    if loose := find_looseness(path):
        raise ValidationError([loose])


def check_plain(path: Path, *, content: str) -> None:
    """Refuse a file with a secret that is missing or no plain file; see `check_private`.

    Raises:
        ValidationError: with the one fault.
    """
    try:
        mode = path.stat().st_mode
    except OSError as exc:
        remedy = f"make it beside the configuration, mode 0600, with {content}"
        fault = Fault(str(path), f"can't be read: {exc.strerror or exc}", remedy)
        raise ValidationError([fault]) from exc
    if not stat.S_ISREG(mode):
        raise ValidationError([Fault(str(path), "is not a plain file")])


def find_looseness(path: Path) -> Fault | None:
    """Tell that others may read or write a file with a secret; None where not, or it is gone."""
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
    except OSError:
        return None
    if not mode & (stat.S_IRWXG | stat.S_IRWXO):
        return None
    return Fault(str(path), f"can be read by others (mode {mode:04o})", "run chmod 0600 on it")
