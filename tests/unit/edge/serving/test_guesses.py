from __future__ import annotations

import pytest

from edge.serving.guesses import ADDRESSES_MAX, Guesses, Tally, network_of

S = 1_000_000_000


def guess(guesses: Guesses, address: str, *, at_s: float) -> int | None:
    return guesses.add(address, now_ns=int(at_s * S), now_ms=int(at_s * 1000))


def test_twenty_wrong_tokens_are_looked_at_and_the_next_waits() -> None:
    guesses = Guesses()
    assert [guess(guesses, "10.0.0.9", at_s=each) for each in range(20)] == [None] * 20
    assert guess(guesses, "10.0.0.9", at_s=20) == 40
    assert guess(guesses, "10.0.0.9", at_s=59.5) == 1
    assert guess(guesses, "10.0.0.9", at_s=60) is None
    assert guess(guesses, "10.0.0.9", at_s=60) == 1


def test_waiting_is_not_prolonged_when_guesses_go_on() -> None:
    guesses = Guesses()
    for _ in range(500):
        guess(guesses, "10.0.0.9", at_s=1)
    assert guess(guesses, "10.0.0.9", at_s=61) is None


def test_addresses_wait_each_for_itself() -> None:
    guesses = Guesses()
    for _ in range(21):
        guess(guesses, "10.0.0.9", at_s=1)
    assert guess(guesses, "10.0.0.8", at_s=1) is None


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("10.0.0.9", "10.0.0.9"),
        ("::ffff:10.0.0.9", "10.0.0.9"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("unknown", "unknown"),
    ],
)
def test_network_is_what_one_customer_has(address: str, network: str) -> None:
    assert network_of(address) == network


def test_wrong_tokens_are_told_once_a_minute_with_their_count() -> None:
    guesses = Guesses()
    guess(guesses, "10.0.0.9", at_s=1)
    assert guesses.take_due(now_ns=2 * S) == [Tally("10.0.0.9", 1, 1000, 1000)]
    guess(guesses, "10.0.0.9", at_s=3)
    guess(guesses, "10.0.0.9", at_s=50)
    assert guesses.take_due(now_ns=61 * S) == []
    assert guesses.take_due(now_ns=62 * S) == [Tally("10.0.0.9", 2, 3000, 50_000)]
    assert guesses.take_due(now_ns=200 * S) == []


def test_those_turned_away_are_counted_for_the_record() -> None:
    guesses = Guesses()
    for _ in range(100):
        guess(guesses, "10.0.0.9", at_s=1)
    assert guesses.take_due(now_ns=S) == [Tally("10.0.0.9", 100, 1000, 1000)]


def test_memory_is_bounded_when_a_net_of_addresses_guesses() -> None:
    guesses = Guesses()
    for each in range(3 * ADDRESSES_MAX):
        guess(guesses, f"2001:db8:0:{each:x}::1", at_s=1)
    tallies = guesses.take_due(now_ns=S)
    assert len(tallies) == ADDRESSES_MAX + 1
    assert tallies[-1] == Tally("others", 2 * ADDRESSES_MAX, 1000, 1000)


def test_room_is_made_when_those_of_before_are_quiet() -> None:
    guesses = Guesses()
    for each in range(ADDRESSES_MAX):
        guess(guesses, f"2001:db8:0:{each:x}::1", at_s=1)
    guesses.take_due(now_ns=S)
    guess(guesses, "10.0.0.9", at_s=100)
    assert guesses.take_due(now_ns=100 * S) == [Tally("10.0.0.9", 1, 100_000, 100_000)]
