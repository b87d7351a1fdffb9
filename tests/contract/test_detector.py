"""What `Detector` promises, asked of the real one and of the fake, well and badly behaved."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from math import isfinite

import av
import cv2
import numpy as np
import pytest

from edge.errors import ModelError
from edge.eye.ports import Detector, Rgb
from edge.eye.postprocess import suppress
from edge.eye.tflite import TfliteDetector
from edge.labels import GIVEN
from edge.thirdparty.store import DETECTOR, DETECTOR_LABELS, assets_dir, model_path
from tests.support.builders import Stage, Thing, make_frame, still
from tests.support.fake_detector import BAD, GOOD, FakeDetector, Manners


def make_real() -> Detector:
    """The adapter; skipped, and said aloud, where the model has not been fetched."""
    try:
        return TfliteDetector(model_path(DETECTOR), model_path(DETECTOR_LABELS))
    except ModelError as exc:
        pytest.skip(f"THE REAL DETECTOR IS NOT TESTED: {exc}")


def make_good_fake() -> Detector:
    return FakeDetector(GOOD)


def make_bad_fake() -> Detector:
    return FakeDetector(
        Manners(miss_share=0.2, jitter=0.2, weak_share=0.3, double_share=0.5, stray_share=1.0)
    )


@pytest.fixture(params=[make_real, make_good_fake, make_bad_fake], ids=lambda make: make.__name__)
def detector(request: pytest.FixtureRequest) -> Detector:
    make: Callable[[], Detector] = request.param
    return make()


def make_pictures(size_px: int) -> list[Rgb]:
    """Nothing at all, noise, black, white, and things on a place."""
    chance = np.random.default_rng(8)
    shape = (size_px, size_px, 3)
    things = [Thing(still((0.1, 0.2, 0.3, 0.8))), Thing(still((0.5, 0.4, 0.9, 0.6)), seed=2)]
    ((_, luma),) = Stage(things, shape=(size_px, size_px)).film(0.1, fps=10)
    return [
        np.full(shape, 127, np.uint8),
        chance.integers(0, 256, shape, np.uint8),
        np.zeros(shape, np.uint8),
        np.full(shape, 255, np.uint8),
        np.asarray(cv2.cvtColor(make_frame(luma).y, cv2.COLOR_GRAY2RGB), np.uint8),
    ]


def test_input_is_of_a_size_that_can_be_cut(detector: Detector) -> None:
    assert detector.input_px % 2 == 0
    assert 64 <= detector.input_px <= 1024
    assert detector.input_px == detector.input_px


def test_detections_are_labelled_boxes_with_a_score(detector: Detector) -> None:
    for picture in make_pictures(detector.input_px):
        for found in detector.detect(picture):
            assert found.label in GIVEN
            assert 0.0 < found.score <= 1.0
            assert type(found.score) is float
            assert all(type(side) is float and isfinite(side) for side in found.box)
            assert found.box[0] < found.box[2]
            assert found.box[1] < found.box[3]


def test_detections_come_by_falling_score_and_already_suppressed(detector: Detector) -> None:
    for picture in make_pictures(detector.input_px):
        found = detector.detect(picture)
        assert all(a.score >= b.score for a, b in pairwise(found))
        assert suppress(found) == found


def test_picture_is_not_changed_and_may_be_read_only(detector: Detector) -> None:
    for picture in make_pictures(detector.input_px):
        copy = picture.copy()
        picture.flags.writeable = False
        detector.detect(picture)
        np.testing.assert_array_equal(picture, copy)


def test_same_picture_gives_the_same_whatever_came_between(detector: Detector) -> None:
    pictures = make_pictures(detector.input_px)
    first = [detector.detect(picture) for picture in pictures]
    again = [detector.detect(picture) for picture in reversed(pictures)]
    assert first == again[::-1]


def test_two_detectors_of_one_kind_agree() -> None:
    for make in (make_good_fake, make_bad_fake):
        one, other = make(), make()
        for picture in make_pictures(one.input_px):
            assert one.detect(picture) == other.detect(picture)


def test_even_picture_shows_nothing_to_the_real_one() -> None:
    detector = make_real()
    for level in (0, 127, 255):
        shape = (detector.input_px, detector.input_px, 3)
        assert detector.detect(np.full(shape, level, np.uint8)) == []


def test_fake_finds_its_things_to_the_pixel() -> None:
    found = make_good_fake().detect(make_pictures(300)[-1])
    assert [(each.label, each.score) for each in found] == [("person", 0.85)] * 2
    assert found[0].box == pytest.approx((0.1, 0.2, 0.3, 0.8), abs=0.007)
    assert found[1].box == pytest.approx((0.5, 0.4, 0.9, 0.6), abs=0.007)


def test_badly_behaved_fake_does_all_that_it_is_said_to_do() -> None:
    fake = FakeDetector(BAD)
    counts, scores, beyond = set(), set(), 0
    for x in range(150):
        box = (0.1 + x / 300, 0.2, 0.3 + x / 300, 0.8)
        ((_, luma),) = Stage([Thing(still(box))], shape=(300, 300)).film(0.1, fps=10)
        found = fake.detect(np.asarray(cv2.cvtColor(luma, cv2.COLOR_GRAY2RGB), np.uint8))
        counts.add(len(found))
        scores |= {each.score < 0.5 for each in found}
        beyond += sum(min(each.box) < 0.0 or max(each.box) > 1.0 for each in found)
    assert {0, 1, 2} <= counts
    assert scores == {True, False}
    assert beyond > 0


def test_fake_fails_and_is_slow_when_told_to() -> None:
    waits: list[int] = []
    fake = FakeDetector(Manners(fail_at=1), on_call=lambda: waits.append(1))
    picture = make_pictures(300)[0]
    assert fake.detect(picture) == []
    with pytest.raises(ModelError):
        fake.detect(picture)
    assert fake.detect(picture) == []
    assert (fake.calls, len(waits)) == (3, 3)


def test_real_one_finds_the_people_of_the_sample() -> None:
    detector = make_real()
    sample = assets_dir() / "sample" / "yard.mp4"
    origin = sample.with_suffix(".mp4.json")
    if not origin.exists() or "vtest" not in origin.read_text(encoding="utf-8"):
        pytest.skip("there is no sample of footage; run: polewatch models fetch --sample")
    with av.open(str(sample)) as container:
        picture = next(container.decode(video=0)).to_ndarray(format="rgb24")
    side = min(picture.shape[:2])
    size = (detector.input_px, detector.input_px)
    found = detector.detect(np.asarray(cv2.resize(picture[:side, :side], size), np.uint8))
    # Four of the six who are there; with the picture wrongly scaled to the model, one.
    assert [each.label for each in found if each.score > 0.35].count("person") >= 3
    assert all(a.score >= b.score for a, b in pairwise(found))
    assert suppress(found) == found
