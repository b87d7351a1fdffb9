"""Optional lines: only those wanted, each track opened and closed once, guesses left out."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from edge.eye.analysis import Seen
from edge.eye.telling import Telling, Wanted
from edge.model import Box, Detection, Stamp, Track
from tests.support.builders import make_detection, make_frame
from tests.support.tracks import make_track

MOTION: Box = (0.1, 0.2, 0.3, 0.4)


def make_seen(
    tracks: Sequence[Track] = (),
    *,
    motion: Sequence[Box] = (),
    detections: Sequence[Detection] = (),
) -> Seen:
    frame = make_frame()
    return Seen(
        frame, frame.y, tuple(motion), tuple(detections), tuple(tracks),
        inferences=0, is_active=False, is_dark=False,
    )  # fmt: skip


class Told:
    """A Telling and what it printed."""

    def __init__(self, wanted: Wanted) -> None:
        self.lines: list[dict[str, Any]] = []
        self._telling = Telling(lambda line: self.lines.append(json.loads(line)), wanted)
        self.t = 0.0

    def tell(self, seen: Seen) -> None:
        """The next frame, a second later."""
        self._telling.tell(Stamp("yard", self.t, round(self.t * 1000)), seen)
        self.t += 1.0

    def finish(self, t: float) -> None:
        """The end."""
        self._telling.finish(Stamp("yard", t, round(t * 1000)))

    def phases(self) -> list[tuple[float, str, int]]:
        return [(line["t"], line["phase"], line["track"]) for line in self.lines]


def test_nothing_is_printed_that_is_not_wanted() -> None:
    told = Told(Wanted())
    told.tell(make_seen([make_track(1)], motion=[MOTION], detections=[make_detection()]))
    told.finish(5.0)
    assert told.lines == []


def test_motion_is_one_line_a_frame_and_none_where_nothing_moves() -> None:
    told = Told(Wanted(motion=True))
    told.tell(make_seen(motion=[MOTION, MOTION], detections=[make_detection()]))
    told.tell(make_seen())
    assert [(line["kind"], line["boxes"]) for line in told.lines] == [
        ("motion", [[0.1, 0.2, 0.3, 0.4], [0.1, 0.2, 0.3, 0.4]])
    ]


def test_each_detection_is_a_line() -> None:
    told = Told(Wanted(detections=True))
    found = [make_detection(score=0.8), make_detection(label="car", score=0.5)]
    told.tell(make_seen(detections=found, motion=[MOTION]))
    assert [(line["kind"], line["label"], line["score"]) for line in told.lines] == [
        ("detection", "person", 0.8),
        ("detection", "car", 0.5),
    ]


def test_track_opens_once_is_updated_and_closes_once() -> None:
    told = Told(Wanted(tracks=True))
    for tracks in ([make_track(1)], [make_track(1), make_track(2)], [make_track(2)], []):
        told.tell(make_seen(tracks))
    told.finish(9.0)
    assert told.phases() == [
        (0.0, "open", 1),
        (1.0, "update", 1),
        (1.0, "open", 2),
        (2.0, "close", 1),
        (2.0, "update", 2),
        (3.0, "close", 2),
    ]


def test_hidden_track_is_not_printed_and_comes_again_as_an_update() -> None:
    told = Told(Wanted(tracks=True))
    hidden = replace(make_track(1), is_hidden=True)
    for tracks in ([make_track(1)], [hidden], [hidden], [make_track(1)], [hidden], []):
        told.tell(make_seen(tracks))
    assert told.phases() == [
        (0.0, "open", 1),
        (3.0, "update", 1),
        (5.0, "close", 1),
    ]


def test_track_that_was_only_ever_hidden_is_never_printed() -> None:
    told = Told(Wanted(tracks=True))
    told.tell(make_seen([replace(make_track(1), is_hidden=True)]))
    told.tell(make_seen())
    assert told.lines == []


def test_tracks_still_there_close_at_the_end_with_their_last_box() -> None:
    told = Told(Wanted(tracks=True))
    told.tell(make_seen([make_track(1)]))
    told.tell(make_seen([make_track(1, (0.5, 0.6))]))
    told.finish(4.0)
    assert told.phases()[-1] == (4.0, "close", 1)
    assert told.lines[-1]["box"] == [0.45, 0.4, 0.55, 0.6]
    assert told.lines[-1]["at"] == "1970-01-01T00:00:04.000Z"
    told.finish(5.0)
    assert len(told.lines) == 3
