"""`polewatch verify PATH`: is what a pole has kept as it was written?"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from edge.agent.log.log_file import LOG_NAME
from edge.agent.log.reader import Reader
from edge.agent.log.verify import CheckedFeed, open_to_check, verify_log
from edge.agent.log.verify_media import check_files, named_files, unnamed_files
from edge.device_key import PUBLIC_NAME, load_public_key
from edge.errors import Fault, ValidationError
from edge.evidence import key_id
from edge.exits import EXIT_FAILED, EXIT_GOOD
from edge.verify_feed import Finding

_NOTES_MAX = 20
"""Lines about files that nobody names; JSON has them all."""


@dataclass(frozen=True, slots=True)
class _Report:
    """The result, as JSON has it."""

    pole: str
    epoch: str
    key: str
    sound: bool
    feeds: list[CheckedFeed]
    files: int
    findings: list[Finding]
    notes: list[str]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument(
        "path", type=Path, metavar="PATH", help="a pole's data folder, or a copy of one"
    )
    parser.add_argument(
        "--key", type=Path, metavar="FILE",
        help=f"the public key to check against; default: the folder's own {PUBLIC_NAME}",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="JSON in place of a table")


def run(args: argparse.Namespace) -> int:
    """Check everything; see `add_arguments`.

    Returns:
        The exit code: 0 when all is sound, else 1.

    Raises:
        ValidationError: PATH is no data folder.
        StoreError: log or key can't be read.
    """
    folder: Path = args.path
    if not (folder / LOG_NAME).is_file():
        problem = f"{folder} holds no {LOG_NAME}"
        raise ValidationError([Fault("PATH", problem, "give a pole's data folder")])
    public = load_public_key(args.key or folder / PUBLIC_NAME)
    with open_to_check(folder) as reader:
        report = _check(folder, reader, public)
    sys.stdout.write(_json(report) if args.json else _table(report))
    return EXIT_GOOD if report.sound else EXIT_FAILED


def _check(folder: Path, reader: Reader, public: Ed25519PublicKey) -> _Report:
    with reader.snapshot():
        feeds = verify_log(reader, public, tell=_tell)
        named = named_files(reader)
    broken = dict(check_files(folder, named, tell=_tell))
    if sys.stderr.isatty():
        sys.stderr.write("\r\x1b[K")
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
    lines.append("sound" if report.sound else "NOT SOUND: keep the folder as it is, and a copy")
    return "\n".join(lines) + "\n"


def _tell(line: str) -> None:
    """Show on a terminal how far it is, one line in place of the last."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[K{line}")
        sys.stderr.flush()
