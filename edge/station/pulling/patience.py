"""Asks a pole for one thing again and again, where its answers are wrong without ending the rest.

A pole that is out of reach, or that refuses us, ends everything that is asked of it: that is not
caught here.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from edge.errors import PoleWrong
from edge.station.pulling.one_pole import OnePole
from edge.station.pulling.ports import PoleBusy

FIRST_S = 5.0
WAIT_S_MAX = 60.0

_Answer = TypeVar("_Answer")
_log = logging.getLogger(__name__)


class Patience:
    """For one task; waits longer each time that something is wrong again."""

    def __init__(self, pole: OnePole) -> None:
        """Nothing has gone wrong."""
        self._pole = pole
        self._wait_s = FIRST_S
        self._said: dict[str, str] = {}

    async def ask(self, what: str, ask: Callable[[], Awaitable[_Answer]]) -> _Answer | None:
        """Ask for something.

        Args:
            what: as desks are told where it goes wrong.
            ask: does it.

        Returns:
            The answer; None, after a while, where it was wrong or can't be given just now.

        Raises:
            PoleError: the pole can't be reached, or refuses us.
            StoreError: the disk here takes nothing.
        """
        pole = self._pole
        try:
            answer = await ask()
        except (PoleWrong, PoleBusy) as exc:
            pole.contact.trouble(what, str(exc))
            if self._said.get(what) != str(exc):
                self._said[what] = str(exc)
                _log.warning("not given: pole=%s what=%s reason=%s", pole.name, what, exc)
            await pole.passing.sleep(self._wait_s * (1 + 0.25 * pole.passing.dice()))
            self._wait_s = min(2 * self._wait_s, WAIT_S_MAX)
            return None
        self._said.pop(what, None)
        pole.contact.clear(what)  # it may have been said before the pole was met again
        self._wait_s = FIRST_S
        return answer
