"""`polewatch export`: an evidence package of what a pole has kept."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import msgspec

from edge.agent.export.choice import Wish
from edge.agent.export.writer import Made, Order, write_package
from edge.agent.log.log_file import LOG_NAME
from edge.agent.log.verify import open_to_check
from edge.clock import SystemClock
from edge.clock_trust import kernel_is_synced
from edge.commands.places import DATA_DEFAULT
from edge.device_key import load_key
from edge.errors import Fault, ValidationError
from edge.exits import EXIT_GOOD
from edge.serving.verdicts import check_line
from edge.wire import format_utc, parse_utc


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("--from", dest="start", metavar="T", help="first moment, RFC 3339")
    parser.add_argument("--to", dest="end", metavar="T", help="last moment, RFC 3339")
    parser.add_argument(
        "--alert", action="append", default=[], metavar="ID", help="only this alert; repeat"
    )
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="the package's folder; default a name by pole, time"
    )
    parser.add_argument(
        "--data", type=Path, metavar="DIR", default=DATA_DEFAULT,
        help=f"the pole's data folder; default {DATA_DEFAULT}",
    )  # fmt: skip
    parser.add_argument("--reason", default="", metavar="TEXT", help="what for; stands in it")
    parser.add_argument("--sm3", action="store_true", help="SM3 digests beside SHA-256")
    parser.add_argument("--json", action="store_true", help="JSON in place of lines")


def run(args: argparse.Namespace) -> int:
    """Make a package; see `add_arguments`.

    Returns:
        Exit code 0.

    Raises:
        ValidationError: a time, an alert or the folder is wrong.
        StoreError: something can't be read or written.
    """
    wish = _read_wish(args)
    check_line(args.reason, "--reason")
    folder: Path = args.data
    if not (folder / LOG_NAME).is_file():
        problem = f"{folder} holds no {LOG_NAME}"
        raise ValidationError([Fault("--data", problem, "give a pole's data folder")])
    key = load_key(folder)
    made_ms = SystemClock().utc_ms()
    digests = ("sha256", "sm3") if args.sm3 else ("sha256",)
    clock = "synced" if kernel_is_synced() else "unset"
    order = Order(wish, args.reason, digests, made_ms, clock)
    with open_to_check(folder) as reader, reader.snapshot():
        unknown = sorted(alert for alert in wish.alerts if reader.alert(alert) is None)
        if unknown:
            fault = Fault("--alert", f"{unknown[0]} is not kept here", "look at its id once more")
            raise ValidationError([fault])
        stamp = format_utc(made_ms)[:19].replace(":", "")
        out = args.out or Path(f"evidence-{reader.pole}-{stamp}")
        made = write_package(folder, out, reader=reader, key=key, order=order)
    sys.stdout.write(_json(out, made) if args.json else _lines(out, made))
    return EXIT_GOOD


def _read_wish(args: argparse.Namespace) -> Wish:
    start = None if args.start is None else _moment(args.start, "--from")
    end = None if args.end is None else _moment(args.end, "--to")
    if start is not None and end is not None and end < start:
        raise ValidationError([Fault("--to", "lies before --from", "turn them round")])
    return Wish(start, end, frozenset(args.alert))


def _moment(text: str, name: str) -> int:
    try:
        return parse_utc(text)
    except ValidationError as exc:
        problem = f"{text!r} is no time"
        remedy = "write it as 2026-11-22T17:33:05Z"
        raise ValidationError([Fault(name, problem, remedy)]) from exc


def _json(out: Path, made: Made) -> str:
    manifest = made.manifest
    fields = {
        "package": str(out),
        "pole": manifest.pole,
        "epoch": manifest.epoch,
        "key": manifest.key,
        "records": made.records,
        "media": made.media,
        "missing": msgspec.to_builtins(manifest.missing),
        "feeds": msgspec.to_builtins(manifest.feeds),
    }
    return json.dumps(fields, indent=2, ensure_ascii=False) + "\n"


def _lines(out: Path, made: Made) -> str:
    manifest = made.manifest
    lines = [
        f"{out}: pole {manifest.pole}, {made.records} records, {made.media} files,"
        f" signed by the key {manifest.key}"
    ]
    lines += [f"missing: {each.sha256}: {each.reason}" for each in manifest.missing]
    lines.append(f"check it: polewatch verify {out}; a person opens {out / 'index.html'}")
    return "\n".join(lines) + "\n"
