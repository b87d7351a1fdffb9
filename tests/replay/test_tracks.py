"""Floors under the metric table: what each clip's tracks have reached and must not lose.

A floor moves only with a reason in the commit. The aims stand in `evaluate`. The sets are small
and one changed look shifts all that follow, so a floor lies a box or two below what is reached:
the last bit of a score differs between machines.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from tests.replay.conftest import RunClip
from tests.replay.evaluate import evaluate_run, pool
from tests.replay.truth import Truth

pytestmark = [pytest.mark.replay, pytest.mark.timeout(300)]


@dataclass(frozen=True, slots=True)
class BoxFloor:
    """Least precision and recall at IoU 0.5 of one clip and label."""

    clip: str
    label: str
    precision: float
    recall: float

    def __str__(self) -> str:
        return f"{self.clip}-{self.label}"


@dataclass(frozen=True, slots=True)
class IdentityFloor:
    """Least IDF1 by presence, most switches, and how many tracks each visit has."""

    clip: str
    idf1: float
    switches_max: int
    tracks_per_visit: tuple[int, ...]

    def __str__(self) -> str:
        return self.clip


BOX_FLOORS = (
    BoxFloor("people_yard_vtest", "person", 0.82, 0.85),
    BoxFloor("cars_topdown", "vehicle", 0.92, 0.75),
    BoxFloor("traffic_oncoming", "vehicle", 0.92, 0.88),
    BoxFloor("person_bicycle_car", "vehicle", 0.6, 0.6),
    BoxFloor("person_bicycle_car", "cyclist", 0.5, 0.5),
)
POOLED_FLOORS = (
    BoxFloor("all", "person", 0.82, 0.85),
    BoxFloor("all", "vehicle", 0.92, 0.88),
)
IDENTITY_FLOORS = (
    IdentityFloor("one_by_one_person", 0.9, 0, (1, 1, 1, 1, 1, 1)),
    IdentityFloor("cars_topdown", 0.9, 0, (1, 2, 1)),
)


@pytest.mark.parametrize("floor", BOX_FLOORS, ids=str)
def test_boxes_keep_to_the_floor(
    floor: BoxFloor, truth_of: Callable[[str], Truth], run_clip: RunClip
) -> None:
    truth = truth_of(floor.clip)
    rows = evaluate_run(truth, run_clip(truth.clip, "--tracks"))
    (boxes,) = [row.boxes for row in rows if row.label == floor.label]
    assert boxes is not None
    reached = ((boxes.precision or 0.0) >= floor.precision, (boxes.recall or 0.0) >= floor.recall)
    assert reached == (True, True), boxes


@pytest.mark.parametrize("floor", POOLED_FLOORS, ids=str)
def test_boxes_of_all_clips_keep_to_the_floor(
    floor: BoxFloor, truth_of: Callable[[str], Truth], run_clip: RunClip
) -> None:
    names = sorted({each.clip for each in BOX_FLOORS if each.label == floor.label})
    truths = [truth_of(name) for name in names]
    results = [(truth, run_clip(truth.clip, "--tracks").lines) for truth in truths]
    (boxes,) = [row.boxes for row in pool(results) if row.label == floor.label]
    assert boxes is not None
    reached = ((boxes.precision or 0.0) >= floor.precision, (boxes.recall or 0.0) >= floor.recall)
    assert reached == (True, True), boxes


@pytest.mark.parametrize("floor", IDENTITY_FLOORS, ids=str)
def test_each_thing_keeps_one_track(
    floor: IdentityFloor, truth_of: Callable[[str], Truth], run_clip: RunClip
) -> None:
    truth = truth_of(floor.clip)
    (row,) = evaluate_run(truth, run_clip(truth.clip, "--tracks"))
    identity = row.identity
    assert identity is not None
    assert identity.idf1 is not None
    assert identity.idf1 >= floor.idf1, identity
    assert identity.switch_count <= floor.switches_max, identity
    assert identity.tracks_per_visit == floor.tracks_per_visit, identity
    assert identity.track_count == sum(floor.tracks_per_visit), identity
