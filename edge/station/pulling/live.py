"""Live pictures of poles for those at a desk: how many at once, and what of an answer they see."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from edge.errors import ViewsFull
from edge.station.ports.links import LiveAnswer, Stream
from edge.station.pulling.ports import PoleClient

VIEWS_OF_POLE_MAX = 4
"""A pole's link is made for alerts; its own limits are wider."""
VIEWS_MAX = 32
_PASSED = frozenset({"content-type", "content-length"})
_PASSED_PREFIX = "polewatch-"
_VALUE_CHARS = 300


class LiveViews:
    """All views that are open; for one event loop."""

    def __init__(self, clients: Mapping[str, PoleClient]) -> None:
        """`clients`: by the name of the pole."""
        self._clients = clients
        self._open: Counter[str] = Counter()

    def open(
        self, pole: str, path: str, query: Mapping[str, str], *, reason: str = ""
    ) -> AbstractAsyncContextManager[Stream]:
        """Ask a pole for pictures and hold its answer for the block.

        Raises:
            ViewsFull: enough are open, of this pole or in all, on entering.
            PoleError: the pole does not answer, on entering.
        """
        return self._hold(pole, path, query, reason)

    @asynccontextmanager
    async def _hold(
        self, pole: str, path: str, query: Mapping[str, str], reason: str
    ) -> AsyncIterator[Stream]:
        if self._open[pole] >= VIEWS_OF_POLE_MAX:
            raise ViewsFull(f"{VIEWS_OF_POLE_MAX} views of {pole} are open; close one of them")
        if self._open.total() >= VIEWS_MAX:
            raise ViewsFull(f"{VIEWS_MAX} live views are open at the station; close one of them")
        self._open[pole] += 1
        try:
            async with self._clients[pole].open_live(path, query, reason=reason) as stream:
                yield _Passed(stream)
        finally:
            self._open[pole] -= 1


class _Passed:
    """A pole's answer without what is not for those who look."""

    def __init__(self, stream: Stream) -> None:
        """`stream` is open, its owner closes it."""
        self._stream = stream
        self.answer = pass_headers(stream.answer)

    async def read(self) -> bytes:
        """The next bytes; empty at its end."""
        return await self._stream.read()


def pass_headers(answer: LiveAnswer) -> LiveAnswer:
    """Leave of an answer what a desk may see: no cookie, no address, nothing that steers it."""
    kept = {
        name: value
        for name, value in answer.headers.items()
        if (name.lower() in _PASSED or name.lower().startswith(_PASSED_PREFIX))
        and len(value) <= _VALUE_CHARS
        and value.isprintable()
    }
    return LiveAnswer(answer.status, kept)
