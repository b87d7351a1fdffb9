from __future__ import annotations

from edge.serving.seats import Seats


def count_taken(seats: Seats, address: str, *, tries: int) -> int:
    return sum(seats.take(address) is not None for _ in range(tries))


def test_address_has_sixty_four_seats_and_loopback_more() -> None:
    seats = Seats()
    assert count_taken(seats, "10.0.0.9", tries=100) == 64
    assert count_taken(seats, "::ffff:10.0.0.9", tries=1) == 0
    assert count_taken(seats, "10.0.0.8", tries=1) == 1
    assert count_taken(seats, "127.0.0.1", tries=1100) == 1024


def test_neighbours_in_one_ipv6_network_share_seats() -> None:
    seats = Seats()
    taken = sum(seats.take(f"2001:db8::{each:x}") is not None for each in range(100))
    assert taken == 64


def test_loopback_of_ipv6_has_as_many_as_that_of_ipv4() -> None:
    assert count_taken(Seats(), "::1", tries=200) == 200


def test_seat_is_free_again_once_when_it_is_left_twice() -> None:
    seats = Seats()
    held = [seats.take("10.0.0.9") for _ in range(64)]
    assert held[0] is not None
    held[0].leave()
    held[0].leave()
    assert count_taken(seats, "10.0.0.9", tries=3) == 1


def test_no_seat_is_left_when_the_house_is_full() -> None:
    seats = Seats(seats_max=3)
    assert count_taken(seats, "10.0.0.9", tries=2) == 2
    assert count_taken(seats, "10.0.0.8", tries=2) == 1
