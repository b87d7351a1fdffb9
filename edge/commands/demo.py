"""`polewatch demo`: a pole and a station to try out, on the sample clip or a camera of yours."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from edge.agent.main import Settings, run_pole
from edge.agent.tokens import Grant
from edge.commands.demo_station import (
    DemoStation,
    demo_station,
    quote,
    renew_token,
    write_private,
)
from edge.config.load import load_config
from edge.config.model import Config
from edge.errors import EdgeError, Fault, StoreError, ValidationError
from edge.exits import EXIT_FAILED
from edge.serving.routes import SCOPES
from edge.thirdparty.sample import sample_path

_DATA_DEFAULT = Path("polewatch-demo")
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
    """Write a configuration and a token for the demo, then run a pole with them.

    Returns:
        Exit code: 0 told to stop, 1 the station has failed.
    """
    source = _find_source(args.source)
    config_path = _write_config(source, args.data)
    config = load_config(config_path)
    with _station(config, args.data) as station:
        token = renew_token(args.data, Grant("demo", SCOPES, None))

        def on_ready(address: str) -> None:
            sys.stdout.write(
                f"A pole with one camera: {source.address}\n"
                f"Its page:    {address}/#token={token}\n"
                f"Its token:   {token}\n"
                "A station that pulls it\n"
                f"The desk:    {station.page}\n"
                f"Its token:   {station.token}\n"
                f"Its file:    {station.config}\n"
                f"All they keep is in {args.data}. Ctrl-C ends both.\n"
            )
            sys.stdout.flush()
            station.end_with_it()

        code = run_pole(Settings(config, config_path, args.data, on_ready))
        return EXIT_FAILED if station.has_failed else code


@contextmanager
def _station(config: Config, data: Path) -> Iterator[DemoStation]:
    """Have a station beside the pole.

    Raises:
        StoreError: the folder takes no files.
    """
    url = f"http://{config.api.listen}"
    with ExitStack() as stack:
        try:
            station = stack.enter_context(demo_station(data, pole=config.pole.id, pole_url=url))
        except OSError as exc:
            raise _takes_no_files(data, exc) from exc
        yield station


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
            secret = f"user = {quote(source.user)}\npassword = {quote(source.password)}\n"
            write_private(folder / "demo.secret", secret)
            login = 'credentials = "demo.secret"\n'
        path = folder / "demo.toml"
        write_private(
            path,
            '[pole]\nid = "demo"\nname = "Demo"\n\n'
            f"[[camera]]\nname = {quote(source.camera)}\nmain = {quote(source.address)}\n"
            f"{login}{source.rules.lstrip()}",
        )
    except OSError as exc:
        raise _takes_no_files(folder, exc) from exc
    return path


def _takes_no_files(folder: Path, exc: OSError) -> EdgeError:
    """What to say when something can't be written; one of ours says it itself."""
    if isinstance(exc, EdgeError):
        return exc
    return StoreError(f"{folder}: takes no files ({exc.strerror}); choose --data DIR")
