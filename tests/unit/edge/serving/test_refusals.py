"""Refusals are counted: one record a minute of each kind, and bounded whoever asks."""

from __future__ import annotations

from edge.serving.refusals import KEYS_MAX, OTHERS, Refusals, Refused

S = 1_000_000_000


def refuse(refusals: Refusals, name: str, *, at_s: float, detail: str = "no") -> None:
    what = Refused(name, "10.0.0.9", "GET /v1/config", 403)
    refusals.add(what, detail=detail, reason="", now_ms=int(at_s * 1000))


def test_first_is_told_at_once_and_the_rest_once_a_minute() -> None:
    refusals = Refusals()
    refuse(refusals, "desk", at_s=1)
    (first,) = refusals.take_due(now_ns=2 * S)
    assert (first.count, first.first_ms, first.last_ms) == (1, 1000, 1000)
    for second in range(3, 60):
        refuse(refusals, "desk", at_s=second, detail=f"no {second}")
        assert refusals.take_due(now_ns=second * S) == []
    (rest,) = refusals.take_due(now_ns=62 * S)
    assert (rest.count, rest.first_ms, rest.last_ms, rest.detail) == (57, 3000, 59_000, "no 59")
    assert refusals.take_due(now_ns=200 * S) == []


def test_memory_is_bounded_and_no_refusal_is_left_out() -> None:
    refusals = Refusals()
    for number in range(3 * KEYS_MAX):
        refuse(refusals, f"caller-{number}", at_s=1)
    due = refusals.take_due(now_ns=2 * S)
    assert len(due) == KEYS_MAX + 1
    assert sum(each.count for each in due) == 3 * KEYS_MAX
    assert due[-1].what.name == OTHERS
    for number in range(KEYS_MAX):
        refuse(refusals, f"later-{number}", at_s=3)
    assert len(refusals.take_due(now_ns=100 * S)) == KEYS_MAX, "those told have made room"
