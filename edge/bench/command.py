"""`polewatch bench`: what the eye costs here, held against the budgets, beside other programs."""

from __future__ import annotations

import argparse
import os
import platform
import signal
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NoReturn

from edge.bench import eyes, peers, rows
from edge.bench.clip import Clip, Clips, draw_clips, measure_clip
from edge.bench.crowd import Crowd, measure_crowd
from edge.bench.eyes import Eyes, Stretch, stretch
from edge.bench.measure import measure_rounds
from edge.bench.rows import Name, Series
from edge.bench.table import Report, write_json, write_table
from edge.errors import Fault, MeasureFailed, ValidationError
from edge.model import Json
from edge.thirdparty.store import DETECTOR, model_path

Probes = dict[Name, Callable[[], float]]


@dataclass(frozen=True, slots=True)
class Plan:
    """How thorough a run is.

    `times` and `busy_times` are how often the clips are joined to themselves for the longer of each
    pair; `fill_s` is how long eyes run before they are weighed, `crowd` how many at once, `watch_s`
    and `peer_s` how long eyes and peers that run at real time are counted.
    """

    clip_s: int
    times: int
    busy_times: int
    rounds: int
    fill_s: float
    watch_s: float
    peer_s: float
    crowd: int


FULL = Plan(
    clip_s=20, times=8, busy_times=3, rounds=3, fill_s=34.0, watch_s=20.0, peer_s=15.0, crowd=4
)
"""15 MiB at 4 Mbit/s are full after 32 s. Idle by sub stream costs so little that 140 s of it are
needed: the start, which is taken off, varies by 0.05 CPU s.
"""
QUICK = Plan(
    clip_s=6, times=3, busy_times=3, rounds=1, fill_s=2.0, watch_s=2.0, peer_s=3.0, crowd=2
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument(
        "--against", action="append", choices=peers.PEERS, metavar="PEER",
        help="ffmpeg or motion, may be repeated; default: those installed",
    )  # fmt: skip
    parser.add_argument(
        "--clip", type=Path, metavar="FILE", help="a quiet clip of yours in place of the drawn one"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    parser.add_argument(
        "--quick", action="store_true", help="once and short: rough, memory before rings are full"
    )


def run(args: argparse.Namespace) -> int:
    """Measure and print.

    Args:
        args: `against`, `clip`, `json`, `quick`, as `add_arguments` declared them.

    Returns:
        0, also where a budget is missed: the table says so.

    Raises:
        ValidationError: a peer asked for is not installed.
        SourceUnusable: the clip is none.
        ModelError: there is no detector to measure with.
    """
    signal.signal(signal.SIGTERM, _end_in_order)
    model_path(DETECTOR)
    wanted = _wanted(args.against)
    plan = QUICK if args.quick else FULL
    with tempfile.TemporaryDirectory(prefix="polewatch-bench-") as folder:
        report = _measure(plan, Path(folder), clip=args.clip, wanted=wanted)
    sys.stdout.write(write_json(report) if args.json else write_table(report))
    return 0


@dataclass(frozen=True, slots=True)
class _Footage:
    quiet: Stretch
    sub: Stretch | None
    busy: Stretch


def _measure(plan: Plan, folder: Path, *, clip: Path | None, wanted: frozenset[str]) -> Report:
    _say("drawing clips")
    clips = draw_clips(folder, seconds=plan.clip_s)
    if clip is not None:
        clips = Clips(measure_clip(clip), None, clips.busy)
    on = _Footage(
        stretch(clips.quiet, _times(clips.quiet, plan), folder),
        stretch(clips.sub, plan.times, folder) if clips.sub else None,
        stretch(clips.busy, plan.busy_times, folder),
    )
    observed = Eyes()
    probes = _eye_probes(observed, on)
    probes |= _peer_probes(on, folder, wanted=wanted, watch_s=plan.peer_s)
    figures = measure_rounds(_in_turn(probes), rounds=plan.rounds, say=_say)
    figures |= _left_out(figures, wanted, has_sub=on.sub is not None)
    figures |= _sights(observed, clips.quiet)
    figures |= _crowds(plan, on.quiet.long, folder)
    setting: dict[str, Json] = {
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "clip": clip.name if clip else "drawn",
        "clip_s": round(clips.quiet.seconds, 1),
        "size": f"{clips.quiet.size[0]}x{clips.quiet.size[1]}",
        "gop_s": round(clips.quiet.gop_frames / clips.quiet.fps, 2),
        "rounds": plan.rounds,
    }
    return Report(rows.make_rows(figures), figures, setting, _notes(plan))


def _eye_probes(observed: Eyes, on: _Footage) -> Probes:
    probes: Probes = {
        "idle": partial(observed.idle_cost, on.quiet),
        "awake": partial(observed.awake_cost, on.busy),
        "start": partial(eyes.start_cost, on.quiet.short),
        "imports": eyes.imports_cost,
    }
    if on.sub is not None:
        probes["idle_sub"] = partial(observed.idle_cost, on.quiet, on.sub)
    return probes


def _peer_probes(on: _Footage, folder: Path, *, wanted: frozenset[str], watch_s: float) -> Probes:
    probes: Probes = {}
    if "ffmpeg" in wanted:
        probes["decode_quiet"] = partial(peers.decode_cost, on.quiet.short)
        probes["decode_busy"] = partial(peers.decode_cost, on.busy.short)
    if "motion" in wanted:
        probes["motion"] = partial(peers.motion_cost, on.quiet.long, folder, watch_s=watch_s)
        if on.sub is not None:
            probes["motion_sub"] = partial(peers.motion_cost, on.sub.long, folder, watch_s=watch_s)
    return probes


_TURN: tuple[Name, ...] = (
    "decode_quiet", "idle", "motion", "idle_sub", "motion_sub", "decode_busy", "awake", "start",
    "imports",
)  # fmt: skip
"""What is divided by each other is measured next to each other."""


def _in_turn(probes: Probes) -> Probes:
    return {name: probes[name] for name in _TURN if name in probes}


def _left_out(
    figures: dict[Name, Series], wanted: frozenset[str], *, has_sub: bool
) -> dict[Name, Series]:
    """Say why figures are missing that nobody tried to measure."""
    reasons: dict[Name, str] = {}
    if not has_sub:
        reasons = {"idle_sub": "your clip has no sub stream", "motion_sub": "no sub stream"}
    of_peers: tuple[tuple[str, Name], ...] = (
        ("ffmpeg", "decode_quiet"), ("ffmpeg", "decode_busy"), ("motion", "motion"),
        ("motion", "motion_sub"),
    )  # fmt: skip
    for peer, name in of_peers:
        if peer not in wanted:
            is_here = peers.is_installed(peer)
            reasons[name] = f"{peer} was not asked for" if is_here else peers.missing(peer)
    return {name: Series((), reason) for name, reason in reasons.items() if name not in figures}


def _sights(observed: Eyes, quiet: Clip) -> dict[Name, Series]:
    share = rows.awake_share(observed.quiet_sights, gop_frames=quiet.gop_frames)
    looks = rows.looks_per_s(observed.awake_sights)
    return {
        "awake_share": Series((share,)) if share is not None else Series((), "clip too short"),
        "looks_per_s": Series((looks,)) if looks is not None else Series((), "clip too short"),
    }


def _crowds(plan: Plan, clip: Clip, folder: Path) -> dict[Name, Series]:
    _say(f"weighing eyes at real time, {2 * (plan.fill_s + plan.watch_s):.0f} s")
    weigh = partial(measure_crowd, clip, folder=folder, fill_s=plan.fill_s, watch_s=plan.watch_s)
    try:
        one, many = weigh(1), weigh(plan.crowd)
    except MeasureFailed as exc:
        names: tuple[Name, ...] = (
            "memory_one_mib", "memory_further_mib", "cpu_one", "cpu_each_of_many",
        )  # fmt: skip
        return {name: Series((), str(exc)) for name in names}
    return _shares(one, many, plan.crowd)


def _shares(one: Crowd, many: Crowd, count: int) -> dict[Name, Series]:
    return {
        "memory_one_mib": Series((one.pss_mib,)),
        "memory_further_mib": Series(((many.pss_mib - one.pss_mib) / (count - 1),)),
        "cpu_one": Series((one.cpu_per_s,)),
        "cpu_each_of_many": Series((many.cpu_per_s / count,)),
    }


def _times(clip: Clip, plan: Plan) -> int:
    """How often to join a clip to itself, so that somebody's short one gets as long as ours."""
    return max(2, round(plan.clip_s * plan.times / clip.seconds))


def _wanted(against: list[str] | None) -> frozenset[str]:
    """The yardstick is always wanted; who names a peer wants to hear that it is missing.

    Raises:
        ValidationError: a peer that was named is not installed.
    """
    for peer in against or []:
        if not peers.is_installed(peer):
            raise ValidationError([Fault("--against", peers.missing(peer))])
    named = frozenset(against or peers.PEERS) | {"ffmpeg"}
    return frozenset(peer for peer in named if peers.is_installed(peer))


def _notes(plan: Plan) -> list[str]:
    notes = [
        "Costs of eyes are those of a longer clip less those of a short one: start, model and the"
        " first look are not in them (P14 is about the start).",
        "Memory and P9 are of eyes forked from one server, and of that server; the agent, its page"
        " and its records are not part of this version.",
        "P3 runs the real eye with a detector that finds the drawn walker by colour at no cost.",
    ]
    if plan is QUICK:
        notes.append("--quick: once and short, rings not full; no figure to rely on.")
    return notes


def _end_in_order(number: int, _frame: object) -> NoReturn:
    """Leave by the way up, on which what was started is ended and what was written goes."""
    sys.exit(128 + number)


def _say(line: str) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"bench: {line}\n")
