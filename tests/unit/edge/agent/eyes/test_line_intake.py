"""An eye's bytes: whole lines are believed, the rest is counted, too much ends the eye."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge import wire
from edge.agent.eyes.allowance import Allowance, Limit
from edge.agent.eyes.eye_lines import LINE_BYTES_MAX, End, EyeLine, TrackSeen
from edge.agent.eyes.line_intake import GARBAGE, LINES, TELLING, EyeCondemned, LineIntake
from edge.clock import NS_PER_S
from edge.model import AlertChange, SightReport, Stamp, Track

STAMP = Stamp("yard", 1.0, 1_700_000_000_000)
TRACK = wire.encode_track(
    STAMP, "update",
    Track(7, "person", 0.9, (0, 0, 1, 1), is_stationary=False, first_t=0, seen_t=0),
)  # fmt: skip
END = wire.encode_end(STAMP, "stopped")
ALERT = wire.encode_alert(
    STAMP, AlertChange("open", 1, "intrusion", "gate", "major", 1.0), "01J9Z0000000000000000000AB"
)


class Taker:
    """An intake and all that came out of it."""

    def __init__(self) -> None:
        self.intake = LineIntake("yard")
        self.lines: list[EyeLine] = []

    def push(self, *blocks: bytes, at_s: float = 0.0) -> None:
        for block in blocks:
            for line in self.intake.push(block, round(at_s * NS_PER_S)):
                self.lines.append(line)


def test_lines_are_whole_however_they_are_cut() -> None:
    taker = Taker()
    taker.push(*(bytes([byte]) for byte in TRACK + END))
    assert [type(line) for line in taker.lines] == [TrackSeen, End]
    assert taker.intake.garbage_count == 0


@given(st.lists(st.integers(0, len(TRACK) * 3), max_size=5))
def test_any_cuts_give_the_same_lines(cuts: Sequence[int]) -> None:
    data = TRACK * 3
    edges = [0, *sorted(cuts), len(data)]
    taker = Taker()
    taker.push(*(data[a:b] for a, b in itertools.pairwise(edges)))
    assert len(taker.lines) == 3


@given(
    st.lists(
        st.binary(max_size=200) | st.sampled_from([b"\n", TRACK, TRACK[:50], END]), max_size=30
    )
)
def test_any_bytes_are_heard_or_counted_or_condemn(blocks: Sequence[bytes]) -> None:
    taker = Taker()
    with contextlib.suppress(EyeCondemned):
        taker.push(*blocks)
        taker.intake.finish(0)
    assert len(taker.lines) + taker.intake.garbage_count <= b"".join(blocks).count(b"\n") + 1


def test_garbage_is_counted_and_lines_around_it_are_heard() -> None:
    taker = Taker()
    taker.push(TRACK + b"garbage\n" + b'{"kind":\n' + b"\n" + TRACK)
    assert len(taker.lines) == 2
    assert taker.intake.garbage_count == 3


def test_line_of_another_camera_is_not_believed() -> None:
    taker = Taker()
    taker.push(wire.encode_end(Stamp("road", 1.0, 0), "I am another"))
    assert taker.lines == []
    assert taker.intake.last_fault == "it speaks for another camera"


def test_line_without_end_is_one_fault_and_nothing_of_it_is_kept() -> None:
    taker = Taker()
    taker.push(*[b"x" * 16_384] * 1000)
    assert taker.intake.garbage_count == 1
    assert taker.intake.last_fault == f"a line of more than {LINE_BYTES_MAX} bytes"
    taker.push(b"x\n" + TRACK)
    assert len(taker.lines) == 1
    assert taker.intake.garbage_count == 1


def test_line_at_the_limit_is_understood_and_one_byte_more_is_refused() -> None:
    whole = END[:-1] + b" " * (LINE_BYTES_MAX - len(END) + 1)
    taker = Taker()
    taker.push(whole + b"\n")
    assert len(taker.lines) == 1
    taker.push(whole + b" \n")
    assert (len(taker.lines), taker.intake.garbage_count) == (1, 1)


def test_line_that_is_cut_off_is_counted_at_the_end() -> None:
    taker = Taker()
    taker.push(TRACK[:20])
    taker.intake.finish(0)
    assert (taker.intake.garbage_count, taker.intake.last_fault) == (1, "a line that was cut off")


def test_too_much_garbage_condemns() -> None:
    taker = Taker()
    taker.push(b"garbage\n" * int(GARBAGE.burst))
    with pytest.raises(EyeCondemned, match="too many lines that are none"):
        taker.push(b"garbage\n")


def test_a_little_garbage_now_and_then_does_not_condemn() -> None:
    taker = Taker()
    for minute in range(100):
        taker.push(b"garbage\n" * 15, at_s=60.0 * minute)
    assert taker.intake.garbage_count == 1500


def test_million_lines_condemn_after_what_is_allowed() -> None:
    taker = Taker()
    with pytest.raises(EyeCondemned, match="more than 2000 lines a second"):
        taker.push(*[TRACK * 100] * 10_000)
    assert len(taker.lines) == LINES.burst


def test_busy_eye_is_not_condemned() -> None:
    taker = Taker()
    for second in range(60):
        taker.push(TRACK * 1_250, at_s=float(second))
    assert len(taker.lines) == 75_000


@pytest.mark.parametrize(
    "line",
    [
        ALERT,
        wire.encode_sight(STAMP, SightReport(1, 1, 1, 1, True, "seeing", 0.1, 1.0)),
    ],
    ids=["alert", "sight"],
)
def test_too_many_lines_that_become_records_condemn(line: bytes) -> None:
    taker = Taker()
    with pytest.raises(EyeCondemned, match="to be kept"):
        taker.push(line * 2_000)
    assert len(taker.lines) == TELLING.burst


def test_allowance_gives_back_with_time_and_never_more_than_the_burst() -> None:
    allowance = Allowance(Limit(burst=2, per_s=0.5))

    def take(at_s: float) -> bool:
        return allowance.take(round(at_s * NS_PER_S))

    assert [take(at_s) for at_s in (0, 0, 0)] == [True, True, False]
    assert [take(at_s) for at_s in (1.9, 2.0, 2.0)] == [False, True, False]
    assert [take(at_s) for at_s in (100, 100, 100)] == [True, True, False]
