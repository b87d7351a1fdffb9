"""`polewatch verify PATH|URL`: is what a pole has kept as it was written?"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from edge.agent.log.log_file import LOG_NAME
from edge.agent.log.reader import Reader
from edge.agent.log.verify import open_to_check, verify_log
from edge.agent.log.verify_media import check_files, named_files, unnamed_files
from edge.commands import station_verify
from edge.commands.verify_live import check_live
from edge.device_key import PUBLIC_NAME, load_public_key
from edge.errors import Fault, ValidationError
from edge.evidence import key_id
from edge.evidence_package import KEY_NAME as PACKAGE_KEY_NAME
from edge.evidence_package import MANIFEST_NAME
from edge.exits import EXIT_FAILED, EXIT_GOOD
from edge.station.config import PoleSite
from edge.station.store.schema import STORE_NAME
from edge.verify_feed import CheckedFeed, Finding
from edge.verify_package import PackageCheck

KeyFrom: TypeAlias = Literal["given", "there"]
"""Whether the key came with --key, or lay beside what it checks."""
_NOTES_MAX = 20
"""Lines about files that nobody names; JSON has them all."""


@dataclass(frozen=True, slots=True)
class _Report:
    """The result, as JSON has it."""

    pole: str
    epoch: str
    key: str
    key_from: KeyFrom
    sound: bool
    feeds: list[CheckedFeed]
    files: int
    findings: list[Finding]
    notes: list[str]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument(
        "where", metavar="PATH|URL",
        help="a pole's data folder, an evidence package, a station's store, or a copy of one;"
        " or the address of a pole",
    )  # fmt: skip
    parser.add_argument(
        "--key", type=Path, metavar="FILE",
        help="the public key to check against; default: the one that lies there, which proves"
        " nothing against who has changed both",
    )  # fmt: skip
    parser.add_argument(
        "--token-file", type=Path, metavar="FILE", help="of a pole by its address: a 0600 file"
    )
    parser.add_argument(
        "--ca", type=Path, metavar="FILE", help="of a pole by its address: who vouches for its TLS"
    )
    parser.add_argument(
        "--no-media", action="store_true", help="of a pole by its address: fetch no files"
    )
    parser.add_argument("--json", action="store_true", help="JSON in place of a table")


def run(args: argparse.Namespace) -> int:
    """Check everything; see `add_arguments`.

    Returns:
        The exit code: 0 when all is sound, else 1.

    Raises:
        ValidationError: there is nothing that can be checked.
        StoreError: log or key can't be read.
        PoleError: a pole does not give what it is asked for.
    """
    where: str = args.where
    if where.startswith(("http://", "https://")):
        return _show(_check_live(where, args), as_json=args.json)
    _refuse_link_options(args)
    folder = Path(where)
    if (folder / STORE_NAME).is_file():
        if args.key is not None:
            remedy = "polewatch station verify --config FILE has the key of each pole"
            raise ValidationError([Fault("--key", "is for one pole, not for a station", remedy)])
        station = argparse.Namespace(path=folder, config=None, json=args.json)
        return station_verify.run(station)
    if (folder / MANIFEST_NAME).is_file():
        return _show(_check_package(folder, args.key), as_json=args.json)
    if not (folder / LOG_NAME).is_file():
        problem = f"{folder} holds neither {LOG_NAME} nor {MANIFEST_NAME} nor {STORE_NAME}"
        remedy = "give a data folder, an evidence package, a station's store or a pole's address"
        raise ValidationError([Fault("PATH", problem, remedy)])
    public = load_public_key(args.key or folder / PUBLIC_NAME)
    with open_to_check(folder) as reader:
        report = _check(folder, reader, public, _key_from(args.key))
    return _show(report, as_json=args.json)


def _show(report: _Report, *, as_json: bool) -> int:
    sys.stdout.write(_json(report) if as_json else _table(report))
    return EXIT_GOOD if report.sound else EXIT_FAILED


def _refuse_link_options(args: argparse.Namespace) -> None:
    given = [name for name in ("token_file", "ca", "no_media") if getattr(args, name)]
    if given:
        name = "--" + given[0].replace("_", "-")
        raise ValidationError([Fault(name, "is for a pole by its address", "leave it out")])


def _key_from(key: Path | None) -> KeyFrom:
    return "there" if key is None else "given"


def _check_package(folder: Path, key: Path | None) -> _Report:
    public = load_public_key(key or folder / PACKAGE_KEY_NAME)
    check = PackageCheck(folder, public, tell=_tell)
    feeds = check.run()
    _clear()
    manifest = check.manifest
    notes = [f"{feed.feed}: not signed after {feed.signed}" for feed in feeds if _has_tail(feed)]
    notes += [f"media {each.sha256} is not in it: {each.reason}" for each in manifest.missing]
    media = sum(name.startswith("media/") for name in manifest.files)
    return _Report(
        manifest.pole, manifest.epoch, key_id(public), _key_from(key), not check.findings, feeds,
        media, check.findings, notes,
    )  # fmt: skip


def _check_live(url: str, args: argparse.Namespace) -> _Report:
    if args.token_file is None:
        fault = Fault("--token-file", "is missing", "a token with read, pictures and ack")
        raise ValidationError([fault])
    site = PoleSite(
        name="pole", url=url, token_file=str(args.token_file),
        ca=None if args.ca is None else str(args.ca),
    )  # fmt: skip
    public = None if args.key is None else load_public_key(args.key)
    check = asyncio.run(check_live(site, public, with_media=not args.no_media, tell=_tell))
    _clear()
    notes = [f"{f.feed}: not signed after {f.signed}" for f in check.feeds if _has_tail(f)]
    return _Report(
        check.pole, check.epoch, check.key, _key_from(args.key), not check.findings, check.feeds,
        check.files, check.findings, notes,
    )  # fmt: skip


def _check(folder: Path, reader: Reader, public: Ed25519PublicKey, key_from: KeyFrom) -> _Report:
    with reader.snapshot():
        feeds = verify_log(reader, public, tell=_tell)
        named = named_files(reader)
    broken = dict(check_files(folder, named, tell=_tell))
    _clear()
    named_now = named_files(reader)  # a running pole may have let files go meanwhile
    findings = [finding for feed in feeds for finding in feed.findings]
    findings += [
        Finding("media", named[sha256].seq, problem)
        for sha256, problem in broken.items()
        if sha256 in named_now
    ]
    notes = [f"{feed.feed}: not signed after {feed.signed}" for feed in feeds if _has_tail(feed)]
    if key_id(public) != reader.key:
        notes.append(f"the log names the key {reader.key} as its own, checked was {key_id(public)}")
    notes += [f"{path} is named by no record" for path in unnamed_files(folder, named_now)]
    return _Report(
        reader.pole,
        reader.epoch,
        key_id(public),
        key_from,
        not findings,
        feeds,
        len(named),
        findings,
        notes,
    )


def _has_tail(feed: CheckedFeed) -> bool:
    """Whether somebody could have cut its newest records off unseen."""
    return feed.signed < feed.head and feed.records > 0


def _json(report: _Report) -> str:
    fields = asdict(report)
    for feed in fields["feeds"]:
        del feed["findings"]  # all of them stand together
    return json.dumps(fields, indent=2) + "\n"


def _table(report: _Report) -> str:
    rows = [("feed", "records", "from", "to", "signed to", "faults")]
    rows += [
        (
            feed.feed,
            str(feed.records),
            str(feed.oldest),
            str(feed.head),
            str(feed.signed),
            str(len(feed.findings)),
        )
        for feed in report.feeds
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [f"pole {report.pole}, epoch {report.epoch}, key {report.key}"]
    lines += [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    lines.append(f"media files: {report.files}")
    lines += [f"fault: {each.feed} {each.seq}: {each.problem}" for each in report.findings]
    lines += [f"note: {note}" for note in report.notes[:_NOTES_MAX]]
    if len(report.notes) > _NOTES_MAX:
        lines.append(f"note: {len(report.notes) - _NOTES_MAX} more; --json has all")
    if report.key_from == "there":
        lines.append(
            f"by the key that lies there, {report.key}: compare it with the hand-over sheet"
        )
    lines.append("sound" if report.sound else "NOT SOUND: keep the folder as it is, and a copy")
    return "\n".join(lines) + "\n"


def _clear() -> None:
    if sys.stderr.isatty():
        sys.stderr.write("\r\x1b[K")


def _tell(line: str) -> None:
    """Show on a terminal how far it is, one line in place of the last."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[K{line}")
        sys.stderr.flush()
