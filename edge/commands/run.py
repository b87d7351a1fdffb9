"""`polewatch run`: the pole's agent in the foreground."""

from __future__ import annotations

import argparse
from pathlib import Path

from edge.agent.main import Settings, run_pole
from edge.commands.places import CONFIG_DEFAULT, DATA_DEFAULT
from edge.config.load import load_config


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument(
        "--config", metavar="FILE", type=Path, default=CONFIG_DEFAULT,
        help=f"the pole's configuration; default {CONFIG_DEFAULT}",
    )  # fmt: skip
    parser.add_argument(
        "--data", metavar="DIR", type=Path, default=DATA_DEFAULT,
        help=f"where records, media and keys are kept; default {DATA_DEFAULT}",
    )  # fmt: skip


def run(args: argparse.Namespace) -> int:
    """Run until told to stop; see `edge.agent.main.run_pole`."""
    return run_pole(Settings(load_config(args.config), args.config, args.data))
