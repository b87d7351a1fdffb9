"""Runs `polewatch eye` on one clip as a user would and reads the lines it prints.

The wire names stand here once more on purpose, and not by `edge.wire`: what is held against the
truth is what design §3.1 promises to a reader outside.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge.model import Box

RUN_S_MAX = 600.0
"""Longest run of one clip."""


class EyeFailed(RuntimeError):
    """The command did not end well; the message holds its last words."""


@dataclass(frozen=True, slots=True)
class TrackLine:
    """One track on one analysed frame."""

    t: float
    phase: str
    track: int
    label: str
    box: Box


@dataclass(frozen=True, slots=True)
class AlertLine:
    """One step in an alert's life."""

    t: float
    phase: str
    alert: str
    rule_name: str
    tracks: tuple[int, ...]
    box: Box | None


@dataclass(frozen=True, slots=True)
class MediaLine:
    """A finished file of an alert; `file` is None when it could not be made."""

    t: float
    alert: str
    role: str
    file: str | None
    mime: str
    from_t: float
    to_t: float
    size_bytes: int
    sha256: str | None


@dataclass(frozen=True, slots=True)
class MotionLine:
    """Where something moved on one frame."""

    t: float
    boxes: tuple[Box, ...]


@dataclass(frozen=True, slots=True)
class SightLine:
    """The eye's account of its own work."""

    t: float
    inferences: int
    state: str


@dataclass(frozen=True, slots=True)
class EyeLines:
    """What an eye printed, sorted by kind; `texts` are the lines as they came."""

    texts: tuple[str, ...] = ()
    tracks: tuple[TrackLine, ...] = ()
    alerts: tuple[AlertLine, ...] = ()
    media: tuple[MediaLine, ...] = ()
    motion: tuple[MotionLine, ...] = ()
    sights: tuple[SightLine, ...] = ()
    end_reason: str | None = None

    @property
    def opened(self) -> tuple[AlertLine, ...]:
        """The lines that open an alert."""
        return tuple(line for line in self.alerts if line.phase == "open")


@dataclass(frozen=True, slots=True)
class EyeRun:
    """One finished run; `wall_s` and `cpu_s` cover the whole command, from start to exit."""

    clip: Path
    out_dir: Path
    lines: EyeLines
    wall_s: float
    cpu_s: float


def find_command(given: str | None = None) -> list[str]:
    """Return how to call `polewatch`: as given, else of this environment, else as a module."""
    if given is not None:
        return [given]
    beside = Path(sys.executable).parent / "polewatch"
    return [str(beside)] if beside.exists() else [sys.executable, "-m", "edge.cli"]


def run_eye(
    clip: Path, out_dir: Path, *, options: Sequence[str] = ("--tracks",), polewatch: str | None
) -> EyeRun:
    """Run the command on a clip, as fast as it can and with files.

    Raises:
        EyeFailed: it ended with another code than 0, or not within `RUN_S_MAX`.
    """
    command = [*find_command(polewatch), "eye", str(clip), *options]
    command += ["--pace", "max", "--out", str(out_dir)]
    spent_s = _children_cpu_s()
    started_s = time.monotonic()
    stdout = _communicate(command)
    wall_s = time.monotonic() - started_s
    return EyeRun(
        clip=clip,
        out_dir=out_dir,
        lines=parse_lines(stdout.splitlines()),
        wall_s=wall_s,
        cpu_s=_children_cpu_s() - spent_s,
    )


def parse_lines(texts: Iterable[str]) -> EyeLines:
    """Sort an eye's lines by kind; kinds that are not asked about here stay as text."""
    kept = tuple(text for text in texts if text.strip())
    raw = [json.loads(text) for text in kept]
    ends = [str(line["reason"]) for line in raw if line["kind"] == "end"]
    return EyeLines(
        texts=kept,
        tracks=tuple(_parse_track(line) for line in raw if line["kind"] == "track"),
        alerts=tuple(_parse_alert(line) for line in raw if line["kind"] == "alert"),
        media=tuple(_parse_media(line) for line in raw if line["kind"] == "media"),
        motion=tuple(_parse_motion(line) for line in raw if line["kind"] == "motion"),
        sights=tuple(_parse_sight(line) for line in raw if line["kind"] == "sight"),
        end_reason=ends[-1] if ends else None,
    )


def _communicate(command: list[str]) -> str:
    # A session of its own, so that a run that hangs goes with every eye it forked.
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            stdout, stderr = process.communicate(timeout=RUN_S_MAX)
        except subprocess.TimeoutExpired as exc:
            raise EyeFailed(f"{' '.join(command)}: not done after {RUN_S_MAX:.0f} s") from exc
        finally:
            # Also when a test's own time limit ends the wait.
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
    if process.returncode != 0:
        tail = stderr.strip()[-2000:]
        raise EyeFailed(f"{' '.join(command)}: exit code {process.returncode}\n{tail}")
    return stdout


def _children_cpu_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _parse_box(raw: Sequence[float]) -> Box:
    x_min, y_min, x_max, y_max = (float(value) for value in raw)
    return (x_min, y_min, x_max, y_max)


def _parse_track(raw: Mapping[str, Any]) -> TrackLine:
    return TrackLine(
        t=float(raw["t"]),
        phase=str(raw["phase"]),
        track=int(raw["track"]),
        label=str(raw["label"]),
        box=_parse_box(raw["box"]),
    )


def _parse_alert(raw: Mapping[str, Any]) -> AlertLine:
    box = (raw.get("where") or {}).get("box")
    return AlertLine(
        t=float(raw["t"]),
        phase=str(raw["phase"]),
        # A "limited" line reports alerts held back and belongs to none.
        alert=str(raw.get("alert") or ""),
        rule_name=str(raw["rule"]["name"]),
        tracks=tuple(int(track) for track in raw.get("tracks", [])),
        box=None if box is None else _parse_box(box),
    )


def _parse_media(raw: Mapping[str, Any]) -> MediaLine:
    return MediaLine(
        t=float(raw["t"]),
        alert=str(raw["alert"]),
        role=str(raw["role"]),
        file=raw["file"],
        mime=str(raw["type"]),
        from_t=float(raw["from_t"]),
        to_t=float(raw["to_t"]),
        size_bytes=int(raw["bytes"]),
        sha256=raw["sha256"],
    )


def _parse_motion(raw: Mapping[str, Any]) -> MotionLine:
    return MotionLine(float(raw["t"]), tuple(_parse_box(box) for box in raw["boxes"]))


def _parse_sight(raw: Mapping[str, Any]) -> SightLine:
    return SightLine(
        t=float(raw["t"]),
        inferences=int(raw["inferences"]),
        state=str(raw["state"]),
    )
