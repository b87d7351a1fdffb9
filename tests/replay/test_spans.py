"""The replay table: which alerts a clip must open and when, through the real command.

A changed span needs a reason in the commit. Rows run with the rule used where none is given: one
intrusion rule over the whole picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.replay.conftest import RunClip
from tests.replay.eye_run import AlertLine
from tests.replay.truth import Span

pytestmark = [pytest.mark.replay, pytest.mark.timeout(300)]

RULES = Path(__file__).parent / "rules"
ALERTS_PER_HOUR_MAX = 6
"""Of one rule and camera; no clip is an hour long."""


@dataclass(frozen=True, slots=True)
class Row:
    """What one clip must give: an alert opening in each of `opens`, and none in `empty`."""

    clip: str
    opens: tuple[Span, ...]
    empty: tuple[Span, ...] = ()
    rules: str | None = None

    def __str__(self) -> str:
        return f"{self.clip}-{self.rules or 'default'}"


ROWS = (
    # Visits begin at 6.1, 22.8, 50.3, 74.5, 92.1 and 123.6 s, good to 0.5 s; 3 s to tell of them.
    Row(
        "one_by_one_person",
        opens=(
            *(Span(5.6, 9.1), Span(22.3, 25.8), Span(49.8, 53.3)),
            *(Span(74.0, 77.5), Span(91.6, 95.1), Span(123.1, 126.6)),
        ),
        empty=(
            *(Span(0.0, 5.6), Span(20.5, 22.3), Span(45.6, 49.8), Span(70.4, 74.0)),
            *(Span(87.4, 91.6), Span(120.2, 123.1), Span(136.4, 139.4)),
        ),
    ),
    # The second span holds two cars that pass each other.
    Row(
        "cars_topdown",
        opens=(Span(4.4, 7.5), Span(14.5, 17.7), Span(25.2, 28.2)),
        empty=(Span(0.0, 4.3), Span(9.5, 14.4), Span(19.5, 25.0), Span(28.3, 30.2)),
    ),
    # The rear or front nearest the lower edge crosses the middle at 15.8 s (teal) and 26.1 s
    # (white), going down; the two that go up must not count. 1.2 s to tell of it.
    Row(
        "cars_topdown",
        rules="cars_down.toml",
        opens=(Span(15.5, 17.0), Span(25.8, 27.3)),
        empty=(Span(0.0, 15.5), Span(17.1, 25.7), Span(27.8, 30.2)),
    ),
    # Going up at 7.0 s (white) and 17.6 s (red, 2 s after the teal one beside it).
    Row(
        "cars_topdown",
        rules="cars_up.toml",
        opens=(Span(6.7, 8.2), Span(17.3, 18.8)),
        empty=(Span(0.0, 6.7), Span(9.5, 17.2), Span(19.5, 30.2)),
    ),
    # The second, third and fifth visitor stay longer than 15 s; the others 12 to 14 s.
    Row(
        "one_by_one_person",
        rules="stays_15s.toml",
        opens=(Span(37.3, 40.8), Span(64.8, 68.3), Span(106.6, 110.1)),
        empty=(Span(0.0, 37.3), Span(45.6, 64.8), Span(70.4, 106.6), Span(120.2, 139.4)),
    ),
    # Somebody is in view from the first frame to the last in these.
    Row("people_yard_vtest", opens=(Span(0.0, 3.0),)),
    Row("traffic_oncoming", opens=(Span(0.0, 3.0),)),
    Row("person_bicycle_car", opens=(Span(0.0, 3.0),)),
)


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_alerts_open_in_their_spans_and_nowhere_empty(
    row: Row, clips: Path, run_clip: RunClip
) -> None:
    (clip,) = [path for path in clips.glob(f"{row.clip}.*") if path.suffix != ".json"]
    given = ("--rules", str(RULES / row.rules)) if row.rules else ()
    lines = run_clip(clip, "--tracks", *given).lines
    opened = [line.t for line in lines.opened]
    missing = [span for span in row.opens if not any(span.holds(t) for t in opened)]
    wrong = [t for t in opened if any(span.holds(t) for span in row.empty)]
    assert (missing, wrong) == ([], []), f"alerts opened at {opened}"
    assert len(opened) <= ALERTS_PER_HOUR_MAX
    check_lives(lines.alerts)


def check_lives(alerts: Sequence[AlertLine]) -> None:
    """Each alert opens once, first, and closes once, last."""
    lives: dict[str, list[AlertLine]] = {}
    for line in alerts:
        if line.phase != "limited":
            lives.setdefault(line.alert, []).append(line)
    for name, life in lives.items():
        phases = [line.phase for line in life]
        assert (phases[0], phases[-1]) == ("open", "close"), f"alert {name}: {phases}"
        assert set(phases[1:-1]) <= {"update"}, f"alert {name}: {phases}"
        assert [line.t for line in life] == sorted(line.t for line in life), f"alert {name}"
