"""`polewatch check FILE`: every fault of a configuration at once, one a line."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

from edge.config.load import check_config
from edge.errors import Fault, ValidationError
from edge.exits import EXIT_GOOD, EXIT_WRONG_USE
from edge.station.load import check_station, find_kind


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument(
        "file", metavar="FILE", type=Path, help="the configuration of a pole or a station, TOML"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object instead of lines")


def run(args: argparse.Namespace) -> int:
    """Check the file and say what was found.

    Args:
        args: `file` and `json`, as `add_arguments` declared them.

    Returns:
        Exit code: 0 good, also with warnings; 2 with faults.
    """
    faults, warnings = _check(args.file)
    if args.json:
        found = {"file": str(args.file), "good": not faults}
        lists = {"faults": faults, "warnings": warnings}
        found |= {name: [asdict(fault) for fault in each] for name, each in lists.items()}
        sys.stdout.write(json.dumps(found, ensure_ascii=False) + "\n")
        return EXIT_WRONG_USE if faults else EXIT_GOOD
    lines = [str(fault) for fault in faults] + [f"warning: {fault}" for fault in warnings]
    if not faults:
        lines.append(f"{args.file}: good")
    sys.stdout.write("\n".join(lines) + "\n")
    return EXIT_WRONG_USE if faults else EXIT_GOOD


def _check(path: Path) -> tuple[list[Fault], list[Fault]]:
    """Find the faults and warnings of whatever it is."""
    try:
        kind = find_kind(path)
    except ValidationError as error:
        return list(error.faults), []
    if kind is None:
        problem = "may be a station's or a pole's: it has no table that only one of them has"
        return [Fault(str(path), problem, "write [station], or [pole] with id")], []
    return (check_station if kind == "station" else check_config)(path)
