"""Composition root of an eye: builds one from its options and runs it."""

from __future__ import annotations

import hashlib
import logging
import signal
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import cv2

from edge.assets import DETECTOR, DETECTOR_LABELS, model_path
from edge.clock import Clock, SystemClock, make_ids, make_repeatable_ids
from edge.config import CameraRules, parse_drawing
from edge.errors import Fault, ModelError, ValidationError
from edge.eye.alerts import Alerts, MediaPlan
from edge.eye.analysis import Analysis, Scope
from edge.eye.commands import CommandReader
from edge.eye.intake import Intake, Lane
from edge.eye.logins import Logins
from edge.eye.loop import Eye, Parts
from edge.eye.output import OutputClosed, make_emit
from edge.eye.ports import Detector
from edge.eye.reader import MediaClock, Pace, Reader
from edge.eye.ring import Ring
from edge.eye.rules.engine import Engine, build_engine, replace_zones
from edge.eye.sources.catalog import Login, SourcePlan, plan_source
from edge.eye.telling import Telling, Wanted
from edge.eye.tflite import TfliteDetector
from edge.eye.watch import Watch
from edge.model import TICKS_PER_S, Json, Stamp

STOP_S_MAX = 12.0
"""Readers end within their time-outs (10 s open, 5 s read)."""
_SUB_RING_BYTES = 4 * 2**20
_SUB_RING_S = 5.0
_HASH_BYTES = 1 << 20

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Options:
    """One eye as asked for.

    `camera` names it in every line; `pace` "max" drops nothing and can be repeated.
    """

    camera: str
    main: str
    rules: CameraRules
    sub: str | None = None
    login: Login | None = None
    wanted: Wanted = field(default_factory=Wanted)
    pace: Literal["real", "max"] = "real"
    out: Path | None = None
    ring_bytes: int = 15 * 2**20
    pre_roll_s: float = 10.0
    post_roll_s: float = 10.0
    models: Path | None = None


def load_detector(root: Path | None = None) -> TfliteDetector:
    """Load the detector from the assets.

    Raises:
        ModelError: it has not been fetched, or is damaged.
    """
    cv2.setNumThreads(1)  # one thread an eye: cameras share the cores, not one frame
    return TfliteDetector(model_path(DETECTOR, root), model_path(DETECTOR_LABELS, root))


def run(
    options: Options, *, detector: Detector | None = None, stdin: int = 0, stdout: int = 1
) -> int:
    """Run one eye to its end.

    Args:
        options: what to look at and how.
        detector: one already loaded, as the fork server has it; None loads it.
        stdin: descriptor that commands come from.
        stdout: descriptor that lines go to.

    Returns:
        Exit code: 0 at the end of the source or when told to stop, 1 when the source failed.

    Raises:
        EdgeError: it could not be begun.
    """
    plans = _plan(options)
    clock = SystemClock()
    is_live = plans["main"].is_live
    is_lossless = options.pace == "max" and not is_live
    if options.out is not None:
        options.out.mkdir(parents=True, exist_ok=True)
    intake = Intake(tuple(plans), is_lossless=is_lossless)
    readers = _make_readers(plans, intake, clock=clock, is_paced=options.pace == "real")
    make_id = make_repeatable_ids(_hash(options.main)) if is_lossless else make_ids(clock)
    commands = CommandReader(stdin, intake.wake)
    eye = _build(
        options, intake, detector or load_detector(options.models),
        commands=commands, clock=clock, make_id=make_id, is_live=is_live, stdout=stdout,
    )  # fmt: skip
    return _run(eye, readers, commands, intake)


def _run(eye: Eye, readers: list[Reader], commands: CommandReader, intake: Intake) -> int:
    def on_signal(_number: int, _frame: object) -> None:
        eye.stop()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, on_signal)
    commands.start()
    for reader in readers:
        reader.start()
    code = 0
    try:
        eye.run()
    except OutputClosed:
        _log.info("nobody reads the lines any more; ending")
    except ModelError:
        _log.exception("detector failed")
        code = 1
    finally:
        for reader in readers:
            reader.stop()
        intake.close()
        commands.stop()
        for reader in readers:
            if not reader.join(STOP_S_MAX):
                _log.error("a reader did not end in time")
                code = 1
    if eye.error is not None:
        _log.error("%s", eye.error)
        code = 1
    return code


