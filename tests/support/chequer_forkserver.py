"""The fork server with the detector of `chequer_eye`: real processes without a model."""

from __future__ import annotations

import argparse

from edge.clock import SystemClock
from edge.commands.eye import add_arguments, make_options
from edge.exits import run_to_exit_code
from edge.eye.forkserver import ForkServer, open_control
from edge.eye.main import run
from tests.support.chequer_eye import ChequerDetector


def run_eye(argv: list[str]) -> int:
    """Run one eye by its arguments."""
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return run_to_exit_code(
        lambda: run(make_options(parser.parse_args(argv)), detector=ChequerDetector())
    )


if __name__ == "__main__":
    ForkServer(open_control(0), run_eye, SystemClock()).run()
