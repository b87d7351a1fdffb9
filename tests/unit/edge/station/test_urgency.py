"""The order in which files are fetched."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from edge.station.ports.vault import Wanted
from edge.station.urgency import is_snapshot, order, pick, place

A_CLIP = Wanted("SG-017", "c" * 64, 1000, "video/mp4", "clip", "yard", True, 5_000)

files = st.builds(
    replace,
    st.just(A_CLIP),
    sha256=st.text("0123456789abcdef", min_size=64, max_size=64),
    role=st.sampled_from(["snapshot", "clip", "thermal", "evidence", "face", "one of tomorrow"]),
    is_alert=st.booleans(),
    opened_ms=st.integers(0, 2**45),
    tries=st.integers(0, 3),
)


def test_snapshots_come_before_clips_and_clips_before_captures_when_all_are_wanted() -> None:
    snapshot = replace(A_CLIP, sha256="a" * 64, role="snapshot", opened_ms=1)
    capture = replace(A_CLIP, sha256="b" * 64, role="snapshot", is_alert=False, opened_ms=9_000)

    assert order([capture, A_CLIP, snapshot]) == [snapshot, A_CLIP, capture]


def test_the_newest_alert_comes_first_when_roles_are_equal() -> None:
    newer = replace(A_CLIP, sha256="0" * 64, opened_ms=5_001)

    assert order([A_CLIP, newer]) == [newer, A_CLIP]


def test_one_that_failed_comes_after_its_like_but_before_a_lesser_role_when_it_is_due() -> None:
    failed = replace(A_CLIP, sha256="a" * 64, role="snapshot", tries=1)
    fresh = replace(A_CLIP, sha256="b" * 64, role="snapshot", opened_ms=1)

    assert order([A_CLIP, failed, fresh]) == [fresh, failed, A_CLIP]


def test_one_that_failed_waits_and_blocks_nobody_when_it_is_not_due() -> None:
    due = {A_CLIP.sha256: 100}
    older = replace(A_CLIP, sha256="0" * 64, opened_ms=1)
    files = order([older, A_CLIP])

    before = pick(files, taken=(), due_ns=due, now_ns=99)
    after = pick(files, taken=(), due_ns=due, now_ns=100)

    assert (before, after) == (older, A_CLIP)


def test_what_is_on_its_way_is_not_picked_again() -> None:
    assert pick([A_CLIP], taken={A_CLIP.sha256}, due_ns={}, now_ns=0) is None


@given(st.lists(files, unique_by=lambda each: each.sha256))
def test_order_is_total_and_the_same_whatever_came_first(some: list[Wanted]) -> None:
    assert order(some) == order(reversed(some))
    assert len({place(each) for each in some}) == len(some)
    stills = [is_snapshot(each) for each in order(some)]
    assert stills == sorted(stills, reverse=True)
