"""The pole's own key: made at first start, never leaves the data folder."""

from __future__ import annotations

import os
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from edge.errors import StoreError
from edge.whole_file import save_whole

KEY_NAME = "device.key"
PUBLIC_NAME = "device.pub"
_OTHERS = 0o077
_KEY_BYTES_MAX = 64 * 1024


def load_or_make_key(folder: Path) -> Ed25519PrivateKey:
    """Load the key of a data folder, or make one where there is none.

    The private half is PKCS #8 PEM with mode 0600; the public half stands beside it for whoever
    verifies.

    Raises:
        StoreError: it can't be read or written, others may read it, or it is no Ed25519 key.
    """
    if not (folder / KEY_NAME).exists() and not (folder / KEY_NAME).is_symlink():
        return _make(folder)
    key = load_key(folder)
    if not (folder / PUBLIC_NAME).exists():
        _save_public(folder, key)
    return key


def load_key(folder: Path) -> Ed25519PrivateKey:
    """Load the key of a data folder.

    Raises:
        StoreError: there is none, it can't be read, others may read it, or it is no Ed25519 key.
    """
    path = folder / KEY_NAME
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError as exc:
        raise StoreError(f"{path}: can't be read ({exc.strerror}); check owner and mode") from exc
    with os.fdopen(descriptor, "rb") as file:
        if os.fstat(descriptor).st_mode & _OTHERS:
            raise StoreError(f"{path}: others may read the pole's key; chmod 600 it")
        pem = file.read()
    try:
        key = serialization.load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as exc:
        raise StoreError(f"{path}: no key that can be read; restore it from where it was") from exc
    if not isinstance(key, Ed25519PrivateKey):
        raise StoreError(f"{path}: not an Ed25519 key; restore the pole's own")
    return key


def load_public_key(path: Path) -> Ed25519PublicKey:
    """Load a public half from its file, as a verifier has it.

    Raises:
        StoreError: there is none, or it is no Ed25519 key.
    """
    try:
        key = serialization.load_pem_public_key(_read_small(path))
    except OSError as exc:
        raise StoreError(
            f"{path}: can't be read ({exc.strerror}); give the pole's public key"
        ) from exc
    except (ValueError, UnsupportedAlgorithm) as exc:
        raise StoreError(f"{path}: no key that can be read; give the pole's {PUBLIC_NAME}") from exc
    if not isinstance(key, Ed25519PublicKey):
        raise StoreError(f"{path}: not an Ed25519 key; give the pole's {PUBLIC_NAME}")
    return key


def _read_small(path: Path) -> bytes:
    """Read a file that somebody has named: a pipe holds nobody up, a long one is no key."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        return os.read(descriptor, _KEY_BYTES_MAX)
    finally:
        os.close(descriptor)


def _make(folder: Path) -> Ed25519PrivateKey:
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    _save_public(folder, key)
    _save(folder, KEY_NAME, private, mode=0o600)
    return key


def _save_public(folder: Path, key: Ed25519PrivateKey) -> None:
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    _save(folder, PUBLIC_NAME, public, mode=0o644)


def _save(folder: Path, name: str, content: bytes, *, mode: int) -> None:
    try:
        save_whole(folder / name, content, mode=mode)
    except OSError as exc:
        raise StoreError(f"{folder}: takes no key ({exc.strerror}); check the disk") from exc
