"""What proves sight: decoded pictures, not packets; told in time and when it changes."""

from __future__ import annotations

import json
from typing import Any

from edge.eye.analysis import Analysis, Scope
from edge.eye.ring import Ring
from edge.eye.sight import BLIND_S, ProofOfSight
from edge.eye.watch import Watch
from edge.model import Stamp
from tests.support.fake_detector import GOOD, FakeDetector


class Post:
    """Proof of sight over a watch whose counters are set by hand."""

    def __init__(self) -> None:
        self.lines: list[dict[str, Any]] = []
        ring = Ring(bytes_max=10**6, seconds_max=5.0)
        self.watch = Watch(Analysis(FakeDetector(GOOD), Scope()), ring, is_held_open=False)
        self.sight = ProofOfSight(self.watch, lambda line: self.lines.append(json.loads(line)))

    def packet(self, passed_s: float, *, is_decoded: bool = True) -> None:
        self.watch.counters.frames += 1
        self.watch.counters.decoded += is_decoded
        self.sight.note(passed_s)
        self.look(passed_s)

    def look(self, passed_s: float) -> None:
        self.sight.tell_when_due(Stamp("yard", passed_s, round(passed_s * 1000)), passed_s)

    def told(self) -> list[tuple[float, str]]:
        return [(line["t"], line["state"]) for line in self.lines]


def test_sight_is_told_at_the_first_picture_and_every_ten_seconds() -> None:
    post = Post()
    for second in range(25):
        post.packet(float(second))
    assert post.told() == [(0.0, "seeing"), (10.0, "seeing"), (20.0, "seeing")]


def test_packets_that_cannot_be_decoded_prove_nothing() -> None:
    post = Post()
    for second in range(12):
        post.packet(float(second), is_decoded=False)
    assert post.told() == [(10.0, "lost")]
    post.packet(12.0)
    assert post.told()[-1] == (12.0, "seeing")


def test_eye_is_blind_some_time_after_the_last_picture() -> None:
    post = Post()
    post.packet(0.0)
    for second in range(1, 15):
        post.packet(float(second), is_decoded=False)
    assert post.told() == [(0.0, "seeing"), (BLIND_S, "seeing"), (BLIND_S + 1, "lost")]


def test_lost_camera_is_told_at_once_and_a_packet_ends_it() -> None:
    post = Post()
    post.packet(0.0)
    post.sight.is_lost = True
    post.look(1.0)
    post.packet(2.0)
    assert post.told() == [(0.0, "seeing"), (1.0, "lost"), (2.0, "seeing")]


def test_dark_picture_is_told_as_dark() -> None:
    post = Post()
    post.sight.is_dark = True
    post.packet(0.0)
    assert post.told() == [(0.0, "dark")]
