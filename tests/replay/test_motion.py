"""Motion on clips drawn by code: seen while something moves, and not while nothing does.

These rows need no footage and run everywhere. The detector, trained on photographs, need not know
what is drawn, so they ask for motion only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from tests.replay.conftest import RunClip
from tests.replay.eye_run import MotionLine
from tests.replay.truth import Span
from tests.support.video import Scene, Shot, Visit, make_clip

pytestmark = [pytest.mark.replay, pytest.mark.timeout(300)]

QUIET_SHARE_MAX = 0.03
"""Part of the quiet frames that may show motion."""
START_S_MAX = 1.0
"""Latest that motion may be seen after it began."""
VISITS = (Visit(5.0, 11.0), Visit(20.0, 28.0, y_min=0.3, width=0.06, height=0.2))
MOVING = (Span(5.2, 10.8), Span(20.2, 27.8))
GAPS = (Span(1.0, 4.9), Span(14.0, 19.9), Span(31.0, 40.0))
"""3 s after a visit are left for what it uncovered."""


@dataclass(frozen=True, slots=True)
class Row:
    """What is drawn, for how long, when something must be seen moving and when nothing."""

    name: str
    scene: Scene
    seconds: float
    moving: tuple[Span, ...]
    quiet: tuple[Span, ...]

    def __str__(self) -> str:
        return self.name


ROWS = (
    Row("visits", Scene(visits=VISITS), 40.0, MOVING, GAPS),
    Row("visits_in_drift", Scene(visits=VISITS, drift_per_s=1.0), 40.0, MOVING, GAPS),
    Row("visits_in_noise", Scene(visits=VISITS, noise=6.0), 40.0, MOVING, GAPS),
    # 5 s are left to take the new light for what it is.
    Row("step", Scene(step_at_s=12.0), 30.0, (), (Span(1.0, 11.9), Span(17.0, 30.0))),
    Row("dark_step", Scene(step_at_s=12.0, step_by=-40.0), 30.0, (), (Span(17.0, 30.0),)),
)


def count_within(motion: Sequence[MotionLine], span: Span) -> int:
    """How many frames of a span show motion."""
    return len({line.t for line in motion if line.boxes and span.holds(line.t)})


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_motion_is_seen_in_its_spans_and_not_in_quiet_times(
    row: Row, tmp_path_factory: pytest.TempPathFactory, run_clip: RunClip
) -> None:
    shot = Shot(seconds=row.seconds, size=(640, 480))
    clip = make_clip(tmp_path_factory.mktemp("drawn") / f"{row.name}.mp4", row.scene, shot).path
    motion = run_clip(clip, "--motion").lines.motion
    for span in row.moving:
        begin = Span(span.from_t, span.from_t + START_S_MAX)
        assert count_within(motion, begin), f"nothing seen to begin at {span.from_t}"
        # An awake eye looks at least five times a second; half of that may be missed.
        assert count_within(motion, span) >= 2.5 * (span.to_t - span.from_t)
    for span in row.quiet:
        seen = count_within(motion, span)
        frames = (span.to_t - span.from_t) * shot.fps
        assert seen <= QUIET_SHARE_MAX * frames, f"{seen} of {frames:.0f} frames in {span}"
