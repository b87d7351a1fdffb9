"""The clock's state, and when a record must put earlier times right."""

from __future__ import annotations

import ctypes

from hypothesis import given
from hypothesis import strategies as st

from edge.clock_trust import (
    HOLDOVER_MS_MAX,
    ClockTrust,
    Correction,
    Sample,
    Timex,
    Trust,
    find_synced,
    kernel_is_synced,
    read_boot_id,
    step,
)
from tests.support.clocks import ManualClock

NOW_MS = 1_790_000_000_000
IN_1970_MS = 30_000


def look(*, utc_ms: int = NOW_MS, mono_ms: int = 5_000, is_synced: bool = True) -> Sample:
    return Sample(is_synced, utc_ms, mono_ms)


def test_clock_that_is_good_from_the_start_is_told_once() -> None:
    trust, correction = step(Trust(), look())
    assert (trust.state, correction) == ("synced", Correction("synced", 0))
    assert step(trust, look(utc_ms=NOW_MS + 9000, mono_ms=14_000))[1] is None


def test_clock_is_unset_until_somebody_vouches_for_it() -> None:
    trust, correction = step(Trust(), look(is_synced=False))
    assert (trust.state, correction) == ("unset", None)
    trust, correction = step(trust, look(utc_ms=NOW_MS + 61_000, mono_ms=6_000))
    assert (trust.state, correction) == ("synced", Correction("synced", 60_000))


def test_clock_of_1970_is_unset_whatever_the_kernel_says() -> None:
    trust, correction = step(Trust(synced_mono_ms=0), look(utc_ms=IN_1970_MS))
    assert (trust.state, correction) == ("unset", None)


def test_clock_holds_over_when_what_kept_it_has_gone() -> None:
    trust, _ = step(Trust(), look())
    trust, correction = step(trust, look(is_synced=False))
    assert (trust.state, correction) == ("holdover", None)
    trust, correction = step(trust, look())
    assert (trust.state, correction) == ("synced", None)


def test_clock_that_nobody_kept_for_a_week_is_trusted_no_more() -> None:
    trust, _ = step(Trust(), look(mono_ms=0))
    for mono_ms, state in ((HOLDOVER_MS_MAX, "holdover"), (HOLDOVER_MS_MAX + 1, "unset")):
        later = look(utc_ms=NOW_MS + mono_ms, mono_ms=mono_ms, is_synced=False)
        trust, correction = step(trust, later)
        assert (trust.state, correction) == (state, None)
    mono_ms = HOLDOVER_MS_MAX + 5000
    trust, correction = step(trust, look(utc_ms=NOW_MS + mono_ms + 800, mono_ms=mono_ms))
    assert (trust.state, correction) == ("synced", Correction("synced", 800))


def test_step_is_told_with_its_size_when_it_is_over_a_second() -> None:
    trust, _ = step(Trust(), look())
    trust, correction = step(trust, look(utc_ms=NOW_MS + 1000))
    assert correction is None
    trust, correction = step(trust, look(utc_ms=NOW_MS + 1001))
    assert correction == Correction("stepped", 1001)
    trust, correction = step(trust, look(utc_ms=NOW_MS - 3_600_000))
    assert correction == Correction("stepped", -3_601_001)
    assert step(trust, look(utc_ms=NOW_MS - 3_600_000))[1] is None


@given(
    st.lists(
        st.builds(
            Sample,
            st.booleans(),
            st.integers(0, 2 * NOW_MS),
            st.integers(0, 10**12),
        )
    )
)
def test_sum_of_what_is_told_is_where_the_clock_is_within_a_second(samples: list[Sample]) -> None:
    trust, moved_ms, offsets = Trust(), 0, []
    for sample in samples:
        trust, correction = step(trust, sample)
        moved_ms += correction.step_ms if correction else 0
        offsets.append(sample.utc_ms - sample.mono_ms)
        assert abs(offsets[-1] - offsets[0] - moved_ms) <= 1000


def test_record_maps_boot_and_monotonic_time_to_utc() -> None:
    clock = ManualClock(utc_ms=NOW_MS)
    words = [False, True]
    trust = ClockTrust(clock, boot="b00t", make_id=lambda: "01J", is_synced=lambda: words[0])
    assert trust.check() == []
    assert trust.read().state == "unset"
    words.pop(0)
    clock.move(1.5)
    (draft,) = trust.check()
    assert (draft.feed, draft.kind, draft.clock.state) == ("alerts", "clock", "synced")
    assert draft.data == {
        "reason": "synced",
        "boot": "b00t",
        "mono_ms": 1500,
        "utc": "2026-09-21T14:13:21.500Z",
        "step_ms": 0,
    }
    assert trust.read().mono_ms == 1500
    assert trust.check() == []


def test_earlier_process_of_this_boot_has_told_that_it_is_good() -> None:
    bodies = [
        b'{"clock":{"boot":"b00t","mono_ms":1,"state":"unset"}}',
        b'{"clock":{"boot":"other","mono_ms":1,"state":"synced"}}',
    ]
    assert find_synced(bodies, "b00t") is None
    bodies.append(b'{"clock":{"boot":"b00t","mono_ms":9,"state":"holdover"}}')
    assert find_synced(bodies, "b00t") == 0, "nobody knows since when it was not any more"
    bodies.append(b'{"clock":{"boot":"b00t","mono_ms":7,"state":"synced"}}')
    assert find_synced(bodies, "b00t") == 7


def test_kernel_is_asked_with_its_own_structure() -> None:
    """208 bytes, `status` at 40 and `tick` at 88: what the 64-bit C compiler makes of it."""
    asked = Timex()
    ctypes.CDLL(None).adjtimex(ctypes.byref(asked))
    assert ctypes.sizeof(Timex) == 208
    assert (Timex.status.offset, Timex.tick.offset) == (40, 88)
    assert 9_000 <= asked.tick <= 11_000
    assert kernel_is_synced() in (True, False)
    assert len(read_boot_id()) == 36
