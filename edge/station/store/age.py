"""How old things here are: by the time in which the store was open, not by the clock on the wall.

A clock that was never set, or that leaps by years, must let nothing go before its time; a station
that stood still keeps things as much longer. A kill forgets a minute of age.
"""

from __future__ import annotations

from dataclasses import dataclass

import apsw

from edge.clock import Clock

DAY_MS = 86_400_000
_HOUR_MS = 3_600_000
_NS_PER_MS = 1_000_000


class Age:
    """The store's age in this process; any thread may ask."""

    def __init__(self, clock: Clock) -> None:
        """It is 0 until `go_on`."""
        self._clock = clock
        self._noted_ms, self._since_ns = 0, clock.monotonic_ns()

    def go_on(self, noted_ms: int) -> None:
        """Count on from what an earlier process has noted."""
        self._noted_ms, self._since_ns = noted_ms, self._clock.monotonic_ns()

    def now_ms(self) -> int:
        """For how long the store has been open, in all."""
        return self._noted_ms + (self._clock.monotonic_ns() - self._since_ns) // _NS_PER_MS


@dataclass(frozen=True, slots=True)
class Mark:
    """What was the newest at an age: number of a record, number of an alert."""

    record: int
    alert: int


def note_age(connection: apsw.Connection, age: Age) -> None:
    """Note how old the store is and what is its newest; of each hour the last note stays."""
    now_ms = age.now_ms()
    connection.execute(
        "DELETE FROM age WHERE age_ms >= ? AND age_ms < ?", (now_ms // _HOUR_MS * _HOUR_MS, now_ms)
    )
    connection.execute(
        "INSERT OR REPLACE INTO age VALUES (?1,"
        " ifnull((SELECT seq FROM sqlite_sequence WHERE name = 'record'), 0),"
        " ifnull((SELECT seq FROM sqlite_sequence WHERE name = 'alert'), 0))",
        (now_ms,),
    )


def noted_age_ms(connection: apsw.Connection) -> int:
    """The age that was noted last."""
    (found,) = next(connection.execute("SELECT ifnull(max(age_ms), 0) FROM age"))
    return int(found)


def find_mark(connection: apsw.Connection, age: Age, *, days: int) -> Mark:
    """The newest of what has been here for so many days; 0: nothing has."""
    found = connection.execute(
        "SELECT record, alert FROM age WHERE age_ms <= ? ORDER BY age_ms DESC LIMIT 1",
        (age.now_ms() - days * DAY_MS,),
    )
    return Mark(*next(found, (0, 0)))
