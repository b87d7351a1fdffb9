"""A budget of bytes an hour: the last quarter is for snapshots, alerts never wait."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.clock import NS_PER_S
from edge.serving.link_budget import Budget, Rank

HOUR_NS = 3600 * NS_PER_S
START_NS = 7 * HOUR_NS + 17 * NS_PER_S


def waits(budget: Budget, now_ns: int) -> dict[Rank, bool]:
    return {rank: budget.wait_s(rank, now_ns) > 0 for rank in Rank}


def test_nobody_waits_while_there_is_room() -> None:
    budget = Budget(1000)
    budget.spend(749, START_NS)
    assert not any(waits(budget, START_NS).values())


def test_clips_and_the_rest_wait_at_three_quarters_and_snapshots_at_the_whole() -> None:
    budget = Budget(1000)
    budget.spend(750, START_NS)
    assert waits(budget, START_NS) == {
        Rank.ALERTS: False, Rank.SNAPSHOTS: False, Rank.CLIPS: True, Rank.REST: True,
    }  # fmt: skip
    budget.spend(250, START_NS)
    assert waits(budget, START_NS)[Rank.SNAPSHOTS]
    budget.spend(10_000, START_NS)
    assert not waits(budget, START_NS)[Rank.ALERTS]


def test_bytes_are_forgotten_after_an_hour_and_not_before() -> None:
    budget = Budget(1000)
    budget.spend(600, START_NS)
    budget.spend(600, START_NS + HOUR_NS // 2)
    assert budget.used_bytes(START_NS + HOUR_NS) == 1200
    assert budget.used_bytes(START_NS + HOUR_NS + 61 * NS_PER_S) == 600
    assert budget.used_bytes(START_NS + 2 * HOUR_NS) == 0


@pytest.mark.parametrize("rank", [Rank.SNAPSHOTS, Rank.CLIPS, Rank.REST])
@given(st.lists(st.tuples(st.integers(0, 400), st.integers(0, 900)), min_size=1, max_size=30))
def test_who_waits_as_long_as_he_is_told_may_go_on(
    rank: Rank, spent: list[tuple[int, int]]
) -> None:
    budget, now_ns = Budget(1000), START_NS
    for size_bytes, pause_s in spent:
        budget.spend(size_bytes, now_ns)
        now_ns += pause_s * NS_PER_S
    wait_s = budget.wait_s(rank, now_ns)
    assert budget.wait_s(rank, now_ns + round(wait_s * NS_PER_S)) == 0
    assert wait_s <= 3660


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50_000)), max_size=200))
def test_memory_is_one_number_a_minute(spent: list[tuple[int, int]]) -> None:
    budget, now_ns = Budget(10**6), START_NS
    for pause_s, size_bytes in spent:
        now_ns += pause_s * NS_PER_S
        budget.spend(size_bytes, now_ns)
    assert len(budget._bins) <= 62
