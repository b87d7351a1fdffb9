"""`polewatch`: arguments, logging, exit codes; nothing else."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module

from edge.exits import EXIT_INTERRUPTED, fill_standard_descriptors, run_to_exit_code

_COMMANDS = {
    "run": ("edge.commands.run", "run the pole: eyes, records, HTTP API and page"),
    "demo": (
        "edge.commands.demo",
        "run a pole to try out, on a sample clip or your camera",
    ),
    "eye": ("edge.commands.eye", "look at one camera, file or folder; print what is seen"),
    "still": ("edge.commands.still", "say what is in still pictures, one JSON line each"),
    "check": ("edge.commands.check", "say every fault of a configuration at once"),
    "bench": ("edge.bench.command", "measure what an eye costs here, beside other programs"),
    "token": ("edge.commands.token", "make, list or revoke tokens of a pole's API"),
    "verify": ("edge.commands.verify", "check a data folder, a package, a station's store, a pole"),
    "export": ("edge.commands.export", "make an evidence package that anybody can check"),
    "models": ("edge.commands.models", "list, fetch or verify the models"),
    "station": ("edge.commands.station", "pull poles, and serve the duty desk's page"),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Returns:
        0 good, 1 the thing itself failed, 2 wrong use or wrong configuration.
    """
    fill_standard_descriptors()
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        options = _make_parser(words).parse_args(words)
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED  # importing takes a third of a second
    logging.basicConfig(
        level=logging.INFO, stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s"
    )
    return run_to_exit_code(lambda: int(options.run(options)))


def _make_parser(words: Sequence[str]) -> argparse.ArgumentParser:
    """Know every command by name, and import the one that is asked for: an eye starts sooner."""
    parser = argparse.ArgumentParser(prog="polewatch", description="A watch post on a pole.")
    _add_commands(parser, _COMMANDS, words)
    return parser


def _add_commands(
    parser: argparse.ArgumentParser, known: Mapping[str, tuple[str, str]], words: Sequence[str]
) -> None:
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, (place, purpose) in known.items():
        summary = f"{purpose[0].upper()}{purpose[1:]}."
        command = commands.add_parser(name, help=purpose, description=summary)
        if name not in words[:1]:
            continue
        module = import_module(place)
        if hasattr(module, "COMMANDS"):  # it has commands of its own
            _add_commands(command, module.COMMANDS, words[1:])
        else:
            module.add_arguments(command)
            command.set_defaults(run=module.run)


if __name__ == "__main__":
    sys.exit(main())
