"""The form of an evidence package: a folder whose manifest names every file and is signed.

manifest.json   canonical JSON: whose it is, what was chosen, each file with size and digests
manifest.sig    Ed25519 over the bytes of manifest.json by the pole's own key, 64 bytes
key.pem         the public half, for convenience: who checks compares it with what he trusts
records/FEED.jsonl   a stretch of a feed without a hole, one stored record a line
statements.jsonl     what the pole had signed of these stretches
media/SHA256.ENDING  the files that the records name
index.html      the same for people
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import msgspec

from edge.errors import StoreError
from edge.evidence import canonical_json
from edge.feeds import FEEDS

MANIFEST_NAME = "manifest.json"
SIGNATURE_NAME = "manifest.sig"
KEY_NAME = "key.pem"
STATEMENTS_NAME = "statements.jsonl"
INDEX_NAME = "index.html"
DIGESTS = ("sha256", "sm3")
FORMAT = 1
LINE_BYTES_MAX = 2**20
"""Of a record or a statement; a pole's own are below 2 KB."""
_MANIFEST_BYTES_MAX = 64 * 2**20
_BLOCK_BYTES = 2**20
_FILE = re.compile(
    rf"records/({'|'.join(FEEDS)})\.jsonl|media/[0-9a-f]{{64}}\.[a-z0-9]{{1,5}}"
    rf"|{re.escape(KEY_NAME)}|{re.escape(STATEMENTS_NAME)}|{re.escape(INDEX_NAME)}"
)
"""No other name is ever opened, wherever it comes from."""


class Stretch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The records of a feed that a package holds; `prev` is the hash before the first."""

    first: int
    last: int
    prev: str


class Missing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file that a record names and the package has not, and why."""

    sha256: str
    reason: str


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a package says of itself; `files` is path → size and digests."""

    format: int
    pole: str
    epoch: str
    key: str
    made_at: str
    clock: str
    reason: str
    chosen: dict[str, str | list[str] | None]
    feeds: dict[str, Stretch]
    files: dict[str, dict[str, int | str]]
    missing: list[Missing]


@dataclass(frozen=True, slots=True)
class Weighed:
    """Size and digests of a file; digests are hexadecimal, by name."""

    size_bytes: int
    digests: Mapping[str, str]


def encode_manifest(manifest: Manifest) -> bytes:
    """The bytes that are signed.

    Raises:
        EvidenceError: a text in it has no canonical form.
    """
    return canonical_json(msgspec.to_builtins(manifest))


def parse_manifest(content: bytes) -> Manifest:
    """Read a manifest that is not trusted.

    Raises:
        StoreError: it is none, of another format, or names what no package holds.
    """
    try:
        found = msgspec.json.decode(content, type=Manifest)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
        raise StoreError(f"{MANIFEST_NAME} is damaged ({exc}); get the package once more") from exc
    if found.format != FORMAT:
        newer = "check it with the program that wrote it"
        raise StoreError(f"{MANIFEST_NAME} is of format {found.format}, not {FORMAT}; {newer}")
    strange = [name for name in found.files if not is_package_file(name)]
    strange += [feed for feed in found.feeds if feed not in FEEDS]
    if strange:
        raise StoreError(f"{MANIFEST_NAME} names {strange[0][:80]!r}, which is no package's")
    return found


def is_package_file(name: str) -> bool:
    """Whether a path below a package is one of a package's own."""
    return _FILE.fullmatch(name) is not None


def open_plain(path: Path) -> BinaryIO:
    """Open a file that somebody else has put there: no link is followed, no pipe waited for.

    Raises:
        OSError: there is none, or it is no plain file.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(0, "is no plain file", str(path))
    return os.fdopen(descriptor, "rb")


def read_small(path: Path, *, bytes_max: int = _MANIFEST_BYTES_MAX) -> bytes:
    """Read a file whole.

    Raises:
        StoreError: it can't be read, or is longer than `bytes_max`.
    """
    try:
        with open_plain(path) as file:
            content = file.read(bytes_max + 1)
    except OSError as exc:
        raise StoreError(f"{path}: can't be read ({exc.strerror}); is it a package?") from exc
    if len(content) > bytes_max:
        raise StoreError(f"{path}: longer than {bytes_max} bytes; it is no pole's")
    return content


def read_lines(path: Path) -> Iterator[bytes]:
    """Read the lines of a file, without their ends.

    Raises:
        StoreError: it can't be read on, a line is too long, or the last has no end.
    """
    try:
        with open_plain(path) as file:
            while line := file.readline(LINE_BYTES_MAX):
                if not line.endswith(b"\n"):
                    raise StoreError(f"{path.name}: a line is too long, or cut off")
                yield line[:-1]
    except OSError as exc:
        raise StoreError(f"{path.name}: can't be read ({exc.strerror})") from exc


def weigh(file: BinaryIO, *, digests: tuple[str, ...]) -> Weighed:
    """Read a file to its end.

    Args:
        file: at its beginning.
        digests: names of `DIGESTS`.

    Raises:
        StoreError: this machine can't compute one of them.
        OSError: it can't be read.
    """
    try:
        found = {name: hashlib.new(name) for name in digests}
    except ValueError as exc:
        raise StoreError(f"this machine's OpenSSL has no {digests[-1]}; leave --sm3 out") from exc
    size_bytes = 0
    while block := file.read(_BLOCK_BYTES):
        size_bytes += len(block)
        for digest in found.values():
            digest.update(block)
    return Weighed(size_bytes, {name: digest.hexdigest() for name, digest in found.items()})
