"""Checks a pole's log as it lies: chains, heads, checkpoints, signatures; changes nothing."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from edge.agent.log.log_file import LOG_NAME
from edge.agent.log.reader import Reader, open_reader
from edge.errors import EvidenceError, StoreError
from edge.evidence import START_HASH, Link, SignedStatement, check_signature, follow, resume
from edge.feeds import FEEDS, Feed, Head


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it should be, and the record where it was seen."""

    feed: str
    seq: int
    problem: str


@dataclass(frozen=True, slots=True)
class CheckedFeed:
    """How far a feed was checked; `signed` is the newest seq under a good signature, else 0."""

    feed: Feed
    oldest: int
    head: int
    signed: int
    records: int
    statements: int
    findings: tuple[Finding, ...]


@contextmanager
def open_to_check(folder: Path) -> Iterator[Reader]:
    """Open a log that may lie on a medium that can't be written, with its agent running or not.

    Raises:
        StoreError: there is none, or it can't be read.
    """
    try:
        reader = open_reader(folder)
    except StoreError:
        if not (folder / LOG_NAME).is_file():
            raise
        with tempfile.TemporaryDirectory(prefix="polewatch-verify-") as copy:
            for path in folder.glob(f"{LOG_NAME}*"):
                shutil.copyfile(path, Path(copy) / path.name)
            with open_reader(Path(copy)) as reader:
                yield reader
        return
    with reader:
        yield reader


def verify_log(
    reader: Reader, public: Ed25519PublicKey, *, tell: Callable[[str], None] = lambda _: None
) -> list[CheckedFeed]:
    """Check every record of every feed, and everything that was signed of them.

    Args:
        reader: of the log.
        public: the key that must have signed.
        tell: called with one line for people before each feed.

    Raises:
        StoreError: the log can't be read.
    """
    heads = reader.heads()
    checked = []
    for feed in FEEDS:
        tell(f"{feed}: {heads[feed].seq - heads[feed].oldest + 1} records")
        checked.append(_verify_feed(reader, feed, heads[feed], public))
    return checked


def _verify_feed(reader: Reader, feed: Feed, head: Head, public: Ed25519PublicKey) -> CheckedFeed:
    signed = reader.statements(feed)
    findings: list[Finding] = []
    good = _check_signatures(feed, signed, public, findings=findings)
    start = next(
        (
            said.hash
            for said in (each.statement for each in good)
            if said.kind == "checkpoint" and said.seq == head.oldest - 1
        ),
        START_HASH,
    )
    if head.oldest > 1 and start == START_HASH:
        problem = f"no good checkpoint says what stood before {head.oldest}"
        findings.append(Finding(feed, head.oldest - 1, problem))
    walk = _Walk(Link(reader.epoch, feed, head.oldest - 1, start), findings)
    walk.go(reader, feed, signed={each.statement.seq for each in signed})
    if (walk.link.seq, walk.link.hash) != (head.seq, head.hash):
        problem = f"the feed ends at {walk.link.seq}, its head says {head.seq}: cut off, or changed"
        findings.append(Finding(feed, head.seq, problem))
    true = [each.statement for each in good if walk.bears_out(each)]
    return CheckedFeed(
        feed,
        head.oldest,
        head.seq,
        max((said.seq for said in true), default=0),
        walk.records,
        len(signed),
        tuple(findings),
    )


def _check_signatures(
    feed: Feed,
    signed: Sequence[SignedStatement],
    public: Ed25519PublicKey,
    *,
    findings: list[Finding],
) -> list[SignedStatement]:
    """Give the statements that the key's owner has made of this feed; name the others."""
    good = []
    for each in signed:
        try:
            check_signature(each, public)
        except EvidenceError as exc:
            findings.append(Finding(feed, each.statement.seq, str(exc)))
        else:
            good.append(each)
    return good


class _Walk:
    """Walks a feed from its oldest record, and goes on behind each fault, to name them all."""

    def __init__(self, link: Link, findings: list[Finding]) -> None:
        self.link, self._findings = link, findings
        self._hashes = {link.seq: link.hash}
        self.records = 0

    def go(self, reader: Reader, feed: Feed, *, signed: Collection[int]) -> None:
        """Walk to the end; remember the hashes at the places that were signed."""
        try:
            for body in reader.chain(feed):
                self.records += 1
                self._step(body)
                if self.link.seq in signed:
                    self._hashes[self.link.seq] = self.link.hash
        except StoreError as exc:
            self._findings.append(Finding(feed, self.link.seq + 1, f"can't be read on: {exc}"))

    def bears_out(self, signed: SignedStatement) -> bool:
        """Whether the record that was signed is the one that stands there; if not, name it."""
        said = signed.statement
        found = self._hashes.get(said.seq)
        if found == said.hash:
            return True
        problem = f"signed as {said.kind} with another hash" if found else "signed, but not there"
        self._findings.append(Finding(said.feed, said.seq, problem))
        return False

    def _step(self, body: bytes) -> None:
        try:
            self.link = follow(self.link, body)
        except EvidenceError as exc:
            self._findings.append(Finding(self.link.feed, self.link.seq + 1, str(exc)))
            self.link = resume(self.link, body)
