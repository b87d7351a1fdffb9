"""The main loop on packets from memory: what it tells while things go wrong around it.

The intake is filled beforehand; the clock moves a little each time it is asked.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from edge.config.load import make_trial_rules
from edge.errors import ModelError, SourceStalled
from edge.eye.alerts import Alerts, MediaPlan
from edge.eye.analysis import Analysis, Scope
from edge.eye.commands import CommandReader
from edge.eye.intake import Intake, Item, SourceEnded, SourceLost
from edge.eye.loop import Eye, Parts
from edge.eye.ring import Ring
from edge.eye.rules.engine import build_engine
from edge.eye.telling import Telling, Wanted
from edge.eye.watch import Watch
from edge.model import Packet, Stamp
from tests.support.builders import Stage, Thing, walk
from tests.support.clocks import ManualClock
from tests.support.fake_detector import GOOD, FakeDetector, Manners
from tests.support.streams import encode_stream

FPS = 10.0
STEP_S = 0.05
Line = dict[str, Any]


class PassingClock(ManualClock):
    """Some time passes whenever it is asked."""

    def monotonic_ns(self) -> int:
        self.move(STEP_S)
        return super().monotonic_ns()


class Desk:
    """An eye over an intake, and the lines it prints; it is told to stop at a line."""

    def __init__(self, *, is_live: bool, manners: Manners = GOOD, until: str = "end") -> None:
        self.lines: list[Line] = []
        self.intake = Intake(("main",), is_lossless=False)
        self._until = until
        rules = make_trial_rules()
        ring = Ring(bytes_max=10**7, seconds_max=5.0)
        clock = PassingClock()
        self._read, self._write = os.pipe()
        self._commands = CommandReader(self._read, lambda _: self.intake.wake())
        parts = Parts(
            camera="yard",
            intake=self.intake,
            rings={"main": ring},
            analysed="main",
            watch=Watch(Analysis(FakeDetector(manners), Scope()), ring, is_held_open=False),
            alerts=Alerts(
                self.emit, self.stamp, ring,
                plan=MediaPlan(None, 5.0, 5.0), make_id=lambda ordinal: f"A{ordinal}",
            ),
            engine=build_engine(rules.rules, rules.zones, rules.lines, rules.timezone),
            telling=Telling(self.emit, Wanted(tracks=True)),
            redraw=lambda engine, _zones, _lines: engine,
            emit=self.emit,
            clock=clock,
            folder=None,
            is_live=is_live,
        )  # fmt: skip
        self.eye = Eye(parts, self._commands)

    def emit(self, line: bytes) -> None:
        self.lines.append(json.loads(line))
        if self.lines[-1].get("role", self.lines[-1]["kind"]) == self._until:
            self.eye.stop()

    def stamp(self, t: float) -> Stamp:
        return self.eye.stamp(t)

    def run(self, items: Sequence[Item]) -> str:
        """Run over these and then wait, until the line that ends it."""
        for item in items:
            self.intake.put("main", item)
        try:
            return self.eye.run()
        finally:
            os.close(self._read)
            os.close(self._write)

    def of(self, kind: str) -> list[Line]:
        return [line for line in self.lines if line["kind"] == kind]


def make_visit(seconds: float) -> Iterator[Item]:
    """Somebody comes in after 2 s and walks on to the end."""
    stage = Stage([Thing(walk((0.1, 0.3, 0.2, 0.7), (0.08, 0.0), from_t=2.0))])
    stream_format, packets = encode_stream(stage.film(seconds, fps=FPS), fps=FPS)
    return iter([stream_format, *packets])


def test_snapshot_of_an_alert_comes_while_the_camera_is_lost() -> None:
    """Whoever cuts the cable comes just before; with the camera gone no packet drives the loop."""
    desk = Desk(is_live=True, until="snapshot")
    lost = SourceLost(SourceStalled("yard: gone"), 1.0)
    desk.run([*make_visit(3.2), lost])
    (opened,) = [line for line in desk.of("alert") if line["phase"] == "open"]
    (snapshot,) = [line for line in desk.of("media") if line["role"] == "snapshot"]
    lost_at = next(i for i, line in enumerate(desk.lines) if line.get("state") == "lost" and i)
    assert opened["t"] > 3.2 - 1.5, "else it would be due before the loss"
    assert desk.lines.index(snapshot) > lost_at


def test_eye_that_can_decode_nothing_does_not_claim_to_see() -> None:
    items = [
        replace(item, data=item.data[:8] + bytes(len(item.data) - 8))
        if isinstance(item, Packet)
        else item
        for item in make_visit(3.0)
    ]
    desk = Desk(is_live=False)
    desk.run([*items, SourceEnded(None)])
    assert desk.of("sight")[-1]["frames"] == 30
    assert desk.of("sight")[-1]["decoded"] == 0
    assert {line["state"] for line in desk.of("sight")} == {"lost"}


def test_eye_that_sees_says_so() -> None:
    desk = Desk(is_live=False)
    assert desk.run([*make_visit(3.0), SourceEnded(None)]) == "end of file"
    assert desk.of("sight")[-1]["state"] == "seeing"


def test_detector_that_fails_ends_the_eye_in_order() -> None:
    desk = Desk(is_live=False, manners=Manners(fail_at=6))
    reason = desk.run([*make_visit(6.0), SourceEnded(None)])
    assert isinstance(desk.eye.error, ModelError)
    assert reason == str(desk.eye.error)
    phases = [line["phase"] for line in desk.of("alert")]
    assert phases[0] == "open"
    assert phases[-1] == "close"
    assert {line["role"] for line in desk.of("media")} == {"snapshot", "clip"}
    assert desk.lines[-1]["kind"] == "end"
    assert desk.lines[-1]["reason"] == reason


def test_tracks_close_at_the_end_with_the_end_s_time() -> None:
    desk = Desk(is_live=False)
    desk.run([*make_visit(4.0), SourceEnded(None)])
    closes = [line for line in desk.of("track") if line["phase"] == "close"]
    assert [(line["t"], line["at"]) for line in closes] == [
        (desk.lines[-1]["t"], desk.lines[-1]["at"])
    ]


def test_media_time_begins_with_the_first_packet_however_long_it_took_to_come() -> None:
    desk = Desk(is_live=True, until="alert")
    desk.run(list(make_visit(6.0)))
    assert desk.of("source")[0]["t"] == 0


def test_lines_of_a_camera_tell_the_wall_time_of_their_media_time() -> None:
    """Its first packets are held back until the stream is known, and then come all at once."""
    desk = Desk(is_live=True, until="sight")
    late = [
        replace(item, wall_utc_ms=1_699_999_999_000) if isinstance(item, Packet) else item
        for item in make_visit(0.3)
    ]
    desk.run(late)
    sight = desk.of("sight")[0]
    assert sight["t"] < 0.5
    assert sight["at"] < "2023-11-14T22:13:19.500Z"
