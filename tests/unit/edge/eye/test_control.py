"""Commands without an eye: what reaches the steering, what is refused before."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from edge.errors import Fault, ValidationError
from edge.eye.control import ARGUMENTS, Control
from edge.eye.live import Views
from edge.eye.ring import Ring
from edge.model import Command, Json
from tests.support.packets import make_format, make_packets


@dataclass
class FakeSteering:
    """Notes what it is asked for; one rule, `gate`."""

    done: list[tuple[Any, ...]] = field(default_factory=list)

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


def test_empty_ring_is_called_empty() -> None:
    reply = make_control(FakeSteering(), count=0).answer(Command(1, "clip", {"from": 0, "to": 1}))
    assert "nothing yet" in str(reply["error"])
