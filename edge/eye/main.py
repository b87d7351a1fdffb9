"""Composition root of an eye: builds one from its options and runs it."""

from __future__ import annotations

import hashlib
import logging
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import cv2

from edge.clock import Clock, SystemClock, make_ids, make_repeatable_ids
from edge.config.load import parse_drawing
from edge.config.model import (
    POST_ROLL_S,
    PRE_ROLL_S,
    RING_BYTES,
    CameraRules,
    Credentials,
)
from edge.errors import EdgeError, Fault, SourceRefused, ValidationError
from edge.eye.alerts import Alerts, MediaPlan
from edge.eye.analysis import Analysis, Scope
from edge.eye.commands import CommandReader, Item
from edge.eye.intake import Intake, Lane
from edge.eye.journal import AlertJournal
from edge.eye.logins import Logins
from edge.eye.loop import Eye, Parts
from edge.eye.onlooker import Onlooker
from edge.eye.output import Output
from edge.eye.ports import Detector
from edge.eye.reader import MediaClock, Pace, Reader
from edge.eye.ring import Ring
from edge.eye.rules.engine import Engine, build_engine, replace_zones
from edge.eye.sources.catalog import SourcePlan, plan_source
from edge.eye.telling import Telling, Wanted
from edge.eye.tflite import TfliteDetector
from edge.eye.watch import Watch, Watching
from edge.model import TICKS_PER_S, Command, Json, Stamp
from edge.thirdparty.store import DETECTOR, DETECTOR_LABELS, model_path

GOODBYE_S = 2.0
"""A reader that gets packets ends with the next one and takes leave of its camera; one that hangs
would only do so by its time-outs, up to 10 s, and is left behind."""
PATIENCE_S = 5.0
"""Longest wait for whoever reads the lines, once the eye is told to stop."""
_SUB_RING_BYTES = 4 * 2**20
_SUB_RING_S = 5.0
_HASH_BYTES = 1 << 20

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Options:
    """One eye as asked for.

    `camera` names it in every line; `pace` "max" drops nothing and can be repeated. One that is
    not `is_watched` keeps and shows what comes; no detector is loaded for it. `journal` is
    a file that lines about alerts go to first. Ids of a live run are above `ids_after`.
    """

    camera: str
    main: str
    rules: CameraRules
    is_watched: bool = True
    sub: str | None = None
    login: Credentials | None = None
    wanted: Wanted = field(default_factory=Wanted)
    pace: Literal["real", "max"] = "real"
    out: Path | None = None
    journal: Path | None = None
    ids_after: str | None = None
    ring_bytes: int = RING_BYTES
    pre_roll_s: float = PRE_ROLL_S
    post_roll_s: float = POST_ROLL_S


def load_detector(root: Path | None = None) -> TfliteDetector:
    """Load the detector from the assets.

    Raises:
        ModelError: it has not been fetched, or is damaged.
    """
    cv2.setNumThreads(1)  # one thread an eye: cameras share the cores, not one frame
    return TfliteDetector(model_path(DETECTOR, root), model_path(DETECTOR_LABELS, root))


@dataclass(frozen=True, slots=True)
class _Surroundings:
    """What an eye talks to."""

    intake: Intake
    readers: tuple[Reader, ...]
    clock: Clock
    is_live: bool
    stdin: int
    stdout: int


@dataclass(frozen=True, slots=True)
class _Post:
    """Where an eye keeps its streams, and who looks at which of them."""

    rings: dict[Lane, Ring]
    analysed: Lane
    watch: Watching


@dataclass(frozen=True, slots=True)
class _Built:
    """An eye with its ends towards whoever started it."""

    eye: Eye
    output: Output
    commands: CommandReader


