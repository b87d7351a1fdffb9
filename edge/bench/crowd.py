"""Several eyes at once, forked from one server as on a pole: their memory and their CPU time."""

from __future__ import annotations

import json
import os
import select
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from edge.bench.clip import Clip
from edge.bench.measure import cpu_s_of, pause, pss_bytes
from edge.errors import MeasureFailed
from edge.fork.client import EyePipes, ForkServerClient, ForkServerLost, start_fork_server

BEGIN_S_MAX = 60.0
_MIB = 2**20
_RING_MIB = 15
"""Budget P8 speaks of rings of this size."""
_PRE_ROLL_S = 60


@dataclass(frozen=True, slots=True)
class Crowd:
    """Some eyes at once: memory of all processes together, CPU seconds per second."""

    pss_mib: float
    cpu_per_s: float


def measure_crowd(clip: Clip, count: int, *, folder: Path, fill_s: float, watch_s: float) -> Crowd:
    """Run some eyes at real time until their rings are full, then weigh them and their server.

    Args:
        clip: longer than both times together.
        count: how many eyes.
        folder: for their configuration.
        fill_s: seconds until memory is as it stays.
        watch_s: seconds over which CPU time is counted.

    Raises:
        MeasureFailed: an eye ended, or the kernel does not tell.
    """
    settings = folder / "crowd.toml"
    settings.write_text(crowd_settings(clip.path, count), encoding="utf-8")
    try:
        with start_fork_server() as server:
            return _watch(server, settings, count, fill_s=fill_s, watch_s=watch_s)
    except ForkServerLost as exc:
        raise MeasureFailed(str(exc)) from exc


def crowd_settings(clip: Path, count: int) -> str:
    """Write a configuration of cameras c0, c1 and so on, each with a ring of 15 MiB to fill."""
    cameras = [
        f'[[camera]]\nname = "c{number}"\nmain = {json.dumps(str(clip))}\n'
        f"ring_bytes = {_RING_MIB * _MIB}\npre_roll_s = {_PRE_ROLL_S}\n"
        for number in range(count)
    ]
    return '[pole]\nid = "bench"\n' + "".join(cameras)


def _watch(
    server: ForkServerClient, settings: Path, count: int, *, fill_s: float, watch_s: float
) -> Crowd:
    with ExitStack() as stack:
        eyes = []
        for number in range(count):
            choice = ["--camera", f"c{number}", "--config", str(settings), "--pace", "real"]
            eyes.append(server.spawn(choice))
            stack.callback(os.close, eyes[-1].stdin)
            stack.callback(os.close, eyes[-1].stdout)
        for eye in eyes:
            _wait_begun(eye)
        pids = [server.pid, *(eye.pid for eye in eyes)]
        pause(fill_s)
        begun_s = _cpu_s(pids)
        pause(watch_s)
        spent_s = _cpu_s(pids) - begun_s
        pss = sum(pss_bytes(pid) for pid in pids)
    return Crowd(pss / _MIB, spent_s / watch_s)


def _wait_begun(eye: EyePipes) -> None:
    """Wait for its first line; the few that follow fit into the pipe."""
    if not select.select([eye.stdout], [], [], BEGIN_S_MAX)[0] or not os.read(eye.stdout, 1):
        raise MeasureFailed("an eye said nothing")


def _cpu_s(pids: list[int]) -> float:
    try:
        return sum(cpu_s_of(pid) for pid in pids)
    except OSError as exc:
        raise MeasureFailed("an eye ended early") from exc
