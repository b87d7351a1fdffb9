"""`polewatch`: arguments, logging, exit codes; nothing else."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence

from edge import check_command, eye_command, models_command, still_command
from edge.bench import command as bench_command
from edge.errors import EdgeError, ValidationError

EXIT_FAILED = 1
EXIT_WRONG_USE = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Returns:
        0 good, 1 the thing itself failed, 2 wrong use or wrong configuration.
    """
    options = _make_parser().parse_args(arguments)
    logging.basicConfig(
        level=logging.INFO, stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s"
    )
    try:
        return int(options.run(options))
    except ValidationError as exc:
        sys.stderr.write(f"polewatch: {exc}\n")
        return EXIT_WRONG_USE
    except EdgeError as exc:
        sys.stderr.write(f"polewatch: {exc}\n")
        return EXIT_FAILED


def _make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="polewatch", description="A watch post on a pole.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, module, words in (
        ("eye", eye_command, "look at one camera, file or folder; print what is seen"),
        ("still", still_command, "say what is in still pictures, one JSON line each"),
        ("check", check_command, "say every fault of a configuration at once"),
        ("bench", bench_command, "measure what an eye costs here, beside other programs"),
        ("models", models_command, "list, fetch or verify the models"),
    ):
        command = commands.add_parser(name, help=words, description=words.capitalize() + ".")
        module.add_arguments(command)
        command.set_defaults(run=module.run)
    return parser


if __name__ == "__main__":
    sys.exit(main())
