"""The watch that does not look: it counts what comes, and tells what repeats."""

from __future__ import annotations

from dataclasses import replace

from edge.eye.onlooker import Onlooker
from edge.model import Packet
from tests.support.packets import make_format, make_packet, make_packets


def make_gop(first: bytes, *, start_90k: int) -> list[Packet]:
    """A keyframe of these bytes and four packets after it."""
    keyframe, *rest = make_packets(5, start_90k=start_90k)
    return [replace(keyframe, data=first), *rest]


def push_all(onlooker: Onlooker, packets: list[Packet]) -> None:
    for packet in packets:
        assert onlooker.push(packet) == []


def test_onlooker_counts_packets_and_decodes_nothing() -> None:
    onlooker = Onlooker()
    onlooker.begin(make_format())
    push_all(onlooker, make_gop(b"one", start_90k=0) + make_gop(b"two", start_90k=90_000))
    counters = onlooker.counters
    assert (counters.frames, counters.distinct) == (10, 10)
    assert (counters.decoded, counters.inferences) == (0, 0)
    assert onlooker.drain() == []
    assert not onlooker.is_awake
    assert not onlooker.is_frozen


def test_onlooker_counts_nothing_new_while_keyframes_repeat() -> None:
    onlooker = Onlooker()
    push_all(onlooker, make_gop(b"one", start_90k=0))
    push_all(onlooker, make_gop(b"one", start_90k=90_000))
    push_all(onlooker, make_gop(b"one", start_90k=180_000))
    assert (onlooker.counters.frames, onlooker.counters.distinct) == (15, 5)
    push_all(onlooker, make_gop(b"other", start_90k=270_000))
    assert onlooker.counters.distinct == 10


def test_onlooker_counts_what_is_new_within_a_long_gop() -> None:
    """A camera with a keyframe a minute is not silent in between."""
    onlooker = Onlooker()
    onlooker.push(make_packet(0, is_keyframe=True))
    before = onlooker.counters.distinct
    push_all(onlooker, [make_packet(at * 9_000) for at in range(1, 11)])
    assert onlooker.counters.distinct == before + 10


def test_onlooker_takes_packets_for_proof() -> None:
    onlooker = Onlooker()
    assert onlooker.proofs == 0
    push_all(onlooker, make_gop(b"one", start_90k=0))
    assert onlooker.proofs == 5


def test_onlooker_goes_on_counting_while_the_head_moves() -> None:
    onlooker = Onlooker()
    onlooker.pause(is_paused=True)
    push_all(onlooker, make_gop(b"one", start_90k=0))
    assert onlooker.counters.frames == 5
