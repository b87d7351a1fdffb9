"""The probe says what a stream is before its packets, holds little back and loses nothing."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from edge.eye.sources.probe import PROBE_PACKETS_MAX, PROBE_S_MAX, Picture, StreamProbe
from edge.model import TICKS_PER_S, Packet, StreamFormat
from tests.support.packets import (
    FRAME_90K,
    check_stream,
    formats_of,
    make_packet,
    make_packets,
    packets_of,
)

START = b"\x00\x00\x01"
IDR = START + b"\x65\x88"


def keyframe(pts_90k: int, sets: bytes = b"\x67A") -> Packet:
    """A keyframe with start codes and parameter sets."""
    data = (START + sets + IDR) if sets else IDR
    return Packet(data, pts_90k, pts_90k, is_keyframe=True, wall_utc_ms=0)


def describe(data: bytes | None) -> Picture | None:
    """Take the first set's letter for the header; 67X is damaged."""
    if data is None:
        return Picture("h264", 320, 240, b"by the container")
    letter = data[4:5]
    return None if letter == b"X" else Picture("h264", 320, 240, letter, START)


def make_probe(*, has_start_codes: bool = True) -> StreamProbe:
    return StreamProbe(describe, codec="h264", has_start_codes=has_start_codes)


def push_all(probe: StreamProbe, packets: list[Packet]) -> list[StreamFormat | Packet]:
    out = [item for packet in packets for item in probe.push(packet)]
    return out + probe.flush()


def stream(*sets: bytes, gop: int = 10) -> list[Packet]:
    """A GOP for each set, of ten packets a second."""
    packets = []
    for number, each in enumerate(sets):
        start = number * gop * FRAME_90K
        packets.append(keyframe(start, each))
        packets += [make_packet(start + index * FRAME_90K) for index in range(1, gop)]
    return packets


def test_format_is_measured_when_the_second_keyframe_comes() -> None:
    probe = make_probe()
    packets = stream(b"\x67A", b"\x67A")
    assert [item for packet in packets[:10] for item in probe.push(packet)] == []
    out = probe.push(packets[10])
    assert formats_of(out) == [StreamFormat("h264", 320, 240, 10.0, 1.0, b"A", START)]
    assert packets_of(out) == packets[:11]


def test_packets_before_the_first_keyframe_are_dropped() -> None:
    packets = [make_packet(index) for index in range(5)] + stream(b"\x67A", b"\x67A")
    out = push_all(make_probe(), packets)
    assert packets_of(out) == packets[5:]


def test_no_more_than_two_and_a_half_seconds_are_held_when_the_gop_is_long() -> None:
    probe = make_probe()
    packets = make_packets(40, gop=100)
    held = next(index for index, packet in enumerate(packets) if probe.push(packet))
    assert held * FRAME_90K / TICKS_PER_S <= PROBE_S_MAX + 0.1


def test_no_more_than_so_many_packets_are_held_when_time_stands_still() -> None:
    probe = make_probe()
    packets = [make_packet(index, is_keyframe=index == 0) for index in range(1000)]
    held = next(index for index, packet in enumerate(packets) if probe.push(packet))
    assert held < PROBE_PACKETS_MAX


def test_new_sets_make_a_new_format_and_what_was_before_is_handed_out() -> None:
    packets = stream(b"\x67A", b"\x67B", b"\x67B")
    out = push_all(make_probe(), packets)
    assert [each.header for each in formats_of(out)] == [b"A", b"B"]
    assert packets_of(out) == packets
    check_stream(out)
    place = out.index(formats_of(out)[1])
    assert out[place + 1] == packets[10]


def test_same_sets_again_and_keyframes_without_sets_change_nothing() -> None:
    out = push_all(make_probe(), stream(b"\x67A", b"", b"\x67A", b"\x67A"))
    assert len(formats_of(out)) == 1


def test_damaged_sets_keep_the_format_that_was() -> None:
    packets = stream(b"\x67A", b"\x67A", b"\x67X", b"\x67A")
    out = push_all(make_probe(), packets)
    assert [each.header for each in formats_of(out)] == [b"A"]
    assert packets_of(out) == packets


def test_damaged_first_sets_wait_for_better_ones() -> None:
    packets = stream(b"\x67X", b"\x67A", b"\x67A")
    out = push_all(make_probe(), packets)
    assert packets_of(out) == packets[10:]


def test_container_describes_when_packets_carry_lengths() -> None:
    out = push_all(make_probe(has_start_codes=False), stream(b"\x67A", b"\x67B"))
    assert [each.header for each in formats_of(out)] == [b"by the container"]


def test_longer_gop_is_news_once() -> None:
    packets = make_packets(20) + make_packets(60, start_90k=20 * FRAME_90K, gop=30)
    out = push_all(make_probe(), packets)
    assert [each.gop_s for each in formats_of(out)] == [1.0, 3.0]


def at_steps(*gops: tuple[int, int]) -> list[Packet]:
    """A second keyframe ends each (packets, ticks from one to the next); one more at the end."""
    packets, at_90k = [], 0
    for count, step_90k in gops:
        for index in range(count):
            packets.append(make_packet(at_90k, is_keyframe=index == 0))
            at_90k += step_90k
    return [*packets, make_packet(at_90k, is_keyframe=True)]


def test_rate_of_an_opening_burst_is_put_right_when_the_next_gop_ends() -> None:
    probe = make_probe()
    packets = at_steps((10, FRAME_90K // 4), *[(10, FRAME_90K)] * 3)
    out = push_all(probe, packets)
    assert [(each.fps, each.gop_s) for each in formats_of(out)] == [(40.0, 0.25), (10.0, 1.0)]
    assert out.index(formats_of(out)[1]) == 21
    assert packets_of(out) == packets


def test_camera_that_slows_down_later_is_no_news() -> None:
    packets = at_steps(*[(10, FRAME_90K)] * 2, *[(10, 2 * FRAME_90K)] * 2, (20, FRAME_90K))
    out = push_all(make_probe(), packets)
    assert [(each.fps, each.gop_s) for each in formats_of(out)] == [(10.0, 1.0), (10.0, 2.0)]


def test_rate_is_not_judged_by_a_few_packets() -> None:
    out = push_all(make_probe(), at_steps(*[(2, FRAME_90K)] * 2, (2, 2 * FRAME_90K), (2, 9000)))
    assert {each.fps for each in formats_of(out)} == {10.0}


def test_nothing_comes_out_when_nothing_came_in() -> None:
    assert make_probe().flush() == []


@given(st.lists(st.sampled_from([b"\x67A", b"\x67B", b"\x67X", b""]), min_size=1, max_size=8),
       st.integers(1, 40))  # fmt: skip
def test_no_packet_after_the_first_good_keyframe_is_lost(sets: list[bytes], gop: int) -> None:
    packets = stream(*sets, gop=gop)
    out = push_all(make_probe(), packets)
    first = next((i for i, each in enumerate(sets) if each != b"\x67X"), None)
    expected = [] if first is None else packets[first * gop :]
    assert packets_of(out) == expected
    if expected:
        check_stream(out)
