"""Commands without an eye: what reaches the steering, what is refused before."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from edge.errors import Fault, ValidationError
from edge.eye.control import ARGUMENTS, Control
from edge.eye.live import Views
from edge.eye.ring import Ring
from edge.model import Command, Json, Stamp
from tests.support.packets import make_format, make_packet, make_packets
from tests.support.streams import decode_all, make_b_stream


@dataclass
class FakeSteering:
    """Notes what it is asked for; one rule, `gate`."""

    done: list[tuple[Any, ...]] = field(default_factory=list)
    t: float = 4.9

    def now(self) -> Stamp:
        return Stamp("yard", self.t, round(self.t * 1000))

    def mute(self, rule: str | None, until_t: float) -> None:
        if rule not in (None, "gate"):
            raise ValidationError([Fault("rule", "no rule of that name")])
        self.done.append(("mute", rule, until_t))

    def draw(self, zones: Json, lines: Json) -> None:
        self.done.append(("draw", zones, lines))

    def pause(self, *, is_paused: bool) -> None:
        self.done.append(("pause", is_paused))

    def stop(self) -> None:
        self.done.append(("stop",))


def make_control(steering: FakeSteering, *, count: int = 50) -> Control:
    ring = Ring(bytes_max=10**9, seconds_max=10.0)
    ring.begin(make_format())
    for packet in make_packets(count):
        ring.append(packet)
    return Control({"main": ring}, None, Views({"main": ring}), steering)


def answer(name: str, arguments: dict[str, Json]) -> tuple[dict[str, Json], list[tuple[Any, ...]]]:
    steering = FakeSteering()
    reply = make_control(steering).answer(Command(1, name, arguments))
    return dict(reply), steering.done


@pytest.mark.parametrize(
    ("name", "arguments", "done"),
    [
        ("mute", {"seconds": 10}, ("mute", None, 14.9)),
        ("mute", {"until": 7, "rule": "gate"}, ("mute", "gate", 7.0)),
        ("mute", {"seconds": 0}, ("mute", None, 4.9)),
        ("zones", {"zones": [], "lines": []}, ("draw", [], [])),
        ("look-began", {}, ("pause", True)),
        ("look-ended", {}, ("pause", False)),
        ("stop", {}, ("stop",)),
    ],
)
def test_command_reaches_the_steering(
    name: str, arguments: dict[str, Json], done: tuple[Any, ...]
) -> None:
    reply, was_done = answer(name, arguments)
    assert reply["ok"] is True
    assert was_done == [done]


@pytest.mark.parametrize(
    ("name", "arguments", "words"),
    [
        ("mute", {"seconds": -1}, "not a number from 0"),
        ("mute", {"seconds": True}, "not a number"),
        ("mute", {"seconds": 10**400}, "not a number from 0 to 2678400"),
        ("mute", {"seconds": 31 * 86_400 + 1}, "not a number"),
        ("mute", {"until": 31 * 86_400 + 9}, "longer than"),
        ("mute", {"seconds": 1, "rule": "fence"}, "no rule"),
        ("mute", {"until": None}, "until: missing"),
        ("mute", {"until": -5}, "until: -5 is neither seconds nor RFC 3339; media time is 0 s or"),
        ("snapshot", {"at": -1}, "at: -1 is neither seconds nor RFC 3339; media time is 0 s or"),
        (
            "snapshot",
            {"at": 10**12},
            "0 is neither seconds nor RFC 3339; media time is 0 s or more, and below 1000000000",
        ),
        ("snapshot", {"at": True}, "at: neither seconds nor RFC 3339"),
        ("clip", {"from": -5}, "from: -5 is neither seconds nor RFC 3339; media time is 0 s or"),
        ("clip", {}, "from: missing; seconds of media time, or RFC 3339"),
        ("mute", {"until": "soon"}, "not RFC 3339"),
        ("zones", {"lines": []}, "zones: missing"),
        ("snapshot", {"at": 8.0}, "has 0.0 to 4.9 s"),
        ("live", {"socket": ""}, "socket: missing"),
        ("live", {"socket": 7}, "socket: missing"),
    ],
)
def test_what_is_wrong_is_refused_and_nothing_done(
    name: str, arguments: dict[str, Json], words: str
) -> None:
    reply, was_done = answer(name, arguments)
    assert reply["ok"] is False
    assert words in str(reply["error"])
    assert was_done == []


@pytest.mark.parametrize("name", ARGUMENTS)
def test_unknown_argument_is_refused_by_name_and_cut_to_length(name: str) -> None:
    reply, was_done = answer(name, {"x" * 5000: 1})
    assert "'xxx" in str(reply["error"])
    assert len(str(reply["error"])) < 200
    assert was_done == []


def test_mute_counts_from_now_while_the_camera_is_lost() -> None:
    steering = FakeSteering(t=3600.0)
    control = make_control(steering)
    control.answer(Command(1, "mute", {"seconds": 600}))
    control.answer(Command(2, "mute", {"until": "1970-01-01T01:10:00Z"}))
    assert steering.done == [("mute", None, 4200.0)] * 2


def test_mute_until_a_time_of_day_holds_before_the_first_picture() -> None:
    steering = FakeSteering(t=0.0)
    reply = make_control(steering, count=0).answer(
        Command(1, "mute", {"until": "1970-01-01T00:10:00Z"})
    )
    assert reply == {"ok": True, "until_t": 600.0}


def test_clip_ends_after_what_its_last_pictures_need(tmp_path: Path) -> None:
    """Of B-frames the later picture comes first; without it those before it are damaged."""
    stream_format, packets = make_b_stream()
    ring = Ring(bytes_max=10**9, seconds_max=10.0)
    ring.begin(stream_format)
    for packet in packets:
        ring.append(packet)
    control = Control({"main": ring}, tmp_path, Views({"main": ring}), FakeSteering())
    for to_t in (0.5, 0.6, 0.7, 0.8, 0.9):
        reply = control.answer(Command(1, "clip", {"from": 0, "to": to_t}))
        assert reply["ok"] is True
        with av.open(str(tmp_path / str(reply["file"]))) as container:
            shown = [frame.to_ndarray() for frame in container.decode(video=0)]
        assert to_t <= float(str(reply["to_t"])) <= to_t + 0.31
        whole = decode_all(stream_format, packets)
        for index, picture in enumerate(shown[: round(to_t * 10) + 1]):
            assert np.array_equal(picture, whole[index])


def test_empty_ring_is_called_empty() -> None:
    reply = make_control(FakeSteering(), count=0).answer(Command(1, "clip", {"from": 0, "to": 1}))
    assert "nothing yet" in str(reply["error"])


def test_moment_out_of_the_ring_is_refused_with_how_far_it_goes_back_by_the_clock() -> None:
    ring = Ring(bytes_max=10**9, seconds_max=10.0)
    ring.begin(make_format())
    for at_s in range(5):
        utc_ms = 1_795_368_780_000 + at_s * 1000
        ring.append(make_packet(at_s * 90_000, is_keyframe=True, utc_ms=utc_ms))
    control = Control({"main": ring}, None, Views({"main": ring}), FakeSteering())
    reply = control.answer(Command(1, "snapshot", {"at": "2026-11-22T17:20:00Z"}))
    has = "0.0 to 4.0 s, 2026-11-22T17:33:00.000Z to 2026-11-22T17:33:04.000Z"
    assert reply["error"] == f"that moment is not in the ring, which has {has}"
    nothing = Ring(bytes_max=10**9, seconds_max=10.0)
    control = Control({"main": nothing}, None, Views({"main": nothing}), FakeSteering())
    reply = control.answer(Command(2, "snapshot", {"at": 1.0}))
    assert reply["error"] == "that moment is not in the ring, which has nothing yet"
