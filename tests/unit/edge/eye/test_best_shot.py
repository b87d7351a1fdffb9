"""The better moment is the larger, sharper, surer and whole one; ties go to the earlier."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.eye.best_shot import Moment, better, judge
from edge.model import Box, Luma, Track
from tests.support.builders import Stage, Thing, make_luma, still

BOX: Box = (0.4, 0.3, 0.55, 0.7)


def make_picture(box: Box = BOX) -> Luma:
    """A place with a crisp thing in a box."""
    ((_, luma),) = Stage([Thing(still(box))]).film(0.1, fps=10)
    return luma


def make_track(box: Box = BOX, *, score: float = 0.8) -> Track:
    return Track(1, "person", score, box, is_stationary=False, first_t=0.0, seen_t=0.0)


def worth(track: Track, luma: Luma) -> float:
    return judge(track, luma, 0).worth


def test_moment_keeps_its_time() -> None:
    assert judge(make_track(), make_picture(), 4500).pts_90k == 4500


def test_large_crisp_whole_thing_is_worth_its_score() -> None:
    assert worth(make_track(score=0.8), make_picture()) == pytest.approx(0.8)


def test_surer_is_better() -> None:
    luma = make_picture()
    assert worth(make_track(score=0.9), luma) > worth(make_track(score=0.5), luma)


def test_larger_is_better_up_to_a_third_of_the_picture() -> None:
    small: Box = (0.4, 0.5, 0.45, 0.6)
    tall: Box = (0.4, 0.1, 0.6, 0.9)
    # 0.2 + 0.8 × 0.1 / 0.35
    assert worth(make_track(small), make_picture(small)) == pytest.approx(0.8 * 0.4286, abs=1e-4)
    assert worth(make_track(tall), make_picture(tall)) == worth(make_track(), make_picture())


def test_sharper_is_better() -> None:
    crisp = make_picture()
    blurred = np.asarray(cv2.GaussianBlur(crisp, (0, 0), 4.0), np.uint8)
    assert worth(make_track(), blurred) < 0.8 * 0.6
    assert worth(make_track(), np.full_like(crisp, 100)) == pytest.approx(0.4)


@pytest.mark.parametrize(
    "box", [(0.0, 0.3, 0.2, 0.7), (0.8, 0.3, 1.0, 0.7), (0.4, 0.0, 0.6, 0.4), (0.4, 0.6, 0.6, 1.0)]
)
def test_thing_cut_by_the_border_is_worth_less_than_half(box: Box) -> None:
    assert worth(make_track(box), make_picture(box)) == pytest.approx(0.8 * 0.4)


def test_better_takes_the_worthier_and_the_earlier_on_a_tie() -> None:
    first, second = Moment(1, 0.5), Moment(2, 0.6)
    assert better(None, first) == first
    assert better(first, second) == second
    assert better(second, first) == second
    assert better(first, replace(first, pts_90k=9)) == first


sides = st.floats(0, 1)


@given(st.tuples(sides, sides), st.tuples(sides, sides), st.floats(0, 1))
def test_any_track_has_a_worth_between_nothing_and_its_score(
    one: tuple[float, float], other: tuple[float, float], score: float
) -> None:
    box = (
        min(one[0], other[0]),
        min(one[1], other[1]),
        max(one[0], other[0]),
        max(one[1], other[1]),
    )
    assert 0.0 <= worth(make_track(box, score=score), make_luma((36, 48))) <= score
