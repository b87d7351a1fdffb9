"""Subjects: one for each thing, also when the tracker gives it another id."""

from __future__ import annotations

from dataclasses import replace

import pytest

from edge.eye.rules import identity
from edge.eye.rules.identity import Known
from edge.model import Track
from tests.support.tracks import make_track

OLD = replace(make_track(1), seen_t=10.0)
NEW = replace(make_track(2), first_t=10.5, seen_t=10.5)


def subjects(*frames: tuple[float, list[Track]]) -> list[int]:
    known: tuple[Known, ...] = ()
    seen = []
    for t, tracks in frames:
        known, found = identity.step(known, tracks, t)
        seen = [each.subject for each in found]
    return seen


@pytest.mark.parametrize(
    ("new", "expected"),
    [
        (NEW, 1),
        (replace(NEW, first_t=11.5), 2),
        (replace(NEW, box=(0.7, 0.7, 0.8, 0.9)), 2),
        (replace(NEW, label="car"), 2),
        (replace(NEW, label="object"), 1),
        (replace(NEW, first_t=8.0), 2),
    ],
    ids=["same", "late", "elsewhere", "another thing", "unsure", "was there before"],
)
def test_new_track_is_the_same_subject_when_it_goes_on_where_one_ended(
    new: Track, expected: int
) -> None:
    assert subjects((10.0, [OLD]), (10.25, []), (10.5, [new])) == [expected]


def test_new_track_is_another_subject_when_the_old_one_lives() -> None:
    assert subjects((10.0, [OLD]), (10.5, [OLD, NEW])) == [1, 2]


def test_new_track_is_another_subject_when_the_old_one_was_only_held_on_to() -> None:
    lost = replace(OLD, seen_t=8.0)
    assert subjects((10.0, [lost]), (10.25, []), (10.5, [NEW])) == [2]
    still = replace(lost, is_stationary=True)
    assert subjects((10.0, [still]), (10.25, []), (10.5, [NEW])) == [1]


def test_one_ended_track_is_continued_by_one_new_track_only() -> None:
    twin = replace(NEW, track=3)
    assert subjects((10.0, [OLD]), (10.5, [NEW, twin])) == [1, 3]


def test_subject_outlasts_several_switches() -> None:
    third = replace(NEW, track=3, first_t=11.0, seen_t=11.0)
    assert subjects((10.0, [OLD]), (10.5, [NEW]), (11.0, [third])) == [1]
