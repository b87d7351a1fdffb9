"""`polewatch models list | fetch | verify`: the third-party files, seen from the command line."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TextIO

from edge.thirdparty.clients import obtain
from edge.thirdparty.sample import CLIP, make_sample, sample_dir, sample_origin, sample_state
from edge.thirdparty.store import MODELS, Obtain, State, fetch, full_state, models_dir


@dataclass(frozen=True, slots=True)
class _Row:
    file: str
    state: State
    bytes: int
    licence: str
    origin: str


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what follows `polewatch models`."""
    parser.add_argument(
        "action",
        choices=("list", "fetch", "verify"),
        help="list what there is; fetch what is missing; verify all, exit 1 if any is not whole",
    )
    parser.add_argument("--sample", action="store_true", help="the sample clip too")
    parser.add_argument("--json", action="store_true", help="JSON instead of a table")
    parser.add_argument(
        "--dir", type=Path, metavar="DIR", help="the assets folder (default: assets, beside edge)"
    )


def run(args: argparse.Namespace, *, client: Obtain = obtain, out: TextIO | None = None) -> int:
    """Do what was asked; see `add_arguments`.

    Args:
        args: action, sample, json, dir.
        client: gets members of packages.
        out: takes the table or the JSON, standard output when None; progress goes to standard
            error, on a terminal only.

    Returns:
        The exit code: 0, or 1 when `verify` finds a file missing or damaged.

    Raises:
        ModelError: a file could not be fetched.
    """
    if args.action == "fetch":
        brought = fetch(MODELS, models_dir(args.dir), obtain=client, say=_say)
        if args.sample and make_sample(args.dir, obtain=client, say=_say):
            brought.append(CLIP)
        rows = [row for row in _rows(args.dir, with_sample=args.sample) if row.file in brought]
    else:
        rows = _rows(args.dir, with_sample=args.sample or args.action == "list")
    _show(rows, as_json=args.json, out=out or sys.stdout)
    is_bad = any(row.state != "good" for row in rows)
    return 1 if args.action == "verify" and is_bad else 0


def _rows(root: Path | None, *, with_sample: bool) -> list[_Row]:
    rows = [
        _Row(
            asset.name,
            full_state(models_dir(root) / asset.name, asset),
            asset.size_bytes,
            asset.origins[0].package.licence,
            str(asset.origins[0].package),
        )
        for asset in MODELS
    ]
    if with_sample:
        path = sample_dir(root) / CLIP
        size_bytes = path.stat().st_size if path.exists() else 0
        origin = sample_origin(root)
        rows.append(_Row(CLIP, sample_state(root), size_bytes, "Apache-2.0", origin))
    return rows


def _show(rows: list[_Row], *, as_json: bool, out: TextIO) -> None:
    if as_json:
        out.write(json.dumps([asdict(row) for row in rows], indent=2) + "\n")
        return
    cells = [(row.file, row.state, str(row.bytes), row.licence, row.origin) for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        padded = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        out.write("  ".join(padded).rstrip() + "\n")


def _say(line: str) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"{line}\n")
