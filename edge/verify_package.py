"""Checks an evidence package, anywhere and offline: signature, files, chains, what was signed."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from edge.errors import StoreError
from edge.evidence import Link, SignedStatement, Statement
from edge.evidence_package import (
    DIGESTS,
    MANIFEST_NAME,
    SIGNATURE_NAME,
    STATEMENTS_NAME,
    Manifest,
    Stretch,
    open_plain,
    parse_manifest,
    read_lines,
    read_small,
    weigh,
)
from edge.verify_feed import CheckedFeed, Finding, check_stretch

PACKAGE = "package"
"""What stands for a feed in findings that are of none."""
_SIGNATURE_BYTES = 64
_OWN = {MANIFEST_NAME, SIGNATURE_NAME}


class _Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A statement as a package has it."""

    kind: str
    pole: str
    epoch: str
    feed: str
    seq: int
    hash: str
    at: str
    key: str
    signature: str


class _Item(msgspec.Struct, frozen=True):
    sha256: str


class _Record(msgspec.Struct, frozen=True):
    seq: int
    media: list[_Item]


_records = msgspec.json.Decoder(_Record)
_lines = msgspec.json.Decoder(_Line)


class PackageCheck:
    """One check of a package; `findings` are what is wrong with it so far."""

    def __init__(
        self, folder: Path, public: Ed25519PublicKey, *, tell: Callable[[str], None]
    ) -> None:
        """Read the manifest.

        Args:
            folder: the package.
            public: the key that must have signed it.
            tell: called with one line for people before what takes long.

        Raises:
            StoreError: it has no manifest that can be read.
        """
        self._folder, self._public, self._tell = folder, public, tell
        self._content = read_small(folder / MANIFEST_NAME)
        self.manifest: Manifest = parse_manifest(self._content)
        self.findings: list[Finding] = []

    def run(self) -> list[CheckedFeed]:
        """Check everything, and name every fault."""
        self._check_signature()
        self._check_files()
        signed = self._read_statements()
        named = self._read_named()
        feeds = [
            self._check_feed(feed, stretch, [s for s in signed if s.statement.feed == feed])
            for feed, stretch in sorted(self.manifest.feeds.items())
        ]
        self._check_named(named)
        return feeds

    def _fault(self, problem: str) -> None:
        self.findings.append(Finding(PACKAGE, 0, problem))

    def _check_signature(self) -> None:
        try:
            signature = read_small(self._folder / SIGNATURE_NAME, bytes_max=_SIGNATURE_BYTES)
            self._public.verify(signature, self._content)
        except StoreError as exc:
            self._fault(f"{SIGNATURE_NAME}: the signature is missing or is none: {exc}")
        except InvalidSignature:
            self._fault(f"{MANIFEST_NAME}: forged, or signed by another key")

    def _check_files(self) -> None:
        files = self.manifest.files
        for count, (name, said) in enumerate(sorted(files.items()), 1):
            self._tell(f"files: {count} of {len(files)}")
            digests = tuple(digest for digest in DIGESTS if digest in said)
            try:
                with open_plain(self._folder / name) as file:
                    found = weigh(file, digests=digests)
            except OSError as exc:
                self._fault(f"{name}: can't be read ({exc.strerror or exc})")
                continue
            if "sha256" not in said:
                self._fault(f"{name}: no SHA-256 of it is in the manifest")
            if {"bytes": found.size_bytes, **found.digests} != said:
                self._fault(f"{name}: was changed or swapped: it is not what the manifest says")
        for name in sorted(_walk(self._folder) - set(files) - _OWN):
            self._fault(f"{name}: is there and not in the manifest")

    def _read_statements(self) -> list[SignedStatement]:
        if STATEMENTS_NAME not in self.manifest.files:
            self._fault(f"{STATEMENTS_NAME}: is not in the manifest")
            return []
        found = []
        try:
            for line in read_lines(self._folder / STATEMENTS_NAME):
                said = _lines.decode(line)
                fields = {name: getattr(said, name) for name in Statement.__slots__}
                found.append(SignedStatement(Statement(**fields), said.key, said.signature))
        except (StoreError, msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
            self._fault(f"{STATEMENTS_NAME}: can't be read: {exc}")
        return found

    def _check_feed(
        self, feed: str, stretch: Stretch, signed: Sequence[SignedStatement]
    ) -> CheckedFeed:
        ours = [each for each in signed if self._is_ours(each)]
        before = Link(self.manifest.epoch, feed, stretch.first - 1, stretch.prev)
        checked = check_stretch(
            before, self._bodies(feed), last=stretch.last, signed=ours, public=self._public
        )
        self.findings += checked.findings
        return checked

    def _is_ours(self, signed: SignedStatement) -> bool:
        said = signed.statement
        if (said.pole, said.epoch) == (self.manifest.pole, self.manifest.epoch):
            return True
        problem = f"signed of pole {said.pole}, epoch {said.epoch}: another one's"
        self.findings.append(Finding(said.feed, said.seq, problem))
        return False

    def _bodies(self, feed: str) -> Iterator[bytes]:
        return read_lines(self._folder / "records" / f"{feed}.jsonl")

    def _read_named(self) -> dict[str, int]:
        """The files that records of feed `media` name, and where."""
        named: dict[str, int] = {}
        if "media" not in self.manifest.feeds:
            return named
        try:
            for body in self._bodies("media"):
                try:
                    record = _records.decode(body)
                except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                    continue  # the walk along the chain names it
                named |= {item.sha256: record.seq for item in record.media}
        except StoreError:
            pass  # likewise
        return named

    def _check_named(self, named: dict[str, int]) -> None:
        """Hold the media against the records: each is named by one, under its own hash."""
        for name, said in sorted(self.manifest.files.items()):
            if not name.startswith("media/"):
                continue
            sha256 = name[len("media/") :].partition(".")[0]
            if said.get("sha256") != sha256:
                self._fault(f"{name}: its name is not its hash")
            if sha256 not in named:
                self._fault(f"{name}: no record of the package names it")


def _walk(folder: Path) -> set[str]:
    """Every path below a folder, relative to it; links are not followed."""
    found = set()
    for top, folders, names in os.walk(folder):
        links = [name for name in folders if (Path(top) / name).is_symlink()]
        found |= {str((Path(top) / name).relative_to(folder)) for name in (*names, *links)}
    return found
