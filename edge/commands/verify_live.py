"""Checks a pole that runs, by its HTTP API: every record, everything signed, every file."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from edge.agent.log.verify_media import NamedFile, name_files
from edge.errors import PoleWrong
from edge.evidence import START_HASH, Link, SignedStatement, key_id
from edge.feeds import FEEDS, Cursor, Feed
from edge.station.client_tls import ClientContexts
from edge.station.config import PoleSite
from edge.station.pulling.pole_client import HttpPoleClient
from edge.station.pulling.ports import FileGone, PoleBusy
from edge.verify_feed import CheckedFeed, Finding, check_stretch

_PAGE = 200


@dataclass(slots=True)
class LiveCheck:
    """What was found of a pole; `files` is how many were fetched."""

    pole: str
    epoch: str
    key: str
    feeds: list[CheckedFeed] = field(default_factory=list)
    files: int = 0
    findings: list[Finding] = field(default_factory=list)


async def check_live(
    site: PoleSite,
    public: Ed25519PublicKey | None,
    *,
    with_media: bool,
    tell: Callable[[str], None],
) -> LiveCheck:
    """Check a pole as far as it had come when it was asked first.

    Args:
        site: where it is, and the token for it.
        public: the key that must have signed; None: the one that it gives itself.
        with_media: fetch every file and hash it.
        tell: called with one line for people before what takes long.

    Raises:
        PoleError: it can't be reached, refuses us, or answers what no pole does.
    """
    async with HttpPoleClient(site, ClientContexts(None)) as client:
        who = await client.who()
        key = public or _read_key(who.identity.key_pem)
        check = LiveCheck(who.identity.pole_id, who.epoch, key_id(key))
        named: dict[str, NamedFile] = {}
        for feed in FEEDS:
            tell(f"{feed}: {who.heads.get(feed, 0)} records")
            # In this order: a pole that goes on signs nothing here that is behind its head then.
            signed = await _read_signed(client, feed, check)
            head = (await client.who()).heads.get(feed, 0)
            oldest, bodies = await _read_feed(client, feed, head)
            before = _find_start(check, feed, oldest, signed)
            last = max(oldest, head)
            checked = check_stretch(before, bodies, last=last, signed=signed, public=key)
            check.feeds.append(checked)
            check.findings += checked.findings
            if feed == "media":
                named = name_files(bodies)
        if with_media:
            await _check_media(client, named, check, tell)
    return check


async def _read_feed(client: HttpPoleClient, feed: Feed, head: int) -> tuple[int, list[bytes]]:
    """Read a feed to its head of before; the place before its oldest record, and its records."""
    page = await client.page(feed, after=None, limit=_PAGE, wait_s=0)
    oldest, bodies = page.oldest.seq, list(page.items)
    after: Cursor = page.next
    while page.has_more and after.seq < head:
        page = await client.page(feed, after=after, limit=_PAGE, wait_s=0)
        if page.next.seq <= after.seq:
            raise PoleWrong(f"it has more of {feed} behind {after.seq} and does not give it")
        after = page.next
        bodies += page.items
    return oldest, bodies[: max(0, head - oldest)]


async def _read_signed(
    client: HttpPoleClient, feed: Feed, check: LiveCheck
) -> list[SignedStatement]:
    found: list[SignedStatement] = []
    after, has_more = 0, True
    while has_more:
        some, following, has_more = await client.statements(feed, after=after)
        if has_more and following <= after:
            raise PoleWrong(f"it has more signatures of {feed} and does not give them")
        after = following
        found += some
    ours = [s for s in found if _is_of(s, feed, check)]
    if len(ours) < len(found):
        problem = "it gives signatures of another pole, log or feed as its own"
        check.findings.append(Finding(feed, 0, problem))
    return ours


def _find_start(
    check: LiveCheck, feed: Feed, oldest: int, signed: Sequence[SignedStatement]
) -> Link:
    """The place before the oldest record, which a checkpoint must tell of where any has left."""
    checkpoints = [
        each.statement.hash
        for each in signed
        if (each.statement.kind, each.statement.seq) == ("checkpoint", oldest)
    ]
    if oldest and not checkpoints:
        problem = f"no checkpoint says what stood before {oldest + 1}"
        check.findings.append(Finding(feed, oldest, problem))
    return Link(check.epoch, feed, oldest, checkpoints[0] if checkpoints else START_HASH)


def _is_of(signed: SignedStatement, feed: Feed, check: LiveCheck) -> bool:
    said = signed.statement
    return (said.pole, said.epoch, said.feed) == (check.pole, check.epoch, feed)


async def _check_media(
    client: HttpPoleClient,
    named: Mapping[str, NamedFile],
    check: LiveCheck,
    tell: Callable[[str], None],
) -> None:
    for count, (sha256, file) in enumerate(sorted(named.items()), 1):
        tell(f"media: {count} of {len(named)} files")
        digest = hashlib.sha256()
        try:
            async with client.media(sha256, first=0, size_bytes=file.size_bytes) as blocks:
                async for block in blocks:
                    digest.update(block)
        except (FileGone, PoleBusy, PoleWrong) as exc:
            check.findings.append(Finding("media", file.seq, f"media {sha256}: {exc}"))
            continue
        check.files += 1
        if digest.hexdigest() != sha256:
            problem = f"media {sha256} was changed: its hash is {digest.hexdigest()}"
            check.findings.append(Finding("media", file.seq, problem))


def _read_key(pem: str) -> Ed25519PublicKey:
    try:
        key = load_pem_public_key(pem.encode())
    except (ValueError, UnsupportedAlgorithm) as exc:
        raise PoleWrong("the key that it gives is none that can be read") from exc
    if not isinstance(key, Ed25519PublicKey):
        raise PoleWrong("the key that it gives is none of Ed25519")
    return key
