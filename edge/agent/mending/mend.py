"""Puts a data folder right before it is used: a pole on a mast starts from whatever it finds.

Only what is broken is touched. What somebody must have done on purpose is left to him, and refused:
another pole's key or log, a newer program's, a folder of another user.
"""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from edge.agent.data_folder import check_log
from edge.agent.log.log_file import DAMAGED_NAME, LOG_NAME
from edge.agent.mending.quarantine import Found, set_aside
from edge.agent.tokens import TOKENS_NAME, Tokens
from edge.device_key import KEY_NAME, PUBLIC_NAME, load_key, load_public_key
from edge.errors import StoreError, TooNew

LOG_FILES = (LOG_NAME, f"{LOG_NAME}-wal", f"{LOG_NAME}-shm", DAMAGED_NAME)
_OTHERS = 0o077


def mend(folder: Path) -> list[Found]:
    """Look a data folder through; nobody else may have it.

    Returns:
        What was amiss.

    Raises:
        StoreError: the disk does not let it be put right, or the tokens are a newer program's.
    """
    return [*_mend_key(folder), *_mend_log(folder), *_mend_tokens(folder)]


def set_log_aside(folder: Path, reason: str) -> Found:
    """Set aside a log that can't be taken up; its whole records are told anew.

    Raises:
        StoreError: the disk does not let it.
    """
    return set_aside(folder, LOG_FILES, what="log", reason=reason, is_log=True)


def _mend_key(folder: Path) -> Iterator[Found]:
    path = folder / KEY_NAME
    yield from _close_to_others(path)
    has_log = any((folder / name).exists() for name in LOG_FILES)
    if not path.exists():
        if has_log:
            yield set_log_aside(folder, f"{KEY_NAME} was missing beside it")
        return
    try:
        key = load_key(folder)
    except StoreError:
        if has_log:
            yield set_log_aside(folder, f"{KEY_NAME} was damaged beside it")
        yield set_aside(folder, (KEY_NAME, PUBLIC_NAME), what="key", reason="can't be read")
        return
    if (folder / PUBLIC_NAME).exists():
        try:
            found = load_public_key(folder / PUBLIC_NAME)
            is_its_own = _raw(found) == _raw(key.public_key())
        except StoreError:
            is_its_own = False
        if not is_its_own:
            reason = f"is not that of {KEY_NAME}; made anew"
            yield set_aside(folder, (PUBLIC_NAME,), what="public key", reason=reason)


def _mend_log(folder: Path) -> Iterator[Found]:
    if (folder / DAMAGED_NAME).exists():
        yield set_log_aside(folder, "it was found to be damaged while it was used")
        return
    try:
        check_log(folder)
    except StoreError as exc:
        yield set_log_aside(folder, str(exc).partition(": ")[2].partition(";")[0])


def _mend_tokens(folder: Path) -> Iterator[Found]:
    yield from _close_to_others(folder / TOKENS_NAME)
    try:
        Tokens(folder)
    except TooNew:
        raise
    except StoreError:
        reason = "can't be read; nobody gets in until tokens are made anew"
        yield set_aside(folder, (TOKENS_NAME,), what="tokens", reason=reason)


def _close_to_others(path: Path) -> Iterator[Found]:
    """Let nobody else read a file of ours; whoever has read it has."""
    try:
        status = path.lstat()
        if stat.S_ISREG(status.st_mode) and status.st_mode & _OTHERS:
            path.chmod(0o600)
            yield Found(path.name, "others could read or write it; closed to them")
    except FileNotFoundError:
        return
    except OSError as exc:
        problem = f"{path}: others may read it, and chmod 600 fails ({exc.strerror})"
        raise StoreError(problem) from exc


def _raw(key: Ed25519PublicKey) -> bytes:
    return key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
