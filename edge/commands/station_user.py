"""`polewatch station user NAME`: a token for somebody at the desk, and the lines that know it."""

from __future__ import annotations

import argparse
import re
import sys
from typing import get_args

from edge.errors import Fault, ValidationError
from edge.exits import EXIT_GOOD
from edge.serving.token_text import hash_token, make_token_text
from edge.station.config import SCOPES_OF, Role, User

_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("name", metavar="NAME", help="who it is; what they do is told by this name")
    parser.add_argument(
        "--role", choices=get_args(Role), default=User.__dataclass_fields__["role"].default,
        help="what they may do; default operator",
    )  # fmt: skip


def run(args: argparse.Namespace) -> int:
    """Make a token; its text goes to standard output and is kept nowhere.

    Returns:
        Exit code 0.

    Raises:
        ValidationError: the name can't be one.
    """
    if not _NAME.fullmatch(args.name):
        problem = "can't be a name"
        raise ValidationError([Fault("NAME", problem, "write 1 to 64 of A-Z a-z 0-9 . _ -")])
    text = make_token_text()
    sys.stdout.write(
        f"{text}\n\n"
        "[[user]]\n"
        f'name = "{args.name}"\n'
        f'token_hash = "{hash_token(text)}"\n'
        f'role = "{args.role}"\n'
    )
    sys.stderr.write(
        f"The first line is the token of {args.name} ({', '.join(sorted(SCOPES_OF[args.role]))}),"
        " shown this once: it is pasted into the page.\n"
        "The others belong into the station's configuration; they count once it is started again.\n"
    )
    return EXIT_GOOD
