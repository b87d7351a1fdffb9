"""The yardsticks: ffmpeg decoding and nothing else, and Debian's `motion` watching."""

from __future__ import annotations

import shutil
from pathlib import Path

from edge.bench.clip import Clip
from edge.bench.measure import Child, cpu_s_of, pause, run_counted, started, wait_until
from edge.errors import MeasureFailed

PEERS = ("ffmpeg", "motion")
_WARM_S = 2.5
_OPEN_S_MAX = 20.0


def is_installed(peer: str) -> bool:
    """Whether the program can be run here."""
    return shutil.which(peer) is not None


def missing(peer: str) -> str:
    """What to say about a peer that can't be run."""
    return f"{peer} is not installed; run: apt-get install {peer}"


def decode_cost(clip: Clip) -> float:
    """Bare decode on one thread: CPU seconds per second of video.

    Raises:
        MeasureFailed: ffmpeg is missing or fails.
    """
    _need("ffmpeg")
    command = ["ffmpeg", "-nostdin", "-v", "error", "-threads", "1", "-i", str(clip.path)]
    return run_counted([*command, "-f", "null", "-"]).cpu_s / clip.seconds


def motion_cost(clip: Clip, folder: Path, *, watch_s: float) -> float:
    """`motion` with its own settings for detection, writing nothing: CPU seconds per video second.

    It reads a file at about the pace of its time stamps, so it is watched for a part of the clip,
    and how far it came in the file says how much video that was.

    Args:
        clip: at least 8 s of constant bit rate, its index first.
        folder: for its configuration.
        watch_s: over how many seconds it is counted, real time.

    Raises:
        MeasureFailed: it is missing or does not read the clip.
    """
    _need("motion")
    settings = folder / f"{clip.path.stem}.motion.conf"
    settings.write_text(motion_settings(clip, folder), encoding="utf-8")
    size_bytes = clip.path.stat().st_size
    with started(["motion", "-n", "-c", str(settings)]) as child:
        warm_bytes = size_bytes * _WARM_S / clip.seconds
        wait_until(
            lambda: _position(child, clip.path) >= warm_bytes,
            child.process,
            seconds_max=_OPEN_S_MAX + clip.seconds,
        )
        begun = (_position(child, clip.path), cpu_s_of(child.pid))
        pause(min(watch_s, clip.seconds - 2 * _WARM_S))
        ended = (_position(child, clip.path), cpu_s_of(child.pid))
    read_s = (ended[0] - begun[0]) / size_bytes * clip.seconds
    if read_s <= 0:
        raise MeasureFailed("motion did not go on reading the clip")
    return (ended[1] - begun[1]) / read_s


def motion_settings(clip: Clip, folder: Path) -> str:
    """Write its configuration: watch this file, record and serve nothing."""
    values = {
        "daemon": "off",
        "setup_mode": "off",
        "log_level": "4",
        "target_dir": str(folder),
        "netcam_url": clip.path.resolve().as_uri(),
        "width": str(clip.size[0]),
        "height": str(clip.size[1]),
        "framerate": str(round(clip.fps)),
        "picture_output": "off",
        "movie_output": "off",
        "webcontrol_port": "0",
        "stream_port": "0",
    }
    return "".join(f"{key} {value}\n" for key, value in values.items())


def _need(peer: str) -> None:
    if not is_installed(peer):
        raise MeasureFailed(missing(peer))


def _position(child: Child, path: Path) -> int:
    """How far a process has read in a file; 0 while it has not opened it."""
    folder = Path(f"/proc/{child.pid}")
    try:
        for descriptor in (folder / "fd").iterdir():
            if descriptor.readlink() == path.resolve():
                text = (folder / "fdinfo" / descriptor.name).read_text(encoding="ascii")
                return int(text.split()[1])
    except OSError:
        return 0  # it closed the file, or ended, between two looks
    return 0
