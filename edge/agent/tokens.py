"""Who may ask the pole for what: tokens, stored as hashes in one 0600 file.

`polewatch token` writes the file; the running agent looks at it on each use and reads it again
whenever it has changed, so that a revoked token opens nothing from then on.
"""

from __future__ import annotations

import fcntl
import logging
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import msgspec

from edge.errors import Fault, StoreError, TooNew, ValidationError
from edge.serving.token_text import hash_token, make_token_text
from edge.whole_file import save_whole

TOKENS_NAME = "tokens.json"
TOLD_NAME = "tokens.told"
"""The file as it was when its changes were last put on record."""
TOKENS_MAX = 1000
_LOCK_NAME = ".tokens.lock"
_FILE_BYTES_MAX = 1024 * 1024
_OTHERS = 0o077
_FORMAT = 1
_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")
_HASH = re.compile(r"[0-9a-f]{64}")
_logger = logging.getLogger("polewatch.tokens")


@dataclass(frozen=True, slots=True)
class Token:
    """What one token allows; `sha256` is that of its text. `cameras` None: all."""

    name: str
    sha256: str
    scopes: tuple[str, ...]
    cameras: tuple[str, ...] | None
    is_keeper: bool
    made_at: str


class _TokenFile(msgspec.Struct, forbid_unknown_fields=True):
    """The file as it is on disk."""

    format: int
    tokens: tuple[Token, ...]


_Stamp: TypeAlias = tuple[int, int, int]
"""Inode, size and change time: one of them changes whenever the file or its mode does."""


class Tokens:
    """The tokens of a data folder, as the file has them now."""

    def __init__(self, folder: Path) -> None:
        """Load the file; a missing one holds no token.

        Raises:
            StoreError: others may read or write it, or it can't be understood.
        """
        self._folder = folder
        self._path = folder / TOKENS_NAME
        self._fault: str | None = None
        self._changes: list[tuple[str, Token]] = []
        self._stamp = _look(self._path)
        self._take(_load(self._path))
        self._note(_load_told(folder))

    @property
    def fault(self) -> str | None:
        """Why the file can't be used as it is now; the tokens of before go on counting."""
        self._refresh()
        return self._fault

    def find(self, text: str) -> Token | None:
        """The token of this text, or None."""
        return self.find_hash(hash_token(text))

    def find_hash(self, sha256: str) -> Token | None:
        """The token whose text has this SHA-256 (hex), or None."""
        self._refresh()
        return self._by_hash.get(sha256)

    def all(self) -> tuple[Token, ...]:
        """All of them, in the order in which they were made."""
        self._refresh()
        return self._tokens

    def keepers(self) -> frozenset[str]:
        """Names whose acks count: those marked, else the first with scope `ack`.

        Never one that is limited to some cameras: its cursor passes over what it may not see.
        """
        may_keep = [
            token for token in self.all() if "ack" in token.scopes and token.cameras is None
        ]
        marked = frozenset(token.name for token in may_keep if token.is_keeper)
        return marked or frozenset(token.name for token in may_keep[:1])

    def _refresh(self) -> None:
        """Read the file again if it has changed, or could not be read when it had.

        One that is bad now changes nothing.
        """
        try:
            stamp = _look(self._path)
            is_new = stamp != self._stamp
            if is_new:
                before = self._tokens
                self._take(_load(self._path))
                self._note(before)
        except StoreError as exc:
            if self._fault != str(exc):
                self._fault = str(exc)
                _logger.error("tokens: %s; those of before go on counting", exc)
            return
        self._stamp, self._fault = stamp, None
        if is_new:
            _logger.info("tokens: read again, count=%d", len(self._tokens))

    def take_changes(self) -> list[tuple[str, Token]]:
        """What has changed since `keep_told`: "token.new" or "token.revoke" of whom.

        Also by one who came while no agent ran. Another token under a name is both.
        """
        self._refresh()
        changes, self._changes = self._changes, []
        return changes

    def keep_told(self) -> None:
        """Keep that all changes taken so far are on record; without it they are taken once more.

        Raises:
            StoreError: the disk does not take it.
        """
        _save(self._folder, self._tokens, name=TOLD_NAME)

    def _note(self, before: tuple[Token, ...]) -> None:
        now = set(self._tokens)
        changes = [("token.revoke", token) for token in before if token not in now]
        changes += [("token.new", token) for token in self._tokens if token not in set(before)]
        self._changes = [*self._changes, *changes][-TOKENS_MAX:]

    def _take(self, tokens: tuple[Token, ...]) -> None:
        self._tokens = tokens
        self._by_hash = {token.sha256: token for token in tokens}


@dataclass(frozen=True, slots=True)
class Grant:
    """What somebody is to be allowed; `cameras` None: all."""

    name: str
    scopes: tuple[str, ...]
    cameras: tuple[str, ...] | None = None
    is_keeper: bool = False