def run(
    options: Options, *, detector: Detector | None = None, stdin: int = 0, stdout: int = 1
) -> int:
    """Run one eye to its end.

    A reader that hangs on its camera may outlive the call, by its time-outs: ten seconds.

    Args:
        options: what to look at and how.
        detector: one already loaded, as the fork server has it; None loads it where it is needed.
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
    _make_folder(options.out)
    intake = Intake(tuple(plans), is_lossless=is_lossless)
    readers = _make_readers(plans, intake, clock=clock, is_paced=options.pace == "real")
    make_id = (
        make_repeatable_ids(_hash(options.main))
        if is_lossless
        else make_ids(clock, after=options.ids_after)
    )
    around = _Surroundings(intake, tuple(readers), clock, is_live, stdin, stdout)
    return _run(_build(options, around, _make_post(options, detector), make_id), around)


def _run(built: _Built, around: _Surroundings) -> int:
    def on_signal(_number: int, _frame: object) -> None:
        built.output.hurry(PATIENCE_S)
        built.eye.stop()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, on_signal)
    # In the background of a terminal, reading it is to fail, not to stop the process.
    signal.signal(signal.SIGTTIN, signal.SIG_IGN)
    built.commands.start()
    for reader in around.readers:
        reader.start()
    try:
        built.eye.run()
    finally:
        for reader in around.readers:
            reader.stop()
        around.intake.close()
        built.commands.stop()
        for reader in around.readers:
            if not reader.join(GOODBYE_S):
                _log.warning("a camera did not let go in time; leaving all the same")
    failure = built.eye.error or built.output.failure
    if isinstance(failure, EdgeError):
        raise failure
    if failure is not None:
        _log.error("standard output takes no more lines: %s", failure.strerror)
    return 0 if failure is None else 1


def _make_folder(path: Path | None) -> None:
    if path is None:
        return
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        problem = f"{path}: can't be made a folder ({exc.strerror})"
        raise ValidationError([Fault("--out", problem, "choose another")]) from exc
    if not os.access(path, os.W_OK | os.X_OK):
        _log.warning("%s: nothing can be written there: alerts come without files", path)


def _plan(options: Options) -> dict[Lane, SourcePlan]:
    plans: dict[Lane, SourcePlan] = {"main": plan_source(options.main, options.login)}
    if options.sub is not None:
        plans["sub"] = plan_source(options.sub, options.login)
        if plans["sub"].is_live != plans["main"].is_live:
            fault = Fault("--sub", "one is a camera, the other a file", "give two of a kind")
            raise ValidationError([fault])
    return plans


def _make_post(options: Options, detector: Detector | None) -> _Post:
    rings: dict[Lane, Ring] = {
        "main": Ring(bytes_max=options.ring_bytes, seconds_max=options.pre_roll_s)
    }
    if options.sub is not None:
        rings["sub"] = Ring(bytes_max=_SUB_RING_BYTES, seconds_max=_SUB_RING_S)
    if not options.is_watched:
        return _Post(rings, "main", Onlooker())
    analysed: Lane = "main" if options.sub is None else "sub"
    scope = Scope(
        ignore=tuple(tuple(polygon) for polygon in options.rules.ignore),
        looks_everywhere=options.wanted.detections,
    )
    watch = Watch(
        Analysis(detector or load_detector(), scope),
        rings[analysed],
        is_held_open=options.wanted.detections,
    )
    return _Post(rings, analysed, watch)


def _build(
    options: Options, around: _Surroundings, post: _Post, make_id: Callable[[int], str]
) -> _Built:
    eye: Eye

    def stamp(t: float) -> Stamp:
        return eye.stamp(t)

    def on_closed() -> None:
        eye.stop("nobody reads the lines")

    def on_item(item: Item) -> None:
        if isinstance(item, Command) and item.name == "stop":
            output.hurry(PATIENCE_S)  # the loop may wait for the reader, and would never take it
        around.intake.wake()

    output = Output(around.stdout, on_closed=on_closed, clock=around.clock)
    commands = CommandReader(around.stdin, on_item)
    plan = MediaPlan(options.out, options.pre_roll_s, options.post_roll_s)
    tell = output.emit
    if options.journal is not None:
        tell = AlertJournal(options.journal, output.emit).emit
    parts = Parts(
        camera=options.camera,
        intake=around.intake,
        rings=post.rings,
        analysed=post.analysed,
        watch=post.watch,
        alerts=Alerts(tell, stamp, post.rings["main"], plan=plan, make_id=make_id),
        engine=_make_engine(options.rules),
        telling=Telling(output.emit, options.wanted),
        redraw=_redraw,
        emit=output.emit,
        clock=around.clock,
        folder=options.out,
        is_live=around.is_live,
    )
    eye = Eye(parts, commands)
    return _Built(eye, output, commands)


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
        return Reader(lane, lambda start: plan.connect(start, wall), intake, pace=pace, clock=clock)

    return [make(lane, plan) for lane, plan in plans.items()]


def _hash(source: str) -> bytes:
    """Hash a file's ends and size, or a folder's names and sizes, for ids a second run repeats."""
    path = Path(source)
    digest = hashlib.sha256()
    try:
        if path.is_dir():
            for each in sorted(path.iterdir()):
                digest.update(f"{each.name}:{each.lstat().st_size}\n".encode())
            return digest.digest()
        with path.open("rb") as file:
            size_bytes = file.seek(0, os.SEEK_END)
            digest.update(f"{size_bytes}\n".encode())
            for start in (0, max(size_bytes - _HASH_BYTES, 0)):
                file.seek(start)
                digest.update(file.read(_HASH_BYTES))
    except OSError as exc:
        message = f"{path.name}: can't be read ({exc.strerror}); check owner, mode and disk"
        raise SourceRefused(message) from exc
    return digest.digest()
