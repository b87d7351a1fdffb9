"""Live lanes drop whole GOPs and never wait; lossless ones wait and keep strict order."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.errors import SourceError
from edge.eye.intake import (
    LANE_BYTES_MAX,
    LANE_PACKETS_MAX,
    Intake,
    Item,
    Lane,
    SourceEnded,
    SourceLost,
)
from edge.model import Packet, StreamFormat
from tests.support.packets import FRAME_90K, make_format, make_packet, make_packets

NOW = 0.0
MAIN: tuple[Lane, ...] = ("main",)
BOTH: tuple[Lane, ...] = ("main", "sub")


def drain(intake: Intake) -> list[tuple[Lane, Item]]:
    out = []
    while (taken := intake.take(NOW)) is not None:
        out.append(taken)
    return out


def packets_in(taken: list[tuple[Lane, Item]]) -> list[Packet]:
    return [item for _, item in taken if isinstance(item, Packet)]


def test_live_lane_gives_everything_in_order_when_there_is_room() -> None:
    intake = Intake(MAIN, is_lossless=False)
    items: list[Item] = [make_format(), *make_packets(20)]
    assert all(intake.put("main", item) for item in items)
    assert [item for _, item in drain(intake)] == items
    assert intake.dropped == 0


def test_full_live_lane_drops_until_a_keyframe_finds_room() -> None:
    intake = Intake(MAIN, is_lossless=False)
    packets = make_packets(LANE_PACKETS_MAX + 15)
    for packet in packets:
        intake.put("main", packet)
    assert packets_in(drain(intake)) == packets[:LANE_PACKETS_MAX]
    assert intake.dropped == 15
    later = make_packets(25, start_90k=500 * FRAME_90K)
    for packet in [make_packet(499 * FRAME_90K), *later]:
        intake.put("main", packet)
    assert packets_in(drain(intake)) == later
    assert intake.dropped == 16


def test_live_lane_is_full_by_bytes_too() -> None:
    intake = Intake(MAIN, is_lossless=False)
    for packet in make_packets(20, size_bytes=LANE_BYTES_MAX // 4):
        intake.put("main", packet)
    assert len(packets_in(drain(intake))) == 4


def test_news_of_the_source_is_never_dropped() -> None:
    intake = Intake(MAIN, is_lossless=False)
    for packet in make_packets(LANE_PACKETS_MAX + 5):
        intake.put("main", packet)
    lost, ended = SourceLost(SourceError("gone"), 1.0), SourceEnded(None)
    intake.put("main", lost)
    intake.put("main", ended)
    assert [item for _, item in drain(intake)][-2:] == [lost, ended]


def test_one_full_lane_leaves_the_other_alone() -> None:
    intake = Intake(BOTH, is_lossless=False)
    for packet in make_packets(LANE_PACKETS_MAX + 5):
        intake.put("main", packet)
    sub = make_packets(5)
    for packet in sub:
        intake.put("sub", packet)
    assert [item for lane, item in drain(intake) if lane == "sub"] == sub


@pytest.mark.parametrize("is_lossless", [False, True])
def test_lanes_come_out_by_media_time(is_lossless: bool) -> None:
    intake = Intake(BOTH, is_lossless=is_lossless)
    for packet in make_packets(10):
        intake.put("main", packet)
    for packet in make_packets(10, start_90k=FRAME_90K // 2):
        intake.put("sub", packet)
    for lane in BOTH:
        intake.put(lane, SourceEnded(None))
    times = [packet.dts_90k for packet in packets_in(drain(intake))]
    assert len(times) == 20
    assert times == sorted(times)


def test_lossless_lane_waits_for_the_other_ones_next_packet() -> None:
    intake = Intake(BOTH, is_lossless=True)
    intake.put("main", make_packet(0, is_keyframe=True))
    assert intake.take(NOW) is None
    intake.put("sub", SourceEnded(None))
    assert len(packets_in(drain(intake))) == 1


def test_full_lossless_lane_holds_its_reader_until_there_is_room() -> None:
    intake = Intake(MAIN, is_lossless=True)
    packets = make_packets(LANE_PACKETS_MAX * 2)
    taken: list[Packet] = []
    handed: list[Packet] = []

    def read() -> None:
        for packet in packets:
            intake.put("main", packet)
            handed.append(packet)

    reader = threading.Thread(target=read)
    reader.start()
    while len(taken) < len(packets):
        item = intake.take(5.0)
        assert item is not None
        taken += packets_in([item])
        assert len(handed) - len(taken) <= LANE_PACKETS_MAX
    reader.join()
    assert taken == packets
    assert intake.dropped == 0


def test_closing_lets_a_held_reader_go() -> None:
    intake = Intake(MAIN, is_lossless=True)
    for packet in make_packets(LANE_PACKETS_MAX):
        intake.put("main", packet)
    answers: list[bool] = []
    reader = threading.Thread(target=lambda: answers.append(intake.put("main", make_packet(1))))
    reader.start()
    intake.close()
    reader.join(5)
    assert answers == [False]


def test_waking_ends_a_wait_with_nothing() -> None:
    intake = Intake(MAIN, is_lossless=False)
    results: list[object] = []
    taker = threading.Thread(target=lambda: results.append(intake.take(60.0)))
    taker.start()
    while taker.is_alive():
        intake.wake()
        taker.join(0.01)
    assert results == [None]


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 200_000)), max_size=400),
       st.lists(st.integers(0, 30), max_size=40))  # fmt: skip
def test_after_any_drop_the_first_packet_is_a_keyframe(
    shapes: list[tuple[bool, int]], takes: list[int]
) -> None:
    """A decoder or a clip must never go on in the middle of a GOP."""
    intake = Intake(MAIN, is_lossless=False)
    packets = [
        make_packet(number, is_keyframe=is_keyframe or number == 0, size_bytes=size_bytes)
        for number, (is_keyframe, size_bytes) in enumerate(shapes)
    ]
    out: list[Packet] = []
    pauses = iter(takes)
    for number, packet in enumerate(packets):
        intake.put("main", packet)
        assert number + 1 - len(out) - intake.dropped <= LANE_PACKETS_MAX
        if number % 10 == 9:
            for _ in range(next(pauses, 0)):
                item = intake.take(NOW)
                out += packets_in([item]) if item else []
    out += packets_in(drain(intake))
    assert len(out) + intake.dropped == len(packets)
    expected = 0
    for packet in out:
        assert packet.pts_90k == expected or packet.is_keyframe
        expected = packet.pts_90k + 1


def test_formats_keep_their_place_before_their_packets() -> None:
    intake = Intake(BOTH, is_lossless=True)
    for lane in BOTH:
        intake.put(lane, make_format())
        for packet in make_packets(3):
            intake.put(lane, packet)
        intake.put(lane, SourceEnded(None))
    taken = drain(intake)
    for lane in BOTH:
        own = [item for each, item in taken if each == lane]
        assert isinstance(own[0], StreamFormat)
        assert isinstance(own[-1], SourceEnded)
