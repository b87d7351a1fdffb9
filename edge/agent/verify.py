"""Checks a pole's log as it lies: chains, heads, checkpoints, signatures; changes nothing."""

from __future__ import annotations

from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from edge.agent.feeds import FEEDS, Feed
from edge.agent.records import Reader
from edge.errors import EvidenceError
from edge.evidence import START_HASH, Link, SignedStatement, check_signature, follow, resume


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it should be: where (`alerts 17`) and what."""

    place: str
    problem: str


@dataclass(frozen=True, slots=True)
class Report:
    """How much was checked, and what was found wrong."""

    records: int
    statements: int
    findings: tuple[Finding, ...]


def verify_log(reader: Reader, public: Ed25519PublicKey) -> Report:
    """Check every record of every feed, and everything that was signed of them.

    Raises:
        StoreError: the log can't be read.
    """
    findings: list[Finding] = []
    signed = reader.statements()
    for each in signed:
        try:
            check_signature(each, public)
        except EvidenceError as exc:
            findings.append(_find(each, str(exc)))
    records = 0
    for feed in FEEDS:
        own = [each for each in signed if each.statement.feed == feed]
        count, found = _verify_feed(reader, feed, own)
        records += count
        findings += found
    return Report(records, len(signed), tuple(findings))


def _verify_feed(
    reader: Reader, feed: Feed, signed: list[SignedStatement]
) -> tuple[int, list[Finding]]:
    """Walk one feed from its oldest record; go on behind each fault, to name them all."""
    head = reader.head(feed)
    checkpoint = next(
        (
            each.statement
            for each in signed
            if each.statement.kind == "checkpoint" and each.statement.seq == head.oldest - 1
        ),
        None,
    )
    findings = []
    start = checkpoint.hash if checkpoint else START_HASH
    if head.oldest > 1 and checkpoint is None:
        problem = f"no checkpoint says what stood before {head.oldest}"
        findings.append(Finding(f"{feed} {head.oldest - 1}", problem))
    link = Link(reader.epoch, feed, head.oldest - 1, start)
    hashes = {link.seq: link.hash}
    count = 0
    for body in reader.chain(feed):
        count += 1
        try:
            link = follow(link, body)
        except EvidenceError as exc:
            findings.append(Finding(f"{feed} {link.seq + 1}", str(exc)))
            link = resume(link, body)
        hashes[link.seq] = link.hash
    if (link.seq, link.hash) != (head.seq, head.hash):
        problem = f"the feed ends at {link.seq}, its head says {head.seq}: cut off, or changed"
        findings.append(Finding(f"{feed} {head.seq}", problem))
    findings += [
        _find(each, f"signed as {each.statement.kind} with another hash")
        for each in signed
        if hashes.get(each.statement.seq, each.statement.hash) != each.statement.hash
    ]
    return count, findings


def _find(signed: SignedStatement, problem: str) -> Finding:
    return Finding(f"{signed.statement.feed} {signed.statement.seq}", problem)
