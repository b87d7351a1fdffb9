"""Frames in, tracks out: the thing on the stage is followed by whatever detector there is."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache

import numpy as np
import pytest

from edge.box import area, iou
from edge.errors import ModelError
from edge.eye.analysis import Analysis, Scope, Seen
from edge.eye.subject import clip
from edge.model import Box, Luma
from tests.support.builders import SHAPE, Stage, Thing, make_frame, make_luma, still, walk
from tests.support.fake_detector import BAD, GOOD, FakeDetector, Manners

LARGE = (270, 360)
FPS = 10.0
Path = Callable[[float], Box | None]
WALK = walk((-0.1, 0.3, 0.0, 0.7), (0.12, 0.0), from_t=1.0)


@cache
def film_walk() -> tuple[tuple[float, Luma], ...]:
    """Eleven seconds of the walker: the last one is empty again."""
    return tuple(Stage([Thing(WALK)], shape=LARGE).film(11, fps=FPS))


def analyse(
    pictures: Iterable[tuple[float, Luma]],
    detector: FakeDetector | None = None,
    *,
    scope: Scope | None = None,
    is_awake: bool = True,
) -> list[Seen]:
    """Analyse pictures one after the other."""
    analysis = Analysis(detector or FakeDetector(GOOD), scope or Scope())
    return [
        analysis.take(analysis.glance(make_frame(luma, t=t)), is_awake=is_awake)
        for t, luma in pictures
    ]


def share_followed(seen: list[Seen], path: Path) -> float:
    """Share of the frames with most of a thing in them that have a track on it, IoU 0.5."""
    hits = []
    for each in seen:
        box = path(each.frame.t)
        if box is None or area(clip(box)) < 0.5 * area(box):
            continue
        hits.append(any(iou(track.box, clip(box)) >= 0.5 for track in each.tracks))
    return sum(hits) / len(hits)


def track_ids(seen: list[Seen]) -> set[int]:
    return {track.track for each in seen for track in each.tracks}


def test_empty_place_has_no_tracks_and_does_not_keep_the_eye_awake() -> None:
    seen = analyse(Stage().film(5, fps=FPS))
    assert track_ids(seen) == set()
    assert not any(each.is_active for each in seen)


def test_thing_that_walks_through_is_one_track_on_nine_frames_of_ten() -> None:
    seen = analyse(film_walk())
    assert track_ids(seen) == {1}
    assert share_followed(seen, WALK) >= 0.9
    assert seen[-1].tracks == ()
    assert all(each.is_active for each in seen if each.tracks)


def test_thing_is_followed_on_nine_frames_of_ten_though_the_detector_misbehaves() -> None:
    shares = []
    for seed in (1, 2, 3, 4):
        seen = analyse(film_walk()[:100], FakeDetector(BAD, seed=seed))
        shares.append(share_followed(seen, WALK))
    assert sum(shares) / len(shares) >= 0.9
    assert min(shares) >= 0.7


def test_two_things_are_two_tracks_that_stay_on_their_things() -> None:
    other = walk((0.95, 0.04, 1.05, 0.22), (-0.12, 0.0), from_t=1.0)
    seen = analyse(Stage([Thing(WALK), Thing(other, seed=8)], shape=LARGE).film(9, fps=FPS))
    assert track_ids(seen) == {1, 2}
    assert share_followed(seen, WALK) >= 0.9
    assert share_followed(seen, other) >= 0.9


def test_thing_that_stands_there_from_the_first_frame_is_found_and_comes_to_rest() -> None:
    box = (0.4, 0.3, 0.5, 0.7)
    seen = analyse(Stage([Thing(still(box))], shape=LARGE).film(12, fps=FPS))
    assert share_followed(seen[100:], still(box)) == 1.0
    assert seen[-1].tracks[0].is_stationary
    assert not seen[-1].is_active


def test_same_pictures_give_the_same() -> None:
    def run() -> list[tuple[object, ...]]:
        seen = analyse(film_walk()[:40], FakeDetector(BAD))
        return [(each.motion, each.detections, each.tracks, each.inferences) for each in seen]

    assert run() == run()


def test_looks_keep_to_the_budget_and_are_counted() -> None:
    detector = FakeDetector(GOOD)
    seen = analyse(film_walk()[:80], detector)
    assert sum(each.inferences for each in seen) == detector.calls
    assert 8 <= detector.calls <= 8 * 2.1 + 5
    assert seen[0].inferences == 1


def test_asleep_it_looks_but_once_a_minute() -> None:
    detector = FakeDetector(GOOD)
    analyse(Stage([Thing(WALK)]).film(8, fps=FPS), detector, is_awake=False)
    assert detector.calls == 1


def test_thing_whose_foot_is_in_an_ignored_place_is_not_seen() -> None:
    lower = ((0.0, 0.6), (1.0, 0.6), (1.0, 1.0), (0.0, 1.0))
    assert track_ids(analyse(film_walk()[:60], scope=Scope(ignore=(lower,)))) == set()
    upper = ((0.0, 0.0), (1.0, 0.0), (1.0, 0.25), (0.0, 0.25))
    assert track_ids(analyse(film_walk()[:60], scope=Scope(ignore=(upper,)))) == {1}


def test_glance_says_whether_there_is_reason_to_wake_and_changes_nothing() -> None:
    analysis = Analysis(FakeDetector(GOOD), Scope())
    empty = make_luma()
    assert not analysis.glance(make_frame(empty, t=0.0)).is_suspicious
    analysis.take(analysis.glance(make_frame(empty, t=0.0)), is_awake=True)
    ((_, busy),) = Stage([Thing(still((0.4, 0.3, 0.5, 0.7)))]).film(0.1, fps=FPS)
    for _ in range(3):
        glance = analysis.glance(make_frame(busy, t=1.0))
        assert glance.is_suspicious
        assert len(glance.motion.boxes) == 1
    assert not analysis.glance(make_frame(empty, t=1.0)).is_suspicious


def test_scene_change_is_a_reason_to_look_at_the_whole_and_no_motion() -> None:
    blocks = np.random.default_rng(5).integers(60, 200, (18, 24), np.uint8)
    elsewhere = np.repeat(np.repeat(blocks, 10, axis=0), 10, axis=1)
    pictures = [(index / FPS, make_luma() if index < 20 else elsewhere) for index in range(28)]
    seen = analyse(pictures)
    assert [index for index, each in enumerate(seen) if each.inferences and index > 0] == [20]
    assert not any(each.motion for each in seen)


def test_forgotten_scene_is_learnt_anew() -> None:
    analysis = Analysis(FakeDetector(GOOD), Scope())
    analysis.take(analysis.glance(make_frame(make_luma(), t=0.0)), is_awake=True)
    analysis.forget_scene()
    glance = analysis.glance(make_frame(make_luma(seed=9), t=0.1))
    assert glance.motion.boxes == ()
    assert not glance.motion.is_scene_change


def test_tracks_of_a_forgotten_scene_end_and_their_ids_are_not_given_again() -> None:
    analysis = Analysis(FakeDetector(GOOD), Scope())
    ids = []
    for index, (t, luma) in enumerate(film_walk()[:60]):
        if index == 40:
            analysis.forget_scene()
        seen = analysis.take(analysis.glance(make_frame(luma, t=t)), is_awake=True)
        ids.append([track.track for track in seen.tracks])
    assert (ids[39], ids[40]) == ([1], [])
    assert ids[-1] == [2]


def test_size_that_changes_in_mid_stream_is_a_new_scene() -> None:
    small, large = Stage(shape=(90, 120)).film(1, fps=FPS), Stage(shape=SHAPE).film(1, fps=FPS)
    seen = analyse([*small, *((t + 1.0, luma) for t, luma in large)])
    assert len(seen) == 20
    assert not any(each.motion for each in seen)


def test_dark_picture_is_called_dark() -> None:
    (dark,) = analyse([(0.0, np.full(SHAPE, 17, np.uint8))])
    (dim,) = analyse([(0.0, np.full(SHAPE, 30, np.uint8))])
    assert (dark.is_dark, dim.is_dark) == (True, False)


def test_looking_everywhere_takes_the_whole_and_nine_crops_of_each_frame() -> None:
    seen = analyse(Stage(shape=LARGE).film(0.3, fps=FPS), scope=Scope(looks_everywhere=True))
    assert [each.inferences for each in seen] == [10, 10, 10]


def test_detector_that_fails_is_heard_of() -> None:
    with pytest.raises(ModelError):
        analyse(Stage().film(1, fps=FPS), FakeDetector(Manners(fail_at=0)))
