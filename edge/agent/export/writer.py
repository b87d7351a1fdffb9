"""Writes an evidence package: read from a pole's data folder, whole on disk or not there at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from edge.agent.export.choice import (
    MediaItem,
    ReadRecord,
    Seen,
    Span,
    Wish,
    choose,
    choose_files,
    narrow,
)
from edge.agent.export.index_page import Shown, make_index
from edge.agent.log.reader import Reader
from edge.agent.media import MEDIA_NAME, media_path
from edge.errors import StoreError, ValidationError
from edge.evidence import START_HASH, SignedStatement, canonical_json, key_id
from edge.evidence_package import (
    FORMAT,
    INDEX_NAME,
    KEY_NAME,
    MANIFEST_NAME,
    SIGNATURE_NAME,
    STATEMENTS_NAME,
    Manifest,
    Missing,
    Stretch,
    encode_manifest,
    open_plain,
    weigh,
)
from edge.feeds import FEEDS, Feed
from edge.whole_file import sync_folder
from edge.wire import format_utc, parse_utc

_ENDINGS = {"image/jpeg": "jpg", "image/png": "png", "video/mp4": "mp4"}
_OF_ALERTS: tuple[Feed, ...] = ("alerts", "media")
_MODE, _FOLDER_MODE = 0o640, 0o750
_BLOCK_BYTES = 2**20
_HASH_FROM, _HASH_TO = -66, -2
_records = msgspec.json.Decoder(ReadRecord)


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be made, and how.

    `digests` are names of `evidence_package.DIGESTS`; `clock` is how far its time is trusted.
    """

    wish: Wish
    reason: str
    digests: tuple[str, ...]
    made_ms: int
    clock: str


@dataclass(frozen=True, slots=True)
class Made:
    """What a package holds."""

    manifest: Manifest
    records: int
    media: int


def write_package(
    folder: Path, out: Path, *, reader: Reader, key: Ed25519PrivateKey, order: Order
) -> Made:
    """Make a package.

    Args:
        folder: the pole's data folder; nothing in it is changed.
        out: the package's folder; nothing may be there.
        reader: of the log, in one state throughout.
        key: the pole's own.
        order: what it is to hold.

    Raises:
        StoreError: something can't be read or written; nothing is left at `out`.
    """
    with _made_whole(out) as part:
        return _Writing(folder, part, reader, order).write(key)


