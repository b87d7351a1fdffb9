"""Checks a station's store as it lies: every chain, everything signed, of poles and its own."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from edge.evidence import Link, SignedStatement, key_id
from edge.station.store.chain_reader import KeptFeed
from edge.station.store.reader import StoreReader
from edge.station.told_breaks import ToldBreaks, ToldPlaces
from edge.verify_feed import Finding, Walk, good_statements


@dataclass(frozen=True, slots=True)
class PoleFinding:
    """One thing that is not as it should be, and where: `life` is the epoch of the pole's log."""

    pole: str
    life: str
    feed: str
    seq: int
    problem: str


@dataclass(frozen=True, slots=True)
class CheckedFeed:
    """How far a feed of one life was checked.

    `signed` is the newest seq under a good signature, else 0. `holes` are places where records are
    missing or do not follow, as the station told when they came; they are no faults of the store.
    `notes` are for people.
    """

    pole: str
    life: str
    branch: int
    feed: str
    oldest: int
    head: int
    signed: int
    records: int
    statements: int
    findings: tuple[PoleFinding, ...]
    holes: tuple[PoleFinding, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PoleKey:
    """A pole's key, and the epoch of the log that it signs; empty: not known."""

    key: Ed25519PublicKey
    epoch: str


@dataclass(frozen=True, slots=True)
class Keys:
    """Who may have signed: the station itself, and each pole by its name."""

    station: Ed25519PublicKey
    poles: Mapping[str, PoleKey]


def load_keys(
    reader: StoreReader, own: Ed25519PublicKey, trusted: Mapping[str, str]
) -> tuple[Keys, list[PoleFinding]]:
    """Read the keys of the poles as they are remembered.

    Args:
        reader: of the store.
        own: the station's key.
        trusted: SHA-256 of a pole's key, by its name, from where it can be trusted.

    Returns:
        The keys, and poles whose key can't be used or is not the trusted one.
    """
    keys: dict[str, PoleKey] = {}
    findings = []
    for pole in sorted({feed.pole for feed in reader.feeds()} - {reader.station}):
        try:
            identity = reader.identity(pole)
            if identity is None:
                continue
            epoch, key = identity.epoch, load_pem_public_key(identity.key_pem.encode())
        except (ValueError, UnsupportedAlgorithm):  # of msgspec too
            key = None
        if isinstance(key, Ed25519PublicKey):
            keys[pole] = PoleKey(key, epoch)
        else:
            problem = "the key that is remembered of it is none"
            findings.append(PoleFinding(pole, "", "", 0, problem))
            continue
        digest = hashlib.sha256(key.public_bytes_raw()).hexdigest()
        if trusted.get(pole, digest) != digest:
            problem = f"the key that is remembered of it is {digest}, not {trusted[pole]}"
            findings.append(PoleFinding(pole, "", "", 0, problem))
    return Keys(own, keys), findings


def verify_store(
    reader: StoreReader, keys: Keys, *, tell: Callable[[str], None]
) -> Iterator[CheckedFeed]:
    """Check every record of every feed and life, and everything that was signed of them.

    Args:
        reader: of the store, in a snapshot.
        keys: who may have signed.
        tell: called with one line for people before each feed.

    Yields:
        The station's own feeds first.

    Raises:
        StoreError: the store can't be read.
    """
    told = ToldBreaks(reader)
    for feed in reader.feeds():
        tell(f"{feed.pole} {feed.start.feed}: {feed.head.seq - feed.start.seq} records")
        yield _FeedCheck(reader, feed, keys, told.of(feed)).run()


@dataclass(slots=True)
class _FeedCheck:
    """The check of one feed of one life."""

    reader: StoreReader
    feed: KeptFeed
    keys: Keys
    told: ToldPlaces
    findings: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def run(self) -> CheckedFeed:
        feed = self.feed
        signed = self.reader.statements(feed)
        good = self._good(signed)
        walk = Walk(self._start(), self.findings)
        places = {each.statement.seq for each in signed}
        walk.go((row.body for row in self.reader.chain(feed)), signed=places)
        self._check_end(walk.link)
        true = [each.statement.seq for each in good if walk.bears_out(each)]
        holes = [each.finding for each in walk.breaks if each in self.told]
        findings = [each for each in self.findings if each not in holes]
        return CheckedFeed(
            feed.pole, feed.start.epoch, feed.branch, feed.start.feed,
            feed.start.seq + 1, feed.head.seq, max(true, default=0), walk.records, len(signed),
            tuple(self._of_pole(each) for each in findings),
            tuple(self._of_pole(each) for each in holes),
            tuple(self.notes),
        )  # fmt: skip

    def _good(self, signed: list[SignedStatement]) -> list[SignedStatement]:
        """Give the statements that their keys' owners have made; name the others."""
        by_key: dict[str, list[SignedStatement]] = defaultdict(list)
        for each in signed:
            by_key[each.key].append(each)
        known = {key_id(key): key for key in self._may_sign()}
        good = []
        for name, said in by_key.items():
            if name in known:
                good += good_statements(said, known[name], findings=self.findings)
            elif self.feed.is_current and self._is_of_key():
                self._find(said[-1].statement.seq, f"signed by {name}, which is not its key")
            else:
                self.notes.append(f"{self._name()}: signed by {name}, a key of before: unchecked")
        return good

    def _may_sign(self) -> list[Ed25519PublicKey]:
        """The pole, and the station: of where records begin that it has let go."""
        pole = self.keys.poles.get(self.feed.pole)
        return [self.keys.station] if pole is None else [self.keys.station, pole.key]

    def _is_of_key(self) -> bool:
        """Whether the feed is of the log that the key signs: a pole made anew is met before it."""
        pole = self.keys.poles.get(self.feed.pole)
        return pole is None or pole.epoch in ("", self.feed.start.epoch)

    def _start(self) -> Link:
        """Where the walk begins: where it can't be known, as the first record has it."""
        start = self.feed.start
        if start.hash:
            return start
        first = next(self.reader.chain(self.feed), None)
        try:
            prev = msgspec.json.decode(first.body)["prev"] if first is not None else ""
        except (msgspec.DecodeError, UnicodeDecodeError, LookupError, TypeError):
            prev = ""
        return Link(start.epoch, start.feed, start.seq, str(prev))

    def _check_end(self, end: Link) -> None:
        head = self.feed.head
        if (end.seq, end.hash) == (head.seq, head.hash):
            return
        if not head.hash and self.told.covers(end.seq + 1, head.seq):  # nothing follows it yet
            self.notes.append(f"{self._name()}: nothing after {end.seq} yet, up to {head.seq} left")
            return
        problem = f"the feed ends at {end.seq}, its place says {head.seq}: cut off, or changed"
        self._find(head.seq, problem)

    def _find(self, seq: int, problem: str) -> None:
        self.findings.append(Finding(self.feed.start.feed, seq, problem))

    def _name(self) -> str:
        return f"{self.feed.pole} {self.feed.start.feed}"

    def _of_pole(self, finding: Finding) -> PoleFinding:
        feed = self.feed
        return PoleFinding(feed.pole, feed.start.epoch, finding.feed, finding.seq, finding.problem)
