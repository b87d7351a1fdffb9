"""`polewatch station verify`: is what a station has kept as it came, and as it wrote it?"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from edge.commands.places import STATION_CONFIG_DEFAULT
from edge.commands.station_store import find_store
from edge.device_key import PUBLIC_NAME, load_public_key
from edge.evidence import key_id
from edge.exits import EXIT_FAILED, EXIT_GOOD
from edge.read_only import open_anywhere
from edge.station.load import load_station
from edge.station.store.reader import StoreReader, open_store_reader
from edge.station.store.schema import STORE_NAME
from edge.station.verify import CheckedFeed, PoleFinding, load_keys, verify_store
from edge.station.verify_files import (
    FileFault,
    NamedFiles,
    check_kept_files,
    count_files,
    unnoted_files,
)

_NOTES_MAX = 20
"""Lines of notes and holes that are printed; JSON has them all."""


@dataclass(frozen=True, slots=True)
class _Report:
    """The result, as JSON has it."""

    station: str
    epoch: str
    key: str
    sound: bool
    feeds: list[CheckedFeed]
    files: dict[str, int]
    findings: list[PoleFinding]
    holes: list[PoleFinding]
    notes: list[str]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument(
        "path", nargs="?", type=Path, metavar="PATH",
        help="a station's store, or a copy of one; default: the configuration's",
    )  # fmt: skip
    parser.add_argument(
        "--config", type=Path, metavar="FILE",
        help="the station's configuration: where its store is, and which keys poles must have;"
        f" default {STATION_CONFIG_DEFAULT}, with PATH none",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="JSON in place of a table")


def run(args: argparse.Namespace) -> int:
    """Check everything; see `add_arguments`.

    Returns:
        The exit code: 0 when all is sound, else 1.

    Raises:
        ValidationError: there is no store, or the configuration is wrong.
        StoreError: store or key can't be read.
    """
    config, folder = None, args.path
    if folder is None or args.config is not None:
        config = load_station(args.config or STATION_CONFIG_DEFAULT)
        folder = folder or Path(config.store.path)
    find_store(folder)
    trusted = {} if config is None else {each.name: each.key for each in config.poles if each.key}
    with open_anywhere(folder, STORE_NAME, open_store_reader) as reader:
        report = _check(folder, reader, trusted)
    sys.stdout.write(_json(report) if args.json else _table(report))
    return EXIT_GOOD if report.sound else EXIT_FAILED


def _check(folder: Path, reader: StoreReader, trusted: Mapping[str, str]) -> _Report:
    own = load_public_key(folder / PUBLIC_NAME)
    keys, findings = load_keys(reader, own, trusted)
    with reader.snapshot():
        feeds = list(verify_store(reader, keys, tell=_tell))
        named = NamedFiles(reader)
        findings += [found for feed in reader.feeds() for found in named.check(feed)]
        files, states = list(reader.files()), count_files(reader)
    broken = list(check_kept_files(folder, files, tell=_tell))
    _tell("")
    here = {file.sha256 for file in reader.files()}  # a running station lets files go meanwhile
    findings += [_of_station(reader, each) for each in broken if each.sha256 in here]
    notes = [note for feed in feeds for note in feed.notes]
    notes += [
        f"{feed.pole} {feed.feed}: not signed after {feed.signed}"
        for feed in feeds
        if feed.signed < feed.head and feed.records
    ]
    if key_id(own) != reader.key:
        notes.append(f"the store names the key {reader.key} as its own, checked was {key_id(own)}")
    unnoted = unnoted_files(folder, list(reader.files()))
    notes += [f"{path} is noted by nobody" for path in unnoted]
    everything = [each for feed in feeds for each in feed.findings] + findings
    holes = [each for feed in feeds for each in feed.holes]
    return _Report(
        reader.station, reader.epoch, key_id(own), not everything, feeds, states, everything,
        holes, notes,
    )  # fmt: skip


def _of_station(reader: StoreReader, fault: FileFault) -> PoleFinding:
    return PoleFinding(reader.station, reader.epoch, "media", 0, fault.problem)


def _json(report: _Report) -> str:
    fields = asdict(report)
    for feed in fields["feeds"]:
        del feed["findings"], feed["holes"], feed["notes"]  # all of them stand together
    return json.dumps(fields, indent=2, ensure_ascii=False) + "\n"


def _table(report: _Report) -> str:
    rows = [("pole", "records", "statements", "holes", "faults")]
    for pole in dict.fromkeys(feed.pole for feed in report.feeds):
        feeds = [feed for feed in report.feeds if feed.pole == pole]
        rows.append(
            (
                pole,
                str(sum(feed.records for feed in feeds)),
                str(sum(feed.statements for feed in feeds)),
                str(sum(each.pole == pole for each in report.holes)),
                str(sum(each.pole == pole for each in report.findings)),
            )
        )
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [f"station {report.station}, epoch {report.epoch}, key {report.key}"]
    lines += [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    states = ", ".join(f"{count} {state}" for state, count in report.files.items())
    lines.append(f"media files: {states or 'none'}")
    lines += [f"fault: {_place(each)}: {each.problem}" for each in report.findings]
    holes = (f"{_place(each)}: {each.problem}" for each in report.holes)
    lines += _first("hole, told when it came", list(holes)) + _first("note", report.notes)
    lines.append("sound" if report.sound else "NOT SOUND: keep the folder as it is, and a copy")
    return "\n".join(lines) + "\n"


def _place(found: PoleFinding) -> str:
    return " ".join(filter(None, (found.pole, found.life, found.feed, str(found.seq or ""))))


def _first(word: str, lines: list[str]) -> list[str]:
    shown = [f"{word}: {line}" for line in lines[:_NOTES_MAX]]
    if len(lines) > _NOTES_MAX:
        shown.append(f"{word}: {len(lines) - _NOTES_MAX} more; --json has all")
    return shown


def _tell(line: str) -> None:
    """Show on a terminal how far it is, one line in place of the last."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[K{line}")
        sys.stderr.flush()