def _plan(options: Options) -> dict[Lane, SourcePlan]:
    plans: dict[Lane, SourcePlan] = {"main": plan_source(options.main, options.login)}
    if options.sub is not None:
        plans["sub"] = plan_source(options.sub, options.login)
        if plans["sub"].is_live != plans["main"].is_live:
            fault = Fault("--sub", "one is a camera, the other a file", "give two of a kind")
            raise ValidationError([fault])
    return plans


def _build(
    options: Options, intake: Intake, detector: Detector, *, commands: CommandReader, clock: Clock,
    make_id: Callable[[int], str], is_live: bool, stdout: int,
) -> Eye:  # fmt: skip
    analysed: Lane = "main" if options.sub is None else "sub"
    rings: dict[Lane, Ring] = {
        "main": Ring(bytes_max=options.ring_bytes, seconds_max=options.pre_roll_s)
    }
    if options.sub is not None:
        rings["sub"] = Ring(bytes_max=_SUB_RING_BYTES, seconds_max=_SUB_RING_S)
    scope = Scope(
        ignore=tuple(tuple(polygon) for polygon in options.rules.ignore),
        looks_everywhere=options.wanted.detections,
    )
    watch = Watch(
        Analysis(detector, scope), rings[analysed], is_held_open=options.wanted.detections
    )
    emit = make_emit(stdout)
    eye: Eye

    def stamp(t: float) -> Stamp:
        return eye.stamp(t)

    plan = MediaPlan(options.out, options.pre_roll_s, options.post_roll_s)
    parts = Parts(
        camera=options.camera,
        intake=intake,
        rings=rings,
        analysed=analysed,
        watch=watch,
        alerts=Alerts(emit, stamp, rings["main"], plan=plan, make_id=make_id),
        engine=_make_engine(options.rules),
        telling=Telling(emit, options.wanted, options.camera),
        redraw=_redraw,
        emit=emit,
        clock=clock,
        folder=options.out,
        is_live=is_live,
    )
    eye = Eye(parts, commands)
    return eye


def _make_engine(rules: CameraRules) -> Engine:
    return build_engine(rules.rules, rules.zones, rules.lines, rules.timezone)


def _redraw(engine: Engine, zones: Json, lines: Json) -> Engine:
    drawn = parse_drawing(zones, lines)
    return replace_zones(engine, *drawn)


def _make_readers(
    plans: dict[Lane, SourcePlan], intake: Intake, *, clock: Clock, is_paced: bool
) -> list[Reader]:
    """Make a reader a stream; those of a camera share its media time and its count of logins."""
    begun_ms = clock.utc_ms()
    is_live = plans["main"].is_live
    pace = Pace(
        media_clock=MediaClock(clock) if is_live else None,
        is_real_time=is_paced and not is_live,
        logins=Logins(clock) if is_live else None,
    )

    def wall(pts_90k: int) -> int:
        return clock.utc_ms() if is_live else begun_ms + pts_90k * 1000 // TICKS_PER_S

    def make(lane: Lane, plan: SourcePlan) -> Reader:
        return Reader(
            lane, lambda start: plan.connect(start, wall), intake, pace=pace, clock=clock
        )

    return [make(lane, plan) for lane, plan in plans.items()]


def _hash(source: str) -> bytes:
    """Hash a file, or the names and sizes in a folder, for ids that a second run repeats."""
    path = Path(source)
    digest = hashlib.sha256()
    if path.is_dir():
        for each in sorted(path.iterdir()):
            digest.update(f"{each.name}:{each.stat().st_size}\n".encode())
        return digest.digest()
    try:
        with path.open("rb") as file:
            while block := file.read(_HASH_BYTES):
                digest.update(block)
    except OSError as exc:
        raise ValidationError([]) from exc
    return digest.digest()
