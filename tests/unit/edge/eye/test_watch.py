"""The watch decodes no more than it must, and misses nothing that happened in between."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterable
from dataclasses import replace
from itertools import accumulate

import pytest

from edge.errors import ModelError
from edge.eye.analysis import Analysis, Scope, Seen
from edge.eye.ports import Detector, Rgb
from edge.eye.ring import Ring
from edge.eye.watch import SETTLE_S, Watch
from edge.model import Box, Detection, Luma, Packet, StreamFormat
from tests.support.builders import SHAPE, Stage, Thing, make_luma, still, walk
from tests.support.fake_detector import GOOD, FakeDetector, Manners
from tests.support.streams import delay, encode_stream

FPS = 10.0
BOX: Box = (0.1, 0.3, 0.2, 0.7)
ENTERS_S = 10.35
"""In the middle of a GOP: the keyframe at 11 s is the first to show it."""


class Post:
    """A watch with its ring, fed by packets."""

    def __init__(
        self,
        manners: Manners = GOOD,
        *,
        is_held_open: bool = False,
        detector: Detector | None = None,
    ) -> None:
        self.detector = FakeDetector(manners)
        self.ring = Ring(bytes_max=10**7, seconds_max=30.0)
        analysis = Analysis(detector or self.detector, Scope())
        self.watch = Watch(analysis, self.ring, is_held_open=is_held_open)

    def begin(self, stream_format: StreamFormat) -> None:
        """A format comes."""
        self.ring.begin(stream_format)
        self.watch.begin(stream_format)

    def push(self, packets: Iterable[Packet]) -> list[Seen]:
        """Packets come; what was seen."""
        seen = []
        for packet in packets:
            self.ring.append(packet)
            seen += self.watch.push(packet)
        return seen

    def play(
        self, pictures: Iterable[tuple[float, Luma]], *, fps: float = FPS, gop_s: float = 1.0
    ) -> list[Seen]:
        """Encode pictures, watch them to the end."""
        stream_format, packets = encode_stream(pictures, fps=fps, gop_s=gop_s)
        self.begin(stream_format)
        return self.push(packets) + self.watch.drain()


def times(seen: list[Seen]) -> list[float]:
    return [round(each.frame.t, 3) for each in seen]


def make_visit() -> Stage:
    """Something steps into the picture and walks on."""
    return Stage([Thing(walk(BOX, (0.1, 0.0), from_t=ENTERS_S))])


def test_every_frame_is_decoded_at_first_and_keyframes_only_once_it_is_idle() -> None:
    post = Post()
    seen = post.play(Stage().film(20, fps=FPS))
    counters = post.watch.counters
    assert counters.frames == 200
    # 3 s to fall asleep, then one frame a second.
    assert times(seen) == [index / FPS for index in range(31)] + list(range(4, 20))
    assert counters.decoded == len(seen)
    assert counters.distinct == len(seen)
    assert counters.inferences == post.detector.calls
    assert not post.watch.is_awake


def test_waking_goes_back_to_where_the_motion_began() -> None:
    post = Post()
    seen = post.play(make_visit().film(14, fps=FPS))
    first = next(each for each in seen if each.motion)
    assert first.frame.t == pytest.approx(10.4)
    assert post.watch.is_awake
    assert times(seen)[31:] == [4, 5, 6, 7, 8, 9, 10, *(index / FPS for index in range(101, 140))]


def test_frames_come_in_order_and_once_when_it_wakes() -> None:
    seen = times(Post().play(make_visit().film(16, fps=FPS)))
    assert seen == sorted(set(seen))


def test_what_woke_it_is_looked_at_and_becomes_a_track() -> None:
    seen = Post().play(make_visit().film(14, fps=FPS))
    assert min(each.frame.t for each in seen if each.tracks) <= ENTERS_S + 1.0
    assert {track.track for each in seen for track in each.tracks} == {1}


def test_it_falls_asleep_again_when_the_visit_is_over() -> None:
    stage = Stage([Thing(walk(BOX, (0.3, 0.0), from_t=5.35, to_t=9.0))])
    post = Post()
    seen = times(post.play(stage.film(20, fps=FPS)))
    assert [t for t in seen if t >= 16] == [16, 17, 18, 19]
    assert not post.watch.is_awake


class CornerDetector:
    """Notes the looks that show both of two far corners' marks: those at the whole."""

    def __init__(self) -> None:
        self.inner = FakeDetector(GOOD)
        self.wholes: list[int] = []

    @property
    def input_px(self) -> int:
        return self.inner.input_px

    def detect(self, picture: Rgb) -> list[Detection]:
        found = self.inner.detect(picture)
        sides = [(box.box[0], box.box[2]) for box in found]
        if any(start < 0.1 for start, _ in sides) and any(end > 0.9 for _, end in sides):
            self.wholes.append(self.inner.calls)
        return found


