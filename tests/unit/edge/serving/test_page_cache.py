from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from edge.serving.page_cache import PageCache

questions = st.sampled_from("abcdef")
states = st.integers(0, 3)


def test_body_is_given_until_the_state_is_another() -> None:
    cache = PageCache()
    cache.keep("open", 1, b"page")

    assert cache.find("open", 1) == b"page"
    assert cache.find("open", 2) is None
    assert cache.find("all", 1) is None


def test_longest_unused_body_goes_when_there_is_no_room() -> None:
    cache = PageCache(bytes_max=10)
    cache.keep("a", 1, b"1234")
    cache.keep("b", 1, b"1234")
    cache.find("a", 1)
    cache.keep("c", 1, b"1234")

    assert cache.find("b", 1) is None
    assert cache.find("a", 1) == b"1234"
    assert cache.find("c", 1) == b"1234"


def test_body_that_is_larger_than_all_room_is_not_kept() -> None:
    cache = PageCache(bytes_max=10)
    cache.keep("a", 1, b"1234")
    cache.keep("a", 2, b"x" * 11)

    assert cache.find("a", 1) is None
    assert cache.find("a", 2) is None


@given(st.lists(st.tuples(questions, states, st.integers(0, 12))))
def test_what_is_kept_never_exceeds_its_room(kept: list[tuple[str, int, int]]) -> None:
    cache = PageCache(bytes_max=10)
    for asked, state, size in kept:
        cache.keep(asked, state, b"x" * size)
        found = [body for each in "abcdef" for at in range(4) if (body := cache.find(each, at))]
        assert sum(map(len, found)) <= 10
