"""What has been handed to the log and is not on disk yet."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from concurrent.futures import Future
from typing import Any

from edge.feeds import Draft


class Waiting:
    """Records on their way to the disk; any thread may ask."""

    def __init__(self) -> None:
        """None is on its way."""
        self._drafts: dict[int, Sequence[Draft]] = {}
        self._numbers = itertools.count()

    def add(self, drafts: Sequence[Draft], written: Future[Any]) -> None:
        """Count records in until `written` is done, however it ends."""
        number = next(self._numbers)
        self._drafts[number] = drafts
        written.add_done_callback(lambda _: self._drafts.pop(number))

    def all(self) -> list[Draft]:
        """All of them, in the order in which they were handed over."""
        return [draft for drafts in list(self._drafts.values()) for draft in drafts]
