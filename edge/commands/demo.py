"""`polewatch demo`: a whole pole to try out, on the sample clip or a camera of yours."""

from __future__ import annotations

import argparse
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from edge.agent.main import Settings, run_pole
from edge.agent.tokens import Grant, Tokens, add_token, revoke_token
from edge.clock import SystemClock
from edge.config.load import load_config
from edge.errors import Fault, StoreError, ValidationError
from edge.serving.routes import SCOPES
from edge.thirdparty.sample import sample_path
from edge.wire import format_utc

_DATA_DEFAULT = Path("polewatch-demo")
_TOKEN_NAME = "demo"
_SAMPLE_RULES = """
zones = [{ name = "lawn", points = [[0, 0.44], [0.25, 0.48], [1, 0.88], [1, 1], [0, 1]] }]
lines = [{ name = "path", from = [0.17, 0.2], to = [0.17, 0.9] }]

[[rule]] # nobody walks on the lawn
type = "intrusion"
name = "lawn"
zones = ["lawn"]
labels = ["person"]

[[rule]] # who passes on the path, in either direction
type = "line"
name = "path"
lines = ["path"]
labels = ["person"]
"""
"""For the sample clip: a lawn and a path in its picture."""
_ANY_RULES = """
zones = [{ name = "everywhere", points = [[0, 0], [1, 0], [1, 1], [0, 1]] }]

[[rule]]
type = "intrusion"
name = "try-out"
zones = ["everywhere"]
"""
"""For any other source: one rule over the whole picture."""


@dataclass(frozen=True, slots=True)
class _Source:
    """What the demo looks at; a login that stood in the address is taken out of it."""

    camera: str
    address: str
    rules: str
    user: str | None = None
    password: str = ""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument(
        "--source", metavar="URI", help="file, rtsp://…, v4l2:…; default: the sample clip"
    )
    parser.add_argument(
        "--data", metavar="DIR", type=Path, default=_DATA_DEFAULT,
        help=f"where records, media and keys are kept; default {_DATA_DEFAULT}",
    )  # fmt: skip


def run(args: argparse.Namespace) -> int:
    """Write a configuration and a token for the demo, then run a pole with them."""
    source = _find_source(args.source)
    config_path = _write_config(source, args.data)
    config = load_config(config_path)
    token = _renew_token(args.data)

    def on_ready(address: str) -> None:
        sys.stdout.write(
            f"A pole with one camera: {source.address}\n"
            f"Its page:  {address}/#token={token}\n"
            f"Its token: {token}\n"
            f"All it keeps is in {args.data}. Ctrl-C ends it.\n"
        )
        sys.stdout.flush()

    return run_pole(Settings(config, config_path, args.data, on_ready))


def _find_source(asked: str | None) -> _Source:
    """Choose the camera, and take a login out of its address: configurations hold none.

    Raises:
        ValidationError: it is no address, or a file that there is not.
    """
    if asked is None:
        return _Source("yard", str(sample_path()), _SAMPLE_RULES)
    if "://" not in asked:
        return _Source("camera", asked if ":" in asked else _find_file(asked), _ANY_RULES)
    try:
        login, _, host = urlsplit(asked).netloc.rpartition("@")
    except ValueError as exc:
        raise _refuse(f"is no address: {exc}") from exc
    if not host:
        raise _refuse("is no address: it names no host")
    if not login:
        return _Source("camera", asked, _ANY_RULES)
    user, _, password = login.partition(":")
    bare = asked.replace(f"{login}@", "", 1)
    return _Source("camera", bare, _ANY_RULES, unquote(user), unquote(password))


def _find_file(name: str) -> str:
    path = Path(name).resolve()
    if not path.exists():
        raise _refuse(f"there is no file {path}")
    return str(path)


def _refuse(problem: str) -> ValidationError:
    """The fault of `--source`; its text may hold a password and is not repeated."""
    remedy = "give a file, or an address like rtsp://USER:PASSWORD@HOST/PATH"
    return ValidationError([Fault("--source", problem, remedy)])


def _write_config(source: _Source, folder: Path) -> Path:
    """Write the demo's configuration, and the login beside it.

    Raises:
        StoreError: the folder takes no files.
    """
    login = ""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if source.user is not None:
            secret = f"user = {_quote(source.user)}\npassword = {_quote(source.password)}\n"
            _write_private(folder / "demo.secret", secret)
            login = 'credentials = "demo.secret"\n'
        path = folder / "demo.toml"
        _write_private(
            path,
            '[pole]\nid = "demo"\nname = "Demo"\n\n'
            f"[[camera]]\nname = {_quote(source.camera)}\nmain = {_quote(source.address)}\n"
            f"{login}{source.rules.lstrip()}",
        )
    except OSError as exc:
        raise StoreError(f"{folder}: takes no files ({exc.strerror}); choose --data DIR") from exc
    return path


def _renew_token(folder: Path) -> str:
    """Make the demo's token anew: its text is kept nowhere."""
    if any(token.name == _TOKEN_NAME for token in Tokens(folder).all()):
        revoke_token(folder, _TOKEN_NAME)
    grant = Grant(_TOKEN_NAME, SCOPES, None, is_keeper=True)
    return add_token(folder, grant, made_at=format_utc(SystemClock().utc_ms()))


def _write_private(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)


def _quote(text: str) -> str:
    """Write a TOML basic string; JSON's escapes are all among TOML's."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007F")