def test_waking_on_a_long_gop_looks_at_the_whole_once_what_comes_has_come_in() -> None:
    corners = [(0.0, 0.05, 0.08, 0.2), (0.92, 0.75, 1.0, 0.9)]
    walker = Thing(walk((0.45, 1.0, 0.52, 1.18), (0.0, -0.1), from_t=6.0))
    stage = Stage([*(Thing(still(box)) for box in corners), walker], shape=(360, 480))
    detector = CornerDetector()
    post = Post(detector=detector)
    seen = post.play(stage.film(9.0, fps=FPS), gop_s=5.0)
    counts = list(accumulate(each.inferences for each in seen))
    whole_t = [
        seen[next(i for i, n in enumerate(counts) if n >= call)].frame.t for call in detector.wholes
    ]
    assert whole_t[0] == 0
    woken_t = next(each.frame.t for each in seen if each.motion and each.frame.t > 5)
    assert [t for t in whole_t if t > 1] == [pytest.approx(woken_t + SETTLE_S, abs=0.25)]


def test_long_gop_is_decoded_whole_and_analysed_twice_a_second_while_idle() -> None:
    post = Post()
    seen = times(post.play(Stage().film(20, fps=FPS), gop_s=10.0))
    assert post.watch.counters.decoded == 200
    assert [t for t in seen if t > 3] == [3.5 + index / 2 for index in range(33)]


def test_visit_between_far_keyframes_is_not_missed() -> None:
    stage = Stage([Thing(walk(BOX, (0.3, 0.0), from_t=11.2, to_t=14.0))])
    seen = Post().play(stage.film(20, fps=FPS), gop_s=10.0)
    assert min(each.frame.t for each in seen if each.motion) <= 11.7
    assert {track.track for each in seen for track in each.tracks} == {1}


@pytest.mark.parametrize(("fps", "per_s"), [(25.0, 12.5), (30.0, 10.0)])
def test_fast_stream_is_analysed_ten_times_a_second_or_so_while_awake(
    fps: float, per_s: float
) -> None:
    stage = Stage([Thing(walk(BOX, (0.1, 0.0)))])
    seen = Post().play(stage.film(4, fps=fps), fps=fps)
    assert len(seen) == pytest.approx(4 * per_s, abs=1)


def test_held_open_it_analyses_every_frame() -> None:
    post = Post(is_held_open=True)
    assert len(post.play(Stage().film(8, fps=FPS))) == 80
    assert post.watch.is_awake


def test_same_keyframe_for_ten_seconds_is_a_frozen_camera() -> None:
    post = Post()
    stream_format, packets = encode_stream(Stage().film(1, fps=FPS), fps=FPS)
    post.begin(stream_format)
    post.push(delay(packet, second) for second in range(10) for packet in packets)
    was_frozen = post.watch.is_frozen
    post.push([delay(packets[0], 10)])
    assert (was_frozen, post.watch.is_frozen) == (False, True)
    distinct = post.watch.counters.distinct
    post.push(delay(packet, second) for second in range(11, 20) for packet in packets)
    assert post.watch.counters.distinct == distinct
    assert post.watch.is_frozen


def test_keyframe_that_differs_ends_the_freeze() -> None:
    post = Post()
    stream_format, packets = encode_stream(Stage().film(12, fps=FPS), fps=FPS)
    post.begin(stream_format)
    post.push(delay(packet, second) for second in range(12) for packet in packets[:10])
    was_frozen = post.watch.is_frozen
    post.push([delay(packets[10], 2)])
    assert (was_frozen, post.watch.is_frozen) == (True, False)


def test_live_camera_before_an_empty_place_is_not_frozen() -> None:
    post = Post()
    post.play(Stage(noise=1.5).film(20, fps=FPS))
    assert not post.watch.is_frozen


@pytest.mark.parametrize("paused_at", [10, 50])
def test_nothing_is_judged_while_paused_and_the_scene_is_learnt_anew_afterwards(
    paused_at: int,
) -> None:
    """After 10 packets it is awake, after 50 idle."""
    post = Post()
    stream_format, packets = encode_stream(make_visit().film(16, fps=FPS), fps=FPS)
    post.begin(stream_format)
    post.push(packets[:paused_at])
    calls = post.detector.calls
    post.watch.pause(is_paused=True)
    assert post.push(packets[paused_at:150]) == []
    assert post.detector.calls == calls
    assert post.watch.counters.frames == 150
    post.watch.pause(is_paused=False)
    assert post.watch.is_awake
    seen = post.push(packets[150:])
    assert times(seen)[:3] == [15.0, 15.1, 15.2]
    assert seen[0].motion == ()


