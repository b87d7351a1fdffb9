"""Four RTSP cameras that play real clips where ../shared is there, else the sample clip."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import av

from edge.thirdparty.sample import sample_path
from tests.support.rtsp_server import GstRtspServer
from tests.support.served_process import ROOT

_SHARED = ROOT.parent / "shared" / "data" / "video"
_CLIPS = ("one_by_one_person.mp4", "cars_topdown.mp4", "people_yard_1080p_upscaled.mp4")
BUSY_RULES = """
[[rule]]
type = "intrusion"
name = "anything"
alerts_per_hour = 60
cooldown_s = 5
"""


def film_real_clips(stack: ExitStack, *, minutes: float, count: int = 4) -> dict[str, str]:
    """Run the cameras until the stack closes.

    Args:
        stack: owns them.
        minutes: each plays its clip again and again for so long, 20 at most, then ends.
        count: how many.

    Returns:
        Their names and addresses.
    """
    return {
        f"cam{index}": stack.enter_context(GstRtspServer(clip, rounds=rounds)).url
        for index, (clip, rounds) in enumerate(_clips(minutes, count))
    }


def _clips(minutes: float, count: int) -> list[tuple[Path, int]]:
    clips = [_SHARED / name for name in _CLIPS if (_SHARED / name).exists()][:count]
    clips = [*clips, *[sample_path()] * (count - len(clips))]
    return [(clip, 1 + int(min(minutes, 20) * 60 / _seconds(clip))) for clip in clips]


def _seconds(clip: Path) -> float:
    with av.open(str(clip)) as container:
        return float(container.duration or 0) / 1e6