class _Writing:
    """One package in the making; every file that is written is weighed."""

    def __init__(self, folder: Path, part: Path, reader: Reader, order: Order) -> None:
        self._folder, self._part, self._reader, self._order = folder, part, reader, order
        self._heads = reader.heads()
        self._signed = {feed: reader.statements(feed) for feed in FEEDS}
        self._files: dict[str, dict[str, int | str]] = {}
        self._missing: list[Missing] = []

    def write(self, key: Ed25519PrivateKey) -> Made:
        """Write everything, the manifest and its signature last."""
        held = self._choose_stretches()
        for feed, stretch in held.items():
            lines = (body + b"\n" for body in self._bodies(feed, stretch))
            self._save(f"records/{feed}.jsonl", lines)
        self._save(STATEMENTS_NAME, self._statement_lines(held))
        pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        self._save(KEY_NAME, [pem])
        media = self._copy_media(held.get("media"))
        own_id = key_id(key.public_key())
        self._save(INDEX_NAME, [self._make_index(held, self._make_manifest(own_id, held))])
        manifest = self._make_manifest(own_id, held)
        content = encode_manifest(manifest)
        self._save(MANIFEST_NAME, [content])
        self._save(SIGNATURE_NAME, [key.sign(content)])
        count = sum(stretch.last - stretch.first + 1 for stretch in held.values())
        return Made(manifest, count, media)

    def _choose_stretches(self) -> dict[Feed, Stretch]:
        wish = self._order.wish
        spans = {feed: self._choose(feed, wish) for feed in _OF_ALERTS}
        around = narrow(wish, spans.values())
        spans |= {feed: self._choose(feed, around) for feed in FEEDS if feed not in spans}
        return {feed: self._stretch(feed, spans[feed]) for feed in FEEDS if spans[feed].first}

    def _choose(self, feed: Feed, wish: Wish) -> Span:
        bodies = enumerate(self._reader.chain(feed), self._heads[feed].oldest)
        return choose(wish, (_see(seq, body) for seq, body in bodies))

    def _stretch(self, feed: Feed, span: Span) -> Stretch:
        """Widen what was chosen to the next signed head, so that a signature covers it."""
        signed = [each.statement for each in self._signed[feed]]
        ends = [said.seq for said in signed if said.kind == "head" and said.seq >= span.last]
        last = min(ends, default=self._heads[feed].seq)
        if span.first > self._heads[feed].oldest:
            before = next(self._reader.chain(feed, after=span.first - 2))
            prev = before[_HASH_FROM:_HASH_TO].decode(errors="replace")
        else:
            checkpoints = (said.hash for said in signed if said.seq == span.first - 1)
            prev = next(checkpoints, START_HASH)
        return Stretch(span.first, last, prev)

    def _bodies(self, feed: Feed, stretch: Stretch) -> Iterator[bytes]:
        bodies = self._reader.chain(feed, after=stretch.first - 1)
        for _, body in zip(range(stretch.first, stretch.last + 1), bodies, strict=False):
            yield body

    def _statement_lines(self, held: Mapping[Feed, Stretch]) -> Iterator[bytes]:
        for feed, stretch in held.items():
            for each in self._signed[feed]:
                if stretch.first - 1 <= each.statement.seq <= stretch.last:
                    yield _encode_statement(each) + b"\n"

    def _copy_media(self, stretch: Stretch | None) -> int:
        """Copy the files that are still here; each that is not is said to be missing, and why."""
        if stretch is None:
            return 0
        records = (_read(body) for body in self._bodies("media", stretch))
        named = choose_files(self._order.wish, (each for each in records if each is not None))
        for sha256, item in sorted(named.items()):
            if reason := self._copy_file(sha256, item):
                self._missing.append(Missing(sha256, reason))
        return len(named) - len(self._missing)

    def _copy_file(self, sha256: str, item: MediaItem) -> str:
        """Copy one; why it can't be, empty where it could."""
        name = f"media/{sha256}.{_ENDINGS.get(item.type, 'bin')}"
        try:
            source = open_plain(media_path(self._folder / MEDIA_NAME, sha256))
        except FileNotFoundError:
            return "it is not on the pole any more"
        except OSError as exc:
            return f"it can't be opened ({exc.strerror})"
        with source:
            self._save(name, iter(lambda: source.read(_BLOCK_BYTES), b""))
        if self._files[name]["sha256"] == sha256:
            return ""
        del self._files[name]
        (self._part / name).unlink()
        return "it has changed on the pole's disk"

    def _save(self, name: str, pieces: Iterable[bytes]) -> None:
        """Write a file, sync it, and weigh what stands there."""
        path = self._part / name
        path.parent.mkdir(mode=_FOLDER_MODE, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, _MODE)
        with os.fdopen(descriptor, "w+b") as file:
            for piece in pieces:
                file.write(piece)
            file.flush()
            os.fsync(descriptor)
            file.seek(0)
            found = weigh(file, digests=self._order.digests)
        self._files[name] = {"bytes": found.size_bytes, **found.digests}

    def _make_manifest(self, own_id: str, held: Mapping[Feed, Stretch]) -> Manifest:
        order, wish = self._order, self._order.wish
        return Manifest(
            FORMAT, self._reader.pole, self._reader.epoch, own_id, format_utc(order.made_ms),
            order.clock, order.reason,
            {"from": _moment(wish.from_ms), "to": _moment(wish.to_ms),
             "alerts": sorted(wish.alerts)},
            {str(feed): stretch for feed, stretch in held.items()},
            dict(self._files), list(self._missing),
        )  # fmt: skip

    def _make_index(self, held: Mapping[Feed, Stretch], manifest: Manifest) -> bytes:
        shown = Shown(manifest)
        for feed in _OF_ALERTS:
            if feed in held:
                for body in self._bodies(feed, held[feed]):
                    record = _read(body)
                    if record is not None:
                        shown.take(feed, record)
        return make_index(shown)


def _encode_statement(signed: SignedStatement) -> bytes:
    said = {"key": signed.key, "signature": signed.signature}
    return canonical_json({**asdict(signed.statement), **said})


def _see(seq: int, body: bytes) -> Seen:
    """What the choice needs of a record; of one that can't be read its place alone."""
    record = _read(body)
    if record is None:
        return Seen(seq, 0, None)
    try:
        return Seen(seq, parse_utc(record.at), record.alert)
    except ValidationError:
        return Seen(seq, 0, record.alert)


def _read(body: bytes) -> ReadRecord | None:
    """Read a record; None where it is spoilt, which the check of the package names."""
    try:
        return _records.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _moment(utc_ms: int | None) -> str | None:
    return None if utc_ms is None else format_utc(utc_ms)


@contextmanager
def _made_whole(out: Path) -> Iterator[Path]:
    """Give a folder to write to, which gets its name at the end of the block, on disk.

    Raises:
        StoreError: there is something already, or the disk does not take it; nothing is left.
    """
    part = out.with_name(f".{out.name}.part")
    if out.exists() or out.is_symlink():
        raise StoreError(f"{out}: is there already; give another --out")
    try:
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(mode=_FOLDER_MODE)
        yield part
        for top, _, _ in os.walk(part):
            sync_folder(Path(top))
        part.rename(out)
        sync_folder(out.parent)
    except StoreError:
        raise
    except OSError as exc:
        raise StoreError(f"{out}: can't be written ({exc.strerror}); give another --out") from exc
    finally:
        shutil.rmtree(part, ignore_errors=True)