def test_thing_that_stands_in_the_new_view_is_found_once_the_head_has_moved() -> None:
    """Nothing of it moves: only a look at the whole, right then, can find it."""
    post = Post()
    corner = (0.85, 0.55, 0.95, 0.95)
    film = Stage([Thing(still(corner, from_t=7.0))], shape=(270, 360)).film(14, fps=FPS)
    stream_format, packets = encode_stream(film, fps=FPS)
    post.begin(stream_format)
    post.push(packets[:60])
    assert not post.watch.is_awake
    post.watch.pause(is_paused=True)
    post.push(packets[60:75])
    post.watch.pause(is_paused=False)
    seen = post.push(packets[75:])
    assert [round(found.box[0], 1) for found in seen[0].detections] == [0.8]
    assert min(each.frame.t for each in seen if each.tracks) <= 10.0


def test_empty_new_view_is_watched_for_three_seconds_and_then_it_sleeps() -> None:
    post = Post()
    stream_format, packets = encode_stream(Stage().film(14, fps=FPS), fps=FPS)
    post.begin(stream_format)
    post.push(packets[:60])
    post.watch.pause(is_paused=True)
    post.push(packets[60:75])
    post.watch.pause(is_paused=False)
    seen = times(post.push(packets[75:]))
    assert seen == [*(index / FPS for index in range(80, 111)), 12, 13]


def test_track_of_the_old_view_ends_when_the_head_has_moved() -> None:
    post = Post()
    standing = Stage([Thing(walk(BOX, (0.1, 0.0), from_t=1.0, to_t=4.0))])
    stream_format, packets = encode_stream(standing.film(8, fps=FPS), fps=FPS)
    post.begin(stream_format)
    before = post.push(packets[:40])
    assert [track.track for track in before[-1].tracks] == [1]
    post.watch.pause(is_paused=True)
    post.watch.pause(is_paused=False)
    assert {each.tracks for each in post.push(packets[40:])} == {()}


def test_damaged_keyframe_is_passed_over_and_the_next_one_seen() -> None:
    post = Post()
    stream_format, packets = encode_stream(Stage().film(10, fps=FPS), fps=FPS)
    packets[60] = replace(packets[60], data=packets[60].data[:40])
    post.begin(stream_format)
    seen = times(post.push(packets))
    assert seen[31:] == [4, 5, 7, 8, 9]


def test_size_that_changes_in_mid_stream_is_decoded_on() -> None:
    post = Post()
    post.play(Stage(shape=(90, 120)).film(1, fps=FPS))
    stream_format, packets = encode_stream(Stage(shape=SHAPE).film(2, fps=FPS), fps=FPS)
    post.begin(stream_format)
    seen = post.push(delay(packet, 1.0) for packet in packets)
    assert {each.frame.y.shape for each in seen} == {SHAPE}
    assert times(seen) == [index / FPS for index in range(10, 30)]


def test_waking_on_another_format_does_not_go_back_to_what_the_former_one_sent() -> None:
    """A decoder set up for one format must not be fed the other's packets."""
    post = Post()
    stream_format, packets = encode_stream(Stage().film(10, fps=FPS), fps=FPS)
    post.begin(stream_format)
    post.push(packets)
    was_awake = post.watch.is_awake
    other_format, _ = encode_stream(Stage(shape=(90, 120)).film(1, fps=FPS), fps=FPS)
    post.begin(replace(stream_format, header=other_format.header))
    busy = Stage([Thing(walk(BOX, (0.1, 0.0)))]).film(2, fps=FPS)
    seen = post.push(delay(packet, 10.0) for packet in encode_stream(busy, fps=FPS)[1])
    assert (was_awake, post.watch.is_awake) == (False, True)
    assert times(seen) == [10 + index / FPS for index in range(20)]


def test_memory_stays_small_when_no_keyframe_decodes() -> None:
    post = Post(is_held_open=True)
    stream_format, packets = encode_stream(Stage().film(0.1, fps=FPS), fps=FPS)
    post.begin(stream_format)
    tracemalloc.start()
    for index in range(5000):
        broken = replace(packets[0], data=b"\0" * 16, pts_90k=index * 9000)
        assert post.watch.push(broken) == []
    kept_bytes, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept_bytes < 50_000


def test_still_pictures_are_not_distinct() -> None:
    post = Post()
    post.play([(index / FPS, make_luma()) for index in range(10)])
    assert post.watch.counters.distinct < 10


def test_slow_drop_in_is_seen_by_the_next_keyframe() -> None:
    post = Post()
    seen = post.play(Stage([Thing(still(BOX, from_t=8.0))]).film(10, fps=FPS))
    assert min(each.frame.t for each in seen if each.motion) == 8.0


def test_detector_that_fails_is_heard_of() -> None:
    with pytest.raises(ModelError):
        Post(Manners(fail_at=0)).play(Stage().film(1, fps=FPS))
