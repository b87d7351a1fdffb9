from __future__ import annotations

from edge.serving.patience import Pace, Patience

PATIENCE = Patience()


def test_headers_are_awaited_for_ten_seconds_from_their_first_byte() -> None:
    pace = Pace(100)
    pace.await_headers(109)
    assert pace.find_slow(109.9, PATIENCE) is None
    assert pace.find_slow(110, PATIENCE) == "headers"


def test_nothing_is_awaited_between_requests() -> None:
    pace = Pace(100)
    pace.end_body()
    assert pace.find_slow(10_000, PATIENCE) is None
    pace.await_headers(10_000)
    assert pace.find_slow(10_010, PATIENCE) == "headers"


def test_body_is_awaited_for_twenty_seconds_from_its_headers() -> None:
    pace = Pace(100)
    pace.begin_body(109)
    assert pace.find_slow(128.9, PATIENCE) is None
    assert pace.find_slow(129, PATIENCE) == "body"
    pace.end_body()
    assert pace.find_slow(129, PATIENCE) is None


def test_reader_is_slow_when_it_takes_less_than_four_kib_in_time() -> None:
    pace = Pace(0)
    pace.end_body()
    pace.take(1, unsent_bytes=50_000, taken_bytes=1000)
    pace.take(25, unsent_bytes=49_000, taken_bytes=5095)
    assert pace.find_slow(25.9, PATIENCE) is None
    assert pace.find_slow(26, PATIENCE) == "reading"


def test_reader_is_no_longer_slow_when_it_goes_on() -> None:
    pace = Pace(0)
    pace.end_body()
    pace.take(1, unsent_bytes=50_000, taken_bytes=1000)
    pace.take(25, unsent_bytes=50_000, taken_bytes=5096)
    assert pace.find_slow(49.9, PATIENCE) is None
    assert pace.find_slow(50, PATIENCE) == "reading"


def test_reader_is_not_slow_when_nothing_waits_for_it() -> None:
    pace = Pace(0)
    pace.end_body()
    pace.take(1, unsent_bytes=50_000, taken_bytes=0)
    pace.take(20, unsent_bytes=0, taken_bytes=0)
    assert pace.find_slow(1000, PATIENCE) is None
