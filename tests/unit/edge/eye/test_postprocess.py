"""Raw numbers become boxes where they belong, each thing once, in an order of their own."""

from __future__ import annotations

import random
from math import exp, log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.box import iou
from edge.eye.postprocess import (
    THRESHOLDS,
    Floats,
    above_thresholds,
    decode_ssd,
    make_ssd_anchors,
    place,
    suppress,
)
from edge.labels import GIVEN, group_of
from edge.model import Box, Detection
from tests.support.builders import make_detection

WHOLE: Box = (0.0, 0.0, 1.0, 1.0)
CLASSES = {1: "person", 2: "car"}
NEVER = -20.0

boxes = st.tuples(
    st.floats(0, 0.8), st.floats(0, 0.8), st.floats(0.01, 0.5), st.floats(0.01, 0.5)
).map(lambda it: (it[0], it[1], it[0] + it[2], it[1] + it[3]))
detections = st.builds(
    Detection,
    label=st.sampled_from(["person", "car", "truck", "dog"]),
    score=st.sampled_from([0.3, 0.5, 0.5, 0.7, 0.9]),
    box=boxes,
)


def test_anchors_are_those_of_the_model() -> None:
    anchors = make_ssd_anchors()
    assert anchors.shape == (1917, 4)
    assert anchors.dtype == np.float32
    # First cell of the first map: half a nineteenth in, and its three shapes.
    assert anchors[0] == pytest.approx((0.5 / 19, 0.5 / 19, 0.1, 0.1), abs=1e-6)
    assert anchors[1] == pytest.approx((0.5 / 19, 0.5 / 19, 0.1414214, 0.2828427), abs=1e-6)
    assert anchors[2] == pytest.approx((0.5 / 19, 0.5 / 19, 0.2828427, 0.1414214), abs=1e-6)
    # Column before row: the second cell is to the right.
    assert anchors[3][:2] == pytest.approx((0.5 / 19, 1.5 / 19), abs=1e-6)
    # 19 × 19 × 3 anchors on, the second map begins, six shapes a cell.
    assert anchors[1083] == pytest.approx((0.05, 0.05, 0.35, 0.35), abs=1e-6)
    assert anchors[1088] == pytest.approx((0.05, 0.05, 0.4183300, 0.4183300), abs=1e-6)
    # The last one: the whole picture at the mean of .95 and 1.
    assert anchors[1916] == pytest.approx((0.5, 0.5, 0.9746794, 0.9746794), abs=1e-6)


def make_raw(
    *rows: tuple[tuple[float, float, float, float], tuple[float, float, float]],
) -> tuple[Floats, Floats, Floats]:
    """Encodings, logits (background, person, car) and anchors: each a quarter, in the middle."""
    encodings = np.array([row[0] for row in rows], np.float32)
    logits = np.array([row[1] for row in rows], np.float32)
    anchors = np.tile(np.array([0.5, 0.5, 0.2, 0.1], np.float32), (len(rows), 1))
    return encodings, logits, anchors


def logit(score: float) -> float:
    return log(score / (1 - score))


def test_hand_made_encoding_is_decoded() -> None:
    encodings, logits, anchors = make_raw(
        ((5.0, -10.0, 5 * log(2), 5 * log(3)), (NEVER, logit(0.8), NEVER))
    )
    (found,) = decode_ssd(encodings, logits, anchors, classes=CLASSES)
    assert found.label == "person"
    assert found.score == pytest.approx(0.8, abs=1e-6)
    # Centre (0.5 - 10/10 × 0.1, 0.5 + 5/10 × 0.2) = (0.4, 0.6), size 3 × 0.1 by 2 × 0.2.
    assert found.box == pytest.approx((0.25, 0.4, 0.55, 0.8), abs=1e-6)


def test_label_is_the_best_of_those_known_and_others_do_not_count() -> None:
    encodings, logits, anchors = make_raw(
        ((0, 0, 0, 0), (logit(0.9), logit(0.3), logit(0.6))),
    )
    (found,) = decode_ssd(encodings, logits, anchors, classes=CLASSES)
    assert (found.label, round(found.score, 4)) == ("car", 0.6)


@pytest.mark.parametrize(("score", "count"), [(0.26, 1), (0.24, 0)])
def test_weak_scores_are_left_out(score: float, count: int) -> None:
    raw = make_raw(((0, 0, 0, 0), (NEVER, logit(score), NEVER)))
    assert len(decode_ssd(*raw, classes=CLASSES)) == count


def test_decoded_are_ordered_by_score_and_suppressed() -> None:
    raw = make_raw(
        ((0, 0, 0, 0), (NEVER, logit(0.5), NEVER)),
        ((0.1, 0.1, 0, 0), (NEVER, logit(0.9), NEVER)),
        ((0, 40.0, 0, 0), (NEVER, NEVER, logit(0.95))),
    )
    found = decode_ssd(*raw, classes=CLASSES)
    assert [(each.label, round(each.score, 2)) for each in found] == [
        ("car", 0.95),
        ("person", 0.9),
    ]


