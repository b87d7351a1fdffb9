"""`polewatch token new | list | revoke`: who may ask a pole for what.

A running pole heeds a change at the next request. A token's text is printed once and kept nowhere.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from edge.agent.tokens import Grant, Token, Tokens, add_token, revoke_token
from edge.clock import SystemClock
from edge.commands.places import DATA_DEFAULT
from edge.errors import Fault, StoreError, ValidationError
from edge.exits import EXIT_GOOD
from edge.serving.routes import SCOPES
from edge.wire import format_utc

_HASH_SHOWN = 12
"""Enough to tell tokens apart, too little to be one."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("action", choices=("new", "list", "revoke"), help="what to do")
    parser.add_argument("name", nargs="?", metavar="NAME", help="whose token: new and revoke")
    parser.add_argument(
        "--scope", action="append", choices=SCOPES, default=[], help="new: what it allows; repeat"
    )
    parser.add_argument(
        "--camera", action="append", metavar="NAME", help="new: only this camera's things; repeat"
    )
    parser.add_argument(
        "--keeper", action="store_true", help="new: what it has acknowledged may go from the pole"
    )
    parser.add_argument(
        "--data", type=Path, metavar="DIR", default=DATA_DEFAULT,
        help=f"the pole's data folder; default {DATA_DEFAULT}",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="JSON in place of lines")


def run(args: argparse.Namespace) -> int:
    """Do what was asked; see `add_arguments`.

    Returns:
        Exit code 0.

    Raises:
        ValidationError: a name or scope is missing, taken or unknown.
        StoreError: the data folder can't be read or written.
    """
    if args.action == "list":
        _check_unused(args, "name", "scope", "camera", "keeper")
        if not args.data.is_dir():
            raise StoreError(f"{args.data}: no such folder; check --data")
        _show(Tokens(args.data).all(), as_json=args.json)
        return EXIT_GOOD
    if args.name is None:
        raise ValidationError([Fault("NAME", "is missing", f"polewatch token {args.action} NAME")])
    if args.action == "revoke":
        _check_unused(args, "scope", "camera", "keeper")
        revoke_token(args.data, args.name)
        _say(f"{args.name}: revoked; the pole refuses it from its next request on")
        return EXIT_GOOD
    return _make(args)


def _make(args: argparse.Namespace) -> int:
    if not args.scope:
        raise ValidationError(
            [Fault("--scope", "is missing", f"say what it allows: {', '.join(SCOPES)}")]
        )
    scopes = tuple(scope for scope in SCOPES if scope in args.scope)
    cameras = None if args.camera is None else tuple(dict.fromkeys(args.camera))
    grant = Grant(args.name, scopes, cameras, is_keeper=args.keeper)
    made_at = format_utc(SystemClock().utc_ms())
    text = add_token(_make_folder(args.data), grant, made_at=made_at)
    if args.json:
        made = {"name": args.name, "token": text, "scopes": scopes, "cameras": cameras}
        made |= {"keeper": args.keeper, "made_at": made_at}
        sys.stdout.write(json.dumps(made) + "\n")
        return EXIT_GOOD
    sys.stdout.write(f"{text}\n")
    _say(
        f"The token of {args.name} ({', '.join(scopes)}), shown this once: paste it into the"
        " pole's page,\nor send it with each request as Authorization: Bearer TOKEN."
    )
    return EXIT_GOOD


def _check_unused(args: argparse.Namespace, *names: str) -> None:
    """Refuse what has no meaning here: who gives it expects something of it."""
    faults = [
        Fault(name, f"means nothing with {args.action}", "leave it out")
        for name in names
        if getattr(args, name)
    ]
    if faults:
        raise ValidationError(faults)


def _make_folder(folder: Path) -> Path:
    """Make the data folder where the pole has not been started yet."""
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as exc:
        raise StoreError(f"{folder}: can't be made ({exc.strerror}); check --data") from exc
    return folder


def _show(tokens: tuple[Token, ...], *, as_json: bool) -> None:
    if as_json:
        rows = [
            {
                "name": token.name,
                "scopes": token.scopes,
                "cameras": token.cameras,
                "keeper": token.is_keeper,
                "made_at": token.made_at,
                "sha256_begins": token.sha256[:_HASH_SHOWN],
            }
            for token in tokens
        ]
        sys.stdout.write(json.dumps(rows, indent=2) + "\n")
        return
    for token in tokens:
        cameras = "all cameras" if token.cameras is None else ",".join(token.cameras)
        keeper = "keeper" if token.is_keeper else "-"
        cells = token.name, ",".join(token.scopes), cameras, keeper, token.made_at
        sys.stdout.write("  ".join((*cells, token.sha256[:_HASH_SHOWN])) + "\n")
    if not tokens:
        _say("no tokens; make one with polewatch token new NAME --scope read")


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
