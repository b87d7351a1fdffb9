"""Checks a pole's log as it lies: chains, heads, checkpoints, signatures; changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from edge.agent.log.log_file import LOG_NAME
from edge.agent.log.reader import Reader, open_reader
from edge.evidence import START_HASH, Link
from edge.feeds import FEEDS, Feed, Head
from edge.read_only import open_anywhere
from edge.verify_feed import CheckedFeed, Finding, Walk, good_statements


def open_to_check(folder: Path) -> AbstractContextManager[Reader]:
    """Open a log that may lie on a medium that can't be written, with its agent running or not.

    Raises:
        StoreError: there is none, or it can't be read; on entering.
    """
    return open_anywhere(folder, LOG_NAME, open_reader)


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
    good = good_statements(signed, public, findings=findings)
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
    walk = Walk(Link(reader.epoch, feed, head.oldest - 1, start), findings)
    walk.go(reader.chain(feed), signed={each.statement.seq for each in signed})
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
