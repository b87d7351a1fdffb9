"""A lasting trouble is said once, and again when it changes."""

from __future__ import annotations

import math

import pytest

from edge.errors import SourceStalled
from edge.eye.ring import Ring
from edge.eye.troubles import BACK_S, Troubles
from tests.support.clocks import ManualClock
from tests.support.packets import make_format, make_packets

SILENT = SourceStalled("yard: silent; look")


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def troubles(clock: ManualClock) -> Troubles:
    return Troubles(clock, gop_s_max=2.0)


def test_lasting_fault_is_said_once(troubles: Troubles, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(3):
        troubles.lose("main", SILENT, retry_s=2)
    assert caplog.messages == ["main stream lost: yard: silent; look; retry_s=2"]


def test_other_fault_and_other_stream_are_news(
    troubles: Troubles, caplog: pytest.LogCaptureFixture
) -> None:
    troubles.lose("main", SILENT, retry_s=2)
    troubles.lose("sub", SILENT, retry_s=2)
    troubles.lose("main", SourceStalled("yard: gone"), retry_s=2)
    assert len(caplog.messages) == 3


def test_stream_that_stays_is_said_to_be_back(
    troubles: Troubles, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    troubles.lose("main", SILENT, retry_s=2)
    troubles.begin("main", gop_s=1.0)
    troubles.go_on("main")
    assert len(caplog.messages) == 1
    clock.move(BACK_S)
    for _ in range(2):
        troubles.go_on("main")
    assert caplog.messages[1:] == ["main stream is back"]
    troubles.lose("main", SILENT, retry_s=2)
    assert len(caplog.messages) == 3


def test_stream_that_comes_and_goes_says_nothing_new(
    troubles: Troubles, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(5):
        troubles.lose("main", SILENT, retry_s=2)
        troubles.begin("main", gop_s=1.0)
        clock.move(BACK_S / 2)
        troubles.go_on("main")
    assert len(caplog.messages) == 1


def test_silent_connection_is_said_once_and_not_after_its_fault(
    troubles: Troubles, caplog: pytest.LogCaptureFixture
) -> None:
    troubles.miss("main", "yard: no picture")
    troubles.miss("main", "yard: no picture")
    troubles.lose("main", SILENT, retry_s=2)
    troubles.miss("main", "yard: no picture")
    assert len(caplog.messages) == 2


def test_short_ring_and_dropped_packets_are_said_until_all_is_well_again(
    troubles: Troubles, caplog: pytest.LogCaptureFixture
) -> None:
    ring = Ring(bytes_max=1500, seconds_max=10)
    ring.begin(make_format())
    troubles.look(ring, dropped=0)
    assert caplog.messages == []
    for packet in make_packets(40):
        ring.append(packet)
    for dropped in (0, 5, 9, 9, 12):
        troubles.look(ring, dropped=dropped)
    assert [message.split(" ")[:3] for message in caplog.messages] == [
        ["the", "ring", "holds"],
        ["this", "machine", "can't"],
        ["this", "machine", "can't"],
    ]


def test_keyframes_far_apart_are_said_once_with_what_to_set(
    caplog: pytest.LogCaptureFixture,
) -> None:
    troubles = Troubles(ManualClock(), gop_s_max=2.0)
    troubles.begin("main", gop_s=2.0)
    assert caplog.messages == []
    troubles.begin("main", gop_s=4.8)
    troubles.begin("main", gop_s=25.0)
    assert [message.partition(":")[0] for message in caplog.messages] == ["main stream"]
    assert "4.8 s apart; set the camera's keyframe interval" in caplog.messages[0]


def test_keyframes_far_apart_are_nothing_to_say_where_nothing_is_decoded(
    caplog: pytest.LogCaptureFixture,
) -> None:
    troubles = Troubles(ManualClock(), gop_s_max=math.inf)
    troubles.begin("main", gop_s=250.0)
    assert caplog.messages == []