def add_token(folder: Path, grant: Grant, *, made_at: str) -> str:
    """Make a token and keep its hash.

    Args:
        folder: the data folder, which exists.
        grant: whose it is and what it allows.
        made_at: wall time now, RFC 3339.

    Returns:
        The token's text, which is nowhere else.

    Raises:
        ValidationError: the name is taken or can't be one, it is a keeper that can't keep, or
            there are too many.
        StoreError: the file can't be read or written.
    """
    if faults := _find_faults(grant):
        raise ValidationError(faults)
    text = make_token_text()
    made = Token(
        grant.name, hash_token(text), grant.scopes, grant.cameras, grant.is_keeper, made_at
    )
    with _locked(folder):
        tokens = _load(folder / TOKENS_NAME)
        if any(grant.name == other.name for other in tokens):
            remedy = f"take another, or first polewatch token revoke {grant.name}"
            raise ValidationError([Fault("name", f"{grant.name} has a token already", remedy)])
        if len(tokens) >= TOKENS_MAX:
            raise ValidationError([Fault("tokens", f"are {TOKENS_MAX} already", "revoke some")])
        _save(folder, (*tokens, made))
    return text


def revoke_token(folder: Path, name: str) -> None:
    """Take a token back; what was acknowledged stays with its name.

    Raises:
        ValidationError: nobody has this name.
        StoreError: the file can't be read or written.
    """
    with _locked(folder):
        tokens = _load(folder / TOKENS_NAME)
        kept = tuple(token for token in tokens if token.name != name)
        if kept == tokens:
            fault = Fault("name", "no token has this name", "see polewatch token list")
            raise ValidationError([fault])
        _save(folder, kept)


def _find_faults(grant: Grant) -> list[Fault]:
    """What keeps a grant from being given."""
    faults = []
    if not _NAME.fullmatch(grant.name):
        faults.append(Fault("name", "can't be a name", "1 to 64 of A-Z a-z 0-9 . _ -"))
    if grant.is_keeper and grant.cameras is not None:
        remedy = "leave --camera out: what it never sees would count as kept"
        faults.append(Fault("--keeper", "can't be limited to cameras", remedy))
    if grant.is_keeper and "ack" not in grant.scopes:
        faults.append(Fault("--keeper", "can't acknowledge anything", "add --scope ack"))
    return faults


def _look(path: Path) -> _Stamp | None:
    """Stat the file; None: there is none."""
    try:
        status = path.lstat()
    except FileNotFoundError:
        return None
    except OSError as exc:
        raise StoreError(f"{path}: can't be looked at ({exc.strerror}); check the disk") from exc
    return status.st_ino, status.st_size, status.st_ctime_ns


def _load(path: Path) -> tuple[Token, ...]:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        try:
            mode = os.fstat(descriptor).st_mode
            content = os.read(descriptor, _FILE_BYTES_MAX) if stat.S_ISREG(mode) else b""
        finally:
            os.close(descriptor)
    except FileNotFoundError:
        return ()
    except OSError as exc:
        raise StoreError(f"{path}: can't be read ({exc.strerror}); check owner and mode") from exc
    if not stat.S_ISREG(mode):
        raise StoreError(f"{path}: is no plain file; move it away and make tokens anew")
    if mode & _OTHERS:
        raise StoreError(f"{path}: others may read or write it; chmod 600 it")
    return _parse(content, path)


def _parse(content: bytes, path: Path) -> tuple[Token, ...]:
    remedy = "restore it, or move it away and make the tokens anew with polewatch token new"
    try:
        found = msgspec.json.decode(content, type=_TokenFile)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
        raise StoreError(f"{path}: is damaged ({exc}); {remedy}") from exc
    if found.format != _FORMAT:
        newer = "start the program that wrote it"
        raise TooNew(f"{path}: is of format {found.format}, not {_FORMAT}; {newer}")
    names = [token.name for token in found.tokens]
    are_names = all(_NAME.fullmatch(name) for name in names)
    are_hashes = all(_HASH.fullmatch(token.sha256) for token in found.tokens)
    if not are_names or not are_hashes or len(set(names)) != len(names):
        raise StoreError(f"{path}: names or hashes in it are wrong or there twice; {remedy}")
    return found.tokens


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Keep a second writer waiting until this one is done."""
    try:
        descriptor = os.open(folder / _LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    except OSError as exc:
        raise StoreError(f"{folder}: takes no tokens ({exc.strerror}); check the folder") from exc
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _load_told(folder: Path) -> tuple[Token, ...]:
    """The tokens on record; none where that is not known, so that all are told again."""
    try:
        return _load(folder / TOLD_NAME)
    except StoreError as exc:
        _logger.warning("tokens: all are put on record again: %s", exc)
        return ()


def _save(folder: Path, tokens: tuple[Token, ...], *, name: str = TOKENS_NAME) -> None:
    """Replace the file whole, on disk, never readable by others.

    Raises:
        ValidationError, StoreError: it is as it was.
    """
    content = msgspec.json.format(msgspec.json.encode(_TokenFile(_FORMAT, tokens)), indent=1)
    if len(content) >= _FILE_BYTES_MAX:  # what is longer could not be read again
        raise ValidationError([Fault("tokens", "are too much for one file", "name fewer cameras")])
    try:
        save_whole(folder / name, content + b"\n", mode=0o600)
    except OSError as exc:
        raise StoreError(f"{folder}: takes no tokens ({exc.strerror}); check the disk") from exc
