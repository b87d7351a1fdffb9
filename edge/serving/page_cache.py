"""Answers that hold until a feed grows: made once, then given to everybody who asks the same."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass

CACHE_BYTES_MAX = 4 * 2**20
"""Some forty pages of a hundred alerts."""


@dataclass(frozen=True, slots=True)
class _Kept:
    state: Hashable
    body: bytes


class PageCache:
    """Bodies by what was asked, each good for one state of the log; the longest unused one goes."""

    def __init__(self, bytes_max: int = CACHE_BYTES_MAX) -> None:
        """`bytes_max` bounds the bodies together; a larger one is not kept."""
        self._bytes_max = bytes_max
        self._size_bytes = 0
        self._kept: OrderedDict[Hashable, _Kept] = OrderedDict()

    def find(self, asked: Hashable, state: Hashable) -> bytes | None:
        """Give the body that was made of this very state, or None."""
        kept = self._kept.get(asked)
        if kept is None or kept.state != state:
            return None
        self._kept.move_to_end(asked)
        return kept.body

    def keep(self, asked: Hashable, state: Hashable, body: bytes) -> None:
        """Keep a body; `state` is what the log was before it was read."""
        self._drop(asked)
        if len(body) > self._bytes_max:
            return
        self._kept[asked] = _Kept(state, body)
        self._size_bytes += len(body)
        while self._size_bytes > self._bytes_max:
            self._drop(next(iter(self._kept)))

    def _drop(self, asked: Hashable) -> None:
        if (kept := self._kept.pop(asked, None)) is not None:
            self._size_bytes -= len(kept.body)
