"""The station's doorkeeper: the users of its configuration, and the audit of who came."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from edge.serving.access import Owner
from edge.serving.audit import AuditBook
from edge.serving.guesses import Tally
from edge.serving.routes import Caller
from edge.station.config import SCOPES_OF, User


class StationDoorkeeper:
    """See `Doorkeeper`."""

    def __init__(self, users: Iterable[User], book: AuditBook) -> None:
        """`users` are those that count, `book` is where callers are put on record."""
        self._owners = {user.token_hash: Owner(user.name, SCOPES_OF[user.role]) for user in users}
        self._book = book

    def find_owner(self, token_sha256: str) -> Owner | None:
        """Whose token has this hash."""
        return self._owners.get(token_sha256)

    async def note_session(self, caller: Caller) -> None:
        """Put on record that somebody signed in."""
        await self._book.note_session(caller)

    async def note_wrong_tokens(self, tallies: Sequence[Tally]) -> None:
        """Put on record that wrong tokens came."""
        await self._book.note_wrong_tokens(tallies)
