"""`polewatch station run`: the station in the foreground."""

from __future__ import annotations

import argparse
from pathlib import Path

from edge.commands.places import STATION_CONFIG_DEFAULT
from edge.station.load import load_station
from edge.station.main import Settings, run_station


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument(
        "--config", metavar="FILE", type=Path, default=STATION_CONFIG_DEFAULT,
        help=f"the station's configuration; default {STATION_CONFIG_DEFAULT}",
    )  # fmt: skip


def run(args: argparse.Namespace) -> int:
    """Run until told to stop; see `edge.station.main.run_station`."""
    return run_station(Settings(load_station(args.config)))
