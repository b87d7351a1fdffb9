"""When a file that was played to its end is played again."""

from __future__ import annotations

import pytest

from edge.agent.eyes.eye_keeper import choose_pause_s


@pytest.mark.parametrize(("played_s", "pause_s"), [(0.1, None), (4.9, None), (5.0, 1.0)])
def test_file_is_played_again_at_once_unless_it_is_over_at_once(
    played_s: float, pause_s: float | None
) -> None:
    """A file of one frame made a fork and a record each second, for ever."""
    assert choose_pause_s(played_s) == pause_s
