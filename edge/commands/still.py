"""`polewatch still`: what is in still pictures, one JSON line each."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from edge import wire
from edge.errors import Fault, SourceUnreachable, SourceUnusable, ValidationError
from edge.exits import EXIT_FAILED, EXIT_GOOD
from edge.eye import still
from edge.eye.main import load_detector
from edge.eye.ports import Detector
from edge.eye.preprocess import cut_square
from edge.model import Detection

FILE_BYTES_MAX = 64 * 2**20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("pictures", nargs="+", metavar="PICTURE", help="JPEG or PNG file")
    parser.add_argument(
        "--plate-crop", action="store_true", help="each picture is one plate; not in this version"
    )


def run(args: argparse.Namespace) -> int:
    """Print a line for each picture that can be read, and a complaint for each that can't.

    `faces` and `plates` are null in this version: not looked for.

    Args:
        args: `pictures` and `plate_crop`, as `add_arguments` declared them.

    Returns:
        Exit code: 0 good, 1 when a picture could not be read.

    Raises:
        ValidationError: `--plate-crop`.
        ModelError: the detector is missing or damaged.
    """
    if args.plate_crop:
        remedy = "leave it out to find objects"
        raise ValidationError([Fault("--plate-crop", "this version reads no plates", remedy)])
    detector = load_detector()
    code = EXIT_GOOD
    for name in args.pictures:
        try:
            found = find(_load(name), detector)
        except (SourceUnreachable, SourceUnusable) as exc:
            sys.stderr.write(f"polewatch: {_show(name)}: {exc}\n")
            code = EXIT_FAILED
            continue
        sys.stdout.buffer.write(wire.encode_still(_show(name), found))
        sys.stdout.buffer.flush()
    return code


def find(data: bytes, detector: Detector) -> list[Detection]:
    """Find what is in one picture.

    Args:
        data: a JPEG or PNG file's bytes.
        detector: looks at each region.

    Raises:
        SourceUnusable: it can't be decoded.
        ModelError: inference failed.
    """
    frame = still.decode(data)
    size_px = (frame.y.shape[1], frame.y.shape[0])
    return still.merge(
        (region, detector.detect(cut_square(frame, region, detector.input_px)))
        for region in still.regions(size_px)
    )


def _show(name: str) -> str:
    """Give a file's name as text, also where it is not UTF-8 or nothing."""
    return os.fsencode(name).decode("utf-8", "replace") or "''"


def _load(name: str) -> bytes:
    if not name:
        raise SourceUnreachable("an empty name; give the path of a JPEG or PNG file")
    try:
        with Path(name).open("rb") as file:
            data = file.read(FILE_BYTES_MAX + 1)
    except OSError as exc:
        raise SourceUnreachable(f"{exc.strerror}; check the path") from exc
    if len(data) > FILE_BYTES_MAX:
        raise SourceUnusable(f"more than {FILE_BYTES_MAX // 2**20} MiB; make it smaller")
    return data
