"""`polewatch eye`: its arguments, and from them the options of one eye."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from edge.config import (
    CameraRules,
    find_camera,
    load_config,
    load_credentials,
    load_rules,
    make_camera_rules,
    make_trial_rules,
)
from edge.errors import Fault, ValidationError
from edge.eye.main import Options
from edge.eye.main import run as run_eye
from edge.eye.sources.catalog import Login, name_source
from edge.eye.telling import Wanted

_CONFIG = Path("polewatch.toml")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument(
        "source", nargs="?", metavar="SOURCE", help="file, rtsp://…, v4l2:…, folder"
    )
    parser.add_argument("--camera", metavar="NAME", help="a camera of the configuration instead")
    parser.add_argument("--config", type=Path, metavar="FILE", help="default: polewatch.toml")
    parser.add_argument("--rules", type=Path, metavar="FILE", help="rules, zones and lines to try")
    parser.add_argument("--sub", metavar="SOURCE", help="a smaller stream to analyse")
    parser.add_argument("--detections", action="store_true", help="print them; look at every frame")
    parser.add_argument("--motion", action="store_true", help="print what moves")
    parser.add_argument("--tracks", action="store_true", help="print every track as it goes on")
    parser.add_argument("--pace", choices=("real", "max"), help="files: default max")
    parser.add_argument("--out", type=Path, metavar="DIR", help="where clips and snapshots go")


def run(args: argparse.Namespace) -> int:
    """Run the eye; see `edge.eye.main.run`."""
    return run_eye(make_options(args))


def make_options(args: argparse.Namespace) -> Options:
    """Make the options of one eye from the command's arguments.

    Raises:
        ValidationError: neither or both of SOURCE and --camera, or a fault in a file.
    """
    if (args.source is None) == (args.camera is None):
        raise ValidationError([Fault("eye", "give a SOURCE or --camera NAME, one of the two")])
    wanted = Wanted(motion=args.motion, detections=args.detections, tracks=args.tracks)
    if args.camera is None:
        options = Options(
            camera=name_source(args.source), main=args.source, sub=args.sub,
            rules=_load_rules(args.rules, None) or make_trial_rules(),
        )  # fmt: skip
    else:
        options = _from_config(args)
    return replace(options, wanted=wanted, pace=args.pace or "max", out=args.out)


def _from_config(args: argparse.Namespace) -> Options:
    path = args.config or _CONFIG
    config = load_config(path)
    camera = find_camera(config.cameras, args.camera)
    if camera.privacy:
        remedy = "take privacy out, or wait for the version that burns masks in"
        raise ValidationError([Fault(f"camera {camera.name}.privacy", "not yet possible", remedy)])
    login = None
    if camera.credentials:
        secret = load_credentials(path.parent / camera.credentials)
        login = Login(secret.user, secret.password)
    return Options(
        camera=camera.name,
        main=camera.main,
        sub=args.sub or camera.sub,
        login=login,
        rules=_load_rules(args.rules, camera.name) or make_camera_rules(config, camera.name),
        ring_bytes=camera.ring_bytes,
        pre_roll_s=camera.pre_roll_s,
        post_roll_s=camera.post_roll_s,
    )


def _load_rules(path: Path | None, camera: str | None) -> CameraRules | None:
    return load_rules(path).for_camera(camera) if path else None