def test_absurd_size_code_gives_a_finite_box() -> None:
    raw = make_raw(((0, 0, 1e6, 1e6), (NEVER, 5.0, NEVER)))
    (found,) = decode_ssd(*raw, classes=CLASSES)
    assert found.box[3] - found.box[1] == pytest.approx(0.2 * exp(5), rel=1e-5)


def test_nothing_raw_gives_nothing() -> None:
    raw = make_raw(((0, 0, 0, 0), (NEVER, NEVER, NEVER)))
    assert decode_ssd(*raw, classes=CLASSES) == []


def test_better_of_two_boxes_on_one_thing_stays() -> None:
    better = make_detection((0.1, 0.1, 0.3, 0.5), score=0.9)
    worse = make_detection((0.12, 0.1, 0.32, 0.5), score=0.6)
    assert suppress([worse, better]) == [better]


def test_truck_and_car_on_one_spot_are_one_thing_and_a_person_there_another() -> None:
    box = (0.1, 0.1, 0.5, 0.5)
    truck, car = make_detection(box, label="truck", score=0.6), make_detection(box, label="car")
    person = make_detection(box, score=0.4)
    assert suppress([truck, car, person]) == [car, person]


def test_part_of_a_better_box_goes_and_a_neighbour_stays() -> None:
    whole = make_detection((0.1, 0.1, 0.5, 0.9), score=0.9)
    head = make_detection((0.2, 0.12, 0.4, 0.3), score=0.7)
    neighbour = make_detection((0.4, 0.1, 0.8, 0.9), score=0.7)
    assert suppress([head, whole, neighbour]) == [whole, neighbour]


@given(st.lists(detections, max_size=8), st.randoms(use_true_random=False))
def test_order_of_the_input_means_nothing(found: list[Detection], chance: random.Random) -> None:
    shuffled = found.copy()
    chance.shuffle(shuffled)
    assert suppress(found) == suppress(shuffled)


def test_one_box_under_two_labels_with_one_score_is_always_the_same_one() -> None:
    car, truck = make_detection(label="car"), make_detection(label="truck")
    assert suppress([car, truck]) == suppress([truck, car]) == [car]


@given(st.lists(detections, max_size=8))
def test_suppressed_are_ordered_few_and_apart(found: list[Detection]) -> None:
    kept = suppress(found)
    assert suppress(kept) == kept
    assert [each.score for each in kept] == sorted((each.score for each in kept), reverse=True)
    for index, one in enumerate(kept):
        for other in kept[index + 1 :]:
            is_rival = group_of(one.label) == group_of(other.label)
            assert not is_rival or iou(one.box, other.box) <= 0.45


def test_box_is_moved_from_the_crop_into_the_frame() -> None:
    (placed,) = place([make_detection((0.25, 0.5, 0.75, 0.9))], (0.2, 0.4, 0.6, 0.8))
    assert placed.box == pytest.approx((0.3, 0.6, 0.5, 0.76))


@pytest.mark.parametrize(
    "box", [(0.01, 0.3, 0.5, 0.7), (0.3, 0.01, 0.5, 0.7), (0.3, 0.3, 0.99, 0.7), (0.3, 0.3, 0.5, 1)]
)
def test_box_at_a_border_of_the_crop_is_dropped_unless_the_frame_ends_there(box: Box) -> None:
    found = [make_detection(box)]
    assert place(found, (0.2, 0.2, 0.8, 0.8)) == []
    assert len(place(found, WHOLE)) == 1
    assert len(place(found, (-0.1, -0.1, 1.1, 1.1))) == 1


def test_each_border_counts_for_itself() -> None:
    at_left, at_right = make_detection((0.0, 0.3, 0.4, 0.7)), make_detection((0.6, 0.3, 1.0, 0.7))
    left_half, right_half = (0.0, 0.25, 0.5, 0.75), (0.5, 0.25, 1.0, 0.75)
    assert [each.box[0] for each in place([at_left, at_right], left_half)] == [0.0]
    assert [each.box[2] for each in place([at_left, at_right], right_half)] == [1.0]


@given(st.lists(detections, max_size=4), boxes, st.floats(-0.5, 0.5))
def test_placed_boxes_lie_in_the_frame_and_have_a_size(
    found: list[Detection], crop: Box, shift: float
) -> None:
    crop = (crop[0] + shift, crop[1] - shift, crop[2] + shift, crop[3] - shift)
    for each in place(found, crop):
        x_min, y_min, x_max, y_max = each.box
        assert 0.0 <= x_min < x_max <= 1.0
        assert 0.0 <= y_min < y_max <= 1.0


def test_labels_without_a_threshold_are_left_out() -> None:
    found = [make_detection(score=0.5), make_detection(label="car", score=0.5)]
    assert above_thresholds({"person": 0.5}, found) == [found[0]]
    assert above_thresholds({"person": 0.51}, found) == []


def test_whatever_the_detector_gives_has_a_threshold() -> None:
    assert set(THRESHOLDS) == GIVEN
