"""Checks a feed as it lies, at a pole or at a station: its chain, and what was signed of it.

Every fault is named, not only the first; where the records are is the caller's.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from edge.errors import EvidenceError, StoreError
from edge.evidence import Link, SignedStatement, check_signature, follow, open_seal, resume


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it should be, and the record where it was seen."""

    feed: str
    seq: int
    problem: str


@dataclass(frozen=True, slots=True)
class CheckedFeed:
    """How far a feed was checked; `signed` is the newest seq under a good signature, else 0."""

    feed: str
    oldest: int
    head: int
    signed: int
    records: int
    statements: int
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Break:
    """A place where a record that is whole does not follow the one before it.

    `first` to `last` are missing; with `last` before `first` none is, and `first` does not fit.
    """

    finding: Finding
    first: int
    last: int


class Walk:
    """Walks a feed from its oldest record, and goes on behind each fault, to name them all."""

    def __init__(self, link: Link, findings: list[Finding]) -> None:
        """`link` is the place before the oldest record; faults are put into `findings`."""
        self.link, self._findings = link, findings
        self._hashes = {link.seq: link.hash}
        self.records = 0
        self.breaks: list[Break] = []
        """Of those of the findings that name a record which is whole, and does not follow."""

    def go(self, bodies: Iterable[bytes], *, signed: Collection[int]) -> None:
        """Walk to the end; remember the hashes at the places that were signed.

        Args:
            bodies: the records in order; may end with a StoreError, which is named too.
            signed: seqs that statements speak of.
        """
        try:
            for body in bodies:
                self.records += 1
                self._step(body)
                if self.link.seq in signed:
                    self._hashes[self.link.seq] = self.link.hash
        except StoreError as exc:
            problem = f"can't be read on: {exc}"
            self._findings.append(Finding(self.link.feed, self.link.seq + 1, problem))

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
            finding = Finding(self.link.feed, self.link.seq + 1, str(exc))
            self._findings.append(finding)
            is_break = _is_of(self.link, body)
            self.link = resume(self.link, body)
            if is_break:
                self.breaks.append(Break(finding, finding.seq, self.link.seq - 1))


def _is_of(link: Link, body: bytes) -> bool:
    """Whether a record is whole, of this feed, and stands behind a place."""
    try:
        record = open_seal(body)
    except EvidenceError:
        return False
    seq = record.get("seq")
    is_behind = isinstance(seq, int) and seq > link.seq
    return is_behind and (record.get("epoch"), record.get("feed")) == (link.epoch, link.feed)


def good_statements(
    signed: Sequence[SignedStatement], public: Ed25519PublicKey, *, findings: list[Finding]
) -> list[SignedStatement]:
    """Give the statements that the key's owner has made; name the others."""
    good = []
    for each in signed:
        try:
            check_signature(each, public)
        except EvidenceError as exc:
            findings.append(Finding(each.statement.feed, each.statement.seq, str(exc)))
        else:
            good.append(each)
    return good


def check_stretch(
    before: Link,
    bodies: Iterable[bytes],
    *,
    last: int,
    signed: Sequence[SignedStatement],
    public: Ed25519PublicKey,
) -> CheckedFeed:
    """Check a stretch of a feed that somebody has handed over.

    Args:
        before: the place before its first record, as a statement or its giver has it.
        bodies: its records in order.
        last: the seq where it ends, as its giver says.
        signed: what was signed of this feed of this pole.
        public: the key that must have signed.
    """
    findings: list[Finding] = []
    good = good_statements(signed, public, findings=findings)
    walk = Walk(before, findings)
    walk.go(bodies, signed={each.statement.seq for each in good})
    if walk.link.seq != last:
        problem = f"it ends at {walk.link.seq}, {last} is said: cut off"
        findings.append(Finding(before.feed, last, problem))
    true = [each.statement for each in good if walk.bears_out(each)]
    newest = max((said.seq for said in true), default=0)
    if walk.records and signed and not true:
        findings.append(Finding(before.feed, last, "no good signature covers any of it"))
    return CheckedFeed(
        before.feed, before.seq + 1, last, newest, walk.records, len(signed), tuple(findings)
    )
