"""`polewatch eye`: its arguments, and from them the options of one eye."""

from __future__ import annotations

import argparse
import faulthandler
import os
import sys
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from edge.clock import SystemClock, is_ulid
from edge.config.checks import quote
from edge.config.load import (
    find_camera,
    load_config,
    load_credentials,
    load_rules,
    make_camera_rules,
    make_trial_rules,
)
from edge.config.not_built import find_not_built
from edge.errors import Fault, ValidationError
from edge.exits import EXIT_WRONG_USE, run_to_exit_code
from edge.eye.forkserver import ForkServer, open_control
from edge.eye.heap import keep_heap_small
from edge.eye.main import Options, load_detector
from edge.eye.main import run as run_eye
from edge.eye.ports import Detector
from edge.eye.sources.catalog import name_source
from edge.eye.telling import Wanted

_CONFIG = Path("polewatch.toml")
_NAMES = {
    "source": "SOURCE",
    "sub": "--sub",
    "config": "--config",
    "rules": "--rules",
    "out": "--out",
    "journal": "--journal",
}
"""Arguments that name a file, a folder or a camera, as people write them."""
_NOT_AN_EYE = ("forkserver", "run")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument(
        "source", nargs="?", metavar="SOURCE", help="file, rtsp://…, v4l2:…, folder"
    )
    parser.add_argument(
        "--camera", metavar="NAME", help="one of the configuration instead; or of --rules FILE"
    )
    parser.add_argument("--config", metavar="FILE", help="default: polewatch.toml")
    parser.add_argument("--rules", metavar="FILE", help="rules, zones and lines to try")
    parser.add_argument("--sub", metavar="SOURCE", help="a smaller stream to analyse")
    parser.add_argument("--detections", action="store_true", help="print them; look at every frame")
    parser.add_argument("--motion", action="store_true", help="print what moves")
    parser.add_argument("--tracks", action="store_true", help="print every track as it goes on")
    parser.add_argument("--pace", choices=("real", "max"), help="files: default max")
    parser.add_argument("--out", metavar="DIR", help="where clips and snapshots go")
    parser.add_argument(
        "--journal", metavar="FILE", help="what is told of alerts goes here first, as well"
    )
    parser.add_argument("--ids-after", metavar="ULID", help="live: alerts' ids are above this one")
    parser.add_argument(
        "--forkserver", action="store_true", help="make eyes for the caller of the socket on stdin"
    )


def run(args: argparse.Namespace) -> int:
    """Run the eye, see `edge.eye.main.run`, or the process that eyes are forked from."""
    keep_heap_small()
    faulthandler.enable()  # where native code fails, or who starts it aborts it
    if args.forkserver:
        return _serve(args)
    code = run_to_exit_code(lambda: run_eye(make_options(args)))
    if threading.active_count() > 1:
        # A reader still waits for a camera that hangs. Nothing is left to save, so nobody has to
        # wait for its time-outs; the interpreter would.
        sys.stderr.flush()
        os._exit(code)
    return code


def _serve(args: argparse.Namespace) -> int:
    asked = [name for name, value in vars(args).items() if value and name not in _NOT_AN_EYE]
    if asked:
        fault = Fault("--forkserver", f"takes nothing beside it, not {', '.join(asked)}")
        raise ValidationError([fault])
    detector = load_detector()
    ForkServer(open_control(0), lambda argv: _run_forked(argv, detector), SystemClock()).run()
    return 0


def _run_forked(argv: Sequence[str], detector: Detector) -> int:
    """Run an eye in a process of its own that the fork server has made."""
    parser = argparse.ArgumentParser(prog="polewatch eye")
    add_arguments(parser)
    try:
        args = parser.parse_args(argv)
    except SystemExit as exc:
        return exc.code if isinstance(exc.code, int) else 1
    if args.forkserver:
        parser.print_usage(sys.stderr)
        return EXIT_WRONG_USE
    return run_to_exit_code(lambda: run_eye(make_options(args), detector=detector))


def make_options(args: argparse.Namespace) -> Options:
    """Make the options of one eye from the command's arguments.

    Raises:
        ValidationError: options that do not go together, or a fault in a file.
    """
    if faults := _find_misfits(args):
        raise ValidationError(faults)
    wanted = Wanted(motion=args.motion, detections=args.detections, tracks=args.tracks)
    options = _from_config(args) if args.source is None else _from_source(args)
    out, journal = (Path(each) if each is not None else None for each in (args.out, args.journal))
    return replace(
        options, wanted=wanted, pace=args.pace or "max", out=out, journal=journal,
        ids_after=args.ids_after,
    )  # fmt: skip


def _find_misfits(args: argparse.Namespace) -> list[Fault]:
    """Say which options do not go together, and which are empty.

    An empty path would be the current folder, which nobody means by an unset variable of a script.
    """
    empty = [shown for name, shown in _NAMES.items() if getattr(args, name) == ""]
    if empty:
        return [Fault(shown, "is empty", "give a name, or leave it out") for shown in empty]
    if args.ids_after is not None and not is_ulid(args.ids_after):
        return [Fault("--ids-after", f"{quote(args.ids_after)} is no ULID", "leave it out")]
    if args.source is None and args.camera is None:
        return [Fault("eye", "give a SOURCE, or --camera NAME of the configuration")]
    if args.source is not None and args.config is not None:
        problem = "goes with --camera alone, not with SOURCE"
        return [Fault("--config", problem, "for rules use --rules")]
    if args.source is not None and args.camera is not None and args.rules is None:
        problem = "beside SOURCE it chooses from the file of --rules, and there is none"
        return [Fault("--camera", problem, "give one of the two, or --rules FILE")]
    return []


def _from_source(args: argparse.Namespace) -> Options:
    rules = make_trial_rules()
    if args.rules is not None:
        file = load_rules(Path(args.rules))
        if args.camera is not None and not file.config.cameras:
            problem = f"no camera {quote(args.camera)}; the file has no cameras"
            raise ValidationError([Fault("--camera", problem, "leave it out")])
        rules = file.for_camera(args.camera)
    return Options(camera=name_source(args.source), main=args.source, sub=args.sub, rules=rules)


def _from_config(args: argparse.Namespace) -> Options:
    path = Path(args.config or _CONFIG)
    config = load_config(path)
    camera = find_camera(config.cameras, args.camera)
    asked = {
        "kind": camera.kind, "privacy": camera.privacy, "main": camera.main, "sub": camera.sub,
    }  # fmt: skip
    if faults := find_not_built(f"camera {camera.name}", asked):
        raise ValidationError(faults)
    if args.rules is not None:
        rules = load_rules(Path(args.rules)).for_camera(camera.name)
    else:
        rules = make_camera_rules(config, camera.name)
    return Options(
        camera=camera.name,
        is_watched=camera.watch,
        main=camera.main,
        sub=args.sub or camera.sub,
        login=load_credentials(path.parent / camera.credentials) if camera.credentials else None,
        rules=rules,
        ring_bytes=camera.ring_bytes,
        pre_roll_s=camera.pre_roll_s,
        post_roll_s=camera.post_roll_s,
    )
