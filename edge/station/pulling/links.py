"""What the API sees of pulling: each pole's view, who waits for news of it, live pictures."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager

from edge.station.ports.links import PoleView, Stream
from edge.station.pulling.contact import Contacts
from edge.station.pulling.live import LiveViews


class PoleLinks:
    """`Links` over the contacts of all poles; for one event loop."""

    def __init__(self, contacts: Contacts, live: LiveViews) -> None:
        """Owns neither."""
        self._contacts, self._live = contacts, live

    @property
    def names(self) -> tuple[str, ...]:
        """The poles, as configured."""
        return self._contacts.names

    @property
    def change(self) -> int:
        """The newest change of any pole's view."""
        return self._contacts.change

    def change_of(self, pole: str) -> int:
        """The last change of one's view."""
        return self._contacts.of(pole).change

    def view(self, pole: str) -> PoleView:
        """What is known of one now."""
        return self._contacts.of(pole).view()

    async def wait_for_change(self, *, after: int, timeout_s: float) -> bool:
        """Wait until a pole's view changes; false: not in this time."""
        if self._contacts.change > after:
            return True
        return await self._contacts.waiters.wait(after=after, timeout_s=timeout_s)

    def nudge(self, pole: str) -> None:
        """Somebody has said something that this pole should be told soon."""
        self._contacts.of(pole).nudge()

    def open_live(
        self, pole: str, path: str, query: Mapping[str, str], *, reason: str = ""
    ) -> AbstractAsyncContextManager[Stream]:
        """See `LiveViews.open`."""
        return self._live.open(pole, path, query, reason=reason)
