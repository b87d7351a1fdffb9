"""The ring keeps whole GOPs, never passes its cap and says when that makes it short."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from edge.eye.ring import Gop, Ring
from edge.model import TICKS_PER_S, Packet
from tests.support.packets import FRAME_90K, make_format, make_packet, make_packets

BIG = 10**9


def make_ring(*, bytes_max: int = BIG, seconds_max: float = 10.0) -> Ring:
    ring = Ring(bytes_max=bytes_max, seconds_max=seconds_max)
    ring.begin(make_format())
    return ring


def fill(ring: Ring, packets: list[Packet]) -> None:
    for packet in packets:
        ring.append(packet)


def starts(gops: list[Gop]) -> list[float]:
    return [gop.first_90k / TICKS_PER_S for gop in gops]


def test_pre_roll_and_the_gop_under_way_are_kept() -> None:
    ring = make_ring(seconds_max=3.0)
    fill(ring, make_packets(100))
    assert starts(ring.gops_from(0)) == [5.0, 6.0, 7.0, 8.0, 9.0]
    assert not ring.is_short


def test_pre_roll_of_an_alert_found_in_the_gop_before_is_still_there() -> None:
    """Waking at a keyframe, an eye opens alerts up to a GOP in the past."""
    ring = make_ring(seconds_max=10.0)
    fill(ring, make_packets(151))
    assert starts(ring.gops_from(round(14.1 * TICKS_PER_S) - 10 * TICKS_PER_S))[0] == 4.0


def test_gops_begin_with_the_one_that_holds_the_moment() -> None:
    ring = make_ring()
    fill(ring, make_packets(50))
    assert starts(ring.gops_from(round(2.95 * TICKS_PER_S))) == [2.0, 3.0, 4.0]
    assert starts(ring.gops_from(3 * TICKS_PER_S)) == [3.0, 4.0]
    assert starts(ring.gops_from(-5)) == [0.0, 1.0, 2.0, 3.0, 4.0]


def test_oldest_gop_goes_whole_when_bytes_run_out_and_the_ring_says_it_is_short() -> None:
    ring = make_ring(bytes_max=3000, seconds_max=10.0)
    fill(ring, make_packets(30, size_bytes=100))
    was_short = ring.is_short
    fill(ring, make_packets(20, start_90k=30 * FRAME_90K, size_bytes=100))
    assert ring.size_bytes <= 3000
    assert (was_short, ring.is_short) == (False, True)
    assert all(len(gop.packets) == 10 for gop in ring.gops_from(0)[:-1])


def test_cap_that_still_holds_the_seconds_is_not_short() -> None:
    ring = make_ring(bytes_max=2500, seconds_max=1.0)
    fill(ring, make_packets(100, size_bytes=100))
    assert not ring.is_short


def test_gop_larger_than_the_cap_goes_whole_and_the_next_is_kept() -> None:
    ring = make_ring(bytes_max=1000)
    fill(ring, make_packets(50, gop=50, size_bytes=100))
    assert ring.size_bytes == 0
    assert ring.gops_from(0) == []
    assert ring.gop_at(0) is None
    assert ring.span_s == 0.0
    assert ring.is_short
    fill(ring, make_packets(5, start_90k=50 * FRAME_90K, size_bytes=100))
    assert starts(ring.gops_from(0)) == [5.0]


def test_long_gop_within_the_cap_is_kept_although_longer_than_asked() -> None:
    ring = make_ring(seconds_max=5.0)
    fill(ring, make_packets(250, gop=250))
    assert ring.span_s == 24.9
    assert starts(ring.gops_from(20 * TICKS_PER_S)) == [0.0]


def test_nothing_is_kept_before_a_keyframe() -> None:
    ring = make_ring()
    fill(ring, [make_packet(0), make_packet(1)])
    assert ring.size_bytes == 0


def test_packets_after_an_interruption_wait_for_a_keyframe() -> None:
    ring = make_ring()
    fill(ring, make_packets(5))
    ring.interrupt()
    ring.append(make_packet(5 * FRAME_90K))
    assert ring.size_bytes == 500
    ring.append(make_packet(6 * FRAME_90K, is_keyframe=True))
    assert ring.size_bytes == 600


def test_gop_that_broke_off_before_the_moment_does_not_hold_it() -> None:
    """A clip must not show a minute-old picture as its pre-roll."""
    ring = make_ring()
    fill(ring, make_packets(15))
    ring.interrupt()
    assert starts(ring.gops_from(5 * TICKS_PER_S)) == []
    fill(ring, make_packets(5, start_90k=8 * TICKS_PER_S))
    assert starts(ring.gops_from(5 * TICKS_PER_S)) == [8.0]
    assert starts(ring.gops_from(TICKS_PER_S + FRAME_90K)) == [1.0, 8.0]


def test_other_format_begins_at_a_keyframe_and_the_same_one_goes_on() -> None:
    ring = make_ring()
    fill(ring, make_packets(3))
    ring.begin(make_format(gop_s=5.0))
    ring.append(make_packet(3 * FRAME_90K))
    assert ring.size_bytes == 400
    ring.begin(make_format(header=b"other"))
    ring.append(make_packet(4 * FRAME_90K))
    assert ring.size_bytes == 400
    ring.append(make_packet(5 * FRAME_90K, is_keyframe=True))
    assert [gop.format.header for gop in ring.gops_from(0)] == [b"header", b"other"]


def test_moment_is_found_by_wall_time() -> None:
    ring = make_ring()
    assert ring.media_time_of(123) is None
    ring.append(make_packet(0, is_keyframe=True, utc_ms=50_000))
    ring.append(make_packet(TICKS_PER_S, is_keyframe=True, utc_ms=51_500))
    assert ring.media_time_of(50_100) == 9000
    assert ring.media_time_of(51_600) == TICKS_PER_S + 9000


STEPS = st.tuples(
    st.integers(1, 40_000),  # bytes
    st.booleans(),  # keyframe
    st.integers(1, 30 * TICKS_PER_S),  # step of time
    st.sampled_from(["packet", "packet", "packet", "interrupt", "format"]),
)


@given(st.lists(STEPS, max_size=80), st.integers(0, 100_000), st.floats(0, 20))
def test_cap_is_never_passed_and_what_is_kept_can_be_decoded(
    steps: list[tuple[int, bool, int, str]], bytes_max: int, seconds_max: float
) -> None:
    ring = make_ring(bytes_max=bytes_max, seconds_max=seconds_max)
    now_90k = 0
    for number, (size_bytes, is_keyframe, delta_90k, what) in enumerate(steps):
        if what == "interrupt":
            ring.interrupt()
        elif what == "format":
            ring.begin(make_format(header=str(number).encode()))
        now_90k += delta_90k
        ring.append(make_packet(now_90k, is_keyframe=is_keyframe, size_bytes=size_bytes))
        gops = ring.gops_from(0)
        held = sum(len(packet.data) for gop in gops for packet in gop.packets)
        assert held <= ring.size_bytes <= bytes_max
        for gop in gops:
            assert gop.packets[0].is_keyframe
            assert not any(packet.is_keyframe for packet in gop.packets[1:])


@given(st.integers(1, 60), st.floats(0.0, 8.0))
def test_pre_roll_is_held_when_the_cap_allows(gop: int, seconds_max: float) -> None:
    ring = make_ring(seconds_max=seconds_max)
    fill(ring, make_packets(200, gop=gop))
    begin_90k = ring.gops_from(ring.last_90k - round(seconds_max * TICKS_PER_S))[0].first_90k
    assert ring.last_90k - begin_90k >= round(seconds_max * TICKS_PER_S)
