"""The end of a feed in memory: the same pages as from the whole feed, or none."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from edge.agent.log.recent import BYTES_MAX, COUNT_MAX, Recent
from edge.evidence import Sealed
from edge.feeds import Head, Page, Placed


def make_placed(seq: int, *, camera: str | None = None, size_bytes: int = 0) -> Placed:
    body = f"record {seq} ".encode().ljust(size_bytes, b".")
    return Placed("alerts", seq, camera, Sealed(body, f"hash {seq}"))


def filled(count: int, *, size_bytes: int = 0) -> Recent:
    recent = Recent(Head(0, "", 1))
    for seq in range(1, count + 1):
        recent.add(make_placed(seq, size_bytes=size_bytes))
    return recent


def test_page_ends_at_the_limit_and_says_that_there_is_more() -> None:
    recent = filled(5)
    assert recent.page(after=1, limit=2) == Page((b"record 2 ", b"record 3 "), 3, True, 1)
    assert recent.page(after=3, limit=2) == Page((b"record 4 ", b"record 5 "), 5, False, 1)
    assert recent.page(after=5, limit=2) == Page((), 5, False, 1)
    assert recent.head == Head(5, "hash 5", 1)


def test_empty_feed_has_an_empty_page() -> None:
    assert filled(0).page(after=0, limit=10) == Page((), 0, False, 1)


def test_what_is_on_disk_only_is_not_given() -> None:
    recent = Recent(Head(100, "hash 100", 1), [make_placed(99), make_placed(100)])
    assert recent.page(after=97, limit=10) is None
    page = recent.page(after=98, limit=10)
    assert page is not None
    assert len(page.bodies) == 2


def test_memory_is_bounded_in_count() -> None:
    recent = filled(COUNT_MAX + 3)
    assert recent.page(after=2, limit=1) is None
    assert recent.page(after=3, limit=1) is not None


def test_memory_is_bounded_in_bytes() -> None:
    half = BYTES_MAX // 2
    recent = filled(5, size_bytes=half)
    assert recent.page(after=2, limit=9) is None
    page = recent.page(after=3, limit=9)
    assert page is not None
    assert [len(body) for body in page.bodies] == [half, half]


def test_record_larger_than_all_memory_is_left_to_the_disk() -> None:
    recent = filled(1, size_bytes=BYTES_MAX + 1)
    assert recent.page(after=0, limit=1) is None
    assert recent.page(after=1, limit=1) == Page((), 1, False, 1)


_CAMERAS = st.sampled_from(["yard", "gate", None])


@given(
    st.lists(_CAMERAS, max_size=40),
    st.none() | st.frozensets(st.sampled_from(["yard", "gate", "dock"])),
    st.integers(1, 7),
    st.integers(0, 45),
)
def test_walk_by_pages_meets_every_record_once(
    cameras: list[str | None], wanted: frozenset[str] | None, limit: int, start: int
) -> None:
    recent = Recent(Head(0, "", 1))
    placed = [make_placed(seq, camera=camera) for seq, camera in enumerate(cameras, 1)]
    for each in placed:
        recent.add(each)
    found: list[bytes] = []
    after, has_more = start, True
    while has_more:
        page = recent.page(after=after, limit=limit, cameras=wanted)
        assert page is not None
        assert len(page.bodies) <= limit
        assert page.next_seq > after or not page.has_more
        found += page.bodies
        after, has_more = page.next_seq, page.has_more
    assert after == max(start, len(cameras))
    assert found == [
        each.sealed.body
        for each in placed
        if each.seq > start and (wanted is None or each.camera in wanted)
    ]
