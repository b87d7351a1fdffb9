"""Motion on drawn clips: seen while something moves, and not while nothing does.

These rows need no footage and run everywhere.
"""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.replay.conftest import RunClip
from tests.replay.drawn import (
    FPS,
    Drawn,
    paint_drift,
    paint_grain,
    paint_step,
    paint_yard,
    save_clip,
)
from tests.replay.eye_run import MotionLine
from tests.replay.truth import Span

pytestmark = [pytest.mark.replay, pytest.mark.timeout(300)]

QUIET_SHARE_MAX = 0.03
"""Part of the quiet frames that may show motion."""
START_S_MAX = 1.0
"""Latest that motion may be seen after it began."""

ROWS = (
    # The figure comes in at the left edge at 5.6 s and is gone at 24.6 s; the car is in view from
    # 35 to 45 s. What they uncover may show for 3 s.
    Drawn(
        "yard",
        duration_s=60.0,
        paint=paint_yard,
        moving=(Span(5.8, 24.2), Span(35.2, 44.0)),
        quiet=(Span(1.0, 4.9), Span(28.0, 34.9), Span(48.0, 60.0)),
    ),
    Drawn("drift", duration_s=30.0, paint=paint_drift, moving=(), quiet=(Span(1.0, 30.0),)),
    # 3 s are left to take the new light for what it is.
    Drawn(
        "step",
        duration_s=30.0,
        paint=paint_step,
        moving=(),
        quiet=(Span(1.0, 11.9), Span(15.0, 30.0)),
    ),
    Drawn("grain", duration_s=20.0, paint=paint_grain, moving=(), quiet=(Span(1.0, 20.0),)),
)


def count_within(motion: Sequence[MotionLine], span: Span) -> int:
    """How many frames of a span show motion."""
    return len({line.t for line in motion if line.boxes and span.holds(line.t)})


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_motion_is_seen_in_its_spans_and_not_in_quiet_times(
    row: Drawn, tmp_path_factory: pytest.TempPathFactory, run_clip: RunClip
) -> None:
    clip = tmp_path_factory.mktemp("drawn") / f"{row.name}.mp4"
    save_clip(row, clip)
    motion = run_clip(clip, "--motion").lines.motion
    for span in row.moving:
        begin = Span(span.from_t, span.from_t + START_S_MAX)
        assert count_within(motion, begin), f"nothing seen to begin at {span.from_t}"
        assert count_within(motion, span) >= 0.5 * (span.to_t - span.from_t)
    for span in row.quiet:
        seen = count_within(motion, span)
        frames = (span.to_t - span.from_t) * FPS
        assert seen <= QUIET_SHARE_MAX * frames, f"{seen} of {frames:.0f} frames in {span}"
